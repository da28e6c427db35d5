//! Where sections lie (RFC 9051 §6.4.5.1), and what has to be read to answer for them.

use std::ops::Range;

use bytes::Bytes;
use roost_mime::limits::PREVIEW_SOURCE_MAX;
use roost_mime::{Kind, Section as Place, Structure, header, text};

use crate::backend::{Failure, Mailboxes, MessageId};
use crate::grammar::{FieldsMatch, Partial, Path, Section, SectionText};
use crate::limits::{DECODE_OCTETS, HEADER_OCTETS};

/// The octets of a section: where they are, or themselves.
#[derive(Debug)]
pub(super) enum Text {
    Range(Range<u64>),
    Octets(Bytes),
}

impl Text {
    /// RFC 9051 §6.4.5: `<from.count>`; nothing, beyond the end.
    pub(super) fn cut(self, partial: Option<Partial>) -> Self {
        let Some(Partial { from, count }) = partial else {
            return self;
        };
        let cut = |len: u64| from.min(len)..from.saturating_add(count.into()).min(len);
        match self {
            Self::Range(range) => {
                let within = cut(range.end - range.start);
                Self::Range(range.start + within.start..range.start + within.end)
            }
            Self::Octets(octets) => {
                let within = cut(octets.len() as u64);
                let index = |at: u64| usize::try_from(at).unwrap_or(octets.len());
                Self::Octets(octets.slice(index(within.start)..index(within.end)))
            }
        }
    }
}

/// The octets of a section; none where the message has no such part.
pub(super) async fn section<M: Mailboxes>(
    home: &M,
    id: MessageId,
    structure: &Structure,
    section: &Section,
) -> Result<Option<Text>, Failure> {
    let place = match &section.text {
        SectionText::Content => Place::Content,
        SectionText::Header | SectionText::Fields(_) => Place::Header,
        SectionText::Text => Place::Text,
        SectionText::Mime => Place::Mime,
    };
    let Some(span) = structure.section(&section.path, place) else {
        return Ok(None);
    };
    let SectionText::Fields(fields) = &section.text else {
        return Ok(Some(Text::Range(span.start..span.end)));
    };
    let end = span.end.min(span.start.saturating_add(HEADER_OCTETS));
    let octets = home.octets(id, span.start..end).await?;
    let chosen = header::select(&octets, |field| {
        let is_named = fields.names.iter().any(|name| field.is(name));
        match fields.matching {
            FieldsMatch::Named => is_named,
            FieldsMatch::Others => !is_named,
        }
    });
    Ok(Some(Text::Octets(chosen.into())))
}

/// A part without its transfer encoding.
pub(super) enum Decoded {
    Octets(Bytes),
    NoPart,
    UnknownEncoding,
}

/// RFC 3516 §4.2
pub(super) async fn decoded<M: Mailboxes>(
    home: &M,
    id: MessageId,
    structure: &Structure,
    path: &Path,
) -> Result<Decoded, Failure> {
    let Some(part) = structure.part(path) else {
        return Ok(Decoded::NoPart);
    };
    let end = part
        .body
        .end
        .min(part.body.start.saturating_add(DECODE_OCTETS));
    let encoded = home.octets(id, part.body.start..end).await?;
    if part.kind == Kind::Multipart {
        // RFC 2045 §6.4: a multipart is never encoded itself.
        return Ok(Decoded::Octets(encoded));
    }
    let Some(transfer) = part.transfer() else {
        return Ok(Decoded::UnknownEncoding);
    };
    let max = usize::try_from(DECODE_OCTETS).unwrap_or(usize::MAX);
    Ok(Decoded::Octets(match transfer.decode(&encoded, max) {
        std::borrow::Cow::Borrowed(plain) => encoded.slice_ref(plain),
        std::borrow::Cow::Owned(decoded) => decoded.into(),
    }))
}

/// RFC 8970; empty for a message without text.
pub(super) async fn preview<M: Mailboxes>(
    home: &M,
    id: MessageId,
    structure: &Structure,
) -> Result<String, Failure> {
    let Some(part) = text::preview_part(structure) else {
        return Ok(String::new());
    };
    let end = part
        .body
        .end
        .min(part.body.start.saturating_add(PREVIEW_SOURCE_MAX as u64));
    let encoded = home.octets(id, part.body.start..end).await?;
    Ok(text::preview(part.get(), &encoded))
}

//! What a search looks at inside a message: its sent date, header and text.

use std::sync::Arc;

use bytes::Bytes;
use jiff::civil::Date;
use roost_mime::header::Fields;
use roost_mime::{SentDate, Structure, charset, text};

use crate::backend::{Failure, Mailboxes, MessageId};
use crate::grammar::Key;
use crate::limits::DECODE_OCTETS;
use crate::session::reply::Ending;

pub(super) struct Content {
    structure: Arc<Structure>,
    /// The header of the message, or all of the message where its text is sought, too.
    octets: Bytes,
}

/// How much of a message a search reads.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Depth {
    /// The structure, which has the date.
    Structure,
    /// The header.
    Header,
    /// Everything.
    Body,
}

impl Content {
    /// Reads as much as the keys look at. `None` when the message is gone.
    pub(super) async fn load<M: Mailboxes>(
        home: &M,
        message: MessageId,
        keys: &[Key],
    ) -> Result<Option<Self>, Ending> {
        let structure = match home.structure(message).await {
            Ok(structure) => structure,
            Err(Failure::Expunged) => return Ok(None),
            Err(failure) => return Err(failure.into()),
        };
        let end = match keys.iter().map(depth).max() {
            Some(Depth::Header) => structure.root().header.end,
            Some(Depth::Body) => structure.root().whole().end,
            Some(Depth::Structure) | None => 0,
        };
        let octets = match end.min(DECODE_OCTETS) {
            0 => Bytes::new(),
            end => match home.octets(message, 0..end).await {
                Ok(octets) => octets,
                Err(Failure::Expunged) => return Ok(None),
                Err(failure) => return Err(failure.into()),
            },
        };
        Ok(Some(Self { structure, octets }))
    }

    /// The day on which the message says that it was sent.
    pub(super) fn sent(&self) -> Option<Date> {
        let date = self.structure.envelope().date.as_ref()?;
        SentDate::parse(date).map(|sent| sent.day)
    }

    /// RFC 9051 §6.4.4 HEADER: a field of that name has the text; any such field, for an empty text.
    pub(super) fn header_has(&self, name: &[u8], sought: &str) -> bool {
        let header = self.structure.root().header.of(&self.octets);
        let sought = fold(sought);
        Fields::new(header)
            .filter(|field| field.is(name))
            .any(|field| sought.is_empty() || fold(&field.text()).contains(&sought))
    }

    /// BODY: a text part has it.
    pub(super) fn body_has(&self, sought: &str) -> bool {
        let sought = fold(sought);
        let max = usize::try_from(DECODE_OCTETS).unwrap_or(usize::MAX);
        sought.is_empty()
            || self
                .structure
                .parts()
                .filter(|part| part.is_text())
                .any(|part| {
                    let encoded = part.body.of(&self.octets);
                    fold(&text::decoded(part.get(), encoded, max)).contains(&sought)
                })
    }

    /// TEXT: the header of the message or of a part has it, or a text part.
    pub(super) fn text_has(&self, sought: &str) -> bool {
        let folded = fold(sought);
        let in_header = |header: &[u8]| {
            fold(&charset::guess(header)).contains(&folded)
                || Fields::new(header).any(|field| fold(&field.text()).contains(&folded))
        };
        folded.is_empty()
            || self
                .structure
                .parts()
                .any(|part| in_header(part.header.of(&self.octets)))
            || self.body_has(sought)
    }
}

/// What upper and lower case have in common, near enough to RFC 5051's `i;unicode-casemap`.
fn fold(text: &str) -> String {
    text.to_lowercase()
}

fn depth(key: &Key) -> Depth {
    match key {
        Key::Header(..) => Depth::Header,
        Key::Body(_) | Key::Text(_) => Depth::Body,
        Key::And(keys) => keys.iter().map(depth).max().unwrap_or(Depth::Structure),
        Key::Or(both) => depth(&both.0).max(depth(&both.1)),
        Key::Not(key) => depth(key),
        _ => Depth::Structure,
    }
}

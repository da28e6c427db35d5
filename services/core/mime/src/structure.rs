//! What a message is made of: its parts, described, with offsets into the message.

use std::ops::{Deref, Range};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::envelope::Envelope;
use crate::octets::Octets;
use crate::transfer::Transfer;
use crate::{content, scan};

/// A span of octets of the message: `start` included, `end` excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Span {
    /// The first octet.
    pub start: u64,
    /// One past the last octet.
    pub end: u64,
}

impl Span {
    pub(crate) fn new(start: usize, end: usize) -> Self {
        Self {
            start: start as u64,
            end: end as u64,
        }
    }

    /// How many octets.
    #[must_use]
    pub fn octets(self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.octets() == 0
    }

    /// Whether `other` lies within it.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        self.start <= other.start && other.start <= other.end && other.end <= self.end
    }

    /// The octets of `message` that it names; empty when the message is shorter.
    #[must_use]
    pub fn of(self, message: &[u8]) -> &[u8] {
        self.range()
            .and_then(|range| message.get(range))
            .unwrap_or_default()
    }

    fn range(self) -> Option<Range<usize>> {
        Some(usize::try_from(self.start).ok()?..usize::try_from(self.end).ok()?)
    }
}

/// What a part holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Content of its own.
    Single,
    /// Parts: at least one, since IMAP's grammar has no empty multipart; a multipart without any is
    /// given one empty `text/plain` at its end.
    Multipart,
    /// A message (`message/rfc822`, `message/global`): exactly one child, the message's own root.
    Message,
}

/// A parameter of Content-Type or Content-Disposition.
///
/// RFC 2231 continuations are joined, as IMAP servers do. A joined value with charset information
/// keeps it, percent-encoded, under the name with a `*`: `filename*` = `utf-8''f%C3%A9`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// As sent.
    pub name: Octets,
    /// As sent, without quotes.
    pub value: Octets,
}

/// RFC 2183.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disposition {
    /// `inline`, `attachment` or another, as sent.
    pub kind: Octets,
    /// Such as `filename`.
    pub parameters: Vec<Parameter>,
}

/// One part, described. The root of a message, and of each message within it, is a part too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// What it holds.
    pub kind: Kind,
    /// The header, with the empty line that ends it where there is one.
    pub header: Span,
    /// The encoded body. It ends before the line break that belongs to a boundary.
    pub body: Span,
    /// Line feeds in the body.
    pub lines: u32,
    /// `text`, as sent; the default where absent or unreadable (RFC 2045 §5.2, RFC 2046 §5.1.5).
    pub media_type: Octets,
    /// `plain`, as sent or by default.
    pub media_subtype: Octets,
    /// Of Content-Type. `charset=us-ascii` where the type itself is the default.
    pub parameters: Vec<Parameter>,
    /// Content-ID.
    pub id: Option<Octets>,
    /// Content-Description, unfolded, encoded words kept.
    pub description: Option<Octets>,
    /// Content-Transfer-Encoding as sent; `7bit` where absent.
    pub encoding: Octets,
    /// Content-MD5.
    pub md5: Option<Octets>,
    /// Content-Disposition.
    pub disposition: Option<Disposition>,
    /// The tags of Content-Language.
    pub language: Vec<Octets>,
    /// Content-Location.
    pub location: Option<Octets>,
    /// There if and only if this part is the root of a message.
    pub envelope: Option<Box<Envelope>>,
    /// How many parts follow that are below this one.
    pub(crate) descendants: u32,
}

impl Part {
    /// Whether the type is `media_type/media_subtype`, without regard to case.
    #[must_use]
    pub fn is(&self, media_type: &str, media_subtype: &str) -> bool {
        self.media_type.is(media_type) && self.media_subtype.is(media_subtype)
    }

    /// Whether it is a single part of text.
    #[must_use]
    pub fn is_text(&self) -> bool {
        self.kind == Kind::Single && self.media_type.is("text")
    }

    /// Whether its sender wants it shown beside the message rather than in it.
    #[must_use]
    pub fn is_attachment(&self) -> bool {
        self.disposition
            .as_ref()
            .is_some_and(|disposition| disposition.kind.is("attachment"))
    }

    /// The value of a Content-Type parameter, without regard to the name's case.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&Octets> {
        content::find(&self.parameters, name)
    }

    /// The charset that a text part declares.
    #[must_use]
    pub fn charset(&self) -> Option<&Octets> {
        self.parameter("charset")
    }

    /// The file name: Content-Disposition's `filename`, else Content-Type's `name`; RFC 2231 and
    /// RFC 2047 forms decoded.
    #[must_use]
    pub fn file_name(&self) -> Option<String> {
        self.disposition
            .as_ref()
            .and_then(|disposition| content::text(&disposition.parameters, "filename"))
            .or_else(|| content::text(&self.parameters, "name"))
    }

    /// The transfer encoding; `None` when it is not one of RFC 2045's.
    #[must_use]
    pub fn transfer(&self) -> Option<Transfer> {
        Transfer::named(&self.encoding)
    }

    /// Octets from the start of the header to the end of the body.
    #[must_use]
    pub fn whole(&self) -> Span {
        Span {
            start: self.header.start,
            end: self.body.end.max(self.header.end),
        }
    }
}

/// Which octets of a part a client asks for (RFC 9051 §6.4.5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// `BODY[]`, `BODY[1.2]`: a whole message, or the encoded body of a part.
    Content,
    /// `HEADER` (and what `HEADER.FIELDS` chooses from): of the message, or of the message in a part.
    Header,
    /// `TEXT`: the body of the message, or of the message in a part.
    Text,
    /// `MIME`: the header of the part itself.
    Mime,
}

/// A whole message, described. Parts are kept in the order of the message, each before its
/// children, which makes the stored form flat and reading it free of recursion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Structure {
    pub(crate) root: Part,
    pub(crate) below: Vec<Part>,
}

impl Structure {
    /// Describes a message. Any octets are a message.
    #[must_use]
    pub fn parse(message: &[u8]) -> Self {
        scan::structure(message)
    }

    /// The message itself.
    #[must_use]
    pub fn root(&self) -> PartRef<'_> {
        PartRef {
            part: &self.root,
            rest: &self.below,
        }
    }

    /// The message's own envelope.
    #[must_use]
    pub fn envelope(&self) -> &Envelope {
        static EMPTY: LazyLock<Envelope> = LazyLock::new(Envelope::default);
        self.root.envelope.as_deref().unwrap_or(&EMPTY)
    }

    /// Every part, each before its children.
    pub fn parts(&self) -> impl Iterator<Item = PartRef<'_>> {
        let mut next = Some(self.root());
        std::iter::from_fn(move || {
            let current = next?;
            next = current
                .rest
                .split_first()
                .map(|(part, rest)| PartRef { part, rest });
            Some(current)
        })
    }

    /// The part that an IMAP part number names: `[]` is the message, `[1, 2]` is `1.2`.
    ///
    /// RFC 9051 §6.4.5.1: a message that is no multipart has one part, number 1, its body; a
    /// message within a part is entered without a number of its own.
    #[must_use]
    pub fn part(&self, path: &[u32]) -> Option<PartRef<'_>> {
        let mut part = self.root();
        let mut holder = Some(part);
        for &number in path {
            let within = holder?;
            let index = usize::try_from(number).ok()?.checked_sub(1)?;
            part = match within.kind {
                Kind::Multipart => within.children().nth(index)?,
                Kind::Single | Kind::Message if index == 0 => within,
                Kind::Single | Kind::Message => return None,
            };
            holder = match part.kind {
                Kind::Multipart => Some(part),
                Kind::Message => part.message(),
                Kind::Single => None,
            };
        }
        Some(part)
    }

    /// The octets that a section names, `None` when the message has no such part or the part no
    /// such section.
    #[must_use]
    pub fn section(&self, path: &[u32], section: Section) -> Option<Span> {
        let part = self.part(path)?;
        let message = match path {
            [] => Some(part),
            _ => part.message(),
        };
        match section {
            Section::Content if path.is_empty() => Some(part.whole()),
            Section::Content => Some(part.body),
            Section::Header => message.map(|message| message.header),
            Section::Text => message.map(|message| message.body),
            Section::Mime => Some(part.header),
        }
    }
}

/// A part together with what is below it.
#[derive(Debug, Clone, Copy)]
pub struct PartRef<'a> {
    part: &'a Part,
    /// The parts that follow in the message; its own descendants first.
    rest: &'a [Part],
}

impl<'a> PartRef<'a> {
    /// The description, with the structure's lifetime.
    #[must_use]
    pub fn get(self) -> &'a Part {
        self.part
    }

    /// The parts directly below.
    pub fn children(self) -> impl Iterator<Item = PartRef<'a>> {
        let mut below = self.below();
        std::iter::from_fn(move || {
            let (part, rest) = below.split_first()?;
            let child = PartRef { part, rest };
            below = rest.get(part.descendants as usize..).unwrap_or_default();
            Some(child)
        })
    }

    /// The root of the message that this part holds.
    #[must_use]
    pub fn message(self) -> Option<PartRef<'a>> {
        match self.part.kind {
            Kind::Message => self.children().next(),
            Kind::Single | Kind::Multipart => None,
        }
    }

    fn below(self) -> &'a [Part] {
        let count = self.part.descendants as usize;
        self.rest.get(..count).unwrap_or(self.rest)
    }
}

impl Deref for PartRef<'_> {
    type Target = Part;

    fn deref(&self) -> &Part {
        self.part
    }
}

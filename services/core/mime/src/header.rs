//! Header fields: where each begins and ends, to the octet.
//!
//! A line without a colon is a field without a name; a header ends at the first empty line or at
//! the end of what it is given. Lines end with LF; a CR before it belongs to the line end.

use std::borrow::Cow;

use crate::limits::{FIELD_TEXT_MAX, FIELD_VALUE_MAX};
use crate::word;

/// The fields of a header, in order.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Reads `header`, with or without the empty line that ends it.
    #[must_use]
    pub fn new(header: &'a [u8]) -> Self {
        Self { rest: header }
    }

    /// The first field of that name, without regard to case.
    #[must_use]
    pub fn named(mut self, name: &str) -> Option<Field<'a>> {
        self.find(|field| field.is(name))
    }

    /// The octets that the fields leave: the empty line at the end and whatever follows.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        if self.rest.is_empty() || is_blank(self.rest) {
            return None;
        }
        let mut end = line_end(self.rest, 0);
        while matches!(self.rest.get(end), Some(b' ' | b'\t')) {
            end = line_end(self.rest, end);
        }
        let (raw, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        Some(Field::new(raw))
    }
}

/// One field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// All its octets: name, colon, folded value, line end.
    pub raw: &'a [u8],
    /// The name, without white space before the colon (RFC 5322 §4.5); empty when the line has none.
    pub name: &'a [u8],
    /// What follows the colon, still folded, line end and all.
    pub value: &'a [u8],
}

impl<'a> Field<'a> {
    fn new(raw: &'a [u8]) -> Self {
        let named = !matches!(raw.first(), Some(b' ' | b'\t'));
        let first_line = raw.get(..line_end(raw, 0)).unwrap_or_default();
        let colon = memchr::memchr(b':', first_line).filter(|_| named);
        let (name, value) = match colon.and_then(|colon| raw.split_at_checked(colon)) {
            Some((name, value)) => (name.trim_ascii_end(), value.get(1..).unwrap_or_default()),
            None => (&[][..], raw),
        };
        Self { raw, name, value }
    }

    /// Whether it is called `name`, without regard to case.
    #[must_use]
    pub fn is(&self, name: impl AsRef<[u8]>) -> bool {
        self.name.eq_ignore_ascii_case(name.as_ref())
    }

    /// The value on one line: each line break, with the white space around it, becomes one space;
    /// outer white space is dropped. A stray CR becomes a space and a NUL U+FFFD, since neither can
    /// be sent in an IMAP string. Longer values are cut at [`FIELD_VALUE_MAX`].
    #[must_use]
    pub fn unfolded(&self) -> Cow<'a, [u8]> {
        let value = self.value.get(..FIELD_VALUE_MAX).unwrap_or(self.value);
        let value = value.trim_ascii();
        match memchr::memchr3(b'\n', b'\r', 0, value) {
            None => Cow::Borrowed(value),
            Some(_) => Cow::Owned(unfold(value)),
        }
    }

    /// The value as text: unfolded, encoded words decoded.
    #[must_use]
    pub fn text(&self) -> String {
        let value = self.unfolded();
        word::decode(value.get(..FIELD_TEXT_MAX).unwrap_or(&value))
    }
}

/// The octets of chosen fields, for `HEADER.FIELDS` and `HEADER.FIELDS.NOT`. The empty line at the
/// header's end is kept where there is one (RFC 9051 §6.4.5.1).
#[must_use]
pub fn select(header: &[u8], wanted: impl Fn(&Field<'_>) -> bool) -> Vec<u8> {
    let mut fields = Fields::new(header);
    let mut chosen = Vec::new();
    for field in fields.by_ref() {
        if wanted(&field) {
            chosen.extend_from_slice(field.raw);
        }
    }
    let rest = fields.rest();
    if is_blank(rest) {
        chosen.extend_from_slice(rest.get(..line_end(rest, 0)).unwrap_or_default());
    }
    chosen
}

fn unfold(value: &[u8]) -> Vec<u8> {
    let mut line = Vec::with_capacity(value.len());
    let mut octets = value.iter().peekable();
    while let Some(&octet) = octets.next() {
        match octet {
            b'\n' => {
                line.truncate(line.trim_ascii_end().len());
                while octets.next_if(|next| next.is_ascii_whitespace()).is_some() {}
                line.push(b' ');
            }
            b'\r' => line.push(b' '),
            0 => line.extend_from_slice("\u{fffd}".as_bytes()),
            _ => line.push(octet),
        }
    }
    line
}

/// Whether `octets` begin with an empty line.
pub(crate) fn is_blank(octets: &[u8]) -> bool {
    octets.starts_with(b"\n") || octets.starts_with(b"\r\n")
}

/// Where the line that begins at `from` ends, its LF included.
pub(crate) fn line_end(octets: &[u8], from: usize) -> usize {
    octets
        .get(from..)
        .and_then(|rest| memchr::memchr(b'\n', rest))
        .map_or(octets.len(), |length| from + length + 1)
}

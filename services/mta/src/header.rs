//! The little that a transfer agent reads in a message's header: it never rebuilds mail that only
//! passes through.

use memchr::memchr;

use crate::limits::HEADER_SCANNED;

/// A field as it stands in the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// Its name, as written.
    pub name: &'a [u8],
    /// What follows the colon, folding and line end included.
    pub value: &'a [u8],
    /// The whole field.
    pub raw: &'a [u8],
}

impl Field<'_> {
    /// Whether the field has this name, whatever its case.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// The value on one line, without space at its ends. Bytes that are not UTF-8 are replaced.
    #[must_use]
    pub fn text(&self) -> String {
        let text = String::from_utf8_lossy(self.value);
        let words: Vec<_> = text.split_ascii_whitespace().collect();
        words.join(" ")
    }
}

/// The header of `content`, up to and without the empty line; at most [`HEADER_SCANNED`] bytes.
#[must_use]
pub fn section(content: &[u8]) -> &[u8] {
    let mut at = 0;
    while let Some(line) = content.get(at..).and_then(first_line) {
        if at + line.len() > HEADER_SCANNED || matches!(line, b"\r\n" | b"\n") {
            break;
        }
        at += line.len();
    }
    content.get(..at).unwrap_or_default()
}

/// The fields of `content`'s header, in order. Ends at the first line that is no field.
pub fn fields(content: &[u8]) -> impl Iterator<Item = Field<'_>> {
    let mut rest = section(content);
    std::iter::from_fn(move || {
        let field = first_field(rest)?;
        rest = rest.get(field.raw.len()..).unwrap_or_default();
        Some(field)
    })
}

/// The value of the first field with this name.
#[must_use]
pub fn first(content: &[u8], name: &str) -> Option<String> {
    fields(content)
        .find(|field| field.is(name))
        .map(|field| field.text())
}

fn first_field(header: &[u8]) -> Option<Field<'_>> {
    let mut length = first_line(header)?.len();
    while let Some(line) = header.get(length..).and_then(first_line) {
        if !matches!(line.first(), Some(b' ' | b'\t')) {
            break;
        }
        length += line.len();
    }
    let raw = header.get(..length)?;
    let colon = memchr(b':', raw)?;
    let (name, value) = raw.split_at_checked(colon)?;
    // RFC 5322 §4.5 (obsolete syntax) lets spaces stand before the colon.
    let name = name.trim_ascii_end();
    // RFC 5322 §2.2: a name is printable US-ASCII without colon.
    let sound = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
    sound.then_some(Field {
        name,
        value: value.get(1..).unwrap_or_default(),
        raw,
    })
}

/// The first line with its end; the whole rest where it has none.
fn first_line(bytes: &[u8]) -> Option<&[u8]> {
    if bytes.is_empty() {
        return None;
    }
    let end = memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1);
    bytes.get(..end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MESSAGE: &[u8] =
        b"Received: from a\r\n\tby b; now\r\nSubject : hi\r\nX-Empty:\r\n\r\nReceived: no\r\n";

    #[test]
    fn fields_end_at_the_empty_line() {
        let names: Vec<_> = fields(MESSAGE).map(|field| field.name.to_vec()).collect();
        assert_eq!(names, [&b"Received"[..], b"Subject", b"X-Empty"]);
        assert_eq!(
            first(MESSAGE, "received").as_deref(),
            Some("from a by b; now")
        );
        assert_eq!(first(MESSAGE, "subject").as_deref(), Some("hi"));
        assert_eq!(first(MESSAGE, "to"), None);
    }

    #[test]
    fn a_body_without_header_has_no_fields() {
        assert_eq!(fields(b"\r\nSubject: x\r\n").count(), 0);
        assert_eq!(fields(b"just text\r\nSubject: x\r\n").count(), 0);
        assert_eq!(fields(b"").count(), 0);
    }

    #[test]
    fn no_more_than_the_limit_is_looked_at() {
        let long = b"A: b\r\n".repeat(HEADER_SCANNED / 6 + 10);
        assert!(section(&long).len() <= HEADER_SCANNED);
    }

    proptest! {
        #[test]
        fn any_bytes_are_scanned(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let total: usize = fields(&bytes).map(|field| field.raw.len()).sum();
            prop_assert!(total <= section(&bytes).len());
        }
    }
}

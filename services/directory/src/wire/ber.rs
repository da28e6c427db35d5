//! The subset of BER that LDAP allows (RFC 4511 §5.1): definite lengths, primitive strings, tag
//! numbers below 31. A length is believed only as far as its bytes are there.

/// An identifier octet: class, primitive or constructed, number.
pub type Tag = u8;

/// BOOLEAN.
pub const BOOLEAN: Tag = 0x01;
/// INTEGER.
pub const INTEGER: Tag = 0x02;
/// OCTET STRING.
pub const OCTET_STRING: Tag = 0x04;
/// ENUMERATED.
pub const ENUMERATED: Tag = 0x0a;
/// SEQUENCE and SEQUENCE OF.
pub const SEQUENCE: Tag = 0x30;
/// SET OF.
pub const SET: Tag = 0x31;

/// `[n]`, primitive.
#[must_use]
pub const fn context(number: u8) -> Tag {
    0x80 | number
}

/// `[n]`, constructed.
#[must_use]
pub const fn context_constructed(number: u8) -> Tag {
    0xa0 | number
}

/// What is wrong with a piece of BER.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The bytes end before the element does.
    #[error("an element ends before its length says")]
    Truncated,
    /// A form that LDAP forbids.
    #[error("indefinite lengths and long tag numbers are not allowed (RFC 4511 §5.1)")]
    Forbidden,
    /// Another element was due here.
    #[error("{0} was expected")]
    Expected(&'static str),
    /// A number does not fit.
    #[error("a number is empty or too large")]
    Number,
    /// A string that must be UTF-8 is not.
    #[error("a string is not valid UTF-8")]
    Text,
    /// A distinguished name that is not UTF-8.
    #[error("not a distinguished name: it is not valid UTF-8")]
    Name,
}

/// The beginning of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Its identifier.
    pub tag: Tag,
    /// Octets of identifier and length.
    pub size: usize,
    /// Octets of content that it claims.
    pub content: u64,
}

/// Reads the beginning of an element; `None` when more bytes are needed to know it.
pub fn header(bytes: &[u8]) -> Result<Option<Header>, Malformed> {
    let Some(&tag) = bytes.first() else {
        return Ok(None);
    };
    if tag & 0x1f == 0x1f {
        return Err(Malformed::Forbidden);
    }
    let Some(&first) = bytes.get(1) else {
        return Ok(None);
    };
    if first < 0x80 {
        return Ok(Some(Header {
            tag,
            size: 2,
            content: u64::from(first),
        }));
    }
    let octets = usize::from(first & 0x7f);
    if octets == 0 {
        return Err(Malformed::Forbidden);
    }
    if octets > 8 {
        return Err(Malformed::Number);
    }
    let Some(length) = bytes.get(2..2 + octets) else {
        return Ok(None);
    };
    let content = length
        .iter()
        .fold(0_u64, |sum, &octet| (sum << 8) | u64::from(octet));
    Ok(Some(Header {
        tag,
        size: 2 + octets,
        content,
    }))
}

/// Reads elements one after the other out of a slice.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads `bytes`, which are all there.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Whether everything was read.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The identifier of the next element.
    #[must_use]
    pub fn peek(&self) -> Option<Tag> {
        self.rest.first().copied()
    }

    /// The next element, whatever it is.
    pub fn element(&mut self) -> Result<(Tag, &'a [u8]), Malformed> {
        let header = header(self.rest)?.ok_or(Malformed::Truncated)?;
        let (_, after) = self
            .rest
            .split_at_checked(header.size)
            .ok_or(Malformed::Truncated)?;
        let length = usize::try_from(header.content).map_err(|_| Malformed::Truncated)?;
        let (content, rest) = after.split_at_checked(length).ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok((header.tag, content))
    }

    /// The content of the next element, which must be `tag`; `what` names it in the error.
    pub fn expect(&mut self, tag: Tag, what: &'static str) -> Result<&'a [u8], Malformed> {
        if self.peek() != Some(tag) {
            return Err(Malformed::Expected(what));
        }
        Ok(self.element()?.1)
    }

    /// The content of the next element if it is `tag`.
    pub fn optional(&mut self, tag: Tag) -> Result<Option<&'a [u8]>, Malformed> {
        if self.peek() != Some(tag) {
            return Ok(None);
        }
        Ok(Some(self.element()?.1))
    }

    /// Steps into the next element, which must be the constructed `tag`.
    pub fn enter(&mut self, tag: Tag, what: &'static str) -> Result<Reader<'a>, Malformed> {
        self.expect(tag, what).map(Reader::new)
    }

    /// An OCTET STRING.
    pub fn octets(&mut self, what: &'static str) -> Result<&'a [u8], Malformed> {
        self.expect(OCTET_STRING, what)
    }

    /// An OCTET STRING that is UTF-8.
    pub fn text(&mut self, what: &'static str) -> Result<String, Malformed> {
        text(self.octets(what)?)
    }

    /// The content of a distinguished name.
    pub fn name(&mut self, what: &'static str) -> Result<String, Malformed> {
        name(self.octets(what)?)
    }

    /// An INTEGER.
    pub fn integer(&mut self, what: &'static str) -> Result<i64, Malformed> {
        integer(self.expect(INTEGER, what)?)
    }

    /// An ENUMERATED.
    pub fn enumerated(&mut self, what: &'static str) -> Result<i64, Malformed> {
        integer(self.expect(ENUMERATED, what)?)
    }

    /// A BOOLEAN.
    pub fn boolean(&mut self, what: &'static str) -> Result<bool, Malformed> {
        boolean(self.expect(BOOLEAN, what)?)
    }
}

/// The content of an INTEGER or ENUMERATED.
pub fn integer(content: &[u8]) -> Result<i64, Malformed> {
    let first = *content.first().ok_or(Malformed::Number)?;
    if content.len() > 8 {
        return Err(Malformed::Number);
    }
    let sign = if first & 0x80 == 0 { 0 } else { -1 };
    Ok(content
        .iter()
        .fold(sign, |sum, &octet| (sum << 8) | i64::from(octet)))
}

/// The content of a BOOLEAN. RFC 4511 §5.1 wants FF for true; as every server does, any octet
/// but zero is taken for it.
pub fn boolean(content: &[u8]) -> Result<bool, Malformed> {
    match content {
        [octet] => Ok(*octet != 0),
        _ => Err(Malformed::Number),
    }
}

/// The content of a string that must be UTF-8.
pub fn text(content: &[u8]) -> Result<String, Malformed> {
    String::from_utf8(content.to_vec()).map_err(|_| Malformed::Text)
}

/// The content of a distinguished name, which is UTF-8 (RFC 4511 §4.1.3).
pub fn name(content: &[u8]) -> Result<String, Malformed> {
    text(content).map_err(|_| Malformed::Name)
}

/// Writes elements one after the other.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// What was written.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Octets written so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// A primitive element.
    pub fn primitive(&mut self, tag: Tag, content: &[u8]) {
        self.bytes.push(tag);
        let (length, octets) = length_octets(content.len());
        self.bytes.extend(length.iter().take(octets));
        self.bytes.extend_from_slice(content);
    }

    /// A constructed element, whose content `inner` writes.
    pub fn constructed(&mut self, tag: Tag, inner: impl FnOnce(&mut Self)) {
        self.bytes.push(tag);
        let start = self.bytes.len();
        inner(self);
        let (length, octets) = length_octets(self.bytes.len() - start);
        self.bytes
            .splice(start..start, length.into_iter().take(octets));
    }

    /// An OCTET STRING.
    pub fn octets(&mut self, content: &[u8]) {
        self.primitive(OCTET_STRING, content);
    }

    /// An INTEGER.
    pub fn integer(&mut self, value: i64) {
        self.number(INTEGER, value);
    }

    /// An ENUMERATED.
    pub fn enumerated(&mut self, value: i64) {
        self.number(ENUMERATED, value);
    }

    /// A number under `tag`, in the fewest octets.
    pub fn number(&mut self, tag: Tag, value: i64) {
        let octets = value.to_be_bytes();
        let significant = octets
            .windows(2)
            .position(|pair| {
                !matches!(pair, [0, low] if low & 0x80 == 0)
                    && !matches!(pair, [0xff, low] if low & 0x80 != 0)
            })
            .unwrap_or(7);
        self.primitive(tag, octets.get(significant..).unwrap_or(&octets));
    }

    /// A BOOLEAN.
    pub fn boolean(&mut self, value: bool) {
        self.primitive(BOOLEAN, &[if value { 0xff } else { 0 }]);
    }
}

/// The octets of a length, and how many of them count.
fn length_octets(length: usize) -> ([u8; 9], usize) {
    let mut out = [0; 9];
    let octets = (length as u64).to_be_bytes();
    let skip = octets.iter().take_while(|&&octet| octet == 0).count();
    if length < 0x80 {
        out[0] = octets[7];
        return (out, 1);
    }
    let count = 8 - skip;
    out[0] = 0x80 | u8::try_from(count).unwrap_or(8);
    for (to, from) in out.iter_mut().skip(1).zip(octets.iter().skip(skip)) {
        *to = *from;
    }
    (out, 1 + count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn number(value: i64, expected: &[u8]) {
        let mut writer = Writer::default();
        writer.integer(value);
        let bytes = writer.into_bytes();
        assert_eq!(bytes.get(2..), Some(expected));
        assert_eq!(Reader::new(&bytes).integer("number"), Ok(value));
    }

    #[test]
    fn numbers_take_the_fewest_octets() {
        number(0, &[0]);
        number(127, &[127]);
        number(128, &[0, 128]);
        number(-1, &[0xff]);
        number(-128, &[0x80]);
        number(-129, &[0xff, 0x7f]);
        number(i64::MAX, &i64::MAX.to_be_bytes());
        number(i64::MIN, &i64::MIN.to_be_bytes());
    }

    #[test]
    fn a_long_element_has_a_long_length() {
        for size in [0, 127, 128, 255, 256, 70_000] {
            let mut writer = Writer::default();
            writer.constructed(SEQUENCE, |writer| writer.octets(&vec![7; size]));
            let bytes = writer.into_bytes();
            let mut reader = Reader::new(&bytes);
            let mut inner = reader.enter(SEQUENCE, "sequence").unwrap();
            assert!(reader.is_empty());
            assert_eq!(inner.octets("octets").unwrap().len(), size);
        }
    }

    #[test]
    fn lengths_that_lie_are_found_out() {
        let check = |bytes: &[u8], error| assert_eq!(Reader::new(bytes).element(), Err(error));
        check(&[0x04, 5, 1, 2], Malformed::Truncated);
        check(&[0x04, 0x80, 0, 0], Malformed::Forbidden);
        check(
            &[0x04, 0x89, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0],
            Malformed::Number,
        );
        check(
            &[0x04, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            Malformed::Truncated,
        );
        check(&[0x1f, 1, 0], Malformed::Forbidden);
        check(&[], Malformed::Truncated);
    }
}

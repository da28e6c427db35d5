//! Distinguished names: their text (RFC 4514), and the normal form by which they are found.

use std::fmt;

use crate::limits::{DN_DEPTH_MAX, DN_SIZE_MAX};
use roost_core_directory::schema::Rule;

use crate::matching;
use crate::schema::Schema;
use crate::wire::ber;

/// A distinguished name as somebody wrote it; the entry's own part comes first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dn {
    parts: Vec<Rdn>,
}

/// One part of a name: one attribute, seldom more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rdn {
    pairs: Vec<Pair>,
}

/// An attribute and its value in a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The attribute's name or OID, as written.
    pub attribute: String,
    /// The value, without escapes.
    pub value: Vec<u8>,
}

/// Why a text is no distinguished name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DnError {
    /// A mistake at an octet of the text.
    #[error("at octet {at}: {expected} is expected")]
    Syntax {
        /// Where.
        at: usize,
        /// What was due.
        expected: &'static str,
    },
    /// Longer or deeper than any name should be.
    #[error("the name is too long")]
    TooLong,
    /// The same attribute twice in one part.
    #[error("an attribute appears twice in one part of the name")]
    Twice,
}

impl Dn {
    /// The name of the root: nothing.
    pub const ROOT: Self = Self { parts: Vec::new() };

    /// Reads a name.
    pub fn parse(text: &str) -> Result<Self, DnError> {
        if text.len() > DN_SIZE_MAX {
            return Err(DnError::TooLong);
        }
        let mut scanner = Scanner {
            text: text.as_bytes(),
            at: 0,
        };
        let mut parts = Vec::new();
        scanner.skip_spaces();
        if scanner.peek().is_none() {
            return Ok(Self { parts });
        }
        loop {
            parts.push(scanner.rdn()?);
            if parts.len() > DN_DEPTH_MAX {
                return Err(DnError::TooLong);
            }
            match scanner.peek() {
                None => return Ok(Self { parts }),
                // RFC 4514 §2.3; the semicolon is RFC 2253's and still met.
                Some(b',' | b';') => scanner.at += 1,
                Some(_) => return Err(scanner.error("a comma")),
            }
        }
    }

    /// A name made of parts, the entry's own first.
    #[must_use]
    pub fn from_parts(parts: Vec<Rdn>) -> Self {
        Self { parts }
    }

    /// The parts, the entry's own first.
    #[must_use]
    pub fn parts(&self) -> &[Rdn] {
        &self.parts
    }

    /// Whether this is the root.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.parts.is_empty()
    }

    /// The entry's own part.
    #[must_use]
    pub fn rdn(&self) -> Option<&Rdn> {
        self.parts.first()
    }

    /// The name above; the root's is the root.
    #[must_use]
    pub fn parent(&self) -> Self {
        Self {
            parts: self.parts.iter().skip(1).cloned().collect(),
        }
    }

    /// The name of a child.
    #[must_use]
    pub fn child(&self, rdn: Rdn) -> Self {
        let mut parts = Vec::with_capacity(self.parts.len() + 1);
        parts.push(rdn);
        parts.extend(self.parts.iter().cloned());
        Self { parts }
    }

    /// The form by which names are compared and entries found.
    #[must_use]
    pub fn key(&self, schema: &Schema) -> DnKey {
        let mut key = Vec::new();
        for rdn in self.parts.iter().rev() {
            rdn.write_key(schema, &mut key);
            key.push(END);
        }
        DnKey(key)
    }
}

impl Rdn {
    /// Reads one part of a name.
    pub fn parse(text: &str) -> Result<Self, DnError> {
        let mut name = Dn::parse(text)?;
        match (name.parts.pop(), name.parts.is_empty()) {
            (Some(rdn), true) => Ok(rdn),
            _ => Err(DnError::Syntax {
                at: 0,
                expected: "one part of a name",
            }),
        }
    }

    /// A part made of one attribute.
    #[must_use]
    pub fn single(attribute: &str, value: &[u8]) -> Self {
        Self {
            pairs: vec![Pair {
                attribute: attribute.to_owned(),
                value: value.to_vec(),
            }],
        }
    }

    /// Its attributes with their values.
    #[must_use]
    pub fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    fn write_key(&self, schema: &Schema, key: &mut Vec<u8>) {
        let mut pairs: Vec<Vec<u8>> = self.pairs.iter().map(|pair| pair.key(schema)).collect();
        pairs.sort_unstable();
        for (index, pair) in pairs.iter().enumerate() {
            if index > 0 {
                key.push(b'+');
            }
            key.extend_from_slice(pair);
        }
    }
}

impl Pair {
    fn key(&self, schema: &Schema) -> Vec<u8> {
        let known = schema.attribute(&self.attribute);
        let mut key = match known {
            Some(attribute) => attribute.name.to_ascii_lowercase().into_bytes(),
            None => self.attribute.to_ascii_lowercase().into_bytes(),
        };
        key.push(b'=');
        let rule = known
            .and_then(|attribute| attribute.row.equality())
            .unwrap_or(Rule::CaseIgnore);
        let value =
            matching::normalise(schema, rule, &self.value).unwrap_or_else(|| self.value.clone());
        for octet in value {
            match octet {
                0 | 1 | b'+' | b'\\' => key.extend_from_slice(&[b'\\', octet.wrapping_add(0x40)]),
                _ => key.push(octet),
            }
        }
        key
    }
}

/// Ends every part of a [`DnKey`], so that a name's key is a prefix of the keys below it.
const END: u8 = 0;

/// The normal form of a name: root first, each part ended by a zero octet. Keys sort so that a
/// subtree is one range.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct DnKey(Vec<u8>);

impl DnKey {
    /// The key as octets.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// A key that was stored.
    #[must_use]
    pub fn from_stored(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Whether this is the root's.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this names `other` or something below it.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    /// The key above; `None` for the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let (_, without_end) = self.0.split_last()?;
        let end = without_end
            .iter()
            .rposition(|octet| *octet == END)
            .map_or(0, |at| at + 1);
        self.0.get(..end).map(|key| Self(key.to_vec()))
    }

    /// The first key after the whole subtree; `None` for the root, whose subtree is everything.
    #[must_use]
    pub fn after_subtree(&self) -> Option<Vec<u8>> {
        let (_, prefix) = self.0.split_last()?;
        let mut end = prefix.to_vec();
        end.push(END + 1);
        Some(end)
    }

    /// This key with the prefix `from` replaced by `to`.
    #[must_use]
    pub fn moved(&self, from: &Self, to: &Self) -> Option<Self> {
        let rest = self.0.strip_prefix(from.0.as_slice())?;
        let mut key = to.0.clone();
        key.extend_from_slice(rest);
        Some(Self(key))
    }
}

impl fmt::Debug for DnKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

impl fmt::Display for Dn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, rdn) in self.parts.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            write!(f, "{rdn}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Rdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, pair) in self.pairs.iter().enumerate() {
            if index > 0 {
                f.write_str("+")?;
            }
            write!(f, "{}=", pair.attribute)?;
            write_value(f, &pair.value)?;
        }
        Ok(())
    }
}

/// RFC 4514 §2.4.
fn write_value(f: &mut fmt::Formatter<'_>, value: &[u8]) -> fmt::Result {
    let Ok(text) = std::str::from_utf8(value) else {
        return value
            .iter()
            .try_for_each(|octet| write!(f, "\\{octet:02x}"));
    };
    let last = text.chars().count().saturating_sub(1);
    for (index, character) in text.chars().enumerate() {
        match character {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => write!(f, "\\{character}")?,
            ' ' if index == 0 || index == last => f.write_str("\\ ")?,
            '#' if index == 0 => f.write_str("\\#")?,
            '\0'..='\u{1f}' | '\u{7f}' => write!(f, "\\{:02x}", character as u32)?,
            _ => write!(f, "{character}")?,
        }
    }
    Ok(())
}

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn error(&self, expected: &'static str) -> DnError {
        DnError::Syntax {
            at: self.at,
            expected,
        }
    }

    fn skip_spaces(&mut self) {
        while self.peek() == Some(b' ') {
            self.at += 1;
        }
    }

    fn rdn(&mut self) -> Result<Rdn, DnError> {
        let mut pairs: Vec<Pair> = Vec::new();
        loop {
            self.skip_spaces();
            let attribute = self.attribute()?;
            self.skip_spaces();
            if self.peek() != Some(b'=') {
                return Err(self.error("'='"));
            }
            self.at += 1;
            self.skip_spaces();
            let value = if self.peek() == Some(b'#') {
                self.hex_value()?
            } else {
                self.string()?
            };
            if pairs
                .iter()
                .any(|pair| pair.attribute.eq_ignore_ascii_case(&attribute))
            {
                return Err(DnError::Twice);
            }
            pairs.push(Pair { attribute, value });
            if self.peek() != Some(b'+') {
                return Ok(Rdn { pairs });
            }
            self.at += 1;
        }
    }

    /// `descr / numericoid` (RFC 4512 §1.4).
    fn attribute(&mut self) -> Result<String, DnError> {
        let start = self.at;
        while self
            .peek()
            .is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.'))
        {
            self.at += 1;
        }
        let name = self.text.get(start..self.at).unwrap_or_default();
        if !name.first().is_some_and(u8::is_ascii_alphanumeric) {
            self.at = start;
            return Err(self.error("an attribute's name"));
        }
        Ok(String::from_utf8_lossy(name).into_owned())
    }

    fn string(&mut self) -> Result<Vec<u8>, DnError> {
        let mut value = Vec::new();
        // Trailing spaces are not part of the value unless they are escaped.
        let mut significant = 0;
        while let Some(octet) = self.peek() {
            match octet {
                b',' | b'+' | b';' => break,
                b'"' | b'<' | b'>' | 0 => return Err(self.error("an escape")),
                b'\\' => {
                    self.at += 1;
                    value.push(self.escape()?);
                    significant = value.len();
                }
                _ => {
                    self.at += 1;
                    value.push(octet);
                    if octet != b' ' {
                        significant = value.len();
                    }
                }
            }
        }
        value.truncate(significant);
        Ok(value)
    }

    fn escape(&mut self) -> Result<u8, DnError> {
        match self.peek() {
            Some(c @ (b'"' | b'+' | b',' | b';' | b'<' | b'>' | b'\\' | b' ' | b'#' | b'=')) => {
                self.at += 1;
                Ok(c)
            }
            Some(c) if c.is_ascii_hexdigit() => self.hex_pair(),
            _ => Err(self.error("a character that may be escaped")),
        }
    }

    fn hex_pair(&mut self) -> Result<u8, DnError> {
        let mut digit = || {
            let value = self.peek().and_then(|octet| char::from(octet).to_digit(16));
            let value = value.ok_or_else(|| self.error("a hexadecimal digit"))?;
            self.at += 1;
            u8::try_from(value).map_err(|_| self.error("a hexadecimal digit"))
        };
        Ok(digit()? << 4 | digit()?)
    }

    /// `#` and the BER of the value; of it the content counts (RFC 4514 §2.4).
    fn hex_value(&mut self) -> Result<Vec<u8>, DnError> {
        self.at += 1;
        let mut bytes = Vec::new();
        while self.peek().is_some_and(|c| c.is_ascii_hexdigit()) {
            bytes.push(self.hex_pair()?);
        }
        self.skip_spaces();
        let mut reader = ber::Reader::new(&bytes);
        match reader.element() {
            Ok((_, content)) if reader.is_empty() => Ok(content.to_vec()),
            _ => Err(self.error("the BER of a value")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn prints(text: &str, expected: &str) {
        assert_eq!(Dn::parse(text).unwrap().to_string(), expected);
    }

    #[test]
    fn the_examples_of_rfc_4514() {
        prints(
            "UID=jsmith,DC=example,DC=net",
            "UID=jsmith,DC=example,DC=net",
        );
        prints(
            "OU=Sales+CN=J.  Smith,DC=example,DC=net",
            "OU=Sales+CN=J.  Smith,DC=example,DC=net",
        );
        prints(
            r#"CN=James \"Jim\" Smith\, III,DC=net"#,
            r#"CN=James \"Jim\" Smith\, III,DC=net"#,
        );
        prints(r"CN=Before\0dAfter,DC=net", r"CN=Before\0dAfter,DC=net");
        prints("1.3.6.1.4.1.1466.0=#04024869", "1.3.6.1.4.1.1466.0=Hi");
        prints(r"CN=Lu\C4\8Di\C4\87", "CN=Lu\u{10d}i\u{107}");
        prints(r"cn=\ a\ ,dc=x", r"cn=\ a\ ,dc=x");
        prints(r"cn=\#x", r"cn=\#x");
        prints(" cn = a , dc = b ; dc=c", "cn=a,dc=b,dc=c");
        prints("", "");
    }

    #[test]
    fn mistakes_are_found_where_they_are() {
        for (text, at) in [
            ("cn", 2),
            ("=x", 0),
            ("cn=a,", 5),
            ("cn=a\\zz", 5),
            ("cn=\"a\"", 3),
        ] {
            match Dn::parse(text) {
                Err(DnError::Syntax { at: found, .. }) => assert_eq!(found, at, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
        assert_eq!(Dn::parse("cn=a+CN=b"), Err(DnError::Twice));
        assert_eq!(Dn::parse(&"cn=a,".repeat(3000)), Err(DnError::TooLong));
        assert!(Rdn::parse("cn=a,dc=b").is_err());
    }

    #[test]
    fn keys_compare_names_and_hold_subtrees_together() {
        let schema = Schema::new();
        let key = |text: &str| Dn::parse(text).unwrap().key(&schema);
        assert_eq!(
            key("CN=A  b,DC=X"),
            key("commonName=a B, 0.9.2342.19200300.100.1.25=x")
        );
        assert_eq!(key("cn=a+sn=b"), key("SN=B+CN=A"));
        assert_ne!(key("cn=a\\+sn\\=b"), key("cn=a+sn=b"));
        let (above, below, beside) = (key("dc=x"), key("cn=a,dc=x"), key("dc=xy"));
        assert!(below.is_within(&above) && above.is_within(&above));
        assert!(!beside.is_within(&above) && !above.is_within(&below));
        assert_eq!(below.parent(), Some(above.clone()));
        assert_eq!(above.parent(), Some(DnKey::default()));
        assert_eq!(DnKey::default().parent(), None);
        let end = above.after_subtree().unwrap();
        assert!(below.as_bytes() < end.as_slice() && beside.as_bytes() > end.as_slice());
        assert_eq!(below.moved(&above, &beside), Some(key("cn=a,dc=xy")));
    }

    fn names() -> impl Strategy<Value = Dn> {
        let value =
            proptest::string::string_regex("[ -~\u{0}-\u{1f}\u{e4}\u{4e2d}]{0,12}").unwrap();
        let pair = ("cn|sn|ou|dc|1\\.2\\.3", value).prop_map(|(attribute, value)| Pair {
            attribute,
            value: value.into_bytes(),
        });
        let rdn = proptest::collection::vec(pair, 1..3).prop_map(|mut pairs| {
            pairs.dedup_by(|one, other| one.attribute == other.attribute);
            Rdn { pairs }
        });
        proptest::collection::vec(rdn, 0..5).prop_map(Dn::from_parts)
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(name in names()) {
            prop_assert_eq!(Dn::parse(&name.to_string()), Ok(name));
        }

        #[test]
        fn no_text_makes_trouble(text in ".{0,60}") {
            if let Ok(name) = Dn::parse(&text) {
                prop_assert_eq!(Dn::parse(&name.to_string()), Ok(name));
            }
        }
    }
}

//! The text of a name → its parts (RFC 4514 §3).

use super::{DnError, Pair, Rdn};
use crate::limits::DN_DEPTH_MAX;
use crate::wire::ber;

/// Reads all parts of a name.
pub(super) fn parts(text: &str) -> Result<Vec<Rdn>, DnError> {
    let mut scanner = Scanner {
        text: text.as_bytes(),
        at: 0,
    };
    let mut parts = Vec::new();
    scanner.skip_spaces();
    if scanner.peek().is_none() {
        return Ok(parts);
    }
    loop {
        parts.push(scanner.rdn()?);
        if parts.len() > DN_DEPTH_MAX {
            return Err(DnError::TooLong);
        }
        match scanner.peek() {
            None => return Ok(parts),
            // RFC 4514 §2.3; the semicolon is RFC 2253's and still met.
            Some(b',' | b';') => scanner.at += 1,
            Some(_) => return Err(scanner.error("a comma")),
        }
    }
}

/// RFC 4512 §1.4: `keystring`.
fn is_descriptor(name: &[u8]) -> bool {
    let all = |octet: &u8| octet.is_ascii_alphanumeric() || *octet == b'-';
    name.first().is_some_and(u8::is_ascii_alphabetic) && name.iter().all(all)
}

/// RFC 4512 §1.4: `numericoid`, two numbers at least, none with a zero in front.
fn is_oid(name: &[u8]) -> bool {
    let is_number = |number: &[u8]| {
        let leads_with_zero = number.len() > 1 && number.first() == Some(&b'0');
        !number.is_empty() && !leads_with_zero && number.iter().all(u8::is_ascii_digit)
    };
    name.contains(&b'.') && name.split(|octet| *octet == b'.').all(is_number)
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
        if !is_descriptor(name) && !is_oid(name) {
            self.at = start;
            return Err(self.error("an attribute's name or OID"));
        }
        Ok(String::from_utf8_lossy(name).into_owned())
    }

    fn string(&mut self) -> Result<Vec<u8>, DnError> {
        let start = self.at;
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
        if std::str::from_utf8(&value).is_err() {
            // RFC 4514 §3: escaped octets make characters, too; others are written after `#`.
            self.at = start;
            return Err(self.error("UTF-8"));
        }
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

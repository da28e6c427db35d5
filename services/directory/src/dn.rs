//! Distinguished names: their text (RFC 4514), and the normal form by which they are found.
//!
//! `scan` reads them, `key` makes the normal form.

mod key;
mod scan;
#[cfg(test)]
mod tests;

use std::fmt;

pub use key::DnKey;

use crate::limits::DN_SIZE_MAX;
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
        Ok(Self {
            parts: scan::parts(text)?,
        })
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
        let mut writer = ber::Writer::default();
        writer.octets(value);
        f.write_str("#")?;
        return writer
            .into_bytes()
            .iter()
            .try_for_each(|octet| write!(f, "{octet:02x}"));
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

//! The normal form of a name, by which names are compared and entries found.

use std::fmt;

use roost_core_directory::schema::Rule;

use super::{Dn, Pair, Rdn};
use crate::matching;
use crate::schema::Schema;

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

impl Dn {
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

//! Object identifiers.

use std::fmt;

/// The most sub-identifiers of an object identifier (RFC 2578, section 3.5).
pub const PARTS_MAX: usize = 128;

/// An object identifier; ordered as SNMP orders instances.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Oid(Vec<u32>);

impl Oid {
    /// The identifier with these sub-identifiers.
    #[must_use]
    pub fn new(parts: &[u32]) -> Self {
        Self(parts.to_vec())
    }

    /// The sub-identifiers.
    #[must_use]
    pub fn parts(&self) -> &[u32] {
        &self.0
    }

    /// This identifier with `parts` after it.
    #[must_use]
    pub fn with(&self, parts: &[u32]) -> Self {
        let mut all = Vec::with_capacity(self.0.len().saturating_add(parts.len()));
        all.extend_from_slice(&self.0);
        all.extend_from_slice(parts);
        Self(all)
    }

    /// Whether `self` is `root` or below it.
    #[must_use]
    pub fn is_under(&self, root: &Self) -> bool {
        self.0.starts_with(&root.0)
    }
}

impl From<Vec<u32>> for Oid {
    fn from(parts: Vec<u32>) -> Self {
        Self(parts)
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.0 {
            write!(f, ".{part}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

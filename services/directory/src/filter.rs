//! Filters against the schema: looked up once a search, tried on every candidate.
//!
//! Three-valued (RFC 4511 §4.5.1.7): what cannot be decided is neither true nor false, and `not`
//! does not make it true. An attribute that the asker may not read is undecided too, so that
//! filters tell nothing that entries would not.

mod evaluate;
mod prepare;
#[cfg(test)]
mod tests;

use roost_core_directory::schema::Rule;

use crate::schema::AttributeId;

pub use evaluate::{Candidate, evaluate};
pub use prepare::prepare;

/// True, false, or undecided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// It holds.
    True,
    /// It does not.
    False,
    /// Nobody can say.
    Undefined,
}

impl From<bool> for Truth {
    fn from(value: bool) -> Self {
        if value { Self::True } else { Self::False }
    }
}

/// A filter whose attributes, rules and values are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prepared {
    /// Holds if all hold.
    And(Vec<Prepared>),
    /// Holds if one holds.
    Or(Vec<Prepared>),
    /// Holds if the other is false.
    Not(Box<Prepared>),
    /// A comparison.
    Test(Test),
    /// Cannot be decided for any entry.
    Undefined,
}

/// A comparison with values of entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    /// Whose values.
    pub attributes: Vec<AttributeId>,
    /// Whether the values in the entry's name count too.
    pub dn_attributes: bool,
    /// The rule, if the filter names one; else each attribute's own.
    pub rule: Option<Rule>,
    /// What they are compared with.
    pub comparison: Comparison,
}

/// What values are compared with: forms, as [`crate::matching`] makes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Comparison {
    /// Anything.
    Present,
    /// An equal form.
    Equal(Vec<u8>),
    /// A form not less.
    AtLeast(Vec<u8>),
    /// A form not greater.
    AtMost(Vec<u8>),
    /// Pieces in this order.
    Substrings {
        /// How it begins.
        initial: Option<Vec<u8>>,
        /// What it contains.
        any: Vec<Vec<u8>>,
        /// How it ends.
        last: Option<Vec<u8>>,
    },
    /// Words, about.
    Words(Vec<u8>),
    /// Bits that are all set (1.2.840.113556.1.4.803).
    AllBits(i64),
    /// Bits of which one is set (1.2.840.113556.1.4.804).
    AnyBit(i64),
}

impl Prepared {
    /// Whether the filter looks at an attribute.
    #[must_use]
    pub fn mentions(&self, attribute: AttributeId) -> bool {
        match self {
            Self::And(all) | Self::Or(all) => all.iter().any(|one| one.mentions(attribute)),
            Self::Not(inner) => inner.mentions(attribute),
            Self::Test(test) => test.attributes.contains(&attribute),
            Self::Undefined => false,
        }
    }
}

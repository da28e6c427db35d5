//! Object identifiers of the table.

use std::fmt;

/// An object identifier: written out, or a number under one of our arcs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Oid {
    /// Written out.
    Plain(&'static str),
    /// `1.3.6.1.4.1.19348.2.1.N`: attribute types with Zimbra's own numbers.
    ZimbraAttribute(u16),
    /// `1.3.6.1.4.1.19348.2.2.N`: object classes with Zimbra's own numbers.
    ZimbraClass(u16),
    /// `1.3.6.1.4.1.32473.1.1.N`: attribute types whose number at Zimbra (or anywhere) is unknown to us.
    ///
    /// 32473 is the enterprise number that RFC 5612 sets aside for documentation. Nothing but a
    /// schema editor looks at these numbers; entries, filters and LDIF use names.
    RoostAttribute(u16),
    /// `1.3.6.1.4.1.32473.1.2.N`: object classes of the same sort.
    RoostClass(u16),
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(oid) => f.write_str(oid),
            Self::ZimbraAttribute(number) => write!(f, "1.3.6.1.4.1.19348.2.1.{number}"),
            Self::ZimbraClass(number) => write!(f, "1.3.6.1.4.1.19348.2.2.{number}"),
            Self::RoostAttribute(number) => write!(f, "1.3.6.1.4.1.32473.1.1.{number}"),
            Self::RoostClass(number) => write!(f, "1.3.6.1.4.1.32473.1.2.{number}"),
        }
    }
}

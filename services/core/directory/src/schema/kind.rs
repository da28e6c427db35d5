//! What a value may be: the type checks of the table, and how LDAP names and compares each type.

mod text;

use super::syntax::{Rule, Syntax};
use crate::name::{DomainName, EmailAddress};

pub use text::{duration, generalized_time, integer, time};

/// The type of an attribute's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `TRUE` or `FALSE`.
    Boolean,
    /// A whole number within bounds.
    Integer {
        /// The least value.
        min: i64,
        /// The greatest value.
        max: i64,
    },
    /// A number with a unit: `ms`, `s`, `m`, `h`, `d`; seconds without one.
    Duration,
    /// UTF-8 text, compared without case.
    Text,
    /// UTF-8 text, compared with case.
    Exact,
    /// ASCII text, compared without case.
    Ascii,
    /// ASCII text, compared with case.
    AsciiExact,
    /// Bytes.
    Octets,
    /// One of a set of words.
    Choice(&'static [&'static str]),
    /// A point in time, `YYYYMMDDhhmmss[.fff]Z`.
    Time,
    /// A UUID in its usual text form, compared without case.
    Uuid,
    /// One e-mail address.
    Email,
    /// E-mail addresses with commas between them.
    EmailList,
    /// `@domain`: every address of a domain.
    CatchAll,
    /// The name of an entry.
    Dn,
    /// An object identifier or the short name of one.
    ObjectIdentifier,
    /// A telephone number.
    Telephone,
    /// Lines of an address with `$` between them.
    PostalAddress,
    /// Printable characters of ASCII.
    Printable,
    /// Digits and spaces.
    Numeric,
    /// Two letters of ISO 3166.
    Country,
    /// An X.509 certificate.
    Certificate,
    /// Bytes that are never compared.
    Binary,
    /// A picture.
    Jpeg,
    /// Text of a syntax that is never compared.
    Opaque(Syntax),
    /// A UUID as RFC 4530 has it in operational attributes.
    EntryUuid,
    /// A description of the schema itself (RFC 4512 §4.1).
    Description(Syntax),
}

/// Any 32-bit number.
pub const INTEGER: Kind = Kind::Integer {
    min: i32::MIN as i64,
    max: i32::MAX as i64,
};
/// A 32-bit number from 0.
pub const COUNT: Kind = Kind::Integer {
    min: 0,
    max: i32::MAX as i64,
};
/// A 64-bit number from 0: sizes.
pub const LONG: Kind = Kind::Integer {
    min: 0,
    max: i64::MAX,
};
/// A port; 0 means "none".
pub const PORT: Kind = Kind::Integer {
    min: 0,
    max: 65_535,
};
/// A percentage.
pub const PERCENT: Kind = Kind::Integer { min: 0, max: 100 };

impl Kind {
    /// The LDAP syntax that carries it.
    #[must_use]
    pub const fn syntax(self) -> Syntax {
        match self {
            Self::Boolean => Syntax::Boolean,
            Self::Integer { .. } => Syntax::Integer,
            Self::Duration | Self::Ascii | Self::AsciiExact => Syntax::Ia5String,
            Self::Text
            | Self::Exact
            | Self::Choice(_)
            | Self::Uuid
            | Self::Email
            | Self::EmailList
            | Self::CatchAll => Syntax::DirectoryString,
            Self::Octets => Syntax::OctetString,
            Self::Time => Syntax::GeneralizedTime,
            Self::Dn => Syntax::Dn,
            Self::ObjectIdentifier => Syntax::Oid,
            Self::Telephone => Syntax::TelephoneNumber,
            Self::PostalAddress => Syntax::PostalAddress,
            Self::Printable => Syntax::PrintableString,
            Self::Numeric => Syntax::NumericString,
            Self::Country => Syntax::CountryString,
            Self::Certificate => Syntax::Certificate,
            Self::Binary => Syntax::Binary,
            Self::Jpeg => Syntax::Jpeg,
            Self::EntryUuid => Syntax::Uuid,
            Self::Opaque(syntax) | Self::Description(syntax) => syntax,
        }
    }

    /// The rule of equality, where values can be compared at all.
    #[must_use]
    pub const fn equality(self) -> Option<Rule> {
        Some(match self {
            Self::Boolean => Rule::Boolean,
            Self::Integer { .. } => Rule::Integer,
            Self::Duration | Self::Ascii => Rule::CaseIgnoreIa5,
            Self::AsciiExact => Rule::CaseExactIa5,
            Self::Exact => Rule::CaseExact,
            Self::Text
            | Self::Choice(_)
            | Self::Uuid
            | Self::Email
            | Self::EmailList
            | Self::CatchAll
            | Self::Printable
            | Self::Country => Rule::CaseIgnore,
            Self::Octets => Rule::OctetString,
            Self::Time => Rule::GeneralizedTime,
            Self::Dn => Rule::DistinguishedName,
            Self::ObjectIdentifier => Rule::ObjectIdentifier,
            Self::Telephone => Rule::TelephoneNumber,
            Self::PostalAddress => Rule::CaseIgnoreList,
            Self::Numeric => Rule::NumericString,
            Self::Certificate => Rule::CertificateExact,
            Self::EntryUuid => Rule::Uuid,
            Self::Description(_) => Rule::ObjectIdentifierFirstComponent,
            Self::Binary | Self::Jpeg | Self::Opaque(_) => return None,
        })
    }

    /// The rule of order, where values have one.
    #[must_use]
    pub const fn ordering(self) -> Option<Rule> {
        match self {
            Self::Integer { .. } => Some(Rule::IntegerOrdering),
            Self::Time => Some(Rule::GeneralizedTimeOrdering),
            Self::EntryUuid => Some(Rule::UuidOrdering),
            _ => None,
        }
    }

    /// The rule for parts of a value.
    #[must_use]
    pub const fn substring(self) -> Option<Rule> {
        match self {
            Self::Text
            | Self::Choice(_)
            | Self::Uuid
            | Self::Email
            | Self::EmailList
            | Self::CatchAll
            | Self::Printable
            | Self::Country => Some(Rule::CaseIgnoreSubstrings),
            Self::Exact => Some(Rule::CaseExactSubstrings),
            Self::Ascii => Some(Rule::CaseIgnoreIa5Substrings),
            Self::Telephone => Some(Rule::TelephoneNumberSubstrings),
            Self::PostalAddress => Some(Rule::CaseIgnoreListSubstrings),
            Self::Numeric => Some(Rule::NumericStringSubstrings),
            _ => None,
        }
    }

    /// Checks one value; the error says what was expected.
    ///
    /// # Errors
    /// When the value is not of this type.
    pub fn check(self, value: &[u8]) -> Result<(), Expected> {
        let good = match self {
            Self::Octets | Self::Binary | Self::Jpeg | Self::Certificate | Self::Opaque(_) => true,
            // An empty octet string is a value, an empty text is not (RFC 4517 §3.3.6).
            _ => std::str::from_utf8(value).is_ok_and(|text| !text.is_empty() && self.holds(text)),
        };
        if good { Ok(()) } else { Err(Expected(self)) }
    }

    fn holds(self, text: &str) -> bool {
        match self {
            Self::Boolean => matches!(text, "TRUE" | "FALSE"),
            Self::Integer { min, max } => {
                integer(text).is_some_and(|number| (min..=max).contains(&number))
            }
            Self::Duration => duration(text).is_some(),
            Self::Ascii | Self::AsciiExact => text.is_ascii(),
            Self::Choice(words) => words.iter().any(|word| word.eq_ignore_ascii_case(text)),
            Self::Time => time(text).is_some(),
            Self::Uuid | Self::EntryUuid => text.len() == 36 && uuid::Uuid::try_parse(text).is_ok(),
            Self::Email => EmailAddress::parse(text).is_ok(),
            Self::EmailList => text
                .split(',')
                .all(|one| EmailAddress::parse_mailbox(one).is_ok()),
            Self::CatchAll => text
                .strip_prefix('@')
                .is_some_and(|domain| DomainName::parse(domain).is_ok()),
            Self::Numeric => text
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b' '),
            Self::Country => text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic()),
            Self::Printable | Self::Telephone => text.bytes().all(printable),
            Self::ObjectIdentifier => text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.')),
            _ => true,
        }
    }
}

/// RFC 4517 §3.2: the characters of a PrintableString.
fn printable(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"'()+,-.=/:? ".contains(&byte)
}

/// What a value should have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected(pub Kind);

impl std::fmt::Display for Expected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Kind::Boolean => f.write_str("TRUE or FALSE"),
            Kind::Integer { min, max } if max >= i64::from(i32::MAX) => {
                write!(f, "a whole number from {min}")
            }
            Kind::Integer { min, max } => write!(f, "a whole number from {min} to {max}"),
            Kind::Duration => f.write_str("a duration such as 30s, 5m, 2h or 7d"),
            Kind::Ascii | Kind::AsciiExact => f.write_str("ASCII text"),
            Kind::Choice(words) => write!(f, "one of {}", words.join(", ")),
            Kind::Time => f.write_str("a time as YYYYMMDDhhmmssZ"),
            Kind::Uuid | Kind::EntryUuid => f.write_str("a UUID"),
            Kind::Email => f.write_str("an e-mail address"),
            Kind::EmailList => f.write_str("e-mail addresses with commas between them"),
            Kind::CatchAll => f.write_str("@ and a domain, such as @example.com"),
            Kind::Dn => f.write_str("a distinguished name"),
            Kind::Numeric => f.write_str("digits"),
            Kind::Country => f.write_str("a country code of two letters"),
            Kind::Printable | Kind::Telephone => f.write_str("printable ASCII characters"),
            Kind::ObjectIdentifier => f.write_str("an object identifier"),
            _ => f.write_str("text that is not empty"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: Kind, good: &[&str], bad: &[&str]) {
        for value in good {
            assert_eq!(kind.check(value.as_bytes()), Ok(()), "{value:?} is good");
        }
        for value in bad {
            assert!(kind.check(value.as_bytes()).is_err(), "{value:?} is bad");
        }
    }

    #[test]
    fn values_are_checked_by_their_kind() {
        check(Kind::Boolean, &["TRUE", "FALSE"], &["true", "yes", ""]);
        check(
            PORT,
            &["0", "25", "65535"],
            &["-1", "65536", "025", "+25", "", "-0"],
        );
        check(LONG, &["0", "10240000"], &["-5", "9223372036854775808"]);
        check(
            Kind::Duration,
            &["0", "30", "15ms", "2d"],
            &["", "d", "3w", "-1s"],
        );
        check(
            Kind::Choice(&["active", "closed"]),
            &["active", "CLOSED"],
            &["open"],
        );
        check(
            Kind::Time,
            &["20240131100000Z", "20240131100000.123Z"],
            &["20240131", "20241331100000Z"],
        );
        check(
            Kind::Email,
            &["a@example.com", "ü@bücher.example"],
            &["a", "@example.com", "a@b@"],
        );
        check(
            Kind::EmailList,
            &["a@x.org, b@y.org", "A <a@x.org>,b@y.org"],
            &["a@x.org,,", ","],
        );
        check(
            Kind::CatchAll,
            &["@example.com"],
            &["example.com", "a@example.com", "@"],
        );
        check(
            Kind::Uuid,
            &["e00428a1-0c00-11d9-836a-000d93afea2a"],
            &["e00428a1", ""],
        );
        check(Kind::Country, &["CH"], &["CHE", "1a"]);
    }
}

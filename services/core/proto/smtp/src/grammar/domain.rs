//! Domain names as the mail system compares them.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use compact_str::CompactString;
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

use crate::limits::{DOMAIN_MAX, LABEL_MAX};

/// A domain name: lower case, internationalised labels as A-labels (RFC 5890). Two that are equal
/// name the same domain, however they were written.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Domain(CompactString);

/// Why a text is not a domain name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DomainError {
    /// Nothing there, or an empty label.
    #[error("a domain name has no empty label")]
    Empty,
    /// A label over 63 octets or a name over 255.
    #[error("the domain name is too long")]
    TooLong,
    /// A character that no host name has, or a hyphen at a label's edge.
    #[error("the domain name has a character that is not allowed in that place")]
    Character,
    /// Not a valid internationalised name.
    #[error("not a valid internationalised domain name")]
    Idna,
}

impl Domain {
    /// Reads a domain name in U-label, A-label or mixed form.
    ///
    /// RFC 5321 §4.1.2: `Domain = sub-domain *("." sub-domain)`. An underscore is taken too: such
    /// names exist in the DNS and send mail.
    ///
    /// # Errors
    /// [`DomainError`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, DomainError> {
        let ascii = if text.is_ascii() && !has_a_label(text) {
            Cow::Owned(text.to_ascii_lowercase())
        } else {
            // Refused before the mapping, which may take time in proportion to it.
            if text.len() > 4 * DOMAIN_MAX {
                return Err(DomainError::TooLong);
            }
            Uts46::new()
                .to_ascii(
                    text.as_bytes(),
                    AsciiDenyList::EMPTY,
                    Hyphens::Allow,
                    DnsLength::Ignore,
                )
                .or(Err(DomainError::Idna))?
        };
        check(&ascii)?;
        let domain = Self(CompactString::from(ascii));
        // An A-label that reads as another A-label is none (UTS #46 §4.1, criterion 4).
        match has_a_label(&domain.to_unicode()) {
            true => Err(DomainError::Idna),
            false => Ok(domain),
        }
    }

    /// The name in A-label form, as DNS and SMTP without SMTPUTF8 take it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name in U-label form, as people read it.
    #[must_use]
    pub fn to_unicode(&self) -> Cow<'_, str> {
        if !has_a_label(&self.0) {
            return Cow::Borrowed(&self.0);
        }
        Uts46::new()
            .to_unicode(self.0.as_bytes(), AsciiDenyList::EMPTY, Hyphens::Allow)
            .0
    }
}

fn has_a_label(name: &str) -> bool {
    name.split('.').any(|label| {
        label
            .as_bytes()
            .get(..4)
            .is_some_and(|prefix| prefix.eq_ignore_ascii_case(b"xn--"))
    })
}

fn check(name: &str) -> Result<(), DomainError> {
    if name.len() > DOMAIN_MAX {
        return Err(DomainError::TooLong);
    }
    name.split('.').try_for_each(|label| {
        let bytes = label.as_bytes();
        let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
            return Err(DomainError::Empty);
        };
        if bytes.len() > LABEL_MAX {
            return Err(DomainError::TooLong);
        }
        let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        match bytes.iter().all(allowed) && *first != b'-' && *last != b'-' {
            true => Ok(()),
            false => Err(DomainError::Character),
        }
    })
}

impl FromStr for Domain {
    type Err = DomainError;

    fn from_str(text: &str) -> Result<Self, DomainError> {
        Self::parse(text)
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_domain_has_one_form() {
        for (text, ascii, unicode) in [
            ("Example.TEST", "example.test", "example.test"),
            ("Bücher.example", "xn--bcher-kva.example", "bücher.example"),
            (
                "XN--BCHER-KVA.example",
                "xn--bcher-kva.example",
                "bücher.example",
            ),
            ("例え.テスト", "xn--r8jz45g.xn--zckzah", "例え.テスト"),
            ("a_b.example", "a_b.example", "a_b.example"),
            ("localhost", "localhost", "localhost"),
        ] {
            let domain = Domain::parse(text).unwrap();
            assert_eq!(domain.as_str(), ascii);
            assert_eq!(domain.to_unicode(), unicode);
        }
    }

    #[test]
    fn what_is_no_domain_is_refused() {
        let label = "l".repeat(LABEL_MAX + 1);
        let name = vec!["label"; 43].join(".");
        for (text, error) in [
            ("", DomainError::Empty),
            ("xn--xn--bcher-chet", DomainError::Idna),
            (".", DomainError::Empty),
            ("example.test.", DomainError::Empty),
            ("a..b", DomainError::Empty),
            ("-a.test", DomainError::Character),
            ("a-.test", DomainError::Character),
            ("a b.test", DomainError::Character),
            ("a\0b.test", DomainError::Character),
            ("[1.2.3.4]", DomainError::Character),
            ("xn--\u{7f}", DomainError::Character),
            ("xn--a-ecp.ru", DomainError::Idna),
            (&label, DomainError::TooLong),
            (&name, DomainError::TooLong),
            (&"ü".repeat(600), DomainError::TooLong),
        ] {
            assert!(Domain::parse(text).is_err(), "{text}");
            if error != DomainError::Character {
                assert_eq!(Domain::parse(text), Err(error), "{text}");
            }
        }
    }
}

//! Domain names.

use std::fmt;

use compact_str::CompactString;

use super::{BadName, shown};

/// RFC 1035 §2.3.4, less the root's length octet.
const DOMAIN_MAX: usize = 253;
/// RFC 1035 §2.3.4.
const LABEL_MAX: usize = 63;

/// A domain name: lower case, internationalized labels in ASCII form, no final dot.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomainName(CompactString);

impl DomainName {
    /// Reads a domain name, in ASCII or in Unicode.
    ///
    /// # Errors
    /// When it is none, or an address literal.
    pub fn parse(text: &str) -> Result<Self, BadName> {
        let bad = || BadName::Domain(shown(text));
        let name = text.strip_suffix('.').unwrap_or(text);
        if name.is_empty() || name.len() > DOMAIN_MAX * 4 {
            return Err(bad());
        }
        let ascii = idna::domain_to_ascii(name).map_err(|_| bad())?;
        let label = |label: &str| {
            !label.is_empty()
                && label.len() <= LABEL_MAX
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        if ascii.len() <= DOMAIN_MAX && ascii.split('.').all(label) {
            Ok(Self(ascii.to_ascii_lowercase().into()))
        } else {
            Err(bad())
        }
    }

    /// In ASCII, as it is stored and looked up.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// In Unicode, as people read it.
    #[must_use]
    pub fn to_unicode(&self) -> String {
        idna::domain_to_unicode(&self.0).0
    }

    /// The labels, leftmost first.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.0.split('.')
    }

    /// The domain one label up; none above a single label.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.0.split_once('.').map(|(_, rest)| Self(rest.into()))
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl std::str::FromStr for DomainName {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_normalized() {
        assert_eq!(
            DomainName::parse("Example.COM.").unwrap().as_str(),
            "example.com"
        );
        assert_eq!(
            DomainName::parse("bücher.example").unwrap().as_str(),
            "xn--bcher-kva.example"
        );
        for bad in [
            "",
            ".",
            "a..b",
            "-a.b",
            "a b",
            "[192.0.2.1]",
            "a/b",
            &"a".repeat(64),
        ] {
            assert!(DomainName::parse(bad).is_err(), "{bad:?}");
        }
    }
}

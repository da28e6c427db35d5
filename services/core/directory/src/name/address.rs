//! E-mail addresses.

use std::fmt;

use compact_str::{CompactString, ToCompactString as _};

use super::{BadName, DomainName, shown};

/// RFC 5321 §4.5.3.1.1 asks for 64; bounce addresses of mailing lists are longer in practice.
const LOCAL_PART_MAX: usize = 255;

/// An e-mail address as the directory knows it; in order, those of one domain are together.
///
/// The local part is without quotes and in lower case: the directory ignores case, as all do
/// though RFC 5321 §2.4 need not. A message keeps its own spelling elsewhere.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmailAddress {
    domain: DomainName,
    local: CompactString,
}

impl EmailAddress {
    /// Reads `local@domain` or `"quoted local"@domain`.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, BadName> {
        let bad = || BadName::Address(shown(text));
        let (local, domain) = text.rsplit_once('@').ok_or_else(bad)?;
        let domain = DomainName::parse(domain).map_err(|_| bad())?;
        match local
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
        {
            Some(quoted) => Self::new(&unquoted(quoted).ok_or_else(bad)?, domain),
            None if local.chars().any(special) => Err(bad()),
            None => Self::new(local, domain),
        }
        .map_err(|_| bad())
    }

    /// Reads an address with or without a display name: `local@domain` or `Name <local@domain>`.
    ///
    /// # Errors
    /// When there is none.
    pub fn parse_mailbox(text: &str) -> Result<Self, BadName> {
        let bracketed = text
            .trim_end()
            .strip_suffix('>')
            .and_then(|rest| rest.rsplit_once('<'));
        Self::parse(bracketed.map_or(text.trim(), |(_, address)| address.trim()))
    }

    /// Puts an address together from a local part (without quotes) and a domain.
    ///
    /// # Errors
    /// When the local part is empty, too long, or has control characters.
    pub fn new(local: &str, domain: DomainName) -> Result<Self, BadName> {
        if local.is_empty() || local.len() > LOCAL_PART_MAX || local.chars().any(char::is_control) {
            return Err(BadName::Address(shown(local)));
        }
        Ok(Self {
            domain,
            local: local.to_lowercase().into(),
        })
    }

    /// The part before the at-sign, without quotes.
    #[must_use]
    pub fn local(&self) -> &str {
        &self.local
    }

    /// The part after the at-sign.
    #[must_use]
    pub fn domain(&self) -> &DomainName {
        &self.domain
    }

    /// The same local part in another domain.
    #[must_use]
    pub fn at(&self, domain: &DomainName) -> Self {
        Self {
            domain: domain.clone(),
            local: self.local.clone(),
        }
    }

    /// Splits `user+detail` (RFC 5233): the address without the detail, and the detail.
    pub fn split_detail(&self, delimiters: &str) -> Option<(Self, &str)> {
        // A delimiter at the very start belongs to the name.
        let at = self
            .local
            .char_indices()
            .skip(1)
            .find(|(_, one)| delimiters.contains(*one))?;
        let (user, rest) = self.local.split_at_checked(at.0)?;
        let detail = rest.get(at.1.len_utf8()..)?;
        Some((
            Self {
                domain: self.domain.clone(),
                local: user.into(),
            },
            detail,
        ))
    }
}

/// Characters that need quotes around a local part (RFC 5322 §3.2.3).
fn special(character: char) -> bool {
    character.is_whitespace() || "()<>[]:;@\\,\"".contains(character)
}

/// Takes the backslashes out of a quoted string; nothing when a quote or the end is not escaped.
fn unquoted(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => plain.push(characters.next()?),
            '"' => return None,
            other => plain.push(other),
        }
    }
    Some(plain)
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.local.chars().any(special) {
            f.write_str("\"")?;
            for character in self.local.chars() {
                if matches!(character, '"' | '\\') {
                    f.write_str("\\")?;
                }
                write!(f, "{character}")?;
            }
            write!(f, "\"@{}", self.domain)
        } else {
            write!(f, "{}@{}", self.local, self.domain)
        }
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_compact_string())
    }
}

impl std::str::FromStr for EmailAddress {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_ignore_case_and_keep_quotes_where_needed() {
        let address = EmailAddress::parse("Alice@Example.com").unwrap();
        assert_eq!(address.to_string(), "alice@example.com");
        let odd = EmailAddress::parse(r#""a \"b\""@example.com"#).unwrap();
        assert_eq!(odd.local(), r#"a "b""#);
        assert_eq!(odd.to_string(), r#""a \"b\""@example.com"#);
        for bad in [
            "a",
            "@b.c",
            "a b@c.d",
            "a@",
            "\"a@b.c",
            "a@[192.0.2.1]",
            "<a@b.c>",
        ] {
            assert!(EmailAddress::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_display_name_is_passed_over() {
        let bob = EmailAddress::parse("bob@example.com");
        for text in [
            "bob@example.com",
            " bob@example.com ",
            "Bob <bob@example.com>",
            "<bob@example.com>",
        ] {
            assert_eq!(EmailAddress::parse_mailbox(text), bob, "{text:?}");
        }
        assert!(EmailAddress::parse_mailbox("Bob <bob>").is_err());
    }

    #[test]
    fn details_are_split_at_the_first_delimiter() {
        let address = EmailAddress::parse("bob+lists+rust@example.com").unwrap();
        let (user, detail) = address.split_detail("+").unwrap();
        assert_eq!(
            (user.to_string().as_str(), detail),
            ("bob@example.com", "lists+rust")
        );
        assert_eq!(
            EmailAddress::parse("+x@example.com")
                .unwrap()
                .split_detail("+"),
            None
        );
        assert_eq!(address.split_detail(""), None);
    }

    proptest! {
        #[test]
        fn parsing_what_is_printed_gives_the_same(text in "\\PC{0,40}@[a-z0-9.-]{1,20}") {
            if let Ok(address) = EmailAddress::parse(&text) {
                prop_assert_eq!(EmailAddress::parse(&address.to_string()), Ok(address));
            }
        }

        #[test]
        fn parsing_never_panics(text in any::<String>()) {
            if let Ok(address) = EmailAddress::parse(&text) {
                address.split_detail("+-");
            }
        }
    }
}

//! Names: domains, e-mail addresses, identifiers. Checked once, here; normalized, so that equal
//! names are equal values.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

use compact_str::{CompactString, ToCompactString as _};

/// RFC 1035 §2.3.4, less the root's length octet.
const DOMAIN_MAX: usize = 253;
/// RFC 1035 §2.3.4.
const LABEL_MAX: usize = 63;
/// RFC 5321 §4.5.3.1.1 asks for 64; bounce addresses of mailing lists are longer in practice.
const LOCAL_PART_MAX: usize = 255;

/// Why a name is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadName {
    /// Not a domain name.
    #[error("{0:?} is not a domain name")]
    Domain(CompactString),
    /// Not an e-mail address.
    #[error("{0:?} is not an e-mail address")]
    Address(CompactString),
    /// Not an identifier.
    #[error("{0:?} is not a UUID")]
    Id(CompactString),
}

/// What a bad name shows of itself in messages.
fn shown(text: &str) -> CompactString {
    text.chars().take(80).collect()
}

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

/// The `zimbraId` of an entry of some kind.
pub struct Id<K>(uuid::Uuid, PhantomData<fn() -> K>);

/// Kinds of entry that [`Id`]s belong to.
pub mod of {
    /// An account.
    pub enum Account {}
    /// A domain.
    pub enum Domain {}
    /// A class of service.
    pub enum Cos {}
    /// A distribution list.
    pub enum List {}
    /// A server.
    pub enum Server {}
}

/// The identifier of an account.
pub type AccountId = Id<of::Account>;
/// The identifier of a domain.
pub type DomainId = Id<of::Domain>;
/// The identifier of a class of service.
pub type CosId = Id<of::Cos>;
/// The identifier of a distribution list.
pub type ListId = Id<of::List>;
/// The identifier of a server.
pub type ServerId = Id<of::Server>;

impl<K> Id<K> {
    /// Reads an identifier; the case of its letters does not matter.
    ///
    /// # Errors
    /// When it is not a UUID.
    pub fn parse(text: &str) -> Result<Self, BadName> {
        uuid::Uuid::try_parse(text)
            .map(Self::from_uuid)
            .map_err(|_| BadName::Id(shown(text)))
    }

    /// A new one, random.
    #[must_use]
    pub fn random() -> Self {
        Self::from_uuid(uuid::Uuid::new_v4())
    }

    /// From a UUID.
    #[must_use]
    pub const fn from_uuid(uuid: uuid::Uuid) -> Self {
        Self(uuid, PhantomData)
    }

    /// The UUID.
    #[must_use]
    pub const fn uuid(self) -> uuid::Uuid {
        self.0
    }
}

// By hand: derived ones would ask the same of `K`, which is never a value.
impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}
impl<K> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl<K> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
impl<K> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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

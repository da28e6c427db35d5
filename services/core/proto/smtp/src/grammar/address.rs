//! Mailboxes and paths (RFC 5321 §4.1.2, RFC 6531 §3.3).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use compact_str::CompactString;

use super::domain::{Domain, DomainError};
use crate::limits::LOCAL_PART_MAX;

/// The part before the `@`, without quoting: `"a b"@example.test` has the local part `a b`. Its case
/// and its characters are the receiving system's business, so they are kept.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LocalPart(CompactString);

impl LocalPart {
    /// Wraps an unquoted local part.
    ///
    /// # Errors
    /// [`AddressError`] when it is empty, too long, or has a control character.
    pub fn new(text: &str) -> Result<Self, AddressError> {
        match text.len() {
            0 => Err(AddressError::LocalPart),
            1..=LOCAL_PART_MAX if !text.chars().any(char::is_control) => {
                Ok(Self(CompactString::from(text)))
            }
            1..=LOCAL_PART_MAX => Err(AddressError::LocalPart),
            _ => Err(AddressError::TooLong),
        }
    }

    /// The text, unquoted.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LocalPart {
    /// As it must stand in an address: quoted where it is not a dot-string.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self
            .0
            .split('.')
            .all(|atom| !atom.is_empty() && atom.chars().all(is_atext))
        {
            return f.write_str(&self.0);
        }
        f.write_str("\"")?;
        for char in self.0.chars() {
            if matches!(char, '"' | '\\') {
                f.write_str("\\")?;
            }
            write!(f, "{char}")?;
        }
        f.write_str("\"")
    }
}

impl fmt::Debug for LocalPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What stands after the `@`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    /// A name.
    Domain(Domain),
    /// An address literal: `[192.0.2.1]`, `[IPv6:2001:db8::1]`.
    Literal(IpAddr),
}

impl Host {
    /// Reads a domain or an address literal.
    ///
    /// # Errors
    /// [`AddressError`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        match text.strip_prefix('[') {
            None => Ok(Self::Domain(Domain::parse(text)?)),
            Some(rest) => rest
                .strip_suffix(']')
                .and_then(literal)
                .map(Self::Literal)
                .ok_or(AddressError::Literal),
        }
    }
}

// RFC 5321 §4.1.3: address-literal = "[" ( IPv4-address-literal / IPv6-address-literal / … ) "]"
// No general-address-literal is registered besides these two.
fn literal(text: &str) -> Option<IpAddr> {
    let tag = "ipv6:";
    let bytes = text.as_bytes();
    if bytes.len() > tag.len() && bytes[..tag.len()].eq_ignore_ascii_case(tag.as_bytes()) {
        let address = text.get(tag.len()..)?;
        return address.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    }
    text.parse::<Ipv4Addr>().ok().map(IpAddr::V4)
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(domain) => write!(f, "{domain}"),
            Self::Literal(IpAddr::V4(address)) => write!(f, "[{address}]"),
            Self::Literal(IpAddr::V6(address)) => write!(f, "[IPv6:{address}]"),
        }
    }
}

/// A mailbox: `local-part@host`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    local: LocalPart,
    host: Host,
}

/// Why a text is not an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The local part is missing or has a character that must be quoted or must not be there.
    #[error("the local part is malformed")]
    LocalPart,
    /// The local part is over its limit.
    #[error("the local part is too long")]
    TooLong,
    /// There is no `@`.
    #[error("the address has no domain")]
    NoDomain,
    /// The domain is not one.
    #[error(transparent)]
    Domain(#[from] DomainError),
    /// The address literal is not one.
    #[error("the address literal is malformed")]
    Literal,
    /// The path is not in angle brackets.
    #[error("the address is not in angle brackets")]
    Brackets,
}

impl Address {
    /// Joins the two parts.
    #[must_use]
    pub fn new(local: LocalPart, host: Host) -> Self {
        Self { local, host }
    }

    /// Reads `local-part@host`, the local part quoted where it must be.
    ///
    /// # Errors
    /// [`AddressError`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let (local, rest) = local_part(text)?;
        let host = rest.strip_prefix('@').ok_or(match rest {
            "" => AddressError::NoDomain,
            _ => AddressError::LocalPart,
        })?;
        Ok(Self::new(local, Host::parse(host)?))
    }

    /// The local part.
    #[must_use]
    pub fn local(&self) -> &LocalPart {
        &self.local
    }

    /// What stands after the `@`.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The domain, unless the address has a literal.
    #[must_use]
    pub fn domain(&self) -> Option<&Domain> {
        match &self.host {
            Host::Domain(domain) => Some(domain),
            Host::Literal(_) => None,
        }
    }

    /// Whether it can be sent to a server without SMTPUTF8. The domain always can.
    #[must_use]
    pub fn is_ascii(&self) -> bool {
        self.local.0.is_ascii()
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        Self::parse(text)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local, self.host)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Whom to tell when a message cannot be delivered: nobody, for messages that say just that.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ReversePath {
    /// `<>` (RFC 5321 §4.5.5).
    Null,
    /// An address.
    Address(Address),
}

impl ReversePath {
    /// The address, unless it is null.
    #[must_use]
    pub fn address(&self) -> Option<&Address> {
        match self {
            Self::Null => None,
            Self::Address(address) => Some(address),
        }
    }
}

impl fmt::Display for ReversePath {
    /// In angle brackets, as commands and Return-Path have it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("<>"),
            Self::Address(address) => write!(f, "<{address}>"),
        }
    }
}

/// Whom to deliver to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ForwardPath {
    /// `<Postmaster>` without a domain, which every server takes (RFC 5321 §4.5.1).
    Postmaster,
    /// An address.
    Address(Address),
}

impl fmt::Display for ForwardPath {
    /// In angle brackets, as commands have it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Postmaster => f.write_str("<Postmaster>"),
            Self::Address(address) => write!(f, "<{address}>"),
        }
    }
}

// RFC 5321 §4.1.2: Reverse-path = Path / "<>"
pub(crate) fn reverse_path(text: &str) -> Result<(ReversePath, &str), AddressError> {
    if let Some(rest) = text.strip_prefix("<>") {
        return Ok((ReversePath::Null, rest));
    }
    let (inside, rest) = bracketed(text)?;
    Ok((
        ReversePath::Address(Address::parse(without_route(inside)?)?),
        rest,
    ))
}

// RFC 5321 §4.1.1.3: "RCPT TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path )
pub(crate) fn forward_path(text: &str) -> Result<(ForwardPath, &str), AddressError> {
    let (inside, rest) = bracketed(text)?;
    if inside.eq_ignore_ascii_case("postmaster") {
        return Ok((ForwardPath::Postmaster, rest));
    }
    Ok((
        ForwardPath::Address(Address::parse(without_route(inside)?)?),
        rest,
    ))
}

// RFC 5321 §4.1.2: Path = "<" [ A-d-l ":" ] Mailbox ">"
/// What is between the brackets and what follows them. A `>` may stand in a quoted string.
fn bracketed(text: &str) -> Result<(&str, &str), AddressError> {
    let inside = text.strip_prefix('<').ok_or(AddressError::Brackets)?;
    let mut quoted = false;
    let mut escaped = false;
    for (at, char) in inside.char_indices() {
        match char {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '>' if !quoted => {
                let (inside, rest) = inside.split_at(at);
                return Ok((inside, rest.strip_prefix('>').unwrap_or(rest)));
            }
            _ => {}
        }
    }
    Err(AddressError::Brackets)
}

// RFC 5321 §4.1.2: A-d-l = At-domain *( "," At-domain ). Appendix C: accepted and ignored.
fn without_route(path: &str) -> Result<&str, AddressError> {
    if !path.starts_with('@') {
        return Ok(path);
    }
    let (route, mailbox) = path.split_once(':').ok_or(AddressError::NoDomain)?;
    for hop in route.split(',') {
        Host::parse(hop.strip_prefix('@').ok_or(AddressError::NoDomain)?)?;
    }
    Ok(mailbox)
}

// RFC 5321 §4.1.2: Local-part = Dot-string / Quoted-string
fn local_part(text: &str) -> Result<(LocalPart, &str), AddressError> {
    if let Some(quoted) = text.strip_prefix('"') {
        return quoted_string(quoted);
    }
    let end = text
        .find(|char| !is_atext(char) && char != '.')
        .unwrap_or(text.len());
    let (local, rest) = text.split_at(end);
    // departs: a dot-string has no dot at its edges and no two in a row, yet some old mobile
    // carriers assign such addresses; they are taken as they come and quoted where we print them.
    Ok((LocalPart::new(local)?, rest))
}

// RFC 5321 §4.1.2: Quoted-string = DQUOTE *QcontentSMTP DQUOTE
fn quoted_string(text: &str) -> Result<(LocalPart, &str), AddressError> {
    let mut local = String::new();
    let mut chars = text.chars();
    loop {
        match chars.next() {
            Some('"') => return Ok((LocalPart::new(&local)?, chars.as_str())),
            // quoted-pairSMTP = %d92 %d32-126
            Some('\\') => match chars.next() {
                Some(char @ ' '..='~') => local.push(char),
                _ => return Err(AddressError::LocalPart),
            },
            Some(char) => local.push(char),
            None => return Err(AddressError::LocalPart),
        }
    }
}

// RFC 5322 §3.2.3 atext, and UTF8-non-ascii by RFC 6531 §3.3.
fn is_atext(char: char) -> bool {
    match char {
        'a'..='z' | 'A'..='Z' | '0'..='9' => true,
        '!' | '#' | '$' | '%' | '&' | '\'' | '*' | '+' | '-' | '/' | '=' | '?' | '^' | '_'
        | '`' | '{' | '|' | '}' | '~' => true,
        _ => !char.is_ascii() && !char.is_control() && !char.is_whitespace(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_are_read_and_printed() {
        for (text, local, printed) in [
            ("alice@Example.TEST", "alice", "alice@example.test"),
            (
                "Alice+tag@example.test",
                "Alice+tag",
                "Alice+tag@example.test",
            ),
            ("\"a b\"@x.test", "a b", "\"a b\"@x.test"),
            ("\"alice\"@x.test", "alice", "alice@x.test"),
            ("\"a\\\"\\\\b\"@x.test", "a\"\\b", "\"a\\\"\\\\b\"@x.test"),
            ("\"a@b\"@x.test", "a@b", "\"a@b\"@x.test"),
            ("a..b.@x.test", "a..b.", "\"a..b.\"@x.test"),
            ("a@[192.0.2.1]", "a", "a@[192.0.2.1]"),
            ("a@[ipv6:2001:DB8::1]", "a", "a@[IPv6:2001:db8::1]"),
            ("дом@пример.example", "дом", "дом@xn--e1afmkfd.example"),
            (
                "!#$%&'*+-/=?^_`{|}~@x.test",
                "!#$%&'*+-/=?^_`{|}~",
                "!#$%&'*+-/=?^_`{|}~@x.test",
            ),
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!(address.local().as_str(), local);
            assert_eq!(address.to_string(), printed);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "@",
            "a",
            "a@",
            "@x.test",
            "a b@x.test",
            "a@b@c",
            "\"a@x.test",
            "\"a\"b@x.test",
            "a\"b@x.test",
            "\"\"@x.test",
            "a@[1.2.3]",
            "a@[1.2.3.4",
            "a@[IPv6:1.2.3.4]",
            "a@[x400:foo]",
            "\"a\\\u{7}\"@x.test",
            "\"a\u{0}\"@x.test",
            "a@x.test>",
            "<a@x.test>",
            "a,b@x.test",
            "a\r\n@x.test",
            "a\u{a0}b@x.test",
        ] {
            assert!(Address::parse(text).is_err(), "{text:?}");
        }
        let long = |length| Address::parse(&format!("{}@x.test", "l".repeat(length)));
        assert!(long(LOCAL_PART_MAX).is_ok());
        assert_eq!(long(LOCAL_PART_MAX + 1), Err(AddressError::TooLong));
    }

    #[test]
    fn paths_are_read_with_what_follows() {
        let path = |text| reverse_path(text).map(|(path, rest)| (path.to_string(), rest));
        assert_eq!(path("<> SIZE=1"), Ok(("<>".into(), " SIZE=1")));
        assert_eq!(path("<a@x.test>"), Ok(("<a@x.test>".into(), "")));
        assert_eq!(
            path("<\"a>b\"@x.test>x"),
            Ok(("<\"a>b\"@x.test>".into(), "x"))
        );
        assert_eq!(
            path("<@a.test,@[1.2.3.4]:a@x.test>"),
            Ok(("<a@x.test>".into(), ""))
        );
        for bad in [
            "",
            "a@x.test",
            "<a@x.test",
            "<@a.test>",
            "<@a.test,b:a@x.test>",
            "< a@x.test>",
            "<a@x.test >",
        ] {
            assert!(path(bad).is_err(), "{bad}");
        }
        assert_eq!(
            forward_path("<postMASTER>").unwrap().0,
            ForwardPath::Postmaster
        );
        assert_eq!(forward_path("<>"), Err(AddressError::LocalPart));
        assert_eq!(forward_path("<alice>"), Err(AddressError::NoDomain));
    }

    proptest! {
        #[test]
        fn any_local_part_survives_printing(text in "[^\\p{Cc}]{1,60}") {
            let host = Host::parse("example.test").unwrap();
            let address = Address::new(LocalPart::new(&text).unwrap(), host);
            prop_assert_eq!(Address::parse(&address.to_string()), Ok(address));
        }

        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,60}") {
            if let Ok(address) = Address::parse(&text) {
                prop_assert_eq!(Address::parse(&address.to_string()), Ok(address));
            }
            prop_assert!(reverse_path(&text).is_ok() || reverse_path(&text).is_err());
        }
    }
}

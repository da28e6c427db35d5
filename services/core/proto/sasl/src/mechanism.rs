//! The mechanisms by name, and the sets of them that a server offers.

use std::fmt;

/// A SASL mechanism that a server of ours can speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mechanism {
    /// RFC 7677: the password never crosses the wire.
    ScramSha256,
    /// RFC 4616: name and password in one message.
    Plain,
    /// The obsolete mechanism that old submission clients still ask for.
    Login,
}

impl Mechanism {
    /// All of them, the strongest first.
    pub const ALL: [Self; 3] = [Self::ScramSha256, Self::Plain, Self::Login];

    /// The mechanism of that name; names are compared without case, as the protocols' verbs are.
    #[must_use]
    pub fn parse(name: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|mechanism| name.eq_ignore_ascii_case(mechanism.name().as_bytes()))
    }

    /// The registered name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
        }
    }

    /// Whether the server sees the password itself, so that the connection must hide it.
    #[must_use]
    pub fn reveals_password(self) -> bool {
        match self {
            Self::ScramSha256 => false,
            Self::Plain | Self::Login => true,
        }
    }

    fn bit(self) -> u8 {
        match self {
            Self::ScramSha256 => 1,
            Self::Plain => 2,
            Self::Login => 4,
        }
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of mechanisms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mechanisms(u8);

impl Mechanisms {
    /// No mechanism: authentication is not offered.
    pub const NONE: Self = Self(0);

    /// The set without `mechanism`.
    #[must_use]
    pub fn without(self, mechanism: Mechanism) -> Self {
        Self(self.0 & !mechanism.bit())
    }

    /// The set with `mechanism`.
    #[must_use]
    pub fn with(self, mechanism: Mechanism) -> Self {
        Self(self.0 | mechanism.bit())
    }

    /// Whether `mechanism` is in the set.
    #[must_use]
    pub fn contains(self, mechanism: Mechanism) -> bool {
        self.0 & mechanism.bit() != 0
    }

    /// Whether the set is empty.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The members, the strongest first.
    pub fn iter(self) -> impl Iterator<Item = Mechanism> {
        Mechanism::ALL
            .into_iter()
            .filter(move |&mechanism| self.contains(mechanism))
    }
}

impl FromIterator<Mechanism> for Mechanisms {
    fn from_iter<I: IntoIterator<Item = Mechanism>>(mechanisms: I) -> Self {
        mechanisms.into_iter().fold(Self::NONE, Self::with)
    }
}

impl fmt::Display for Mechanisms {
    /// Names with spaces between, as `EHLO` and `CAPA` list them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mechanism) in self.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(mechanism.name())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_lists_the_strongest_first() {
        let set: Mechanisms = [Mechanism::Login, Mechanism::Plain, Mechanism::ScramSha256]
            .into_iter()
            .collect();
        assert_eq!(set.to_string(), "SCRAM-SHA-256 PLAIN LOGIN");
        assert_eq!(
            set.without(Mechanism::Plain).to_string(),
            "SCRAM-SHA-256 LOGIN"
        );
        assert!(Mechanisms::NONE.is_empty());
    }

    #[test]
    fn names_have_no_case_but_are_exact() {
        assert_eq!(Mechanism::parse(b"plain"), Some(Mechanism::Plain));
        assert_eq!(
            Mechanism::parse(b"scram-sha-256"),
            Some(Mechanism::ScramSha256)
        );
        assert_eq!(Mechanism::parse(b"SCRAM-SHA-256-PLUS"), None);
        assert_eq!(Mechanism::parse(b"PLAI"), None);
        assert_eq!(Mechanism::parse(b""), None);
    }
}

//! Flags: five that every message may have, and keywords named by the mailbox's users.

use std::fmt;

use compact_str::CompactString;
use smallvec::SmallVec;

use crate::limits::KEYWORD_OCTETS;

/// A flag that RFC 9051 §2.3.2 defines. `\Recent` is not among them: it belongs to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum SystemFlag {
    /// Has been answered.
    Answered = 1,
    /// Wants attention.
    Flagged = 2,
    /// Goes with the next EXPUNGE.
    Deleted = 4,
    /// Has been read.
    Seen = 8,
    /// Is not finished.
    Draft = 16,
}

impl SystemFlag {
    /// Every system flag, in the order in which they are printed.
    pub const EACH: [Self; 5] = [
        Self::Answered,
        Self::Flagged,
        Self::Deleted,
        Self::Seen,
        Self::Draft,
    ];

    /// The flag on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "\\Answered",
            Self::Flagged => "\\Flagged",
            Self::Deleted => "\\Deleted",
            Self::Seen => "\\Seen",
            Self::Draft => "\\Draft",
        }
    }

    /// The flag that `wire` (with its backslash) names.
    #[must_use]
    pub fn parse(wire: &[u8]) -> Option<Self> {
        Self::EACH
            .into_iter()
            .find(|each| each.as_str().as_bytes().eq_ignore_ascii_case(wire))
    }
}

/// A set of system flags.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct SystemFlags(u8);

impl SystemFlags {
    /// No flag.
    pub const NONE: Self = Self(0);

    /// Whether `flag` is among them.
    #[must_use]
    pub const fn contains(self, flag: SystemFlag) -> bool {
        self.0 & flag as u8 != 0
    }

    /// These and `flag`.
    #[must_use]
    pub const fn with(self, flag: SystemFlag) -> Self {
        Self(self.0 | flag as u8)
    }

    /// These without `flag`.
    #[must_use]
    pub const fn without(self, flag: SystemFlag) -> Self {
        Self(self.0 & !(flag as u8))
    }

    /// Those in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These without those of `other`.
    #[must_use]
    pub const fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The flags, in the order in which they are printed.
    pub fn iter(self) -> impl Iterator<Item = SystemFlag> {
        SystemFlag::EACH
            .into_iter()
            .filter(move |flag| self.contains(*flag))
    }
}

impl FromIterator<SystemFlag> for SystemFlags {
    fn from_iter<I: IntoIterator<Item = SystemFlag>>(flags: I) -> Self {
        flags.into_iter().fold(Self::NONE, Self::with)
    }
}

impl fmt::Debug for SystemFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// The number of a keyword in its snapshot's table of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeywordId(pub u16);

/// The flags of one message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// The system flags.
    pub system: SystemFlags,
    /// The keywords, ascending, each once.
    pub keywords: SmallVec<[KeywordId; 4]>,
}

impl Flags {
    /// Whether it has `flag`.
    #[must_use]
    pub fn has(&self, flag: SystemFlag) -> bool {
        self.system.contains(flag)
    }
}

/// The name of a keyword: an atom (RFC 9051 §9 `flag-keyword`), compared without regard to case.
#[derive(Clone, Debug, Eq)]
pub struct Keyword(CompactString);

/// Why a keyword is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeywordError {
    /// It is empty.
    #[error("a keyword cannot be empty")]
    Empty,
    /// It is longer than [`KEYWORD_OCTETS`].
    #[error("a keyword cannot be longer than {KEYWORD_OCTETS} octets")]
    TooLong,
    /// It has an octet that no atom has.
    #[error("octet {0:#04x} cannot be part of a keyword")]
    Octet(u8),
}

impl Keyword {
    /// The keyword on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&[u8]> for Keyword {
    type Error = KeywordError;

    fn try_from(wire: &[u8]) -> Result<Self, KeywordError> {
        if wire.is_empty() {
            return Err(KeywordError::Empty);
        }
        if wire.len() > KEYWORD_OCTETS {
            return Err(KeywordError::TooLong);
        }
        // Mozilla and Zimbra use `]` in keywords; RFC 9051's ATOM-CHAR excludes it, clients do not mind.
        let stray = |octet: &&u8| {
            !matches!(octet, 0x21..=0x7e)
                || matches!(octet, b'(' | b')' | b'{' | b'%' | b'*' | b'"' | b'\\')
        };
        if let Some(&octet) = wire.iter().find(stray) {
            return Err(KeywordError::Octet(octet));
        }
        std::str::from_utf8(wire)
            .map(|text| Self(CompactString::new(text)))
            .map_err(|_| KeywordError::Octet(0))
    }
}

impl PartialEq for Keyword {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl fmt::Display for Keyword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

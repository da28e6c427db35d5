//! What came of one attempt on one recipient, in the words of RFC 3463 and RFC 3464.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::stamp;

/// An enhanced status code (RFC 3463): class, subject, detail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Status(pub u8, pub u16, pub u16);

impl Status {
    /// 2.0.0: done.
    pub const OK: Self = Self(2, 0, 0);
    /// 2.1.5: the recipient is valid (delivered).
    pub const DELIVERED: Self = Self(2, 1, 5);
    /// 4.4.1: no answer from host.
    pub const NO_ANSWER: Self = Self(4, 4, 1);
    /// 4.4.2: the connection was lost.
    pub const CONNECTION_LOST: Self = Self(4, 4, 2);
    /// 4.4.3: the directory does not answer.
    pub const DIRECTORY_DOWN: Self = Self(4, 4, 3);
    /// 5.1.1: there is no such mailbox.
    pub const NO_MAILBOX: Self = Self(5, 1, 1);
    /// 5.1.2: there is no such host.
    pub const NO_HOST: Self = Self(5, 1, 2);
    /// 5.1.10: null MX (RFC 7505 §4.2).
    pub const NULL_MX: Self = Self(5, 1, 10);
    /// 5.2.1: the mailbox is disabled.
    pub const DISABLED: Self = Self(5, 2, 1);
    /// 5.4.6: a loop.
    pub const LOOP: Self = Self(5, 4, 6);
    /// 5.4.7: tried for too long.
    pub const EXPIRED: Self = Self(5, 4, 7);
    /// 5.6.7: SMTPUTF8 is needed and the next hop does not have it (RFC 6531 §3.5).
    pub const NEEDS_UTF8: Self = Self(5, 6, 7);
    /// 5.7.1: not allowed (an administrator removed it).
    pub const NOT_ALLOWED: Self = Self(5, 7, 1);

    /// Reads `5.1.1` at the start of `text`, followed by a space or the end (RFC 2034 §4).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let word = text.split(' ').next()?;
        let mut numbers = word.split('.');
        let (class, subject, detail) = (numbers.next()?, numbers.next()?, numbers.next()?);
        // RFC 3463 §2: subject and detail are one to three digits.
        let short = |digits: &str| digits.len() <= 3 && digits.bytes().all(|b| b.is_ascii_digit());
        let sound = matches!(class, "2" | "4" | "5") && short(subject) && short(detail);
        if !sound || numbers.next().is_some() {
            return None;
        }
        Some(Self(
            class.parse().ok()?,
            subject.parse().ok()?,
            detail.parse().ok()?,
        ))
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// What an attempt means for the recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// A store of ours has it. Final.
    Delivered,
    /// Another host has it, and reports by itself from there on. Final.
    Handed,
    /// Another host has it that knows nothing of RFC 3461. Final.
    Relayed,
    /// It was replaced by the members of a list or the targets of a forwarding. Final.
    Expanded,
    /// Tried in vain; to be tried again.
    Deferred,
    /// Refused for good. Final.
    Failed,
}

impl Fate {
    /// Whether nothing is left to try.
    #[must_use]
    pub fn is_final(self) -> bool {
        match self {
            Self::Delivered | Self::Handed | Self::Relayed | Self::Expanded | Self::Failed => true,
            Self::Deferred => false,
        }
    }

    /// The word of the log's `status` field.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Delivered | Self::Handed | Self::Relayed => "sent",
            Self::Expanded => "expanded",
            Self::Deferred => "deferred",
            Self::Failed => "bounced",
        }
    }
}

/// The result of one attempt on one recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// What it means.
    pub fate: Fate,
    /// The enhanced status code: the peer's, or ours.
    pub status: Status,
    /// The peer's words with the reply code in front, or what we found out ourselves.
    pub text: String,
    /// The host that said so; nothing where we decided without one.
    pub remote: Option<String>,
    /// When.
    #[serde(with = "stamp")]
    pub at: Timestamp,
}

impl Outcome {
    /// Our own decision, with no host behind it.
    #[must_use]
    pub fn ours(fate: Fate, status: Status, text: impl Into<String>, at: Timestamp) -> Self {
        Self {
            fate,
            status,
            text: text.into(),
            remote: None,
            at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enhanced_codes_are_read_and_nothing_that_looks_like_one() {
        assert_eq!(Status::parse("5.1.1 no such user"), Some(Status::NO_MAILBOX));
        assert_eq!(Status::parse("2.0.0"), Some(Status::OK));
        for text in [
            "", "5.1", "5.1.1.1 x", "3.1.1 x", "5.1000.1 x", "5.a.1", "5..1", "5.1.1: x", "5.+1.1",
        ] {
            assert_eq!(Status::parse(text), None, "{text}");
        }
    }
}

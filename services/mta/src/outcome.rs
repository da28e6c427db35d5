//! What came of one attempt on one recipient, in the words of RFC 3463 and RFC 3464.

use jiff::Timestamp;
use roost_proto_smtp::Enhanced;
use serde::{Deserialize, Serialize};

use crate::stamp;

/// The enhanced status codes that we give ourselves (RFC 3463 and the registry of RFC 5248).
pub mod status {
    use roost_proto_smtp::Enhanced;

    /// The recipient is valid, and has the message.
    pub const DELIVERED: Enhanced = Enhanced::new(2, 1, 5);
    /// No answer from host.
    pub const NO_ANSWER: Enhanced = Enhanced::new(4, 4, 1);
    /// The connection was lost, or the time was over.
    pub const CONNECTION_LOST: Enhanced = Enhanced::new(4, 4, 2);
    /// The directory or DNS does not answer.
    pub const LOOKUP_FAILED: Enhanced = Enhanced::new(4, 4, 3);
    /// The delivery time is over. Of class 4: it is the persistence of a transient trouble.
    pub const EXPIRED: Enhanced = Enhanced::new(4, 4, 7);
    /// The mailbox is in maintenance.
    pub const MAINTENANCE: Enhanced = Enhanced::new(4, 2, 1);
    /// Trouble of our own.
    pub const LOCAL_TROUBLE: Enhanced = Enhanced::new(4, 3, 0);
    /// TLS is required and cannot be had (RFC 3463: cryptographic failure).
    pub const NO_TLS: Enhanced = Enhanced::new(4, 7, 5);
    /// There is no such mailbox.
    pub const NO_MAILBOX: Enhanced = Enhanced::new(5, 1, 1);
    /// There is no such host.
    pub const NO_HOST: Enhanced = Enhanced::new(5, 1, 2);
    /// Null MX (RFC 7505 §4.2).
    pub const NULL_MX: Enhanced = Enhanced::new(5, 1, 10);
    /// The mailbox is disabled.
    pub const DISABLED: Enhanced = Enhanced::new(5, 2, 1);
    /// A loop.
    pub const LOOP: Enhanced = Enhanced::new(5, 4, 6);
    /// SMTPUTF8 is needed and the next hop does not have it (RFC 6531 §3.5).
    pub const NEEDS_UTF8: Enhanced = Enhanced::new(5, 6, 7);
    /// An administrator removed it.
    pub const REMOVED: Enhanced = Enhanced::new(5, 7, 1);
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
    #[serde(with = "stored_status")]
    pub status: Enhanced,
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
    pub fn ours(fate: Fate, status: Enhanced, text: impl Into<String>, at: Timestamp) -> Self {
        Self {
            fate,
            status,
            text: text.into(),
            remote: None,
            at,
        }
    }
}

/// `[5, 1, 1]`
mod stored_status {
    use roost_proto_smtp::Enhanced;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(status: &Enhanced, out: S) -> Result<S::Ok, S::Error> {
        (status.class, status.subject, status.detail).serialize(out)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Enhanced, D::Error> {
        let (class, subject, detail) = Deserialize::deserialize(from)?;
        Ok(Enhanced::new(class, subject, detail))
    }
}

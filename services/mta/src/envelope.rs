//! What travels beside the content: addresses and the DSN parameters of RFC 3461.
//!
//! Everything here was checked by the SMTP grammar where it came in, and is stored in the queue's
//! journal: a change of shape is a new record version (`queue::record`).

use std::fmt;

use serde::{Deserialize, Serialize};

/// A mailbox address as the grammar accepted it, quoting and case kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Address(String);

impl Address {
    /// Takes an address that a grammar, the directory or a stored record has checked.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The whole address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the last `@`; all of it where there is none (`postmaster`).
    #[must_use]
    pub fn local_part(&self) -> &str {
        self.0.rsplit_once('@').map_or(&self.0, |(local, _)| local)
    }

    /// The part after the last `@`, in lower case; empty where there is none.
    #[must_use]
    pub fn domain(&self) -> String {
        let domain = self.0.rsplit_once('@').map_or("", |(_, domain)| domain);
        domain.to_lowercase()
    }

    /// The form under which two spellings count as one recipient: domain and local part without
    /// case. RFC 5321 §2.4 lets a foreign host tell local parts apart by case; the local part is
    /// therefore compared without case only for addresses of the directory, whose names have none.
    #[must_use]
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }

    /// Whether handing it on needs SMTPUTF8 (RFC 6531 §3.1).
    #[must_use]
    pub fn is_internationalised(&self) -> bool {
        !self.0.is_ascii()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a notice about a message goes; `None` is `<>`, whose failures are never reported
/// (RFC 5321 §4.5.5).
pub type ReversePath = Option<Address>;

/// Prints a reverse-path as logs and people write it.
#[must_use]
pub fn show(path: &ReversePath) -> &str {
    path.as_ref().map_or("<>", Address::as_str)
}

/// Everything of a transaction but the content (RFC 5321 §2.3.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// MAIL FROM.
    pub sender: ReversePath,
    /// Whom it still has to reach, after aliases and lists were expanded.
    pub recipients: Vec<Recipient>,
    /// ENVID, decoded from xtext (RFC 3461 §4.4).
    pub envelope_id: Option<String>,
    /// RET (RFC 3461 §4.3).
    pub returning: Option<Returning>,
    /// BODY= (RFC 6152).
    pub body: BodyKind,
    /// Whether the client asked for SMTPUTF8 (RFC 6531).
    pub smtputf8: bool,
}

/// RET: how much of the message a failure notice brings back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Returning {
    /// All of it.
    Full,
    /// Its header.
    Headers,
}

/// BODY=: what the content's octets are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BodyKind {
    /// Nothing said: seven bits.
    SevenBit,
    /// 8BITMIME.
    EightBit,
}

/// One RCPT TO, or what became of it by expansion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// The address to hand over.
    pub address: Address,
    /// ORCPT, or the address as given where we rewrote it (RFC 3461 §4.2).
    pub original: Option<OriginalRecipient>,
    /// NOTIFY (RFC 3461 §4.1).
    pub notify: Notify,
    /// Where notices about this recipient go instead of to the envelope's sender: a list's owner.
    pub errors_to: Option<Address>,
    /// The list or forwarding account that put it here; becomes a `Delivered-To` field.
    pub expanded_from: Option<Address>,
}

impl Recipient {
    /// A recipient without DSN parameters.
    #[must_use]
    pub fn plain(address: Address) -> Self {
        Self {
            address,
            original: None,
            notify: Notify::Unspecified,
            errors_to: None,
            expanded_from: None,
        }
    }
}

/// ORCPT: address type and address, decoded from xtext.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginalRecipient {
    /// `rfc822`, `utf-8`, …
    pub kind: String,
    /// The address.
    pub address: String,
}

impl OriginalRecipient {
    /// ORCPT for an address of ours (RFC 3461 §4.2, RFC 6533 §3).
    #[must_use]
    pub fn of(address: &Address) -> Self {
        let kind = if address.is_internationalised() {
            "utf-8"
        } else {
            "rfc822"
        };
        Self {
            kind: kind.to_owned(),
            address: address.as_str().to_owned(),
        }
    }
}

/// NOTIFY: about what the sender wants to hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notify {
    /// No parameter: about failure, and about delay if the server is so configured.
    Unspecified,
    /// NEVER.
    Never,
    /// A list of conditions.
    On {
        /// SUCCESS.
        success: bool,
        /// FAILURE.
        failure: bool,
        /// DELAY.
        delay: bool,
    },
}

impl Notify {
    /// Whether the sender is told that the message cannot be delivered.
    #[must_use]
    pub fn on_failure(self) -> bool {
        match self {
            Self::Unspecified => true,
            Self::Never => false,
            Self::On { failure, .. } => failure,
        }
    }

    /// Whether the sender is told that the message is late.
    #[must_use]
    pub fn on_delay(self) -> bool {
        match self {
            Self::Unspecified => true,
            Self::Never => false,
            Self::On { delay, .. } => delay,
        }
    }

    /// Whether the sender is told that the message has arrived.
    #[must_use]
    pub fn on_success(self) -> bool {
        match self {
            Self::Unspecified | Self::Never => false,
            Self::On { success, .. } => success,
        }
    }

    /// The parameter's value as the next hop gets it; nothing where there was none.
    #[must_use]
    pub fn parameter(self) -> Option<String> {
        match self {
            Self::Unspecified => None,
            Self::Never => Some("NEVER".to_owned()),
            Self::On {
                success,
                failure,
                delay,
            } => {
                let words = [(success, "SUCCESS"), (failure, "FAILURE"), (delay, "DELAY")];
                let chosen: Vec<_> = words.iter().filter(|(on, _)| *on).map(|(_, w)| *w).collect();
                Some(chosen.join(","))
            }
        }
    }
}

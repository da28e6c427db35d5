//! What an administrator decides about a listener.

use std::time::Duration;

use roost_proto_sasl::{Mechanism, Mechanisms};

use crate::grammar::domain::Domain;

/// Which of three servers the session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Port 25: mail from other domains' servers.
    Mx,
    /// Ports 587 and 465: mail from our own users, who log in first (RFC 6409).
    Submission,
    /// Port 7025: mail to mailboxes, with an answer for each recipient (RFC 2033).
    Lmtp,
}

/// What becomes of a message with a bare CR or LF; [`crate::frame::newlines`] says why it matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BareNewlines {
    /// LF becomes CRLF, CR becomes a space.
    #[default]
    Replace,
    /// The message is read to its end and refused with 550 5.6.11.
    Refuse,
}

/// Whether an extension is offered and its parameters are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Offer {
    /// It is listed by EHLO.
    Yes,
    /// It is not, and using it is an error.
    No,
}

/// The settings of a session. Shared by all sessions of a listener.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which server it is.
    pub role: Role,
    /// The name that greets, and the domain of `<Postmaster>`.
    pub hostname: Domain,
    /// Octets of a message after transparency, at most (SIZE, RFC 1870).
    pub message_size_max: u64,
    /// Recipients of a transaction, at most; never fewer than
    /// [`crate::limits::RECIPIENTS_MIN`].
    pub recipients_max: u32,
    /// Mechanisms of AUTH. They are offered only on secure connections.
    pub mechanisms: Mechanisms,
    /// STARTTLS. The server sets it when it has a certificate.
    pub starttls: Offer,
    /// SMTPUTF8 (RFC 6531).
    pub smtputf8: Offer,
    /// BINARYMIME (RFC 3030). Whoever offers it must be able to store any octets, and to convert what
    /// it relays to servers that do not.
    pub binarymime: Offer,
    /// REQUIRETLS (RFC 8689). Whoever offers it must be able to keep the promise.
    pub requiretls: Offer,
    /// What becomes of a bare CR or LF.
    pub bare_newlines: BareNewlines,
    /// How long the client may take for a command or for the next octets of a message. RFC 5321
    /// §4.5.3.2.7 asks for five minutes.
    pub timeout: Duration,
}

impl Config {
    /// The usual settings of a role.
    #[must_use]
    pub fn new(role: Role, hostname: Domain) -> Self {
        let mechanisms = match role {
            Role::Submission => Mechanism::ALL.into_iter().collect(),
            Role::Mx | Role::Lmtp => Mechanisms::NONE,
        };
        Self {
            role,
            hostname,
            message_size_max: 50 * 1024 * 1024,
            recipients_max: 1000,
            mechanisms,
            starttls: Offer::No,
            smtputf8: Offer::Yes,
            binarymime: Offer::No,
            requiretls: Offer::No,
            bare_newlines: BareNewlines::Replace,
            timeout: Duration::from_secs(5 * 60),
        }
    }
}

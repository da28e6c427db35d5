//! What travels beside the content, as the queue keeps it.
//!
//! Addresses and parameters are the protocol's own types. On the disk they are the text of the
//! commands that carry them (`RCPT TO:<bob@example.test> NOTIFY=NEVER`), which the RFCs keep
//! stable for us.

use roost_proto_smtp::grammar::command::Command;
use roost_proto_smtp::grammar::mail::{Mail, MailParameters};
use roost_proto_smtp::grammar::rcpt::{Notify, OriginalRecipient, Rcpt, RcptParameters};
use roost_proto_smtp::{Address, ForwardPath, ReversePath};
use serde::{Deserialize, Serialize};

/// Everything of a transaction but the content (RFC 5321 §2.3.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "StoredEnvelope", try_from = "StoredEnvelope")]
pub struct Envelope {
    /// Where notices go; the null path's failures are never reported (RFC 5321 §4.5.5).
    pub sender: ReversePath,
    /// MAIL's parameters.
    pub parameters: MailParameters,
    /// Whom it has to reach, after aliases and lists were expanded.
    pub recipients: Vec<Recipient>,
}

/// One RCPT TO, or what became of it by expansion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The address to hand over.
    pub address: Address,
    /// NOTIFY and ORCPT (RFC 3461); ORCPT is the address as given where we rewrote it.
    pub parameters: RcptParameters,
    /// Where notices about this recipient go instead of to the envelope's sender: a list's owner.
    pub errors_to: Option<Address>,
    /// The list or forwarding account that put it here; becomes a `Delivered-To` field.
    pub expanded_from: Option<Address>,
}

impl Envelope {
    /// An envelope without recipients.
    #[must_use]
    pub fn new(sender: ReversePath, parameters: MailParameters) -> Self {
        Self {
            sender,
            parameters,
            recipients: Vec::new(),
        }
    }

    /// Whether it came with SMTPUTF8 (RFC 6531).
    #[must_use]
    pub fn is_utf8(&self) -> bool {
        self.parameters.utf8.is_some()
    }
}

impl Recipient {
    /// A recipient without DSN parameters.
    #[must_use]
    pub fn plain(address: Address) -> Self {
        Self {
            address,
            parameters: RcptParameters::default(),
            errors_to: None,
            expanded_from: None,
        }
    }

    /// The recipient as its sender knows it.
    #[must_use]
    pub fn as_given(&self) -> String {
        match &self.parameters.orcpt {
            Some(original) => original.address.clone(),
            None => self.address.to_string(),
        }
    }

    /// Whether its sender is told that the message cannot be delivered.
    #[must_use]
    pub fn wants_failure(&self) -> bool {
        match self.parameters.notify {
            None => true,
            Some(Notify::Never) => false,
            Some(Notify::On { failure, .. }) => failure,
        }
    }

    /// Whether its sender is told that the message is late. Where nothing was said, RFC 3461 §4.1
    /// leaves it to us.
    #[must_use]
    pub fn wants_delay(&self) -> bool {
        match self.parameters.notify {
            None => true,
            Some(Notify::Never) => false,
            Some(Notify::On { delay, .. }) => delay,
        }
    }

    /// Whether its sender is told that the message has arrived.
    #[must_use]
    pub fn wants_success(&self) -> bool {
        match self.parameters.notify {
            None | Some(Notify::Never) => false,
            Some(Notify::On { success, .. }) => success,
        }
    }
}

/// ORCPT for an address of ours (RFC 3461 §4.2, RFC 6533 §3).
#[must_use]
pub fn original_recipient(address: &Address) -> OriginalRecipient {
    let kind = if address.is_ascii() {
        "rfc822"
    } else {
        "utf-8"
    };
    OriginalRecipient {
        kind: kind.to_owned(),
        address: address.to_string(),
    }
}

/// The stored form.
#[derive(Serialize, Deserialize)]
struct StoredEnvelope {
    mail: String,
    recipients: Vec<StoredRecipient>,
}

#[derive(Serialize, Deserialize)]
struct StoredRecipient {
    rcpt: String,
    errors_to: Option<String>,
    expanded_from: Option<String>,
}

impl From<Envelope> for StoredEnvelope {
    fn from(envelope: Envelope) -> Self {
        let mail = Mail {
            from: envelope.sender,
            parameters: envelope.parameters,
        };
        Self {
            mail: mail.to_string(),
            recipients: envelope.recipients.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Recipient> for StoredRecipient {
    fn from(recipient: Recipient) -> Self {
        let rcpt = Rcpt {
            to: ForwardPath::Address(recipient.address),
            parameters: recipient.parameters,
        };
        Self {
            rcpt: rcpt.to_string(),
            errors_to: recipient.errors_to.map(|address| address.to_string()),
            expanded_from: recipient.expanded_from.map(|address| address.to_string()),
        }
    }
}

/// A stored envelope that the grammar does not read.
#[derive(Debug, thiserror::Error)]
#[error("the stored envelope has the malformed line \"{0}\"")]
struct Malformed(String);

impl TryFrom<StoredEnvelope> for Envelope {
    type Error = Malformed;

    fn try_from(stored: StoredEnvelope) -> Result<Self, Malformed> {
        let Ok(Command::Mail(mail)) = Command::parse(stored.mail.as_bytes()) else {
            return Err(Malformed(stored.mail));
        };
        let recipients = stored.recipients.into_iter().map(TryInto::try_into);
        Ok(Self {
            sender: mail.from,
            parameters: mail.parameters,
            recipients: recipients.collect::<Result<_, _>>()?,
        })
    }
}

impl TryFrom<StoredRecipient> for Recipient {
    type Error = Malformed;

    fn try_from(stored: StoredRecipient) -> Result<Self, Malformed> {
        let rcpt = match Command::parse(stored.rcpt.as_bytes()) {
            Ok(Command::Rcpt(rcpt)) => rcpt,
            _ => return Err(Malformed(stored.rcpt)),
        };
        let ForwardPath::Address(address) = rcpt.to else {
            return Err(Malformed(stored.rcpt));
        };
        Ok(Self {
            address,
            parameters: rcpt.parameters,
            errors_to: stored.errors_to.map(read).transpose()?,
            expanded_from: stored.expanded_from.map(read).transpose()?,
        })
    }
}

fn read(text: String) -> Result<Address, Malformed> {
    Address::parse(&text).map_err(|_| Malformed(text))
}

//! The envelope of one transaction: from MAIL to the end of the message.

use crate::grammar::address::{Address, ReversePath};
use crate::grammar::mail::{Body, MailParameters};
use crate::grammar::rcpt::RcptParameters;

/// Who sends a message to whom, and what was asked about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Whom to tell when it fails.
    pub sender: ReversePath,
    /// MAIL's parameters.
    pub parameters: MailParameters,
    /// The recipients, in the order in which they were accepted. LMTP answers in this order.
    pub recipients: Vec<Recipient>,
}

/// One recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// The address; `<Postmaster>` has got our domain.
    pub address: Address,
    /// RCPT's parameters.
    pub parameters: RcptParameters,
}

impl Recipient {
    /// A recipient without parameters.
    #[must_use]
    pub fn new(address: Address) -> Self {
        Self {
            address,
            parameters: RcptParameters::default(),
        }
    }
}

impl Envelope {
    /// An envelope without parameters and recipients.
    #[must_use]
    pub fn new(sender: ReversePath) -> Self {
        Self {
            sender,
            parameters: MailParameters::default(),
            recipients: Vec::new(),
        }
    }

    /// How its octets are to be taken; 7-bit lines where nothing was said (RFC 6152 §2).
    #[must_use]
    pub fn body(&self) -> Body {
        self.parameters.body.unwrap_or(Body::SevenBit)
    }

    /// Whether it came with SMTPUTF8 or has an address that needs it.
    #[must_use]
    pub fn needs_utf8(&self) -> bool {
        let is_utf8 = |address: &Address| !address.is_ascii();
        self.parameters.utf8.is_some()
            || self.sender.address().is_some_and(is_utf8)
            || self.recipients.iter().any(|to| is_utf8(&to.address))
    }
}

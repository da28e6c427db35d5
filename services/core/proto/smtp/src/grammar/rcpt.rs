//! The RCPT command with its parameters.

use std::fmt;

use super::address::{self, ForwardPath};
use super::command::Malformed;
use super::parameter::{Parameter, ParameterError, once, parameters};
use super::xtext;
use crate::limits::ORCPT_MAX;

/// `RCPT TO:<…> …`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rcpt {
    /// Whom to deliver to.
    pub to: ForwardPath,
    /// What the extensions add.
    pub parameters: RcptParameters,
}

/// What may follow the forward-path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RcptParameters {
    /// NOTIFY (RFC 3461 §4.1).
    pub notify: Option<Notify>,
    /// ORCPT (RFC 3461 §4.2).
    pub orcpt: Option<OriginalRecipient>,
}

/// When the sender wants to hear about this recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Notify {
    /// Not at all.
    Never,
    /// On these occasions.
    On {
        /// When it was delivered.
        success: bool,
        /// When it could not be.
        failure: bool,
        /// When it takes long.
        delay: bool,
    },
}

/// The recipient as the sender first had it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OriginalRecipient {
    /// `rfc822`, `utf-8`, or another registered type.
    pub kind: String,
    /// The address, decoded; an address only by name.
    pub address: String,
}

impl Rcpt {
    // RFC 5321 §4.1.1.3: rcpt = "RCPT TO:" ( … / Forward-path ) [SP Rcpt-parameters] CRLF
    pub(crate) fn parse(rest: &str) -> Result<Self, Malformed> {
        let (to, rest) = address::forward_path(rest).map_err(Malformed::ForwardPath)?;
        let mut rcpt = RcptParameters::default();
        for parameter in parameters(rest)? {
            rcpt.take(parameter?)?;
        }
        Ok(Self {
            to,
            parameters: rcpt,
        })
    }
}

impl RcptParameters {
    fn take(&mut self, parameter: Parameter<'_>) -> Result<(), ParameterError> {
        let value = parameter.value;
        if parameter.is("NOTIFY") {
            once(&mut self.notify, "NOTIFY", value.and_then(Notify::parse))
        } else if parameter.is("ORCPT") {
            once(
                &mut self.orcpt,
                "ORCPT",
                value.and_then(OriginalRecipient::parse),
            )
        } else {
            Err(ParameterError::Unknown)
        }
    }
}

impl Notify {
    // RFC 3461 §4.1: notify-esmtp-value = "NEVER" / 1#notify-list-element
    fn parse(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("NEVER") {
            return Some(Self::Never);
        }
        let (mut success, mut failure, mut delay) = (false, false, false);
        for word in text.split(',') {
            match word.to_ascii_uppercase().as_str() {
                "SUCCESS" => success = true,
                "FAILURE" => failure = true,
                "DELAY" => delay = true,
                _ => return None,
            }
        }
        Some(Self::On {
            success,
            failure,
            delay,
        })
    }
}

impl OriginalRecipient {
    // RFC 3461 §4.2: original-recipient-address = addr-type ";" xtext
    fn parse(text: &str) -> Option<Self> {
        let (kind, address) = text.split_once(';')?;
        let is_atom = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if kind.is_empty() || !kind.bytes().all(is_atom) {
            return None;
        }
        let address = xtext::decode(address)?;
        (1..=ORCPT_MAX).contains(&address.len()).then(|| Self {
            kind: kind.to_ascii_lowercase(),
            address,
        })
    }
}

impl fmt::Display for Rcpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RCPT TO:{}{}", self.to, self.parameters)
    }
}

impl fmt::Display for RcptParameters {
    /// Each with a space before it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(notify) = self.notify {
            write!(f, " NOTIFY={notify}")?;
        }
        match &self.orcpt {
            None => Ok(()),
            Some(orcpt) => write!(f, " ORCPT={};{}", orcpt.kind, xtext::encode(&orcpt.address)),
        }
    }
}

impl fmt::Display for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::On {
            success,
            failure,
            delay,
        } = *self
        else {
            return f.write_str("NEVER");
        };
        let words = [(success, "SUCCESS"), (failure, "FAILURE"), (delay, "DELAY")];
        let mut comma = "";
        for (_, word) in words.into_iter().filter(|&(wanted, _)| wanted) {
            write!(f, "{comma}{word}")?;
            comma = ",";
        }
        Ok(())
    }
}

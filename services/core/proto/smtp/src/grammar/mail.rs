//! The MAIL command with its parameters.

use std::fmt;

use super::address::{self, Address, ReversePath};
use super::command::Malformed;
use super::parameter::{Parameter, ParameterError, once, parameters};
use super::xtext;
use crate::limits::ENVID_MAX;

/// `MAIL FROM:<…> …`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Whom to tell when it fails.
    pub from: ReversePath,
    /// What the extensions add.
    pub parameters: MailParameters,
}

/// What may follow the reverse-path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailParameters {
    /// SIZE (RFC 1870): how many octets the client expects to send.
    pub size: Option<u64>,
    /// BODY (RFC 6152, 3030).
    pub body: Option<Body>,
    /// SMTPUTF8 (RFC 6531).
    pub utf8: Option<Utf8>,
    /// RET (RFC 3461 §4.3).
    pub ret: Option<Ret>,
    /// ENVID (RFC 3461 §4.4), decoded.
    pub envid: Option<String>,
    /// AUTH (RFC 4954 §5): who submitted it first.
    pub auth: Option<Submitter>,
    /// REQUIRETLS (RFC 8689).
    pub require_tls: Option<RequireTls>,
}

/// How the octets of the message are to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Body {
    /// Lines of 7-bit text.
    SevenBit,
    /// Lines of 8-bit text.
    EightBitMime,
    /// Any octets; only with BDAT.
    BinaryMime,
}

/// The mark that addresses or header fields are UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Utf8;

/// The mark that the message may only travel over verified TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequireTls;

/// How much of the message a failure report returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ret {
    /// All of it.
    Full,
    /// The header section.
    Headers,
}

/// The value of AUTH=.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Submitter {
    /// `<>`: not known or not trusted.
    Unknown,
    /// A mailbox.
    Address(Address),
}

impl Mail {
    // RFC 5321 §4.1.1.2: mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF
    pub(crate) fn parse(rest: &str) -> Result<Self, Malformed> {
        let (from, rest) = address::reverse_path(rest).map_err(Malformed::ReversePath)?;
        let mut mail = MailParameters::default();
        for parameter in parameters(rest)? {
            mail.take(parameter?)?;
        }
        Ok(Self {
            from,
            parameters: mail,
        })
    }
}

impl MailParameters {
    fn take(&mut self, parameter: Parameter<'_>) -> Result<(), ParameterError> {
        let value = parameter.value;
        if parameter.is("SIZE") {
            once(&mut self.size, "SIZE", value.and_then(size))
        } else if parameter.is("BODY") {
            once(&mut self.body, "BODY", value.and_then(Body::parse))
        } else if parameter.is("SMTPUTF8") {
            once(&mut self.utf8, "SMTPUTF8", flag(value, Utf8))
        } else if parameter.is("RET") {
            once(&mut self.ret, "RET", value.and_then(Ret::parse))
        } else if parameter.is("ENVID") {
            once(&mut self.envid, "ENVID", value.and_then(envid))
        } else if parameter.is("AUTH") {
            once(&mut self.auth, "AUTH", value.and_then(Submitter::parse))
        } else if parameter.is("REQUIRETLS") {
            once(&mut self.require_tls, "REQUIRETLS", flag(value, RequireTls))
        } else {
            Err(ParameterError::Unknown)
        }
    }
}

// RFC 1870 §4: size-value ::= 1*20DIGIT
fn size(text: &str) -> Option<u64> {
    match text.len() {
        1..=20 if text.bytes().all(|byte| byte.is_ascii_digit()) => {
            // Twenty digits may say more than a u64 holds; no limit of ours comes near either.
            Some(text.parse().unwrap_or(u64::MAX))
        }
        _ => None,
    }
}

fn envid(text: &str) -> Option<String> {
    xtext::decode(text).filter(|envid| (1..=ENVID_MAX).contains(&envid.len()))
}

fn flag<T>(value: Option<&str>, flag: T) -> Option<T> {
    value.is_none().then_some(flag)
}

impl Body {
    fn parse(text: &str) -> Option<Self> {
        [Self::SevenBit, Self::EightBitMime, Self::BinaryMime]
            .into_iter()
            .find(|body| text.eq_ignore_ascii_case(body.name()))
    }

    fn name(self) -> &'static str {
        match self {
            Self::SevenBit => "7BIT",
            Self::EightBitMime => "8BITMIME",
            Self::BinaryMime => "BINARYMIME",
        }
    }
}

impl Ret {
    fn parse(text: &str) -> Option<Self> {
        [Self::Full, Self::Headers]
            .into_iter()
            .find(|ret| text.eq_ignore_ascii_case(ret.name()))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Full => "FULL",
            Self::Headers => "HDRS",
        }
    }
}

impl Submitter {
    fn parse(text: &str) -> Option<Self> {
        match xtext::decode(text)?.as_str() {
            "<>" => Some(Self::Unknown),
            // RFC 4954 §5: a value that is not a mailbox is taken as `<>`, not refused.
            mailbox => Some(Address::parse(mailbox).map_or(Self::Unknown, Self::Address)),
        }
    }
}

impl fmt::Display for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MAIL FROM:{}{}", self.from, self.parameters)
    }
}

impl fmt::Display for MailParameters {
    /// Each with a space before it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(size) = self.size {
            write!(f, " SIZE={size}")?;
        }
        if let Some(body) = self.body {
            write!(f, " BODY={}", body.name())?;
        }
        if self.utf8.is_some() {
            f.write_str(" SMTPUTF8")?;
        }
        if let Some(ret) = self.ret {
            write!(f, " RET={}", ret.name())?;
        }
        if let Some(envid) = &self.envid {
            write!(f, " ENVID={}", xtext::encode(envid))?;
        }
        match &self.auth {
            None => {}
            Some(Submitter::Unknown) => f.write_str(" AUTH=<>")?,
            Some(Submitter::Address(address)) => {
                write!(f, " AUTH={}", xtext::encode(&address.to_string()))?;
            }
        }
        match self.require_tls {
            None => Ok(()),
            Some(RequireTls) => f.write_str(" REQUIRETLS"),
        }
    }
}

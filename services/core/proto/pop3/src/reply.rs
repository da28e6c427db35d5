//! Every response of the server in one place, with the codes of RFC 2449 §8 and RFC 3206.

use bytes::BytesMut;

/// Why the backend cannot do what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Our trouble, and it will pass.
    #[error("a temporary failure")]
    Temporary,
    /// Our trouble, and an administrator must act.
    #[error("a failure that an administrator must look at")]
    Permanent,
    /// The account may not use POP3.
    #[error("the account may not use POP3")]
    Forbidden,
    /// The message was removed by another session.
    #[error("the message is gone")]
    Gone,
}

/// A one-line response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Ok(String),
    Err(&'static str),
    /// `+ challenge`.
    Challenge(String),
}

impl Reply {
    pub(crate) fn ok(text: impl Into<String>) -> Self {
        Self::Ok(text.into())
    }

    pub(crate) fn write(&self, out: &mut BytesMut) {
        let (status, text) = match self {
            Self::Ok(text) if text.is_empty() => ("+OK", ""),
            Self::Ok(text) => ("+OK ", text.as_str()),
            Self::Err(text) => ("-ERR ", *text),
            Self::Challenge(text) => ("+ ", text.as_str()),
        };
        out.extend_from_slice(status.as_bytes());
        out.extend_from_slice(text.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Temporary => UNAVAILABLE,
            Refusal::Permanent => {
                Self::Err("[SYS/PERM] The mailbox cannot be read, ask your administrator")
            }
            Refusal::Forbidden => LOGIN_FORBIDDEN,
            Refusal::Gone => Self::Err("The message has been removed by another session"),
        }
    }
}

pub(crate) const GREETING: &str = "Roost POP3 ready";
pub(crate) const BYE: &str = "Bye";
pub(crate) const UNAVAILABLE: Reply =
    Reply::Err("[SYS/TEMP] Temporary failure on our side, try again later");
pub(crate) const NOT_REMOVED: Reply =
    Reply::Err("[SYS/TEMP] Some deleted messages could not be removed, nothing is lost");

// One text whether name or password was wrong, or neither exists.
pub(crate) const LOGIN_FAILED: Reply = Reply::Err("[AUTH] Name or password wrong");
pub(crate) const LOGIN_FORBIDDEN: Reply = Reply::Err("[AUTH] The account may not be used here");
pub(crate) const LOGIN_UNAVAILABLE: Reply =
    Reply::Err("[SYS/TEMP] Logging in is not possible at the moment, try again later");
pub(crate) const LOGIN_CANCELLED: Reply = Reply::Err("Authentication cancelled");
pub(crate) const LOGIN_MALFORMED: Reply = Reply::Err("Malformed authentication exchange");
pub(crate) const LOGIN_INSECURE: Reply =
    Reply::Err("[AUTH] Logging in needs an encrypted connection: use STLS or port 995");
pub(crate) const UNKNOWN_MECHANISM: Reply = Reply::Err("Unknown authentication mechanism");
pub(crate) const NO_PROXY: Reply = Reply::Err("Only for trusted proxies");
pub(crate) const USER_FIRST: Reply = Reply::Err("Give USER first");

pub(crate) const UNKNOWN_COMMAND: Reply = Reply::Err("Unknown command");
pub(crate) const BAD_ARGUMENTS: Reply = Reply::Err("Bad arguments");
pub(crate) const LINE_TOO_LONG: Reply = Reply::Err("Line too long");
pub(crate) const NOT_NOW: Reply = Reply::Err("Not allowed in this state");
pub(crate) const NO_SUCH_MESSAGE: Reply = Reply::Err("No such message");
pub(crate) const MESSAGE_DELETED: Reply = Reply::Err("The message is marked as deleted");
pub(crate) const NO_TLS: Reply = Reply::Err("STLS is not offered");
pub(crate) const TLS_RUNS: Reply = Reply::Err("TLS is running already");
// RFC 2595 §4, and RFC 3207's lesson: what was sent in the clear is not taken for what TLS protects.
pub(crate) const PIPELINED_TLS: Reply = Reply::Err("Commands after STLS, before TLS");
pub(crate) const TOO_MANY_MISTAKES: Reply = Reply::Err("Too many errors, closing the connection");
pub(crate) const TOO_MANY_LOGINS: Reply =
    Reply::Err("[AUTH] Too many failed logins, closing the connection");

//! How a command ends, and every text that a client is told.

use std::borrow::Cow;

use crate::grammar::{Code, Condition, Response, Tag, Word};

/// The end of a command: what its tagged response says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ending {
    pub(crate) condition: Condition,
    pub(crate) code: Option<Code>,
    pub(crate) text: Cow<'static, str>,
}

/// How a handler ends: well, or not.
pub(crate) type Outcome = Result<Ending, Ending>;

impl Ending {
    const fn new(condition: Condition, text: &'static str) -> Self {
        Self {
            condition,
            code: None,
            text: Cow::Borrowed(text),
        }
    }

    pub(crate) const fn ok(text: &'static str) -> Self {
        Self::new(Condition::Ok, text)
    }

    pub(crate) const fn no(text: &'static str) -> Self {
        Self::new(Condition::No, text)
    }

    pub(crate) const fn bad(text: &'static str) -> Self {
        Self::new(Condition::Bad, text)
    }

    #[must_use]
    pub(crate) fn with(self, code: impl Into<Code>) -> Self {
        Self {
            code: Some(code.into()),
            ..self
        }
    }

    /// A refusal with a code that has no arguments.
    pub(crate) fn refused(word: Word, text: &'static str) -> Self {
        Self::no(text).with(word)
    }

    pub(crate) fn tagged(self, tag: Tag) -> Response {
        Response::Status {
            tag: Some(tag),
            condition: self.condition,
            code: self.code,
            text: self.text,
        }
    }

    pub(crate) fn untagged(self) -> Response {
        Response::Status {
            tag: None,
            condition: self.condition,
            code: self.code,
            text: self.text,
        }
    }
}

/// The texts. Clients show NO to people; the rest is for logs.
pub(crate) mod text {
    pub(crate) const GREETING: &str = "Roost ready";
    pub(crate) const BYE: &str = "Logging out";
    pub(crate) const SHUTDOWN: &str = "Server is shutting down, please reconnect";
    pub(crate) const TIMEOUT: &str = "Autologout; idle for too long";
    pub(crate) const MISTAKES: &str = "Too many invalid commands";
    pub(crate) const TOO_LARGE: &str = "The command is too large to be skipped";
    pub(crate) const FAILED_LOGINS: &str = "Too many failed logins";
    pub(crate) const DELETED: &str = "The selected mailbox is not there any more";
    pub(crate) const BROKEN: &str = "The message could not be read to its end";
    pub(crate) const STILL_HERE: &str = "Still here";
    pub(crate) const DONE: &str = "Completed";
    pub(crate) const STARTTLS: &str = "Begin TLS negotiation now";
    pub(crate) const NO_STARTTLS: &str = "STARTTLS is not possible here";
    pub(crate) const LOGGED_IN: &str = "Logged in";
    pub(crate) const PRIVACY: &str = "A password is accepted over TLS only";
    pub(crate) const CREDENTIALS: &str = "Name or password wrong";
    pub(crate) const FORBIDDEN: &str = "This account may not log in";
    pub(crate) const CANCELLED: &str = "Authentication cancelled";
    pub(crate) const MALFORMED_SASL: &str = "Malformed authentication message";
    pub(crate) const MECHANISM: &str = "This mechanism is not supported";
    pub(crate) const LOGIN_FIRST: &str = "Log in first";
    pub(crate) const LOGGED_IN_ALREADY: &str = "Already logged in";
    pub(crate) const SELECT_FIRST: &str = "Select a mailbox first";
    pub(crate) const READ_ONLY: &str = "The mailbox is selected read-only";
    pub(crate) const UNAVAILABLE: &str = "Temporarily unavailable, please try again";
    pub(crate) const INVALID_NUMBER: &str = "A message number is beyond the number of messages";
    pub(crate) const UNKNOWN: &str = "Unknown command";
    pub(crate) const IDLE_DONE: &str = "Expected DONE";
    pub(crate) const LITERAL_TOO_BIG: &str = "The literal is larger than this command can have";
    pub(crate) const TOO_BIG: &str = "The message is larger than this server takes";
    pub(crate) const EMPTY: &str = "An empty message cannot be stored";
    pub(crate) const TRY_CREATE: &str = "The mailbox does not exist";
    pub(crate) const INBOX_STAYS: &str = "INBOX cannot be deleted";
    pub(crate) const INTO_ITSELF: &str = "A mailbox cannot be renamed into itself";
    pub(crate) const ONE_USE: &str = "A mailbox has one special use at most";
    pub(crate) const NOT_SELECTABLE: &str = "This is no mailbox that can be selected";
    pub(crate) const SOME_EXPUNGED: &str = "Some of the messages have been expunged";
    pub(crate) const SOME_FAILED: &str = "Some of the messages could not be read, please try again";
    pub(crate) const SOME_CORRUPT: &str = "Some of the messages are damaged in storage";
    pub(crate) const UNKNOWN_CTE: &str = "A part has an unknown transfer encoding";
    pub(crate) const SOME_MODIFIED: &str = "Messages changed meanwhile were left alone";
    pub(crate) const CLOSED: &str = "Previous mailbox closed";
    pub(crate) const QRESYNC_FIRST: &str = "Enable QRESYNC first";
    pub(crate) const VANISHED_NEEDS: &str = "VANISHED goes with UID FETCH and CHANGEDSINCE only";
}

//! Every reply of the server: codes and texts in one place.
//!
//! What a [`crate::Backend`] answers is an [`Accepted`] or a [`Refusal`]; the constructors below name
//! the usual ones, so that the same trouble has the same code everywhere.

use crate::grammar::address::AddressError;
use crate::grammar::command::Malformed;
use crate::grammar::parameter::ParameterError;
pub use crate::grammar::reply::{Enhanced, Outcome, Reply};

/// A positive answer to a message, or to one recipient of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted(Reply);

impl Accepted {
    /// `250 2.0.0 Ok: queued as ID`: what finds the message again in logs and queue.
    #[must_use]
    pub fn queued(id: &str) -> Self {
        Self(OK.with_text(format!("Ok: queued as {id}")))
    }

    /// `250 2.1.5 <text>`: delivered to one recipient.
    #[must_use]
    pub fn delivered(text: &str) -> Self {
        Self(Reply::new(250, Enhanced::new(2, 1, 5), "").with_text(text.to_owned()))
    }

    /// The reply as it is sent.
    #[must_use]
    pub fn reply(&self) -> &Reply {
        &self.0
    }
}

/// A negative answer: temporary (4yz) when trying again may help, else permanent (5yz).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(Reply);

impl Refusal {
    /// A temporary refusal: `code` 4yz and the enhanced code `4.subject.detail`.
    #[must_use]
    pub fn temporary(code: u16, subject: u16, detail: u16, text: &str) -> Self {
        let code = if (400..500).contains(&code) {
            code
        } else {
            451
        };
        Self::new(code, Enhanced::new(4, subject, detail), text)
    }

    /// A permanent refusal: `code` 5yz and the enhanced code `5.subject.detail`.
    #[must_use]
    pub fn permanent(code: u16, subject: u16, detail: u16, text: &str) -> Self {
        let code = if (500..600).contains(&code) {
            code
        } else {
            554
        };
        Self::new(code, Enhanced::new(5, subject, detail), text)
    }

    fn new(code: u16, enhanced: Enhanced, text: &str) -> Self {
        Self(Reply::new(code, enhanced, "").with_text(text.to_owned()))
    }

    /// The directory, the disk or a neighbour is not there: never the sender's fault.
    #[must_use]
    pub fn unavailable() -> Self {
        Self::temporary(451, 4, 3, "Temporary failure on our side, try again later")
    }

    /// The queue or the store has no room.
    #[must_use]
    pub fn no_space() -> Self {
        Self::temporary(452, 3, 1, "Insufficient system storage, try again later")
    }

    /// No such mailbox in a domain of ours.
    #[must_use]
    pub fn unknown_recipient() -> Self {
        Self::permanent(550, 1, 1, "No such recipient here")
    }

    /// The mailbox exists and takes no mail.
    #[must_use]
    pub fn recipient_disabled() -> Self {
        Self::permanent(550, 2, 1, "The mailbox takes no mail")
    }

    /// The mailbox is full. Temporary: its owner may make room before the sender gives up.
    #[must_use]
    pub fn over_quota() -> Self {
        Self::temporary(452, 2, 2, "The mailbox is full")
    }

    /// Not a domain of ours, and the client is nobody we relay for.
    #[must_use]
    pub fn relay_denied() -> Self {
        Self::permanent(550, 7, 1, "Relaying denied")
    }

    /// The account may not send under this address.
    #[must_use]
    pub fn sender_not_owned() -> Self {
        Self::permanent(
            553,
            7,
            1,
            "Not your address: you may not send as this sender",
        )
    }

    /// More mail than the account or the client may send at a time.
    #[must_use]
    pub fn rate_limited() -> Self {
        Self::temporary(451, 7, 1, "Too much mail in a short time, try again later")
    }

    /// The message has been through here too often.
    #[must_use]
    pub fn mail_loop() -> Self {
        Self::permanent(
            554,
            4,
            6,
            "Too many hops: this message is going round in circles",
        )
    }

    /// The reply as it is sent.
    #[must_use]
    pub fn reply(&self) -> &Reply {
        &self.0
    }

    /// Whether trying again may help.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        self.0.outcome() == Outcome::Temporary
    }
}

pub(crate) const OK: Reply = Reply::new(250, Enhanced::new(2, 0, 0), "Ok");
pub(crate) const SENDER_OK: Reply = Reply::new(250, Enhanced::new(2, 1, 0), "Sender ok");
pub(crate) const RECIPIENT_OK: Reply = Reply::new(250, Enhanced::new(2, 1, 5), "Recipient ok");
pub(crate) const START_MAIL: Reply = Reply::plain(354, "End data with <CR><LF>.<CR><LF>");
pub(crate) const START_TLS: Reply = Reply::new(220, Enhanced::new(2, 0, 0), "Ready to start TLS");
pub(crate) const LOGGED_IN: Reply =
    Reply::new(235, Enhanced::new(2, 7, 0), "Authentication successful");
pub(crate) const BYE: Reply = Reply::new(221, Enhanced::new(2, 0, 0), "Bye");
// RFC 5321 §3.5.3: 252 neither confirms nor denies.
pub(crate) const CANNOT_VERIFY: Reply = Reply::new(
    252,
    Enhanced::new(2, 0, 0),
    "Cannot verify the user, but will take mail and try to deliver it",
);
pub(crate) const HELP: Reply = Reply::new(
    214,
    Enhanced::new(2, 0, 0),
    "See RFC 5321\nHELO EHLO MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT STARTTLS AUTH",
);
// RFC 2033 §4.1: no HELO and EHLO; nobody signs in.
pub(crate) const HELP_LMTP: Reply = Reply::new(
    214,
    Enhanced::new(2, 0, 0),
    "See RFC 2033\nLHLO MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT STARTTLS",
);

pub(crate) const SHUTTING_DOWN: Reply = Reply::new(
    421,
    Enhanced::new(4, 3, 2),
    "Shutting down, try again in a moment",
);
pub(crate) const TIMED_OUT: Reply = Reply::new(
    421,
    Enhanced::new(4, 4, 2),
    "Timeout, closing the connection",
);
pub(crate) const TOO_MANY_MISTAKES: Reply = Reply::new(
    421,
    Enhanced::new(4, 7, 0),
    "Too many errors, closing the connection",
);
pub(crate) const TOO_MANY_LOGINS: Reply = Reply::new(
    421,
    Enhanced::new(4, 7, 0),
    "Too many failed authentications, closing the connection",
);
pub(crate) const TOO_IDLE: Reply = Reply::new(
    421,
    Enhanced::new(4, 7, 0),
    "Too many commands without mail",
);

pub(crate) const HELLO_FIRST: Reply =
    Reply::new(503, Enhanced::new(5, 5, 1), "Introduce yourself first");
pub(crate) const MAIL_FIRST: Reply = Reply::new(503, Enhanced::new(5, 5, 1), "Need MAIL first");
pub(crate) const NESTED_MAIL: Reply =
    Reply::new(503, Enhanced::new(5, 5, 1), "A transaction is open already");
pub(crate) const NO_RECIPIENTS: Reply = Reply::new(
    503,
    Enhanced::new(5, 5, 1),
    "Need RCPT with a valid recipient first",
);
pub(crate) const BDAT_RUNNING: Reply =
    Reply::new(503, Enhanced::new(5, 5, 1), "Only BDAT may follow BDAT");
pub(crate) const TRANSACTION_FAILED: Reply =
    Reply::new(503, Enhanced::new(5, 5, 1), "The transaction has failed");
pub(crate) const WRONG_HELLO_SMTP: Reply =
    Reply::new(500, Enhanced::new(5, 5, 1), "This is SMTP: use EHLO");
// RFC 2033 §4.1: HELO and EHLO must not be answered positively.
pub(crate) const WRONG_HELLO_LMTP: Reply =
    Reply::new(500, Enhanced::new(5, 5, 1), "This is LMTP: use LHLO");
pub(crate) const EXPN_OFF: Reply = Reply::new(502, Enhanced::new(5, 7, 0), "EXPN is not available");

pub(crate) const TLS_RUNS: Reply =
    Reply::new(503, Enhanced::new(5, 5, 1), "TLS is running already");
pub(crate) const NO_TLS: Reply = Reply::new(502, Enhanced::new(5, 5, 1), "STARTTLS is not offered");
// RFC 3207 §4: what was sent in the clear must not be taken for what was sent under TLS.
pub(crate) const PIPELINED_TLS: Reply = Reply::new(
    554,
    Enhanced::new(5, 5, 0),
    "Commands after STARTTLS, before TLS",
);
pub(crate) const TLS_REQUIRED: Reply = Reply::new(
    530,
    Enhanced::new(5, 7, 0),
    "Must issue a STARTTLS command first",
);

pub(crate) const LOGIN_REQUIRED: Reply =
    Reply::new(530, Enhanced::new(5, 7, 0), "Authentication required");
pub(crate) const LOGIN_INSECURE: Reply = Reply::new(
    538,
    Enhanced::new(5, 7, 11),
    "Encryption required for authentication: use STARTTLS",
);
pub(crate) const LOGIN_TWICE: Reply =
    Reply::new(503, Enhanced::new(5, 5, 1), "Authenticated already");
pub(crate) const LOGIN_OFF: Reply =
    Reply::new(502, Enhanced::new(5, 5, 1), "Authentication is not offered");
pub(crate) const LOGIN_IN_MAIL: Reply =
    Reply::new(503, Enhanced::new(5, 5, 1), "Not during a mail transaction");
pub(crate) const UNKNOWN_MECHANISM: Reply = Reply::new(
    504,
    Enhanced::new(5, 5, 4),
    "Unrecognized authentication mechanism",
);
pub(crate) const LOGIN_CANCELLED: Reply =
    Reply::new(501, Enhanced::new(5, 7, 0), "Authentication cancelled");
pub(crate) const LOGIN_MALFORMED: Reply = Reply::new(
    501,
    Enhanced::new(5, 5, 2),
    "Malformed authentication exchange",
);
pub(crate) const LOGIN_FAILED: Reply = Reply::new(
    535,
    Enhanced::new(5, 7, 8),
    "Authentication credentials invalid",
);
// RFC 5248 §2.4: X.7.13 user account disabled.
pub(crate) const LOGIN_FORBIDDEN: Reply = Reply::new(
    525,
    Enhanced::new(5, 7, 13),
    "The account may not be used here",
);
pub(crate) const LOGIN_UNAVAILABLE: Reply = Reply::new(
    454,
    Enhanced::new(4, 7, 0),
    "Temporary authentication failure",
);

pub(crate) const LINE_TOO_LONG: Reply = Reply::new(500, Enhanced::new(5, 5, 2), "Line too long");
pub(crate) const BARE_COMMAND: Reply = Reply::new(
    500,
    Enhanced::new(5, 5, 2),
    "Lines end with <CR><LF>, nothing else",
);
pub(crate) const UNKNOWN_COMMAND: Reply =
    Reply::new(500, Enhanced::new(5, 5, 2), "Command not recognized");
pub(crate) const OTHER_PROTOCOL: Reply =
    Reply::new(554, Enhanced::new(5, 5, 0), "This is a mail server");

pub(crate) const TOO_LARGE: Reply = Reply::new(
    552,
    Enhanced::new(5, 3, 4),
    "The message is larger than this server takes",
);
// RFC 5321 §4.5.3.1.10: 452, so that the client sends the others separately.
pub(crate) const TOO_MANY_RECIPIENTS: Reply = Reply::new(
    452,
    Enhanced::new(4, 5, 3),
    "Too many recipients in one transaction",
);
pub(crate) const TOO_MANY_REFUSED: Reply =
    Reply::new(421, Enhanced::new(4, 7, 0), "Too many unknown recipients");
// RFC 6531 §3.5: X.6.7 non-ASCII addresses not permitted.
pub(crate) const NEEDS_UTF8: Reply = Reply::new(
    553,
    Enhanced::new(5, 6, 7),
    "A non-ASCII address needs the SMTPUTF8 parameter",
);
// RFC 3030 §3: BINARYMIME cannot be sent with DATA.
pub(crate) const BINARY_NEEDS_BDAT: Reply =
    Reply::new(503, Enhanced::new(5, 5, 1), "BINARYMIME needs BDAT");
pub(crate) const BARE_NEWLINES: Reply = Reply::new(
    550,
    Enhanced::new(5, 6, 11),
    "Bare <CR> or <LF> in the message: lines end with <CR><LF>",
);
/// A recipient about which the backend said nothing: never a success.
pub(crate) const UNANSWERED: Reply = Reply::new(
    451,
    Enhanced::new(4, 3, 0),
    "No answer from the mail store, try again later",
);
pub(crate) const UNKNOWN_PARAMETER: Reply =
    Reply::new(555, Enhanced::new(5, 5, 4), "Unknown parameter");
pub(crate) const REQUIRETLS_INSECURE: Reply =
    Reply::new(530, Enhanced::new(5, 7, 10), "REQUIRETLS needs TLS");

/// The reply to a line that is no command.
pub(crate) fn malformed(why: Malformed) -> Reply {
    match why {
        Malformed::Verb => UNKNOWN_COMMAND,
        Malformed::NotImplemented => {
            Reply::new(502, Enhanced::new(5, 5, 1), "Command not implemented")
        }
        Malformed::OtherProtocol => OTHER_PROTOCOL,
        Malformed::Arguments | Malformed::NotText => {
            Reply::new(501, Enhanced::new(5, 5, 4), "Syntax error in the arguments")
        }
        Malformed::TooLong => LINE_TOO_LONG,
        Malformed::ReversePath(error) => address(error, Enhanced::new(5, 1, 7)),
        Malformed::ForwardPath(error) => address(error, Enhanced::new(5, 1, 3)),
        Malformed::Parameter(ParameterError::Unknown) => UNKNOWN_PARAMETER,
        Malformed::Parameter(error) => {
            Reply::new(501, Enhanced::new(5, 5, 4), "").with_text(sentence(&error.to_string()))
        }
    }
}

fn address(error: AddressError, enhanced: Enhanced) -> Reply {
    Reply::new(501, enhanced, "").with_text(sentence(&error.to_string()))
}

/// Errors are phrases; replies start with a capital.
fn sentence(phrase: &str) -> String {
    let mut chars = phrase.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

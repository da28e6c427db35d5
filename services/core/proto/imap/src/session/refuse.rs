//! What went wrong → what the client is told.

use roost_proto_sasl as sasl;

use super::reply::{Ending, text};
use crate::backend::Failure;
use crate::frame::Reason;
use crate::grammar::{Error, Word};

/// RFC 9051 §7.1 and RFC 5530.
impl From<Failure> for Ending {
    fn from(failure: Failure) -> Self {
        let (word, told) = match failure {
            Failure::NonExistent => (Word::NonExistent, "The mailbox does not exist"),
            Failure::AlreadyExists => (Word::AlreadyExists, "The mailbox exists already"),
            Failure::HasChildren => (Word::HasChildren, "Delete the mailboxes below it first"),
            Failure::Cannot(why) => (Word::Cannot, why),
            Failure::NoPermission => (Word::NoPerm, "Permission denied"),
            Failure::OverQuota => (Word::OverQuota, "The account is over its quota"),
            Failure::Limit(which) => (Word::Limit, which),
            Failure::TooBig => (Word::TooBig, text::TOO_BIG),
            Failure::Expunged => (Word::ExpungeIssued, text::SOME_EXPUNGED),
            Failure::InUse => (Word::InUse, "The mailbox is in use, please try again"),
            Failure::Unavailable => (Word::Unavailable, text::UNAVAILABLE),
            Failure::Corrupt => (Word::Corruption, text::SOME_CORRUPT),
        };
        Self::refused(word, told)
    }
}

/// As `From<Failure>`, for the mailbox that messages go to: RFC 9051 §6.3.12 and §6.4.7 want TRYCREATE.
pub(super) fn target(failure: Failure) -> Ending {
    match failure {
        Failure::NonExistent => Ending::refused(Word::TryCreate, text::TRY_CREATE),
        other => other.into(),
    }
}

/// What a command that cannot be understood is answered.
impl From<Error> for Ending {
    fn from(error: Error) -> Self {
        match error {
            Error::Charset => {
                Self::refused(Word::BadCharset, "Unknown charset; UTF-8 is always known")
            }
            Error::Name(why) => Self {
                text: sentence(&why.to_string()),
                ..Self::refused(Word::Cannot, "")
            },
            Error::Encoding => {
                Self::refused(Word::Cannot, "The mailbox name is not properly encoded")
            }
            Error::Unknown => Self::bad(text::UNKNOWN),
            error @ (Error::Syntax { .. } | Error::TooMany(_)) => Self {
                text: sentence(&error.to_string()),
                ..Self::bad("")
            },
        }
    }
}

fn sentence(words: &str) -> std::borrow::Cow<'static, str> {
    let mut chars = words.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(chars).collect::<String>().into()
}

/// What a command beyond a limit of the frame is answered.
pub(super) const fn beyond(reason: Reason) -> Ending {
    Ending::bad(match reason {
        Reason::LineTooLong => "The command line is too long",
        Reason::TooManyLiterals => "Too many literals",
        Reason::LiteralSize => "Not the size of a literal",
        Reason::TooMuchSkipped => "The command is too large",
    })
}

/// What a failed authentication is answered. Only [`sasl::Failure::Credentials`] and
/// [`sasl::Failure::Forbidden`] are attempts to be punished.
impl From<sasl::Failure> for Ending {
    fn from(failure: sasl::Failure) -> Self {
        match failure {
            // RFC 9051 §6.2.2: a cancelled exchange is answered by BAD.
            sasl::Failure::Cancelled => Self::bad(text::CANCELLED),
            sasl::Failure::Malformed(_) => Self::bad(text::MALFORMED_SASL),
            sasl::Failure::Credentials => {
                Self::refused(Word::AuthenticationFailed, text::CREDENTIALS)
            }
            sasl::Failure::Forbidden => Self::refused(Word::AuthorizationFailed, text::FORBIDDEN),
            sasl::Failure::Unavailable => Self::refused(Word::Unavailable, text::UNAVAILABLE),
        }
    }
}

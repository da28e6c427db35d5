//! Errors → answers.

use crate::dn::DnError;
use crate::password::checker::CheckError;
use crate::schema::Violation;
use crate::store::StoreError;
use crate::wire::ber::Malformed;
use crate::wire::response::{Outcome, ResultCode};

/// Why an operation is answered with anything but success.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The client's doing: it hears what and why.
    #[error("{}", .0.message)]
    Answer(Outcome),
    /// Ours: it hears that it should try later, the log hears why.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Refusal {
    /// An answer with a code and words.
    #[must_use]
    pub fn new(code: ResultCode, message: impl Into<String>) -> Self {
        Self::Answer(Outcome::new(code, message))
    }

    /// No entry of that name; `matched` is the nearest that there is.
    #[must_use]
    pub fn no_such_object(matched: String) -> Self {
        let message = if matched.is_empty() {
            "no entry of this name exists".to_owned()
        } else {
            format!("no entry of this name exists; the nearest is {matched}")
        };
        Self::Answer(Outcome {
            code: ResultCode::NoSuchObject,
            matched,
            message,
        })
    }

    /// Not allowed.
    #[must_use]
    pub fn denied(message: impl Into<String>) -> Self {
        Self::new(ResultCode::InsufficientAccessRights, message)
    }

    /// The one answer to every failed login.
    #[must_use]
    pub fn invalid_credentials() -> Self {
        Self::new(ResultCode::InvalidCredentials, "name or password is wrong")
    }

    /// The answer; what is our own fault is logged here.
    #[must_use]
    pub fn into_outcome(self) -> Outcome {
        match self {
            Self::Answer(outcome) => outcome,
            Self::Store(StoreError::TooManyCandidates) => Outcome::new(
                ResultCode::AdminLimitExceeded,
                "too many entries would have to be looked at",
            ),
            Self::Store(error) => {
                let error = roost_kit::fields::Chain(&error);
                tracing::error!(%error, "the directory's database failed");
                Outcome::new(
                    ResultCode::Unavailable,
                    "the directory's storage failed; try later",
                )
            }
        }
    }
}

impl From<Violation> for Refusal {
    fn from(violation: Violation) -> Self {
        Self::new(violation.code, violation.message)
    }
}

impl From<DnError> for Refusal {
    fn from(error: DnError) -> Self {
        Self::new(
            ResultCode::InvalidDnSyntax,
            format!("not a distinguished name: {error}"),
        )
    }
}

impl From<Malformed> for Refusal {
    fn from(error: Malformed) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl Malformed {
    /// What it is answered with.
    #[must_use]
    pub fn code(self) -> ResultCode {
        match self {
            Self::Name => ResultCode::InvalidDnSyntax,
            Self::Truncated | Self::Forbidden | Self::Expected(_) | Self::Number | Self::Text => {
                ResultCode::ProtocolError
            }
        }
    }
}

impl From<CheckError> for Refusal {
    fn from(error: CheckError) -> Self {
        match error {
            CheckError::Busy => Self::new(ResultCode::Busy, "too many logins at once; try later"),
            CheckError::Hash(error) => {
                let error = roost_kit::fields::Chain(&error);
                tracing::error!(%error, "a password could not be hashed");
                Self::new(
                    ResultCode::Unavailable,
                    "the password cannot be hashed now; try later",
                )
            }
        }
    }
}

//! The engine's errors in the words of the protocols. What is ours is logged here, once.

use roost_kit::fields::Chain;
use roost_mailbox::Error;
use roost_proto_imap::Failure;
use roost_proto_smtp::Refusal;

/// For an IMAP session.
pub(crate) fn failure(error: Error) -> Failure {
    log(&error);
    match error {
        Error::NoSuchFolder(_) | Error::NoSuchMailbox => Failure::NonExistent,
        Error::NoSuchItem(_) | Error::NoSuchUid(_) => Failure::Expunged,
        Error::AlreadyExists => Failure::AlreadyExists,
        Error::InvalidName(_) => Failure::Cannot("This name cannot be used"),
        Error::Immutable(_) => Failure::Cannot("This mailbox must stay as it is"),
        Error::HasChildren(_) => Failure::HasChildren,
        Error::NotEmpty(_) => Failure::Cannot("The mailbox is not empty"),
        Error::CannotContain(_) => Failure::Cannot("It cannot be put there"),
        Error::OverQuota { .. } => Failure::OverQuota,
        Error::Limit(_) => Failure::Limit("There are too many of these"),
        Error::NoSpace => Failure::Limit("There is no space left, try again later"),
        Error::Unavailable { .. } | Error::Open { .. } => Failure::Unavailable,
        Error::Corrupt { .. } => Failure::Corrupt,
    }
}

/// For the sender of a message that could not be delivered.
pub(crate) fn refusal(error: &Error) -> Refusal {
    log(error);
    match error {
        Error::OverQuota { .. } => Refusal::over_quota(),
        Error::NoSpace => Refusal::no_space(),
        // Nothing of this is the sender's fault, and it may be otherwise when they try again.
        Error::NoSuchFolder(_)
        | Error::NoSuchMailbox
        | Error::NoSuchItem(_)
        | Error::NoSuchUid(_)
        | Error::AlreadyExists
        | Error::InvalidName(_)
        | Error::Immutable(_)
        | Error::HasChildren(_)
        | Error::NotEmpty(_)
        | Error::CannotContain(_)
        | Error::Limit(_)
        | Error::Unavailable { .. }
        | Error::Open { .. }
        | Error::Corrupt { .. } => Refusal::unavailable(),
    }
}

/// For a POP3 session.
pub(crate) fn pop3(error: &Error) -> roost_proto_pop3::Refusal {
    log(error);
    match error {
        Error::NoSuchItem(_) | Error::NoSuchUid(_) => roost_proto_pop3::Refusal::Gone,
        Error::Corrupt { .. } => roost_proto_pop3::Refusal::Permanent,
        _ => roost_proto_pop3::Refusal::Temporary,
    }
}

fn log(error: &Error) {
    match error {
        Error::Corrupt { .. } | Error::Open { .. } => {
            tracing::error!(error = %Chain(error), "stored mail is damaged");
        }
        // Said once by whoever watches the store.
        Error::NoSpace => tracing::debug!("no space"),
        Error::Unavailable { .. } => {
            tracing::warn!(error = %Chain(error), "the store cannot serve now");
        }
        _ => tracing::debug!(error = %Chain(error), "refused"),
    }
}

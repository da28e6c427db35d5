//! What can go wrong while administering.

use super::edit::BadEdit;
use crate::client::Unavailable;
use crate::model::Damaged;
use crate::name::BadName;
use crate::schema::Violation;

/// What is administered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thing {
    /// A domain.
    Domain,
    /// An account.
    Account,
    /// Another address of an account or a list.
    Alias,
    /// A distribution list.
    List,
    /// A class of service.
    Cos,
    /// A server.
    Server,
}

impl std::fmt::Display for Thing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Domain => "domain",
            Self::Account => "account",
            Self::Alias => "alias",
            Self::List => "list",
            Self::Cos => "class of service",
            Self::Server => "server",
        })
    }
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdminError {
    /// The directory could not be asked.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// There is no such thing.
    #[error("there is no {thing} {name}{}", meant(near))]
    NotFound {
        /// Of which kind.
        thing: Thing,
        /// By which name.
        name: String,
        /// What was probably meant.
        near: Vec<String>,
    },
    /// The name is taken.
    #[error("{name} is taken: {by} has it")]
    Taken {
        /// The name.
        name: String,
        /// By what, such as "the account alice@example.com".
        by: String,
    },
    /// A domain that still has entries.
    #[error("domain {domain} still has {what} (delete or move them first)")]
    NotEmpty {
        /// The domain.
        domain: String,
        /// What it has, such as "3 accounts".
        what: String,
    },
    /// Something else needs it.
    #[error("{thing} {name} is in use by {by}")]
    InUse {
        /// What it is.
        thing: Thing,
        /// Its name.
        name: String,
        /// By what.
        by: String,
    },
    /// It belongs to the system.
    #[error("{thing} {name} belongs to the system and stays")]
    Protected {
        /// What it is.
        thing: Thing,
        /// Its name.
        name: String,
    },
    /// The domain has no accounts of its own.
    #[error("domain {0} is another name of a domain and has no accounts or lists of its own")]
    AliasDomain(String),
    /// The domain may have no more accounts.
    #[error("domain {domain} may have {max} accounts and has them")]
    TooManyAccounts {
        /// The domain.
        domain: String,
        /// How many it may have.
        max: u64,
    },
    /// The domain may not be changed now.
    #[error("domain {domain} is {status}; nothing in it may be changed")]
    Suspended {
        /// The domain.
        domain: String,
        /// Its status.
        status: &'static str,
    },
    /// No server keeps mailboxes.
    #[error(
        "no server keeps mailboxes (enable the service \"mailbox\" on one, or set zimbraMailHost)"
    )]
    NoMailHost,
    /// A name is none.
    #[error(transparent)]
    BadName(#[from] BadName),
    /// An edit makes no sense.
    #[error(transparent)]
    BadEdit(#[from] BadEdit),
    /// The entry would not keep to the schema.
    #[error(transparent)]
    Schema(#[from] Violation),
    /// An entry cannot be read.
    #[error(transparent)]
    Damaged(#[from] Damaged),
    /// The server refused.
    #[error(
        "the directory refused the {what}: {} (result code {code})",
        said(text)
    )]
    Server {
        /// The operation.
        what: &'static str,
        /// Its result code.
        code: u32,
        /// What the server said.
        text: String,
    },
}

fn meant(near: &[String]) -> String {
    if near.is_empty() {
        String::new()
    } else {
        format!(" (did you mean {}?)", near.join(", "))
    }
}

fn said(text: &str) -> &str {
    if text.is_empty() {
        "it did not say why"
    } else {
        text
    }
}

//! The directory could not be asked.

use std::sync::Arc;

/// The directory could not be asked: try again later. It says nothing about what was asked for.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the directory is unavailable")]
pub struct Unavailable(#[source] Arc<Cause>);

/// Why.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Cause {
    #[error("cannot reach {url}")]
    Connect {
        url: String,
        #[source]
        source: ldap3::LdapError,
    },
    #[error("cannot sign in at {url} as {dn:?}: {text} (result code {code})")]
    SignIn {
        url: String,
        dn: String,
        code: u32,
        text: String,
    },
    #[error("{what} failed")]
    Broken {
        what: &'static str,
        #[source]
        source: ldap3::LdapError,
    },
    #[error("{what} was refused: {text} (result code {code})")]
    Answer {
        what: &'static str,
        code: u32,
        text: String,
    },
    #[error("{what} took too long")]
    Deadline { what: &'static str },
    #[error("all connections are taken")]
    Busy,
    #[error("{0}")]
    Damaged(#[from] crate::model::Damaged),
    #[error("{0} has no entry (a new directory needs its first entries)")]
    NoEntry(&'static str),
    #[error("the answer to an extended operation cannot be read")]
    BadAnswer,
    #[error("domain {domain} signs in by {mechanism}, which is not supported")]
    Mechanism { domain: String, mechanism: String },
}

impl From<Cause> for Unavailable {
    fn from(cause: Cause) -> Self {
        Self(Arc::new(cause))
    }
}

impl From<crate::model::Damaged> for Unavailable {
    fn from(damaged: crate::model::Damaged) -> Self {
        Cause::Damaged(damaged).into()
    }
}

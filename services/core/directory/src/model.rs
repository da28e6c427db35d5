//! What the directory holds, with types: accounts, domains, lists, classes of service, servers.
//!
//! Each wraps its entry and whatever it inherits from; [`setting`](Account::setting) answers for
//! any attribute, the methods for those that programs ask about.

mod account;
mod domain;
mod list;
mod server;
mod status;
mod transport;

pub use account::{Account, Forwarding};
pub(crate) use domain::catch_all;
pub use domain::{CatchAll, Cos, Domain, DomainKind, GlobalConfig};
pub use list::DistributionList;
pub use server::Server;
pub use status::{AccountStatus, Delivery, DomainStatus, Login};
pub use transport::Transport;

use crate::name::BadName;

/// An entry that is not what its object class says: a required attribute is missing or unreadable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("directory entry {dn} is damaged: {what}")]
pub struct Damaged {
    /// The entry.
    pub dn: String,
    /// What is wrong with it.
    pub what: String,
}

/// Reads a required attribute of an entry.
fn required<'a>(entry: &'a crate::entry::Entry, name: &str) -> Result<&'a str, Damaged> {
    entry.attributes.text(name).ok_or_else(|| Damaged {
        dn: entry.dn.clone(),
        what: format!("{name} is missing"),
    })
}

/// An attribute that cannot be read.
fn unreadable(dn: &str, error: &BadName) -> Damaged {
    Damaged {
        dn: dn.to_owned(),
        what: error.to_string(),
    }
}

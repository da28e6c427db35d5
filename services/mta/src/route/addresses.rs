//! What the router asks about addresses.

use std::future::Future;

use roost_proto_smtp::{Address, Enhanced};

use super::Hop;

/// What an address means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A mailbox of ours.
    Mailbox {
        /// The address that its store delivers to.
        address: Address,
        /// The store.
        next: Hop,
        /// Where its mail goes too.
        forwards: Vec<Address>,
        /// Whether the mailbox gets it, or only those.
        keep: bool,
    },
    /// A list of ours.
    List {
        /// Its address.
        address: Address,
        /// Its members.
        members: Vec<Address>,
    },
    /// Nobody of ours: it is sent on to these.
    Forward(Vec<Address>),
    /// The domain is ours, the mailbox is on another server.
    Relay {
        /// The address that the server knows.
        address: Address,
        /// The server.
        next: Hop,
    },
    /// The domain is ours and nobody has the address.
    Unknown,
    /// The domain is not ours.
    NotOurs,
    /// Refused for good.
    Refused {
        /// The code.
        status: Enhanced,
        /// The reason.
        text: String,
    },
    /// It has to wait.
    Deferred {
        /// The code.
        status: Enhanced,
        /// The reason.
        text: String,
    },
}

/// Who sends: asked by lists that not everybody may write to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Poster {
    /// The account that signed in.
    pub account: Option<Address>,
    /// The envelope's sender.
    pub sender: Option<Address>,
}

/// The directory cannot be asked. Never means that an address does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unavailable(pub String);

/// Whoever knows the addresses.
pub trait Addresses: Send + Sync + 'static {
    /// What an address means.
    fn find(&self, address: &Address) -> impl Future<Output = Result<Found, Unavailable>> + Send;

    /// Whether somebody may send to a list.
    fn may_post(
        &self,
        list: &Address,
        poster: &Poster,
    ) -> impl Future<Output = Result<bool, Unavailable>> + Send;

    /// Who gets mail for offices that nobody holds: the postmaster's.
    fn postmasters(&self) -> impl Future<Output = Result<Vec<Address>, Unavailable>> + Send;
}

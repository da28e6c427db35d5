//! Whose mailboxes are here, who may sign in, and as whom. The directory answers; a test's table can
//! stand in for it.

mod directory;
#[cfg(test)]
pub(crate) mod table;

use std::future::Future;

use roost_core_directory::name::{AccountId, EmailAddress};
use roost_proto_sasl::{Login, Parameters, Proof, Refused};
use roost_proto_smtp::Refusal;

pub(crate) use directory::LdapAccounts;

use crate::metrics::Protocol;

/// An account whose mailbox is on this node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    /// Which account.
    pub(crate) id: AccountId,
    /// Its name: the address it is delivered under.
    pub(crate) name: EmailAddress,
    /// How large its mailbox may be, in octets.
    pub(crate) quota: Option<u64>,
    /// What becomes of messages that a POP3 client deletes.
    pub(crate) pop3_deletion: Pop3Deletion,
}

/// `zimbraPrefPop3DeleteOption`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pop3Deletion {
    /// Nothing.
    Keep,
    /// They are marked as read.
    Read,
    /// They go to the trash.
    Trash,
    /// They are removed for good.
    Delete,
}

/// A recipient whose mailbox is on this node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recipient {
    /// Whose mailbox it is.
    pub(crate) owner: Owner,
    /// What followed the delimiter in the local part: the folder that is meant, if there is one.
    pub(crate) detail: Option<String>,
}

/// The server's half of a SCRAM exchange, once the proof was right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proven {
    /// Who signs in.
    pub(crate) owner: Owner,
    /// What proves to the client that we know its keys.
    pub(crate) signature: [u8; 32],
}

/// Whoever knows the accounts.
pub(crate) trait Accounts: Clone + Send + Sync + 'static {
    /// The mailbox that an address means, or the answer to its sender.
    fn recipient(
        &self,
        address: &EmailAddress,
    ) -> impl Future<Output = Result<Recipient, Refusal>> + Send;

    /// Checks a name and password, and whether that account may use `protocol` and act as the one
    /// asked for.
    fn password(
        &self,
        login: &Login,
        protocol: Protocol,
    ) -> impl Future<Output = Result<Owner, Refused>> + Send;

    /// As [`Accounts::password`], where a proxy's ticket takes the place of the password.
    fn ticket(
        &self,
        login: &Login,
        protocol: Protocol,
    ) -> impl Future<Output = Result<Owner, Refused>> + Send;

    /// Whether SCRAM can be offered.
    fn offers_scram(&self) -> impl Future<Output = bool> + Send;

    /// What a SCRAM client needs to begin, for any name.
    fn scram_parameters(
        &self,
        name: &str,
    ) -> impl Future<Output = Result<Parameters, Refused>> + Send;

    /// As [`Accounts::password`], with a proof instead of a password.
    fn scram_verify(
        &self,
        proof: &Proof,
        protocol: Protocol,
    ) -> impl Future<Output = Result<Proven, Refused>> + Send;
}

//! All mailboxes of a node.

use roost_journal::{Damage, Stats as JournalStats};
use roost_kit::clock::Clock;
use roost_kit::disk::DiskHandle;

use crate::config::Config;
use crate::deliver::{Delivered, Recipient};
use crate::error::Error;
use crate::id::{AccountId, MailboxId};
use crate::item::NewBlob;
use crate::mailbox::Mailbox;

/// A store; clones are handles on the same one.
#[derive(Debug, Clone)]
pub struct Store {}

/// A mailbox in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailboxInfo {
    /// Whose it is.
    pub account: AccountId,
    /// Its number in this store.
    pub id: MailboxId,
    /// What it holds, in bytes.
    pub used: u64,
}

/// What a store has done, and what waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// The journal's: flushes, queue, records.
    pub journal: JournalStats,
    /// The newest record that is in SQL and files.
    pub applied: u64,
    /// Bytes that are durable but only in the journal and in memory.
    pub unapplied_bytes: u64,
    /// Checkpoints made.
    pub checkpoints: u64,
    /// Mailboxes in memory.
    pub mailboxes: u64,
    /// Items added.
    pub added: u64,
}

impl Store {
    /// Opens the store, or makes a new one, and brings what the journal has and SQL and files have
    /// not up to date. Only one process can have it open.
    pub async fn open(_config: Config, _disk: DiskHandle, _clock: Clock) -> Result<Self, Error> {
        Err(closed())
    }

    /// The mailbox of an account; made on its first use.
    pub async fn mailbox(&self, _account: AccountId) -> Result<Mailbox, Error> {
        Err(closed())
    }

    /// The mailbox of an account, if it has one here.
    pub async fn find_mailbox(&self, _account: AccountId) -> Result<Option<Mailbox>, Error> {
        Err(closed())
    }

    /// All mailboxes, by number.
    pub async fn mailboxes(&self) -> Result<Vec<MailboxInfo>, Error> {
        Err(closed())
    }

    /// Deletes an account's mailbox with all that is in it.
    pub async fn delete_mailbox(&self, _account: AccountId) -> Result<(), Error> {
        Err(closed())
    }

    /// Delivers one message to each of `recipients`; the outcomes are in their order, and each
    /// stands for itself. The content is written once. Mailboxes are made where they are missing.
    pub async fn deliver(
        &self,
        _message: NewBlob,
        recipients: Vec<Recipient>,
    ) -> Vec<Result<Delivered, Error>> {
        recipients.iter().map(|_| Err(closed())).collect()
    }

    /// Makes what is in SQL and files durable there, and lets the journal forget it.
    pub async fn checkpoint(&self) -> Result<(), Error> {
        Err(closed())
    }

    /// Parts of the journal that could not be read when the store was opened. Tell a person.
    #[must_use]
    pub fn damage(&self) -> &[Damage] {
        &[]
    }

    /// Whether changes are accepted; if not, why. For readiness and status.
    pub fn check(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Figures for metrics.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats::default()
    }

    /// Ends the store: what was accepted is applied, and a checkpoint made. Handles that are still
    /// around get [`Error::Unavailable`].
    pub async fn close(&self) -> Result<(), Error> {
        Ok(())
    }
}

fn closed() -> Error {
    Error::Unavailable {
        what: "it is closed",
        source: None,
    }
}

//! One account's mailbox.

mod folders;
mod items;
mod read;
pub(crate) mod subscriptions;
mod tags;
mod transfer;

use std::fmt;
use std::sync::Arc;

use tokio::sync::broadcast::{self, error::RecvError};

use crate::core::Core;
use crate::error::Error;
use crate::id::{AccountId, FolderId, ModSeq, Uid, UidValidity};
use crate::item::{NewBlob, Placed};
use crate::plan::{Content, Plan, Stop};
use crate::snapshot::{FolderSnapshot, MailboxSnapshot};
use crate::store::Inner;

/// A handle on a mailbox; clones are handles on the same one.
///
/// Every change returns once it is durable; from then on snapshots show it. Dropping the future of
/// a change does not take it back: it happens, or it does not.
#[derive(Clone)]
pub struct Mailbox {
    inner: Arc<Inner>,
    core: Arc<Core>,
}

/// Where added items are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// The generation of the folder's UIDs.
    pub uid_validity: UidValidity,
    /// Their numbers, in the order in which they were given.
    pub items: Vec<Placed>,
}

/// What a change of flags did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Altered {
    /// Left alone, since they are newer than `unchanged_since`; ascending.
    pub newer: Vec<Uid>,
    /// Changed; ascending. Those that already had the flags are not among them.
    pub changed: Vec<Uid>,
    /// The mod-sequence of those changed; the mailbox's where none was.
    pub modseq: ModSeq,
}

/// Where copied or moved items went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// The generation of the target's UIDs.
    pub uid_validity: UidValidity,
    /// Each item's UID before and in the target, ascending by the first.
    pub pairs: Vec<(Uid, Uid)>,
}

/// Which items are removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal<'a> {
    /// All with [`crate::Flags::DELETED`].
    Deleted,
    /// Those of these that have [`crate::Flags::DELETED`].
    DeletedOf(&'a [Uid]),
    /// These.
    These(&'a [Uid]),
    /// All.
    Everything,
}

/// Whether \Recent is taken or only looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// Nobody else is told that they are recent.
    Take,
    /// They stay recent.
    Look,
}

/// Something changed in a mailbox; the news are in its snapshots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A change, and the folders that it touched.
    Changed {
        /// The change's number.
        modseq: ModSeq,
        /// The folders in which items, or which themselves, changed.
        folders: Vec<FolderId>,
    },
    /// The subscriber was slow and has missed changes: compare snapshots.
    Resync,
}

/// The changes of a mailbox from the moment of subscription on.
#[derive(Debug)]
pub struct Changes {
    feed: broadcast::Receiver<Change>,
    /// Keeps the mailbox in memory, and with it the feed.
    _core: Arc<Core>,
}

impl Changes {
    /// The next change; `None` once the mailbox is gone. Cancel-safe.
    pub async fn next(&mut self) -> Option<Change> {
        match self.feed.recv().await {
            Ok(change) => Some(change),
            Err(RecvError::Lagged(_)) => Some(Change::Resync),
            Err(RecvError::Closed) => None,
        }
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Mailbox").field(&self.core).finish()
    }
}

impl Mailbox {
    pub(crate) fn new(inner: Arc<Inner>, core: Arc<Core>) -> Self {
        Self { inner, core }
    }

    /// Whose it is.
    #[must_use]
    pub fn account(&self) -> AccountId {
        self.core.account
    }

    /// The mailbox as it stands now.
    pub fn snapshot(&self) -> Result<MailboxSnapshot, Error> {
        Ok(MailboxSnapshot(self.core.alive()?))
    }

    /// A folder with its items as it stands now. Reads them from SQL when nobody has lately.
    pub async fn folder(&self, folder: FolderId) -> Result<FolderSnapshot, Error> {
        let mut tried = false;
        loop {
            let state = self.core.alive()?;
            let found = state.folder(folder).ok_or(Error::NoSuchFolder(folder))?;
            if let Some(entries) = &found.entries {
                return Ok(FolderSnapshot {
                    entries: entries.clone(),
                    folder: found.clone(),
                    mailbox: MailboxSnapshot(state),
                });
            }
            if tried {
                return Err(Error::Unavailable {
                    what: "the folder's items cannot be read",
                    source: None,
                });
            }
            tried = true;
            self.core.load(&self.inner.meta, folder).await?;
        }
    }

    /// Tells of changes from now on.
    #[must_use]
    pub fn subscribe(&self) -> Changes {
        Changes {
            feed: self.core.subscribe(),
            _core: self.core.clone(),
        }
    }

    /// The first UID that no session has been told as recent (RFC 3501 §2.3.2), at most `below`;
    /// with [`Claim::Take`], those below `below` are taken. Lost with the process, as the RFC
    /// allows.
    #[must_use]
    pub fn claim_recent(&self, folder: FolderId, below: Uid, claim: Claim) -> Uid {
        self.core.claim_recent(folder, below, claim)
    }

    /// Whether `bytes` more would be within `quota`, and the folder can take items: asked before
    /// a client sends what will be refused.
    pub fn admit(&self, folder: FolderId, bytes: u64, quota: Option<u64>) -> Result<(), Error> {
        self.inner.check()?;
        let plan = Plan::new(&*self.core.alive()?);
        plan.container(folder)?;
        plan.admit(bytes, quota)
    }

    async fn change<T>(
        &self,
        blobs: Vec<NewBlob>,
        plan: impl FnMut(&mut Plan, &[Content]) -> Result<T, Stop>,
    ) -> Result<T, Error> {
        self.inner.change(&self.core, blobs, plan).await
    }
}

/// UIDs in ascending order, each once.
fn ascending(uids: &[Uid]) -> Vec<Uid> {
    let mut uids = uids.to_vec();
    if !uids.is_sorted() {
        uids.sort_unstable();
    }
    uids.dedup();
    uids
}

//! One account's mailbox.

use std::ops::Range;

use bytes::Bytes;

use crate::error::Error;
use crate::flags::FlagChange;
use crate::folder::{Contents, FolderChange, Nested, NewFolder};
use crate::id::{AccountId, BlobDigest, FolderId, ItemId, ModSeq, Uid, UidValidity};
use crate::item::{Located, Metadata, NewItem, Placed, Replacement, Tombstone};
use crate::snapshot::{FolderSnapshot, MailboxSnapshot};

/// A handle on a mailbox; clones are handles on the same one.
///
/// Every change returns once it is durable; from then on snapshots show it. Dropping the future of
/// a change does not take it back: it happens, or it does not.
#[derive(Debug, Clone)]
pub struct Mailbox {}

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
pub struct Changes {}

impl Changes {
    /// The next change; `None` once the mailbox is gone. Cancel-safe.
    pub async fn next(&mut self) -> Option<Change> {
        None
    }
}

impl Mailbox {
    /// Whose it is.
    #[must_use]
    pub fn account(&self) -> AccountId {
        uuid::Uuid::nil().into()
    }

    /// The mailbox as it stands now.
    pub fn snapshot(&self) -> Result<MailboxSnapshot, Error> {
        Err(closed())
    }

    /// A folder with its items as it stands now. Reads them from SQL when nobody has lately.
    pub async fn folder(&self, _folder: FolderId) -> Result<FolderSnapshot, Error> {
        Err(closed())
    }

    /// Tells of changes from now on.
    #[must_use]
    pub fn subscribe(&self) -> Changes {
        Changes {}
    }

    /// The first UID that no session has been told as recent (RFC 3501 §2.3.2); with
    /// [`Claim::Take`], those below `below` are taken. Lost with the process, as the RFC allows.
    #[must_use]
    pub fn claim_recent(&self, _folder: FolderId, below: Uid, _claim: Claim) -> Uid {
        below
    }

    /// Makes a folder.
    pub async fn create_folder(&self, _folder: NewFolder) -> Result<FolderId, Error> {
        Err(closed())
    }

    /// Renames, moves, subscribes, colours a folder, all at once.
    pub async fn change_folder(&self, _id: FolderId, _change: FolderChange) -> Result<(), Error> {
        Err(closed())
    }

    /// Deletes a folder.
    pub async fn delete_folder(
        &self,
        _id: FolderId,
        _contents: Contents,
        _nested: Nested,
    ) -> Result<(), Error> {
        Err(closed())
    }

    /// Makes a tag, or makes a keyword one.
    pub async fn create_tag(&self, _name: &str, _color: u32) -> Result<ItemId, Error> {
        Err(closed())
    }

    /// Renames a tag, or gives it another colour.
    pub async fn change_tag(
        &self,
        _tag: ItemId,
        _name: Option<&str>,
        _color: Option<u32>,
    ) -> Result<(), Error> {
        Err(closed())
    }

    /// Deletes a tag, and takes it off all items.
    pub async fn delete_tag(&self, _tag: ItemId) -> Result<(), Error> {
        Err(closed())
    }

    /// Whether `bytes` more would be within `quota`, and the folder can take items: asked before
    /// a client sends what will be refused.
    pub fn admit(&self, _folder: FolderId, _bytes: u64, _quota: Option<u64>) -> Result<(), Error> {
        Err(closed())
    }

    /// Adds items, all or none.
    pub async fn append(
        &self,
        _folder: FolderId,
        _items: Vec<NewItem>,
        _quota: Option<u64>,
    ) -> Result<Appended, Error> {
        Err(closed())
    }

    /// Changes the flags of those of `uids` that exist and, where `unchanged_since` is given, have
    /// not changed since. Those that have the flags already keep their mod-sequence.
    pub async fn alter(
        &self,
        _folder: FolderId,
        _uids: &[Uid],
        _change: &FlagChange,
        _unchanged_since: Option<ModSeq>,
    ) -> Result<Altered, Error> {
        Err(closed())
    }

    /// Removes items for good; answers the UIDs, ascending.
    pub async fn remove(&self, _folder: FolderId, _which: Removal<'_>) -> Result<Vec<Uid>, Error> {
        Err(closed())
    }

    /// Copies those of `uids` that exist, with flags, keywords and dates, all or none.
    pub async fn copy(
        &self,
        _folder: FolderId,
        _uids: &[Uid],
        _target: FolderId,
        _quota: Option<u64>,
    ) -> Result<Copied, Error> {
        Err(closed())
    }

    /// Moves those of `uids` that exist, all or none. They keep their item numbers.
    pub async fn relocate(
        &self,
        _folder: FolderId,
        _uids: &[Uid],
        _target: FolderId,
    ) -> Result<Copied, Error> {
        Err(closed())
    }

    /// Gives an item another content and other metadata (a draft saved again, a contact changed).
    pub async fn replace(
        &self,
        _folder: FolderId,
        _uid: Uid,
        _replacement: Replacement,
        _quota: Option<u64>,
    ) -> Result<Placed, Error> {
        Err(closed())
    }

    /// Where an item is now.
    pub async fn locate(&self, _item: ItemId) -> Result<Option<Located>, Error> {
        Err(closed())
    }

    /// The whole of a content.
    pub async fn load(&self, _digest: BlobDigest) -> Result<Bytes, Error> {
        Err(closed())
    }

    /// These octets of a content; fewer where it ends before.
    pub async fn load_range(
        &self,
        _digest: BlobDigest,
        _range: Range<u64>,
    ) -> Result<Bytes, Error> {
        Err(closed())
    }

    /// What was derived from a content when it came.
    pub async fn structure(&self, _digest: BlobDigest) -> Result<Bytes, Error> {
        Err(closed())
    }

    /// What was derived from many contents, in their order: for a FETCH of a range, some hundred
    /// at a time. `None` for one that is not there.
    pub async fn structures(&self, _digests: &[BlobDigest]) -> Result<Vec<Option<Bytes>>, Error> {
        Err(closed())
    }

    /// The metadata of items, in their order; `None` for one that has none.
    pub async fn metadata(&self, _items: &[ItemId]) -> Result<Vec<Option<Metadata>>, Error> {
        Err(closed())
    }

    /// What went away from `folder` (from anywhere, when none is given) after `since`, ascending by
    /// mod-sequence.
    pub async fn vanished(
        &self,
        _folder: Option<FolderId>,
        _since: ModSeq,
    ) -> Result<Vec<Tombstone>, Error> {
        Err(closed())
    }
}

fn closed() -> Error {
    Error::Unavailable {
        what: "it is closed",
        source: None,
    }
}

//! What readers hold: a mailbox, or a folder, as it stood at a moment. Immutable, cheap to clone.

use std::sync::Arc;

use compact_str::CompactString;

use crate::entries::Entries;
use crate::folder::{Counts, Folder, ROOT, SpecialUse};
use crate::id::{AccountId, FolderId, KeywordId, MailboxId, ModSeq, Uid, UidValidity};
use crate::item::Entry;
use crate::keyword::Keyword;
use crate::mailbox::subscriptions;
use crate::state::{FolderState, State};

/// A mailbox as it stood at a moment: its folders, keywords and figures.
#[derive(Debug, Clone)]
pub struct MailboxSnapshot(pub(crate) Arc<State>);

impl MailboxSnapshot {
    /// Whose it is.
    #[must_use]
    pub fn account(&self) -> AccountId {
        self.0.account
    }

    /// Its number in this store.
    #[must_use]
    pub fn id(&self) -> MailboxId {
        self.0.id
    }

    /// Its last change.
    #[must_use]
    pub fn modseq(&self) -> ModSeq {
        self.0.modseq
    }

    /// The sum of its items' sizes: what counts against the quota.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.0.used
    }

    /// All folders, by number.
    pub fn folders(&self) -> impl Iterator<Item = &Folder> {
        self.0.folders.iter().map(|folder| &folder.info)
    }

    /// The folder with this number.
    #[must_use]
    pub fn folder(&self, id: FolderId) -> Option<&Folder> {
        self.0.folder(id).map(|folder| &folder.info)
    }

    /// The folders that lie in `parent`.
    pub fn children(&self, parent: FolderId) -> impl Iterator<Item = &Folder> {
        self.folders()
            .filter(move |folder| folder.parent == parent && folder.id != ROOT)
    }

    /// The folder of this name in `parent`; INBOX in any case (RFC 9051 §5.1).
    #[must_use]
    pub fn child(&self, parent: FolderId, name: &str) -> Option<&Folder> {
        self.0.child(parent, name).map(|folder| &folder.info)
    }

    /// The folder at this path, its names joined by `/`; the empty path is the root.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<&Folder> {
        path.split('/')
            .filter(|name| !name.is_empty())
            .try_fold(self.folder(ROOT)?, |folder, name| {
                self.child(folder.id, name)
            })
    }

    /// The names on the way to a folder, joined by `/`; empty for the root.
    #[must_use]
    pub fn path(&self, id: FolderId) -> Option<String> {
        self.0.path(id)
    }

    /// The names that are subscribed to and that no folder has: of folders that were deleted. They
    /// are paths as [`MailboxSnapshot::path`] has them, but INBOX is in capitals.
    pub fn lost_subscriptions(&self) -> impl Iterator<Item = &str> {
        self.0.subscriptions.iter().map(CompactString::as_str)
    }

    /// Whether this path is one of [`MailboxSnapshot::lost_subscriptions`].
    #[must_use]
    pub fn has_lost_subscription(&self, path: &str) -> bool {
        self.0.subscriptions.contains(&subscriptions::name(path))
    }

    /// The folder for this use.
    #[must_use]
    pub fn special(&self, special_use: SpecialUse) -> Option<&Folder> {
        self.folders()
            .find(|folder| folder.special_use == Some(special_use))
    }

    /// Its keywords and tags, by number.
    pub fn keywords(&self) -> impl Iterator<Item = &Keyword> {
        self.0.keywords.iter()
    }

    /// The keyword with this number.
    #[must_use]
    pub fn keyword(&self, id: KeywordId) -> Option<&Keyword> {
        self.0.keywords.get(id)
    }

    /// The keyword of this name, in any case.
    #[must_use]
    pub fn find_keyword(&self, name: &str) -> Option<&Keyword> {
        self.0.keywords.find(name)
    }
}

/// A folder as it stood at a moment, with all its items. A session keeps one as its view and asks
/// it for the [`FolderSnapshot::difference`] to a newer one.
#[derive(Debug, Clone)]
pub struct FolderSnapshot {
    pub(crate) mailbox: MailboxSnapshot,
    pub(crate) folder: Arc<FolderState>,
    pub(crate) entries: Entries,
}

/// What happened to the items of a snapshot until a newer one. Items that are new since have UIDs
/// from the older one's `uid_next` on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// Gone, ascending.
    pub vanished: Vec<Uid>,
    /// With another mod-sequence, ascending.
    pub changed: Vec<Uid>,
}

impl FolderSnapshot {
    /// The mailbox at the same moment.
    #[must_use]
    pub fn mailbox(&self) -> &MailboxSnapshot {
        &self.mailbox
    }

    /// The folder itself.
    #[must_use]
    pub fn folder(&self) -> &Folder {
        &self.folder.info
    }

    /// The generation of its UIDs.
    #[must_use]
    pub fn uid_validity(&self) -> UidValidity {
        self.folder.info.uid_validity
    }

    /// Above every UID given so far.
    #[must_use]
    pub fn uid_next(&self) -> Uid {
        self.folder.info.uid_next
    }

    /// The last change of anything in it.
    #[must_use]
    pub fn highest_modseq(&self) -> ModSeq {
        self.folder.info.items_modseq
    }

    /// Its figures.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.folder.info.counts
    }

    /// How many items there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The item at `index`, from 0, ascending by UID.
    #[must_use]
    pub fn entry(&self, index: usize) -> Option<&Entry> {
        self.entries.get(index)
    }

    /// The item with this UID.
    #[must_use]
    pub fn find(&self, uid: Uid) -> Option<&Entry> {
        self.entries.find(uid)
    }

    /// The index of `uid`, or where it would be.
    pub fn position(&self, uid: Uid) -> Result<usize, usize> {
        self.entries.position(uid)
    }

    /// All items, ascending by UID.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// What happened until `newer`, a later snapshot of the same folder.
    #[must_use]
    pub fn difference(&self, newer: &Self) -> Difference {
        let (vanished, changed) = self.entries.difference(&newer.entries);
        Difference { vanished, changed }
    }
}

//! What a mailbox is, and how each change alters it. Pure: the same for a change as it happens, for
//! recovery, and for a folder whose items are read while changes are under way.

use std::collections::BTreeSet;
use std::sync::Arc;

use compact_str::CompactString;

use crate::entries::Entries;
use crate::flags::Flags;
use crate::folder::{Counts, Folder, INBOX, ROOT, USER_ITEMS};
use crate::id::{AccountId, FolderId, ItemId, MailboxId, ModSeq, Uid};
use crate::keyword::{Keywords, keyword_set};
use crate::op::{Added, ChangeRecord, Op};

/// A mailbox at a moment.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) id: MailboxId,
    pub(crate) account: AccountId,
    pub(crate) modseq: ModSeq,
    pub(crate) next_item: u32,
    pub(crate) next_uid_validity: u32,
    pub(crate) used: u64,
    pub(crate) life: Life,
    /// By number.
    pub(crate) folders: Vec<Arc<FolderState>>,
    pub(crate) keywords: Arc<Keywords>,
    /// Names that are subscribed to and that no folder has.
    pub(crate) subscriptions: Arc<BTreeSet<CompactString>>,
}

/// Whether a mailbox is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    /// Its creation is not durable yet.
    Unborn,
    Alive,
    Deleted,
}

/// A folder at a moment. Its items are read when they are first needed.
#[derive(Debug, Clone)]
pub(crate) struct FolderState {
    pub(crate) info: Folder,
    pub(crate) entries: Option<Entries>,
}

/// A mailbox without its items, and some of its folders: what SQL keeps of it beside them. Unlike
/// a [`State`] it holds on to nothing, however long it waits to be written.
#[derive(Debug)]
pub(crate) struct Outline {
    pub(crate) id: MailboxId,
    pub(crate) account: AccountId,
    pub(crate) modseq: ModSeq,
    pub(crate) next_item: u32,
    pub(crate) next_uid_validity: u32,
    pub(crate) used: u64,
    pub(crate) life: Life,
    pub(crate) folders: Vec<Folder>,
}

impl State {
    /// What a change has touched.
    pub(crate) fn outline(&self, record: &ChangeRecord) -> Outline {
        let touched = record.folders();
        Outline {
            id: self.id,
            account: self.account,
            modseq: self.modseq,
            next_item: self.next_item,
            next_uid_validity: self.next_uid_validity,
            used: self.used,
            life: self.life,
            folders: touched
                .iter()
                .filter_map(|id| self.folder(*id))
                .map(|folder| folder.info.clone())
                .collect(),
        }
    }

    /// Before its creation.
    pub(crate) fn unborn(id: MailboxId, account: AccountId) -> Self {
        Self {
            id,
            account,
            modseq: ModSeq::default(),
            next_item: USER_ITEMS,
            next_uid_validity: 1,
            used: 0,
            life: Life::Unborn,
            folders: Vec::new(),
            keywords: Arc::default(),
            subscriptions: Arc::default(),
        }
    }

    pub(crate) fn apply(&mut self, record: &ChangeRecord) {
        for op in &record.ops {
            self.apply_op(op, record.modseq);
        }
        self.modseq = self.modseq.max(record.modseq);
    }

    pub(crate) fn apply_op(&mut self, op: &Op, modseq: ModSeq) {
        match op {
            Op::CreateMailbox { folders, .. } => {
                self.life = Life::Alive;
                for folder in folders {
                    self.put_folder(folder);
                }
            }
            Op::DeleteMailbox => {
                self.life = Life::Deleted;
                self.folders.clear();
                self.subscriptions = Arc::default();
                self.used = 0;
            }
            Op::PutFolder(folder) => self.put_folder(folder),
            Op::DeleteFolder(id) => {
                if let Some(folder) = self.folder(*id) {
                    self.used = self.used.saturating_sub(folder.info.counts.size);
                }
                self.folders.retain(|folder| folder.info.id != *id);
            }
            Op::PutKeyword(keyword) => {
                if let Some(tag) = keyword.tag {
                    self.saw_item(tag.item);
                }
                Arc::make_mut(&mut self.keywords).put(keyword.clone());
            }
            Op::DeleteKeyword(id) => Arc::make_mut(&mut self.keywords).remove(*id),
            Op::Add { items, .. } => {
                for added in items {
                    self.saw_item(added.item);
                    self.used = self.used.saturating_add(added.size);
                }
            }
            Op::Remove { items, .. } => {
                for gone in items {
                    self.used = self.used.saturating_sub(gone.size);
                }
            }
            Op::Replace { gone, added, .. } => {
                self.used = self.used.saturating_sub(gone.size);
                self.used = self.used.saturating_add(added.size);
            }
            Op::KeepSubscription(name) => {
                Arc::make_mut(&mut self.subscriptions).insert(name.clone());
            }
            Op::DropSubscription(name) => {
                Arc::make_mut(&mut self.subscriptions).remove(name);
            }
            Op::Correct(correction) => {
                self.next_item = self.next_item.max(correction.next_item);
            }
            Op::Alter { .. } | Op::Move { .. } => {}
        }
        for id in op.folders() {
            if let Some(folder) = self.folder_mut(id) {
                folder.info.apply(op, modseq);
                if let Some(entries) = &mut folder.entries {
                    entries.apply(id, op, modseq);
                }
            }
        }
        if matches!(op, Op::Correct(_)) {
            let sizes = self.folders.iter().map(|folder| folder.info.counts.size);
            self.used = sizes.sum();
        }
    }

    fn put_folder(&mut self, folder: &Folder) {
        self.saw_item(folder.id.item());
        self.next_uid_validity = self
            .next_uid_validity
            .max(folder.uid_validity.get().saturating_add(1));
        match self.position(folder.id) {
            Ok(at) => {
                if let Some(old) = self.folders.get_mut(at) {
                    let old = Arc::make_mut(old);
                    old.info = Folder {
                        uid_validity: old.info.uid_validity,
                        uid_next: old.info.uid_next,
                        items_modseq: old.info.items_modseq,
                        counts: old.info.counts,
                        ..folder.clone()
                    };
                }
            }
            Err(at) => self.folders.insert(
                at,
                Arc::new(FolderState {
                    info: folder.clone(),
                    // A new folder is empty, and known to be.
                    entries: Some(Entries::default()),
                }),
            ),
        }
    }

    fn saw_item(&mut self, item: ItemId) {
        self.next_item = self.next_item.max(item.get().saturating_add(1));
    }

    fn folder_mut(&mut self, id: FolderId) -> Option<&mut FolderState> {
        let at = self.position(id).ok()?;
        self.folders.get_mut(at).map(Arc::make_mut)
    }

    /// Keeps items that were read.
    pub(crate) fn install(&mut self, id: FolderId, entries: &Entries) {
        if let Some(folder) = self.folder_mut(id) {
            folder.entries = Some(entries.clone());
        }
    }

    pub(crate) fn folder(&self, id: FolderId) -> Option<&Arc<FolderState>> {
        self.folders.get(self.position(id).ok()?)
    }

    pub(crate) fn child(&self, parent: FolderId, name: &str) -> Option<&Arc<FolderState>> {
        if parent == ROOT && name.eq_ignore_ascii_case("inbox") {
            return self.folder(INBOX);
        }
        self.folders.iter().find(|folder| {
            folder.info.parent == parent && folder.info.id != ROOT && folder.info.name == name
        })
    }

    /// The names on the way to a folder, joined by `/`; empty for the root.
    pub(crate) fn path(&self, id: FolderId) -> Option<String> {
        let mut names = Vec::new();
        let mut folder = &self.folder(id)?.info;
        while folder.id != ROOT {
            names.push(folder.name.as_str());
            folder = &self.folder(folder.parent)?.info;
        }
        names.reverse();
        Some(names.join("/"))
    }

    /// Entries in memory.
    pub(crate) fn loaded_entries(&self) -> usize {
        let loaded = |folder: &Arc<FolderState>| folder.entries.as_ref().map_or(0, Entries::len);
        self.folders.iter().map(loaded).sum()
    }

    fn position(&self, id: FolderId) -> Result<usize, usize> {
        self.folders
            .binary_search_by_key(&id, |folder| folder.info.id)
    }
}

impl Folder {
    fn apply(&mut self, op: &Op, modseq: ModSeq) {
        match op {
            Op::CreateMailbox { .. } | Op::PutFolder(_) => self.modseq = modseq,
            Op::Add { items, .. } => {
                for added in items {
                    self.arrived(added);
                }
                self.items_modseq = modseq;
            }
            Op::Alter { items, .. } => {
                for item in items {
                    self.counts.without(item.was, 0);
                    self.counts.with(item.flags, 0);
                }
                self.items_modseq = modseq;
            }
            Op::Remove { items, .. } => {
                for gone in items {
                    self.counts.without(gone.flags, gone.size);
                }
                self.items_modseq = modseq;
            }
            Op::Move { from, to, items } => {
                for moved in items {
                    if *from == self.id {
                        self.counts.without(moved.to.flags, moved.to.size);
                    }
                    if *to == self.id {
                        self.arrived(&moved.to);
                    }
                }
                self.items_modseq = modseq;
            }
            Op::Replace { gone, added, .. } => {
                self.counts.without(gone.flags, gone.size);
                self.arrived(added);
                self.items_modseq = modseq;
            }
            Op::Correct(correction) => {
                self.counts = correction.counts;
                self.uid_next = self.uid_next.max(correction.uid_next);
                self.items_modseq = modseq;
            }
            Op::DeleteMailbox
            | Op::DeleteFolder(_)
            | Op::PutKeyword(_)
            | Op::DeleteKeyword(_)
            | Op::KeepSubscription(_)
            | Op::DropSubscription(_) => {}
        }
    }

    fn arrived(&mut self, added: &Added) {
        self.counts.with(added.flags, added.size);
        self.uid_next = self.uid_next.max(added.uid.next());
    }
}

impl Counts {
    fn with(&mut self, flags: Flags, size: u64) {
        let unread = u32::from(!flags.contains(Flags::SEEN));
        let deleted = u32::from(flags.contains(Flags::DELETED));
        self.total = self.total.saturating_add(1);
        self.unread = self.unread.saturating_add(unread);
        self.deleted = self.deleted.saturating_add(deleted);
        self.size = self.size.saturating_add(size);
    }

    fn without(&mut self, flags: Flags, size: u64) {
        self.total = self.total.saturating_sub(1);
        let unread = u32::from(!flags.contains(Flags::SEEN));
        let deleted = u32::from(flags.contains(Flags::DELETED));
        self.unread = self.unread.saturating_sub(unread);
        self.deleted = self.deleted.saturating_sub(deleted);
        self.size = self.size.saturating_sub(size);
    }
}

impl Entries {
    /// The items of `folder` after a change.
    pub(crate) fn apply_record(&mut self, folder: FolderId, record: &ChangeRecord) {
        for op in &record.ops {
            self.apply(folder, op, record.modseq);
        }
    }

    /// The items of `folder` after an operation.
    pub(crate) fn apply(&mut self, folder: FolderId, op: &Op, modseq: ModSeq) {
        match op {
            Op::Add { folder: at, items } if *at == folder => {
                for added in items {
                    self.push(added.entry(modseq));
                }
            }
            Op::Alter { folder: at, items } if *at == folder => {
                self.update(items.iter().map(|item| item.uid), |place, entry| {
                    if let Some(item) = items.get(place) {
                        entry.flags = item.flags;
                        entry.keywords = keyword_set(item.keywords.clone());
                        entry.modseq = modseq;
                    }
                });
            }
            Op::Remove { folder: at, items } if *at == folder => {
                let uids: Vec<Uid> = items.iter().map(|gone| gone.uid).collect();
                self.remove(&uids);
            }
            Op::Move { from, to, items } => {
                if *from == folder {
                    let uids: Vec<Uid> = items.iter().map(|moved| moved.uid).collect();
                    self.remove(&uids);
                }
                if *to == folder {
                    for moved in items {
                        self.push(moved.to.entry(modseq));
                    }
                }
            }
            Op::Replace {
                folder: at,
                gone,
                added,
            } if *at == folder => {
                self.remove(&[gone.uid]);
                self.push(added.entry(modseq));
            }
            Op::Correct(correction) if correction.folder == folder => {
                let uids = correction.rows.iter().map(|row| row.uid);
                self.update(uids, |_, entry| entry.modseq = modseq);
            }
            Op::Add { .. }
            | Op::Correct(_)
            | Op::Alter { .. }
            | Op::Remove { .. }
            | Op::Replace { .. }
            | Op::CreateMailbox { .. }
            | Op::DeleteMailbox
            | Op::PutFolder(_)
            | Op::DeleteFolder(_)
            | Op::PutKeyword(_)
            | Op::DeleteKeyword(_)
            | Op::KeepSubscription(_)
            | Op::DropSubscription(_) => {}
        }
    }
}

//! What a mailbox is.

use std::sync::Arc;

use crate::entries::Entries;
use crate::folder::{Folder, INBOX, ROOT};
use crate::id::{AccountId, FolderId, MailboxId, ModSeq};
use crate::keyword::Keywords;

/// A mailbox at a moment.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) id: MailboxId,
    pub(crate) account: AccountId,
    pub(crate) modseq: ModSeq,
    pub(crate) next_item: u32,
    pub(crate) next_uid_validity: u32,
    pub(crate) used: u64,
    pub(crate) deleted: bool,
    /// By number.
    pub(crate) folders: Vec<Arc<FolderState>>,
    pub(crate) keywords: Arc<Keywords>,
}

/// A folder at a moment. Its items are read when they are first needed.
#[derive(Debug, Clone)]
pub(crate) struct FolderState {
    pub(crate) info: Folder,
    pub(crate) entries: Option<Entries>,
}

impl State {
    pub(crate) fn folder(&self, id: FolderId) -> Option<&Arc<FolderState>> {
        let at = self
            .folders
            .binary_search_by_key(&id, |folder| folder.info.id);
        self.folders.get(at.ok()?)
    }

    pub(crate) fn child(&self, parent: FolderId, name: &str) -> Option<&Arc<FolderState>> {
        if parent == ROOT && name.eq_ignore_ascii_case("inbox") {
            return self.folder(INBOX);
        }
        self.folders.iter().find(|folder| {
            folder.info.parent == parent && folder.info.id != ROOT && folder.info.name == name
        })
    }
}

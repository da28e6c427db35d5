//! Folders: what they are and what can be done with them.

use bytes::Bytes;
use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::id::{FolderId, ModSeq, Uid, UidValidity};

/// The folder above all others; it holds no items.
pub const ROOT: FolderId = FolderId::new(1);
/// Where mail arrives.
pub const INBOX: FolderId = FolderId::new(2);
/// What was thrown away.
pub const TRASH: FolderId = FolderId::new(3);
/// What was taken for spam.
pub const JUNK: FolderId = FolderId::new(4);
/// What was sent.
pub const SENT: FolderId = FolderId::new(5);
/// What is being written.
pub const DRAFTS: FolderId = FolderId::new(6);
/// The address book.
pub const CONTACTS: FolderId = FolderId::new(7);
/// The calendar.
pub const CALENDAR: FolderId = FolderId::new(10);
/// Addresses that were written to.
pub const EMAILED_CONTACTS: FolderId = FolderId::new(13);
/// Chats.
pub const CHATS: FolderId = FolderId::new(14);
/// Tasks.
pub const TASKS: FolderId = FolderId::new(15);
/// Files.
pub const BRIEFCASE: FolderId = FolderId::new(16);

/// The first number that is not a system item's.
pub(crate) const USER_ITEMS: u32 = 256;

/// A folder as it stood at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folder {
    /// Its number.
    pub id: FolderId,
    /// The folder that it lies in; the root lies in itself.
    pub parent: FolderId,
    /// Its name in there. Names are compared without regard to ASCII case only for INBOX; two
    /// folders in one never differ by nothing else.
    pub name: CompactString,
    /// What it is.
    pub kind: FolderKind,
    /// What it shows.
    pub view: View,
    /// What it is for (RFC 6154).
    pub special_use: Option<SpecialUse>,
    /// Whether the owner has subscribed to it.
    pub subscribed: bool,
    /// Its colour, as 0xRRGGBB; 0 where none was chosen.
    pub color: u32,
    /// Whatever else a protocol keeps with it (grants, a query, what a mountpoint points to, dead
    /// properties); opaque here, with a version of the caller's.
    pub attributes: Bytes,
    /// The generation of its UIDs.
    pub uid_validity: UidValidity,
    /// Above every UID given so far.
    pub uid_next: Uid,
    /// The last change of the folder itself.
    pub modseq: ModSeq,
    /// The last change of anything in it: an item that came, changed or went.
    pub items_modseq: ModSeq,
    /// Figures of its items.
    pub counts: Counts,
}

impl Folder {
    /// Whether it is one of those that every mailbox has and that stay what they are.
    #[must_use]
    pub fn is_system(&self) -> bool {
        self.id.get() < USER_ITEMS
    }
}

/// Figures of a folder's items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// All.
    pub total: u32,
    /// Without [`crate::Flags::SEEN`].
    pub unread: u32,
    /// With [`crate::Flags::DELETED`].
    pub deleted: u32,
    /// The sum of their sizes.
    pub size: u64,
}

/// What a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FolderKind {
    /// It holds items.
    Folder,
    /// It shows what a query finds.
    SearchFolder,
    /// It stands for a folder of another mailbox.
    Mountpoint,
}

/// What a folder shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum View {
    /// Messages.
    #[default]
    Message,
    /// Contacts.
    Contact,
    /// Appointments.
    Appointment,
    /// Tasks.
    Task,
    /// Files.
    Document,
}

/// What a folder is for (RFC 6154).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SpecialUse {
    /// \Archive.
    Archive,
    /// \Drafts.
    Drafts,
    /// \Flagged.
    Flagged,
    /// \Junk.
    Junk,
    /// \Sent.
    Sent,
    /// \Trash.
    Trash,
    /// \All.
    All,
    /// \Important (RFC 8457).
    Important,
}

/// A folder that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFolder {
    /// The folder that it will lie in.
    pub parent: FolderId,
    /// Its name in there: no `/`, no control characters.
    pub name: CompactString,
    /// What it is.
    pub kind: FolderKind,
    /// What it shows.
    pub view: View,
    /// What it is for.
    pub special_use: Option<SpecialUse>,
    /// Whether the owner is subscribed to it.
    pub subscribed: bool,
    /// Its colour; 0 for none.
    pub color: u32,
    /// Opaque.
    pub attributes: Bytes,
}

impl NewFolder {
    /// A folder for messages.
    #[must_use]
    pub fn messages(parent: FolderId, name: &str) -> Self {
        Self {
            parent,
            name: name.into(),
            kind: FolderKind::Folder,
            view: View::Message,
            special_use: None,
            subscribed: false,
            color: 0,
            attributes: Bytes::new(),
        }
    }
}

/// What is to become otherwise about a folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FolderChange {
    /// Where it shall lie.
    pub parent: Option<FolderId>,
    /// How it shall be called.
    pub name: Option<CompactString>,
    /// What it shall be for.
    pub special_use: Option<Option<SpecialUse>>,
    /// Whether the owner is subscribed.
    pub subscribed: Option<bool>,
    /// Its colour.
    pub color: Option<u32>,
    /// Opaque.
    pub attributes: Option<Bytes>,
}

/// What becomes of the items of a folder that is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contents {
    /// The folder stays if it has any.
    Keep,
    /// They are removed for good.
    Remove,
    /// They move to this folder.
    MoveTo(FolderId),
}

/// What becomes of the folders below one that is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nested {
    /// The folder stays if it has any.
    Keep,
    /// They are deleted likewise.
    Delete,
}

//! Items: what is in folders.

use bytes::Bytes;
use compact_str::CompactString;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::flags::Flags;
use crate::id::{BlobDigest, FolderId, ItemId, KeywordId, ModSeq, Uid};
use crate::keyword::KeywordSet;

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum ItemKind {
    /// A message of mail.
    Message = 5,
    /// A contact.
    Contact = 6,
    /// A file.
    Document = 8,
    /// A note.
    Note = 9,
    /// An appointment, with all its occurrences.
    Appointment = 11,
    /// A task.
    Task = 15,
    /// A chat.
    Chat = 16,
}

impl ItemKind {
    pub(crate) fn from_number(number: u8) -> Option<Self> {
        const ALL: [ItemKind; 7] = [
            ItemKind::Message,
            ItemKind::Contact,
            ItemKind::Document,
            ItemKind::Note,
            ItemKind::Appointment,
            ItemKind::Task,
            ItemKind::Chat,
        ];
        ALL.into_iter().find(|kind| *kind as u8 == number)
    }
}

/// An item in a folder, as it stood at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number in the mailbox.
    pub item: ItemId,
    /// Its number in the folder.
    pub uid: Uid,
    /// Its last change.
    pub modseq: ModSeq,
    /// Its size in bytes.
    pub size: u64,
    pub(crate) date: i64,
    pub(crate) digest: BlobDigest,
    pub(crate) keywords: KeywordSet,
    /// Its system flags.
    pub flags: Flags,
    /// What it is.
    pub kind: ItemKind,
}

impl Entry {
    /// When it came.
    #[must_use]
    pub fn internal_date(&self) -> Timestamp {
        timestamp(self.date)
    }

    /// Its content, where it has one.
    #[must_use]
    pub fn blob(&self) -> Option<BlobDigest> {
        (self.digest != BlobDigest::NONE).then_some(self.digest)
    }

    /// Its keywords and tags, ascending.
    #[must_use]
    pub fn keywords(&self) -> &[KeywordId] {
        self.keywords.as_deref().unwrap_or_default()
    }
}

pub(crate) fn timestamp(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A content that is to be kept.
#[derive(Debug, Clone)]
pub struct NewBlob {
    /// The content: for a message its octets, unaltered.
    pub bytes: Bytes,
    /// What the caller derived from it once, for many to read (for a message the encoded
    /// `roost_mime::Structure`). Opaque here; kept once for each content.
    pub structure: Bytes,
}

/// What a caller keeps with an item; opaque here.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Metadata {
    /// The version of its encoding, of the caller's choice.
    pub version: u16,
    /// The encoded metadata.
    pub bytes: Bytes,
}

/// An item that is to be added.
#[derive(Debug, Clone)]
pub struct NewItem {
    /// What it is.
    pub kind: ItemKind,
    /// Its content, if it has one.
    pub blob: Option<NewBlob>,
    /// Its system flags.
    pub flags: Flags,
    /// Its keywords; those that the mailbox does not have are made.
    pub keywords: Vec<CompactString>,
    /// When it came.
    pub internal_date: Timestamp,
    /// What the caller keeps with it.
    pub metadata: Option<Metadata>,
}

impl NewItem {
    /// A message without flags.
    #[must_use]
    pub fn message(blob: NewBlob, internal_date: Timestamp) -> Self {
        Self {
            kind: ItemKind::Message,
            blob: Some(blob),
            flags: Flags::NONE,
            keywords: Vec::new(),
            internal_date,
            metadata: None,
        }
    }
}

/// What takes the place of an item's content and metadata. The item keeps its number and flags; it
/// gets a new UID, since what a UID names never changes (RFC 9051 §2.3.1.1).
#[derive(Debug, Clone)]
pub struct Replacement {
    /// The new content.
    pub blob: Option<NewBlob>,
    /// The new metadata.
    pub metadata: Option<Metadata>,
    /// Its new date, if that changes.
    pub internal_date: Option<Timestamp>,
}

/// Where an item went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// Its number in the mailbox.
    pub item: ItemId,
    /// Its number in the folder.
    pub uid: Uid,
}

/// Where an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Located {
    /// The folder.
    pub folder: FolderId,
    /// Its number in there.
    pub uid: Uid,
}

/// An item that went away from a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tombstone {
    /// The folder that it was in.
    pub folder: FolderId,
    /// Its number in there.
    pub uid: Uid,
    /// Its number in the mailbox.
    pub item: ItemId,
    /// The change that took it away.
    pub modseq: ModSeq,
    /// Whether it has left the mailbox, and not only the folder.
    pub removed: bool,
}

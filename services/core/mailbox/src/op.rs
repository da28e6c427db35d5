//! The changes of a mailbox, as the journal keeps them.
//!
//! An operation names results, not intentions, and carries what it takes away: so it can be applied
//! to a mailbox whose items are not in memory, twice, or on another machine.
//!
//! The encoding is postcard's; it has no room for new fields, so a new shape is a new
//! [`CHANGE_VERSION`] that still reads the old one.

use bytes::Bytes;
use compact_str::CompactString;
use roost_journal::{Draft, Kind, Record};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::flags::Flags;
use crate::folder::{Counts, Folder};
use crate::id::{AccountId, BlobDigest, FolderId, ItemId, KeywordId, MailboxId, ModSeq, Uid};
use crate::item::{Entry, ItemKind, Metadata};
use crate::keyword::{Keyword, keyword_set};

/// A content, or that it is in a file. Of nobody's stream.
pub(crate) const BLOB_KIND: u16 = 1;
const BLOB_VERSION: u8 = 0;
/// A change of one mailbox, in its stream.
pub(crate) const CHANGE_KIND: u16 = 2;
const CHANGE_VERSION: u8 = 0;
/// The first version that has subscriptions without a folder.
const CHANGE_VERSION_SUBSCRIPTIONS: u8 = 1;
/// The first version that has corrections.
const CHANGE_VERSION_CORRECTIONS: u8 = 2;

/// What this program can read.
pub(crate) const KINDS: &[Kind] = &[
    Kind {
        number: BLOB_KIND,
        version_max: BLOB_VERSION,
    },
    Kind {
        number: CHANGE_KIND,
        version_max: CHANGE_VERSION_CORRECTIONS,
    },
];

/// A content in the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BlobRecord {
    pub(crate) digest: BlobDigest,
    pub(crate) size: u64,
    pub(crate) structure: Bytes,
    /// `None` where the file was made durable before the record.
    pub(crate) body: Option<Bytes>,
}

/// A change: what happened together, under one mod-sequence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChangeRecord {
    pub(crate) modseq: ModSeq,
    pub(crate) ops: Vec<Op>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Op {
    CreateMailbox {
        account: AccountId,
        folders: Vec<Folder>,
    },
    DeleteMailbox,
    /// Makes a folder, or changes what it is; figures and UIDs of one that exists stay.
    PutFolder(Folder),
    /// With the items that it holds.
    DeleteFolder(FolderId),
    PutKeyword(Keyword),
    /// Items that still have it lose it by `Alter` in the same change.
    DeleteKeyword(KeywordId),
    Add {
        folder: FolderId,
        items: Vec<Added>,
    },
    Alter {
        folder: FolderId,
        items: Vec<Alteration>,
    },
    Remove {
        folder: FolderId,
        items: Vec<Gone>,
    },
    Move {
        from: FolderId,
        to: FolderId,
        items: Vec<Moved>,
    },
    /// The item keeps its number.
    Replace {
        folder: FolderId,
        gone: Gone,
        added: Added,
    },
    /// A name that no folder has any more is still subscribed to.
    KeepSubscription(CompactString),
    /// Not any more: a folder has it again, or nobody wants it.
    DropSubscription(CompactString),
    /// What verifying found out about a folder.
    Correct(Correction),
}

/// A folder's figures as they were counted, and rows that SQL lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Correction {
    pub(crate) folder: FolderId,
    pub(crate) counts: Counts,
    pub(crate) uid_next: Uid,
    pub(crate) next_item: u32,
    /// Items that are there.
    pub(crate) rows: Vec<Added>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Added {
    pub(crate) item: ItemId,
    pub(crate) uid: Uid,
    pub(crate) kind: ItemKind,
    pub(crate) flags: Flags,
    pub(crate) keywords: Vec<KeywordId>,
    pub(crate) date: i64,
    pub(crate) size: u64,
    pub(crate) digest: BlobDigest,
    pub(crate) metadata: Option<Metadata>,
}

impl Added {
    pub(crate) fn entry(&self, modseq: ModSeq) -> Entry {
        Entry {
            item: self.item,
            uid: self.uid,
            modseq,
            size: self.size,
            date: self.date,
            digest: self.digest,
            keywords: keyword_set(self.keywords.clone()),
            flags: self.flags,
            kind: self.kind,
        }
    }

    /// The same item elsewhere; metadata are the caller's to add.
    pub(crate) fn like(entry: &Entry, item: ItemId, uid: Uid) -> Self {
        Self {
            item,
            uid,
            kind: entry.kind,
            flags: entry.flags,
            keywords: entry.keywords().to_vec(),
            date: entry.date,
            size: entry.size,
            digest: entry.digest,
            metadata: None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Alteration {
    pub(crate) uid: Uid,
    pub(crate) was: Flags,
    pub(crate) flags: Flags,
    pub(crate) keywords: Vec<KeywordId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Gone {
    pub(crate) item: ItemId,
    pub(crate) uid: Uid,
    pub(crate) flags: Flags,
    pub(crate) size: u64,
    pub(crate) digest: BlobDigest,
}

impl From<&Entry> for Gone {
    fn from(entry: &Entry) -> Self {
        Self {
            item: entry.item,
            uid: entry.uid,
            flags: entry.flags,
            size: entry.size,
            digest: entry.digest,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Moved {
    pub(crate) uid: Uid,
    /// Its metadata stay with the item; here they are `None`.
    pub(crate) to: Added,
}

impl ChangeRecord {
    /// Reads what the journal kept.
    pub(crate) fn decode(record: &Record) -> Result<Self, Error> {
        decode(record)
    }

    pub(crate) fn draft(&self, mailbox: MailboxId) -> Result<Draft, Error> {
        Ok(Draft {
            kind: CHANGE_KIND,
            version: self.version(),
            stream: mailbox.get(),
            payload: encode(self)?,
        })
    }

    /// The lowest that can say it: what is written reads back with older programs where it can.
    fn version(&self) -> u8 {
        let versions = self.ops.iter().map(|op| match op {
            Op::Correct(_) => CHANGE_VERSION_CORRECTIONS,
            Op::KeepSubscription(_) | Op::DropSubscription(_) => CHANGE_VERSION_SUBSCRIPTIONS,
            _ => CHANGE_VERSION,
        });
        versions.max().unwrap_or(CHANGE_VERSION)
    }

    /// The folders that it touches, each once.
    pub(crate) fn folders(&self) -> Vec<FolderId> {
        let mut folders: Vec<FolderId> = self.ops.iter().flat_map(Op::folders).collect();
        folders.sort_unstable();
        folders.dedup();
        folders
    }
}

impl Op {
    /// The folders that it touches, each once.
    pub(crate) fn folders(&self) -> Vec<FolderId> {
        match self {
            Self::CreateMailbox { folders, .. } => folders.iter().map(|folder| folder.id).collect(),
            Self::DeleteMailbox
            | Self::PutKeyword(_)
            | Self::DeleteKeyword(_)
            | Self::KeepSubscription(_)
            | Self::DropSubscription(_) => Vec::new(),
            Self::PutFolder(folder) => vec![folder.id],
            Self::DeleteFolder(folder)
            | Self::Add { folder, .. }
            | Self::Alter { folder, .. }
            | Self::Remove { folder, .. }
            | Self::Replace { folder, .. } => vec![*folder],
            Self::Correct(correction) => vec![correction.folder],
            Self::Move { from, to, .. } if from == to => vec![*from],
            Self::Move { from, to, .. } => vec![*from, *to],
        }
    }
}

impl BlobRecord {
    /// Reads what the journal kept.
    pub(crate) fn decode(record: &Record) -> Result<Self, Error> {
        decode(record)
    }

    pub(crate) fn draft(&self) -> Result<Draft, Error> {
        Ok(Draft {
            kind: BLOB_KIND,
            version: BLOB_VERSION,
            stream: 0,
            payload: encode(self)?,
        })
    }
}

fn decode<T: for<'de> Deserialize<'de>>(record: &Record) -> Result<T, Error> {
    postcard::from_bytes(&record.payload).map_err(|error| {
        Error::open(
            format!("record {} of its journal cannot be read", record.sequence),
            error,
        )
    })
}

fn encode<T: Serialize>(value: &T) -> Result<Bytes, Error> {
    postcard::to_stdvec(value)
        .map(Bytes::from)
        .map_err(|error| Error::unavailable("a change cannot be written down", error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_read_back_as_they_were_written() {
        let record = ChangeRecord {
            modseq: ModSeq::new(9),
            ops: vec![
                Op::Add {
                    folder: FolderId::new(2),
                    items: vec![Added {
                        item: ItemId::new(256),
                        uid: Uid::new(1),
                        kind: ItemKind::Contact,
                        flags: Flags::SEEN,
                        keywords: vec![KeywordId::new(3)],
                        date: -1,
                        size: 7,
                        digest: BlobDigest::of(b"x"),
                        metadata: Some(Metadata {
                            version: 1,
                            bytes: Bytes::from_static(b"{}"),
                        }),
                    }],
                },
                Op::DeleteFolder(FolderId::new(300)),
            ],
        };
        let draft = record.draft(MailboxId::new(5)).unwrap();
        assert_eq!((draft.stream, draft.version), (5, CHANGE_VERSION));
        assert_eq!(
            postcard::from_bytes::<ChangeRecord>(&draft.payload),
            Ok(record)
        );
    }

    #[test]
    fn a_subscription_without_a_folder_needs_a_program_that_knows_it() {
        let record = ChangeRecord {
            modseq: ModSeq::new(9),
            ops: vec![
                Op::KeepSubscription("Old/2019".into()),
                Op::DropSubscription("INBOX/x".into()),
            ],
        };
        let draft = record.draft(MailboxId::new(5)).unwrap();
        assert_eq!(draft.version, CHANGE_VERSION_SUBSCRIPTIONS);
        assert_eq!(
            postcard::from_bytes::<ChangeRecord>(&draft.payload),
            Ok(record)
        );
    }
}

//! A change while it is worked out: the state as it will be, and the operations that lead there.

use compact_str::CompactString;

use crate::entries::Entries;
use crate::error::Error;
use crate::flags::Flags;
use crate::folder::{Folder, FolderKind, ROOT};
use crate::id::{BlobDigest, FolderId, ItemId, KeywordId, ModSeq, Uid};
use crate::item::{Metadata, NewItem, Placed};
use crate::keyword::{self, Keyword};
use crate::op::{Added, ChangeRecord, Op};
use crate::state::{FolderState, Life, State};

pub(crate) struct Plan {
    pub(crate) state: State,
    record: ChangeRecord,
}

/// Why a plan could not be completed.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The items of this folder must be read first.
    Load(FolderId),
    Refused(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

/// What is known of a content that an item gets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Content {
    pub(crate) digest: BlobDigest,
    pub(crate) size: u64,
}

impl Content {
    /// Of an item that is metadata only; these are what it costs.
    pub(crate) fn none(metadata: Option<&Metadata>) -> Self {
        Self {
            digest: BlobDigest::NONE,
            size: metadata.map_or(0, |metadata| metadata.bytes.len() as u64),
        }
    }
}

impl Plan {
    pub(crate) fn new(state: &State) -> Self {
        Self {
            record: ChangeRecord {
                modseq: state.modseq.next(),
                ops: Vec::new(),
            },
            state: state.clone(),
        }
    }

    /// The mod-sequence of the change.
    pub(crate) fn modseq(&self) -> ModSeq {
        self.record.modseq
    }

    /// Gives the change a mod-sequence above this one.
    pub(crate) fn raise_modseq(&mut self, above: u64) {
        self.record.modseq = self.record.modseq.max(ModSeq::new(above).next());
    }

    pub(crate) fn push(&mut self, op: Op) {
        self.state.apply_op(&op, self.record.modseq);
        self.record.ops.push(op);
    }

    /// The state and the record; `None` where nothing changes.
    pub(crate) fn finish(mut self) -> Option<(State, ChangeRecord)> {
        if self.record.ops.is_empty() {
            return None;
        }
        self.state.modseq = self.record.modseq;
        Some((self.state, self.record))
    }

    pub(crate) fn alive(&self) -> Result<(), Error> {
        match self.state.life {
            Life::Alive => Ok(()),
            Life::Unborn | Life::Deleted => Err(Error::NoSuchMailbox),
        }
    }

    pub(crate) fn folder(&self, id: FolderId) -> Result<&FolderState, Error> {
        let folder = self.state.folder(id).ok_or(Error::NoSuchFolder(id))?;
        Ok(folder)
    }

    /// A folder that holds items.
    pub(crate) fn container(&self, id: FolderId) -> Result<&Folder, Error> {
        let folder = &self.folder(id)?.info;
        if folder.id == ROOT || folder.kind != FolderKind::Folder {
            return Err(Error::CannotContain(id));
        }
        Ok(folder)
    }

    pub(crate) fn entries(&self, id: FolderId) -> Result<&Entries, Stop> {
        self.folder(id)?.entries.as_ref().ok_or(Stop::Load(id))
    }

    pub(crate) fn admit(&self, bytes: u64, quota: Option<u64>) -> Result<(), Error> {
        let used = self.state.used;
        match quota {
            Some(limit) if used.saturating_add(bytes) > limit => {
                Err(Error::OverQuota { used, limit })
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn new_item(&mut self) -> Result<ItemId, Error> {
        let number = self.state.next_item;
        self.state.next_item = number
            .checked_add(1)
            .ok_or(Error::Limit("items of a mailbox, ever"))?;
        Ok(ItemId::new(number))
    }

    /// The next UIDs of a folder, from this one on.
    pub(crate) fn new_uids(&self, folder: FolderId, count: usize) -> Result<Uid, Error> {
        let first = self.container(folder)?.uid_next;
        let last = u32::try_from(count)
            .ok()
            .and_then(|count| first.get().checked_add(count));
        last.map(|_| first)
            .ok_or(Error::Limit("items of a folder, ever"))
    }

    /// The keywords of these names; those that do not exist are made.
    pub(crate) fn keywords(&mut self, names: &[CompactString]) -> Result<Vec<KeywordId>, Error> {
        let mut ids = Vec::with_capacity(names.len());
        for name in names {
            let id = match self.state.keywords.find(name) {
                Some(keyword) => keyword.id,
                None => {
                    keyword::check_name(name)?;
                    let id = self.state.keywords.vacant()?;
                    self.push(Op::PutKeyword(Keyword {
                        id,
                        name: name.clone(),
                        tag: None,
                    }));
                    id
                }
            };
            ids.push(id);
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }

    /// Adds an item to a folder.
    pub(crate) fn add(
        &mut self,
        folder: FolderId,
        item: &NewItem,
        content: Content,
    ) -> Result<Placed, Error> {
        let uid = self.new_uids(folder, 1)?;
        let keywords = self.keywords(&item.keywords)?;
        let placed = Placed {
            item: self.new_item()?,
            uid,
        };
        let added = Added {
            item: placed.item,
            uid,
            kind: item.kind,
            flags: with_metadata(item.flags, item.metadata.as_ref()),
            keywords,
            date: item.internal_date.as_microsecond(),
            size: content.size,
            digest: content.digest,
            metadata: item.metadata.clone(),
        };
        self.push_added(folder, added);
        Ok(placed)
    }

    /// Several items of one folder are one operation.
    fn push_added(&mut self, folder: FolderId, added: Added) {
        let op = Op::Add {
            folder,
            items: vec![added],
        };
        self.state.apply_op(&op, self.record.modseq);
        match (self.record.ops.last_mut(), op) {
            (
                Some(Op::Add {
                    folder: last,
                    items,
                }),
                Op::Add { items: new, .. },
            ) if *last == folder => items.extend(new),
            (_, op) => self.record.ops.push(op),
        }
    }
}

/// Flags that say whether there are metadata.
pub(crate) fn with_metadata(flags: Flags, metadata: Option<&Metadata>) -> Flags {
    match metadata {
        Some(_) => flags | Flags::METADATA,
        None => flags.without(Flags::METADATA),
    }
}

//! Adding, flagging, removing and replacing items.

use std::sync::atomic::Ordering;

use super::{Altered, Appended, Mailbox, Removal, ascending};
use crate::config::limits;
use crate::error::Error;
use crate::flags::{FlagAction, FlagChange, Flags};
use crate::id::{FolderId, KeywordId, ModSeq, Uid};
use crate::item::{Entry, Metadata, NewBlob, NewItem, Placed, Replacement};
use crate::keyword::keyword_set;
use crate::op::{Added, Alteration, Gone, Op};
use crate::plan::{Content, Plan, Stop, with_metadata};

impl Mailbox {
    /// Adds items, all or none.
    pub async fn append(
        &self,
        folder: FolderId,
        items: Vec<NewItem>,
        quota: Option<u64>,
    ) -> Result<Appended, Error> {
        for item in &items {
            check_metadata(item.metadata.as_ref())?;
        }
        // Contents in the order of the items that have one.
        let blobs: Vec<NewBlob> = items.iter().filter_map(|item| item.blob.clone()).collect();
        let appended = self
            .change(blobs, |plan, contents| {
                let mut appended = Appended {
                    uid_validity: plan.container(folder)?.uid_validity,
                    items: Vec::with_capacity(items.len()),
                };
                let mut contents = contents.iter().copied();
                for item in &items {
                    let content = item
                        .blob
                        .as_ref()
                        .and_then(|_| contents.next())
                        .unwrap_or(Content::none(item.metadata.as_ref()));
                    plan.admit(content.size, quota)?;
                    appended.items.push(plan.add(folder, item, content)?);
                }
                Ok(appended)
            })
            .await?;
        let count = appended.items.len() as u64;
        self.inner.added.fetch_add(count, Ordering::Relaxed);
        Ok(appended)
    }

    /// Changes the flags of those of `uids` that exist and, where `unchanged_since` is given, have
    /// not changed since. Those that have the flags already keep their mod-sequence.
    pub async fn alter(
        &self,
        folder: FolderId,
        uids: &[Uid],
        change: &FlagChange,
        unchanged_since: Option<ModSeq>,
    ) -> Result<Altered, Error> {
        let uids = ascending(uids);
        self.change(Vec::new(), |plan, _| {
            plan.alter(folder, &uids, change, unchanged_since)
        })
        .await
    }

    /// Removes items for good; answers the UIDs, ascending.
    pub async fn remove(&self, folder: FolderId, which: Removal<'_>) -> Result<Vec<Uid>, Error> {
        let uids = match which {
            Removal::DeletedOf(uids) | Removal::These(uids) => ascending(uids),
            Removal::Deleted | Removal::Everything => Vec::new(),
        };
        let chosen = |entry: &Entry| match which {
            Removal::Deleted => entry.flags.contains(Flags::DELETED),
            Removal::DeletedOf(_) => {
                entry.flags.contains(Flags::DELETED) && uids.binary_search(&entry.uid).is_ok()
            }
            Removal::These(_) => uids.binary_search(&entry.uid).is_ok(),
            Removal::Everything => true,
        };
        let mut removed = Vec::new();
        loop {
            let some = self
                .change(Vec::new(), |plan, _| {
                    let entries = plan.entries(folder)?;
                    let items: Vec<Gone> = entries
                        .iter()
                        .filter(|entry| chosen(entry))
                        .take(limits::ITEMS_A_RECORD)
                        .map(Gone::from)
                        .collect();
                    let uids: Vec<Uid> = items.iter().map(|gone| gone.uid).collect();
                    if !items.is_empty() {
                        plan.push(Op::Remove { folder, items });
                    }
                    Ok(uids)
                })
                .await?;
            let last = some.len() < limits::ITEMS_A_RECORD;
            removed.extend(some);
            if last {
                return Ok(removed);
            }
        }
    }

    /// Gives an item another content and other metadata (a draft saved again, a contact changed).
    pub async fn replace(
        &self,
        folder: FolderId,
        uid: Uid,
        mut replacement: Replacement,
        quota: Option<u64>,
    ) -> Result<Placed, Error> {
        check_metadata(replacement.metadata.as_ref())?;
        let blobs = replacement.blob.take().into_iter().collect();
        self.change(blobs, |plan, contents| {
            plan.container(folder)?;
            let entry = plan
                .entries(folder)?
                .find(uid)
                .ok_or(Error::NoSuchUid(uid))?
                .clone();
            let content = match contents.first() {
                Some(content) => *content,
                None => Content::none(replacement.metadata.as_ref()),
            };
            plan.admit(content.size.saturating_sub(entry.size), quota)?;
            let new_uid = plan.new_uids(folder, 1)?;
            let date = replacement.internal_date.map(|date| date.as_microsecond());
            let added = Added {
                flags: with_metadata(entry.flags, replacement.metadata.as_ref()),
                date: date.unwrap_or(entry.date),
                size: content.size,
                digest: content.digest,
                metadata: replacement.metadata.clone(),
                ..Added::like(&entry, entry.item, new_uid)
            };
            plan.push(Op::Replace {
                folder,
                gone: Gone::from(&entry),
                added,
            });
            Ok(Placed {
                item: entry.item,
                uid: new_uid,
            })
        })
        .await
    }
}

fn check_metadata(metadata: Option<&Metadata>) -> Result<(), Error> {
    match metadata {
        Some(metadata) if metadata.bytes.len() > limits::METADATA_BYTES => {
            Err(Error::Limit("bytes of an item's metadata"))
        }
        _ => Ok(()),
    }
}

impl Plan {
    fn alter(
        &mut self,
        folder: FolderId,
        uids: &[Uid],
        change: &FlagChange,
        unchanged_since: Option<ModSeq>,
    ) -> Result<Altered, Stop> {
        let entries = self.entries(folder)?.clone();
        let mut altered = Altered {
            newer: Vec::new(),
            changed: Vec::new(),
            modseq: self.state.modseq,
        };
        let mut existing = Vec::with_capacity(uids.len());
        for entry in uids.iter().filter_map(|uid| entries.find(*uid)) {
            if unchanged_since.is_some_and(|since| entry.modseq > since) {
                altered.newer.push(entry.uid);
            } else {
                existing.push(entry);
            }
        }
        if existing.is_empty() {
            return Ok(altered);
        }
        let keywords = match change.action {
            FlagAction::Add | FlagAction::Replace => self.keywords(&change.keywords)?,
            FlagAction::Remove => self.known_keywords(&change.keywords),
        };
        let items: Vec<Alteration> = existing
            .into_iter()
            .filter_map(|entry| {
                let item = Alteration {
                    uid: entry.uid,
                    was: entry.flags,
                    flags: change.system(entry.flags),
                    keywords: combine(change.action, entry.keywords(), &keywords),
                };
                let differs = item.flags != entry.flags || item.keywords != entry.keywords();
                differs.then_some(item)
            })
            .collect();
        if !items.is_empty() {
            altered.changed = items.iter().map(|item| item.uid).collect();
            altered.modseq = self.modseq();
            self.push(Op::Alter { folder, items });
        }
        Ok(altered)
    }

    fn known_keywords(&self, names: &[compact_str::CompactString]) -> Vec<KeywordId> {
        let known = |name: &compact_str::CompactString| {
            self.state.keywords.find(name).map(|keyword| keyword.id)
        };
        names.iter().filter_map(known).collect()
    }
}

/// What becomes of an item's keywords; ascending.
fn combine(action: FlagAction, has: &[KeywordId], named: &[KeywordId]) -> Vec<KeywordId> {
    let combined = match action {
        FlagAction::Add => has.iter().chain(named).copied().collect(),
        FlagAction::Remove => has
            .iter()
            .filter(|keyword| !named.contains(keyword))
            .copied()
            .collect(),
        FlagAction::Replace => named.to_vec(),
    };
    keyword_set(combined).map_or_else(Vec::new, |set| set.to_vec())
}

//! Copying and moving items within the mailbox.

use std::collections::HashMap;

use super::{Copied, Mailbox, ascending};
use crate::error::Error;
use crate::flags::Flags;
use crate::id::{FolderId, ItemId, Uid};
use crate::item::{Entry, Metadata};
use crate::op::{Added, Moved, Op};
use crate::plan::{Plan, Stop};

impl Mailbox {
    /// Copies those of `uids` that exist, with flags, keywords, dates and metadata, all or none.
    pub async fn copy(
        &self,
        folder: FolderId,
        uids: &[Uid],
        target: FolderId,
        quota: Option<u64>,
    ) -> Result<Copied, Error> {
        let uids = ascending(uids);
        let metadata = self.metadata_of(folder, &uids).await?;
        self.change(Vec::new(), |plan, _| {
            let entries = plan.chosen(folder, &uids)?;
            let (mut copied, first) = plan.arrivals(target, entries.len())?;
            let bytes = entries.iter().map(|entry| entry.size).sum();
            plan.admit(bytes, quota)?;
            let mut items = Vec::with_capacity(entries.len());
            for (entry, uid) in entries.iter().zip(first.get()..) {
                let uid = Uid::new(uid);
                copied.pairs.push((entry.uid, uid));
                items.push(Added {
                    metadata: metadata.get(&entry.item).cloned(),
                    ..Added::like(entry, plan.new_item()?, uid)
                });
            }
            if !items.is_empty() {
                plan.push(Op::Add {
                    folder: target,
                    items,
                });
            }
            Ok(copied)
        })
        .await
    }

    /// Moves those of `uids` that exist, all or none. They keep their item numbers.
    pub async fn relocate(
        &self,
        folder: FolderId,
        uids: &[Uid],
        target: FolderId,
    ) -> Result<Copied, Error> {
        let uids = ascending(uids);
        self.change(Vec::new(), |plan, _| {
            let entries = plan.chosen(folder, &uids)?;
            let (mut copied, first) = plan.arrivals(target, entries.len())?;
            copied.pairs = plan.relocate(folder, target, &entries, first);
            Ok(copied)
        })
        .await
    }

    /// The metadata of those items that have any.
    async fn metadata_of(
        &self,
        folder: FolderId,
        uids: &[Uid],
    ) -> Result<HashMap<ItemId, Metadata>, Error> {
        let snapshot = self.folder(folder).await?;
        let items: Vec<ItemId> = uids
            .iter()
            .filter_map(|uid| snapshot.find(*uid))
            .filter(|entry| entry.flags.contains(Flags::METADATA))
            .map(|entry| entry.item)
            .collect();
        if items.is_empty() {
            return Ok(HashMap::new());
        }
        self.inner
            .queue
            .applied(self.core.published().sequence)
            .await?;
        self.inner.meta.metadata(self.core.id, &items).await
    }
}

impl Plan {
    fn chosen(&self, folder: FolderId, uids: &[Uid]) -> Result<Vec<Entry>, Stop> {
        let entries = self.entries(folder)?;
        Ok(uids
            .iter()
            .filter_map(|uid| entries.find(*uid))
            .cloned()
            .collect())
    }

    /// The answer to begin with, and the first UID in the target.
    fn arrivals(&self, target: FolderId, count: usize) -> Result<(Copied, Uid), Error> {
        let first = self.new_uids(target, count)?;
        let copied = Copied {
            uid_validity: self.container(target)?.uid_validity,
            pairs: Vec::with_capacity(count),
        };
        Ok((copied, first))
    }

    /// Moves entries, and answers their UIDs before and after.
    pub(crate) fn relocate(
        &mut self,
        from: FolderId,
        to: FolderId,
        entries: &[Entry],
        first: Uid,
    ) -> Vec<(Uid, Uid)> {
        let items: Vec<Moved> = entries
            .iter()
            .zip(first.get()..)
            .map(|(entry, uid)| Moved {
                uid: entry.uid,
                to: Added::like(entry, entry.item, Uid::new(uid)),
            })
            .collect();
        let pairs = items
            .iter()
            .map(|moved| (moved.uid, moved.to.uid))
            .collect();
        if !items.is_empty() {
            self.push(Op::Move { from, to, items });
        }
        pairs
    }
}

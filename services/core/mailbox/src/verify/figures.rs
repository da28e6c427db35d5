//! Figures and numbers of mailboxes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Finding, Kind, Repair, Verifying};
use crate::core::Core;
use crate::error::Error;
use crate::flags::Flags;
use crate::folder::{Counts, Folder};
use crate::id::{FolderId, Uid};
use crate::item::Entry;
use crate::meta::{FolderFigures, MailboxFigures};
use crate::op::{Added, Correction, Op};
use crate::plan::{Plan, Stop};
use crate::store::{MailboxInfo, Missing};

/// How often a mailbox that changes meanwhile is looked at again.
const TRIES: usize = 5;

impl Verifying<'_> {
    pub(super) async fn figures(&mut self, mailboxes: &[MailboxInfo]) -> Result<(), Error> {
        for info in mailboxes {
            // One that is gone meanwhile has nothing wrong with it.
            if let Some(figures) = self.store.inner.meta.figures(info.id).await? {
                self.mailbox(info, &figures).await?;
            }
            self.progress.mailboxes.fetch_add(1, Ordering::Relaxed);
            self.report.mailboxes += 1;
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    async fn mailbox(&mut self, info: &MailboxInfo, figures: &MailboxFigures) -> Result<(), Error> {
        let mut wrong: Vec<(FolderId, Finding)> = Vec::new();
        for folder in &figures.folders {
            self.report.folders += 1;
            let counted = figures.counted.get(&folder.id).copied().unwrap_or_default();
            self.report.items += u64::from(counted.counts.total);
            wrong.extend(
                problems(folder, &counted)
                    .into_iter()
                    .map(|finding| (folder.id, finding)),
            );
        }
        let sum: u64 = figures
            .folders
            .iter()
            .map(|folder| folder.counts.size)
            .sum();
        if wrong.is_empty() && sum != figures.used {
            let finding = Finding {
                detail: format!("the mailbox says {} bytes, {sum} are there", figures.used),
                ..Finding::of(Kind::Figures)
            };
            wrong.push((crate::folder::INBOX, finding));
        }
        if let Some((item, next)) = figures.numbers_behind() {
            let finding = Finding {
                detail: format!("the next number of the mailbox is {next}, but {item} was given"),
                ..Finding::of(Kind::Numbers)
            };
            wrong.push((crate::folder::INBOX, finding));
        }
        for (folder, counted) in &figures.counted {
            if figures.folders.iter().any(|known| known.id == *folder) {
                continue;
            }
            let repair = self.not_possible("its messages stay in SQL and in their files");
            self.found(Finding {
                account: Some(info.account),
                uid: Some(counted.last_uid.get()),
                detail: format!(
                    "{} items are in folder {folder}, which is not there",
                    counted.counts.total
                ),
                repair,
                ..Finding::of(Kind::Stray)
            });
        }
        let missing = self.missing(info).await?;
        let mut rows: BTreeMap<FolderId, Vec<Entry>> = BTreeMap::new();
        for (folder, name, entry) in missing {
            let finding = Finding {
                folder: Some(name),
                uid: Some(entry.uid.get()),
                detail: "sessions see the message, but its row is not in SQL".to_owned(),
                ..Finding::of(Kind::RowMissing)
            };
            rows.entry(folder).or_default().push(entry);
            wrong.push((folder, finding));
        }
        let mut done: BTreeMap<FolderId, Repair> = BTreeMap::new();
        for (folder, finding) in wrong {
            let repair = match (self.asked.repair, done.get(&folder)) {
                (false, _) => Repair::None,
                (true, Some(repair)) => repair.clone(),
                (true, None) => {
                    let rows = rows.remove(&folder).unwrap_or_default();
                    let corrected = self.correct(info, folder, rows).await;
                    let repair = Self::repaired(corrected);
                    done.insert(folder, repair.clone());
                    repair
                }
            };
            let named = figures.folders.iter().find(|known| known.id == folder);
            self.found(Finding {
                account: Some(info.account),
                folder: finding
                    .folder
                    .or_else(|| named.map(|folder| folder.name.to_string())),
                repair,
                ..finding
            });
        }
        Ok(())
    }

    /// What sessions see and SQL does not have. Only folders that are in memory can be compared.
    async fn missing(&self, info: &MailboxInfo) -> Result<Vec<(FolderId, String, Entry)>, Error> {
        let inner = &self.store.inner;
        let Some(core) = inner.registry.peek(info.account) else {
            return Ok(Vec::new());
        };
        let loaded: Vec<FolderId> = {
            let published = core.published();
            let with_items = published.state.folders.iter();
            with_items
                .filter(|folder| folder.entries.is_some())
                .map(|folder| folder.info.id)
                .collect()
        };
        let mut missing = Vec::new();
        for folder in loaded {
            missing.extend(self.missing_in(&core, folder).await?);
        }
        Ok(missing)
    }

    async fn missing_in(
        &self,
        core: &Arc<Core>,
        folder: FolderId,
    ) -> Result<Vec<(FolderId, String, Entry)>, Error> {
        for _ in 0..TRIES {
            let before = core.published();
            self.store.inner.queue.applied(before.sequence).await?;
            let rows = self.store.inner.meta.entries(core.id, folder).await?;
            let after = core.published();
            if before.sequence != after.sequence {
                continue;
            }
            let Some(found) = after.state.folder(folder) else {
                return Ok(Vec::new());
            };
            let Some(entries) = &found.entries else {
                return Ok(Vec::new());
            };
            let lacking = entries
                .iter()
                .filter(|entry| rows.what.find(entry.uid).is_none());
            return Ok(lacking
                .map(|entry| (folder, found.info.name.to_string(), entry.clone()))
                .collect());
        }
        // It changes all the time: the next run may find it quiet.
        Ok(Vec::new())
    }

    /// Writes a folder's figures, and rows that it lacks, as a change of the mailbox.
    async fn correct(
        &self,
        info: &MailboxInfo,
        folder: FolderId,
        rows: Vec<Entry>,
    ) -> Result<String, Error> {
        let inner = &self.store.inner;
        let core = inner.core(info.account, Missing::Leave).await?;
        let core = core.ok_or(Error::NoSuchMailbox)?;
        let items = self.store.inner.meta.highest(info.id).await?;
        let written = rows.len();
        inner
            .change(&core, Vec::new(), |plan, _| {
                plan.correct(folder, &rows, items)
            })
            .await?;
        inner.queue.applied(core.published().sequence).await?;
        Ok(match written {
            0 => "counted anew".to_owned(),
            rows => format!("counted anew, {rows} rows written"),
        })
    }
}

impl Plan {
    /// `highest` is the highest item number and mod-sequence that SQL has.
    fn correct(
        &mut self,
        folder: FolderId,
        rows: &[Entry],
        highest: (u32, u64),
    ) -> Result<(), Stop> {
        let info = self.container(folder)?.clone();
        let entries = self.entries(folder)?.clone();
        let mut counts = Counts::default();
        let mut last = Uid::new(0);
        for entry in entries.iter() {
            counts.total += 1;
            counts.unread += u32::from(!entry.flags.contains(Flags::SEEN));
            counts.deleted += u32::from(entry.flags.contains(Flags::DELETED));
            counts.size += entry.size;
            last = entry.uid;
        }
        let rows = rows
            .iter()
            .filter_map(|row| entries.find(row.uid))
            .map(|entry| Added::like(entry, entry.item, entry.uid))
            .collect();
        self.raise_modseq(highest.1);
        self.push(Op::Correct(Correction {
            folder,
            counts,
            uid_next: info.uid_next.max(last.next()),
            next_item: highest.0.saturating_add(1),
            rows,
        }));
        Ok(())
    }
}

fn problems(folder: &Folder, counted: &FolderFigures) -> Vec<Finding> {
    let mut found = Vec::new();
    if folder.counts != counted.counts {
        let told = |counts: &Counts| {
            format!(
                "{} messages, {} unread, {} deleted, {} bytes",
                counts.total, counts.unread, counts.deleted, counts.size
            )
        };
        found.push(Finding {
            detail: format!(
                "it says {}; there are {}",
                told(&folder.counts),
                told(&counted.counts)
            ),
            ..Finding::of(Kind::Figures)
        });
    }
    if counted.counts.total > 0 && counted.last_uid >= folder.uid_next {
        found.push(Finding {
            uid: Some(counted.last_uid.get()),
            detail: format!(
                "UIDNEXT is {}, but {} was given",
                folder.uid_next, counted.last_uid
            ),
            ..Finding::of(Kind::Numbers)
        });
    }
    if counted.modseq > folder.items_modseq {
        found.push(Finding {
            detail: format!(
                "HIGHESTMODSEQ is {}, but {} was given",
                folder.items_modseq, counted.modseq
            ),
            ..Finding::of(Kind::Numbers)
        });
    }
    found
}

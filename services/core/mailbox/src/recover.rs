//! What the journal has and SQL and files have not, when a store is opened.
//!
//! Nothing of it is written before the store serves: the mailboxes that the journal's end touches
//! are put into memory as they were, their changes into the applier's queue as if they had been
//! made a moment ago, and contents are read from the journal until they are in files. So a start
//! takes as long as reading the journal from the last checkpoint on, whatever mailboxes hold.
//!
//! Files are only known to be durable up to the last checkpoint, so those of later records are
//! written again, whatever SQL says. SQL knows itself how far it is. Both can be done any number of
//! times.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use roost_journal::{Epoch, Record, Recovery, Sequence};

use crate::applier::{ChangeUnit, Group};
use crate::core::Core;
use crate::error::Error;
use crate::fit;
use crate::id::MailboxId;
use crate::meta::Writer;
use crate::op::{BLOB_KIND, BlobRecord, CHANGE_KIND, ChangeRecord, Op};
use crate::overlay::Overlay;
use crate::state::State;
use crate::store::Opening;

/// How many records there are between two reports.
const REPORT: u64 = 10_000;

/// What is to be applied.
pub(crate) struct Backlog {
    /// In the order of the journal.
    pub(crate) groups: Vec<Group>,
    /// The mailboxes that they touch, by number.
    pub(crate) cores: Vec<Arc<Core>>,
    /// Up to here everything is durable in SQL and files.
    pub(crate) durable: Sequence,
    /// What SQL has.
    pub(crate) applied: Sequence,
    /// Above the numbers of all mailboxes.
    pub(crate) next_mailbox: u64,
    pub(crate) records: u64,
}

/// Reads the journal's end.
pub(crate) async fn read(
    writer: &mut Writer,
    overlay: &Overlay,
    recovery: &Recovery,
    mark: Sequence,
    watch: &(dyn Fn(Opening) + Sync),
) -> Result<Backlog, Error> {
    let (applied, next_mailbox) = writer.applied().await?;
    if applied > recovery.last() {
        return Err(Error::Open {
            what: format!(
                "its metadata hold record {applied}, but its journal ends at {} (has one of them \
                 been replaced?)",
                recovery.last()
            ),
            source: None,
        });
    }
    let durable = mark.min(applied);
    let mut reading = Reading {
        writer,
        overlay,
        applied,
        mailboxes: BTreeMap::new(),
        group: Vec::new(),
        groups: Vec::new(),
    };
    let all = recovery.last().get() - durable.get();
    let mut records = 0;
    for record in recovery.replay(durable)? {
        if records % REPORT == 0 {
            watch(Opening::Replaying { records, all });
        }
        records += 1;
        reading.record(record?).await?;
    }
    let Reading {
        mailboxes,
        mut groups,
        ..
    } = reading;
    let cores: BTreeMap<MailboxId, Arc<Core>> = mailboxes
        .into_iter()
        .map(|(id, found)| {
            let core = Core::recovered(found.state, applied, found.unapplied, Epoch::default());
            (id, Arc::new(core))
        })
        .collect();
    for unit in groups.iter_mut().flat_map(|group| &mut group.changes) {
        unit.core = cores.get(&unit.outline.id).cloned();
    }
    let newest = cores.keys().next_back().map_or(0, |id| id.get() + 1);
    Ok(Backlog {
        groups,
        cores: cores.into_values().collect(),
        durable,
        applied,
        next_mailbox: next_mailbox.max(newest),
        records,
    })
}

struct Reading<'a> {
    writer: &'a mut Writer,
    overlay: &'a Overlay,
    applied: Sequence,
    mailboxes: BTreeMap<MailboxId, Found>,
    /// The records of an append, until it is whole.
    group: Vec<Record>,
    groups: Vec<Group>,
}

/// A mailbox that the journal's end touches.
struct Found {
    state: State,
    unapplied: VecDeque<(Sequence, Arc<ChangeRecord>)>,
}

impl Reading<'_> {
    async fn record(&mut self, record: Record) -> Result<(), Error> {
        let whole = !record.more;
        self.group.push(record);
        if !whole {
            return Ok(());
        }
        let mut group = Group {
            last: Sequence::ZERO,
            blobs: Vec::new(),
            changes: Vec::new(),
            _room: None,
        };
        for record in std::mem::take(&mut self.group) {
            group.last = record.sequence;
            self.sort_in(&record, &mut group).await?;
        }
        self.groups.push(group);
        Ok(())
    }

    async fn sort_in(&mut self, record: &Record, group: &mut Group) -> Result<(), Error> {
        match record.kind {
            BLOB_KIND => {
                let blob = BlobRecord::decode(record)?;
                let pin = self.overlay.pin_in_journal(&blob, record.locator.clone());
                group.blobs.push(pin);
            }
            CHANGE_KIND if record.sequence > self.applied => {
                let change = Arc::new(ChangeRecord::decode(record)?);
                let id = MailboxId::new(record.stream);
                if let Some(found) = self.mailbox(id, &change).await? {
                    fit::check(&found.state, &change).map_err(|why| {
                        let number = record.sequence;
                        Error::open(
                            format!("record {number} of its journal cannot be read"),
                            why,
                        )
                    })?;
                    found.state.apply(&change);
                    found.unapplied.push_back((record.sequence, change.clone()));
                    group.changes.push(ChangeUnit {
                        outline: found.state.outline(&change),
                        record: change,
                        core: None,
                        sequence: record.sequence,
                    });
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The mailbox before the change.
    async fn mailbox(
        &mut self,
        id: MailboxId,
        change: &ChangeRecord,
    ) -> Result<Option<&mut Found>, Error> {
        if !self.mailboxes.contains_key(&id) {
            let created = change.ops.iter().find_map(|op| match op {
                Op::CreateMailbox { account, .. } => Some(State::unborn(id, *account)),
                _ => None,
            });
            let state = match created {
                Some(state) => Some(state),
                None => self.writer.mailbox(id).await?,
            };
            let Some(state) = state else {
                tracing::error!(mailbox = %id, "a change of an unknown mailbox is skipped");
                return Ok(None);
            };
            let unapplied = VecDeque::new();
            self.mailboxes.insert(id, Found { state, unapplied });
        }
        Ok(self.mailboxes.get_mut(&id))
    }
}

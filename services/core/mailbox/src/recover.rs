//! What the journal has and SQL and files have not, when a store is opened.
//!
//! Files are only known to be durable up to the last checkpoint, so those of later records are
//! written again, whatever SQL says. SQL knows itself how far it is. Both can be done any number of
//! times.

use std::collections::HashMap;
use std::sync::Arc;

use roost_journal::{Record, Recovery, Sequence};

use crate::applier::{Applier, Batch, ChangeUnit, Group};
use crate::error::Error;
use crate::id::MailboxId;
use crate::op::{BLOB_KIND, BlobRecord, CHANGE_KIND, ChangeRecord, Op};
use crate::state::State;

/// Bytes and appends that are applied together.
const BATCH_BYTES: u64 = 8 << 20;
const BATCH_GROUPS: usize = 512;

/// Brings SQL and files up to the end of the journal, and makes them durable there.
pub(crate) async fn recover(
    applier: &mut Applier,
    recovery: &Recovery,
    mark: Sequence,
) -> Result<Sequence, Error> {
    let (applied, _) = applier.writer.applied().await?;
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
    let mut replay = Replaying {
        applier,
        applied,
        states: HashMap::new(),
        group: Vec::new(),
        batch: Batch::default(),
        bytes: 0,
        records: 0,
    };
    for record in recovery.replay(mark.min(applied))? {
        replay.record(record?).await?;
    }
    replay.flush().await?;
    let (records, touched) = (replay.records, replay.states);
    if !recovery.damage().is_empty() {
        for mailbox in touched.keys() {
            applier.writer.recount(*mailbox).await?;
        }
    }
    let last = recovery.last();
    if records > 0 {
        tracing::info!(records, through = %last, "the journal was replayed");
        applier.checkpoint(last).await?;
    }
    Ok(last)
}

struct Replaying<'a> {
    applier: &'a mut Applier,
    applied: Sequence,
    states: HashMap<MailboxId, State>,
    /// The records of an append, until it is whole.
    group: Vec<Record>,
    batch: Batch,
    bytes: u64,
    records: u64,
}

impl Replaying<'_> {
    async fn record(&mut self, record: Record) -> Result<(), Error> {
        self.records += 1;
        let whole = !record.more;
        self.group.push(record);
        if !whole {
            return Ok(());
        }
        let records = std::mem::take(&mut self.group);
        let mut group = Group {
            last: Sequence::ZERO,
            blobs: Vec::new(),
            changes: Vec::new(),
            _room: None,
        };
        for record in records {
            group.last = record.sequence;
            self.bytes += record.payload.len() as u64;
            self.sort_in(&record, &mut group).await?;
        }
        if group.last > self.applied {
            self.batch.groups.push(group);
        }
        if self.bytes >= BATCH_BYTES || self.batch.groups.len() >= BATCH_GROUPS {
            self.flush().await?;
        }
        Ok(())
    }

    async fn sort_in(&mut self, record: &Record, group: &mut Group) -> Result<(), Error> {
        match record.kind {
            BLOB_KIND => {
                let blob: BlobRecord = decode(record)?;
                if let Some(body) = &blob.body {
                    self.applier.write_file(blob.digest, body)?;
                }
                if record.sequence > self.applied {
                    group.blobs.push(self.applier.overlay.pin(blob));
                }
            }
            CHANGE_KIND if record.sequence > self.applied => {
                let change: ChangeRecord = decode(record)?;
                let id = MailboxId::new(record.stream);
                if let Some(state) = self.state(id, &change).await? {
                    state.apply(&change);
                    group.changes.push(ChangeUnit {
                        outline: state.outline(&change),
                        record: Arc::new(change),
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
    async fn state(
        &mut self,
        id: MailboxId,
        change: &ChangeRecord,
    ) -> Result<Option<&mut State>, Error> {
        if !self.states.contains_key(&id) {
            let created = change.ops.iter().find_map(|op| match op {
                Op::CreateMailbox { account, .. } => Some(State::unborn(id, *account)),
                _ => None,
            });
            let state = match created {
                Some(state) => Some(state),
                None => self.applier.writer.mailbox(id).await?,
            };
            let Some(state) = state else {
                tracing::error!(mailbox = %id, "a change of an unknown mailbox is skipped");
                return Ok(None);
            };
            self.states.insert(id, state);
        }
        Ok(self.states.get_mut(&id))
    }

    async fn flush(&mut self) -> Result<(), Error> {
        let batch = std::mem::take(&mut self.batch);
        self.bytes = 0;
        if batch.groups.is_empty() {
            return Ok(());
        }
        self.applier.apply(&batch).await
    }
}

fn decode<T: for<'de> serde::Deserialize<'de>>(record: &Record) -> Result<T, Error> {
    postcard::from_bytes(&record.payload).map_err(|error| {
        Error::open(
            format!("record {} of its journal cannot be read", record.sequence),
            error,
        )
    })
}

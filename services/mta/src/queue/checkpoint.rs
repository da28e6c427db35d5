//! How old segments of the journal are given up although messages in them still wait.
//!
//! Two generations: what was recorded before the last checkpoint and still waits at this one is
//! carried over to new records. A message that is delivered within two checkpoints is never
//! copied.

use roost_journal::{AppendError, Sequence};

use super::index::Home;
use super::message::Message;
use super::record::Record;
use std::sync::Arc;

use super::{Place, Queue, QueueError, QueueId, blocking};

/// Messages carried over under one lock and in one append.
const BATCH: usize = 256;

/// Where the last checkpoint was.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    sequence: Sequence,
    /// The journal's byte count then.
    bytes: u64,
}

impl Mark {
    /// The beginning: everything up to `sequence` was there at start.
    pub(super) fn starting_at(sequence: Sequence) -> Self {
        Self { sequence, bytes: 0 }
    }
}

impl Queue {
    /// Whether enough was written since the last checkpoint: `bytes`, but at least four times what
    /// one would copy, so that a long queue does not copy itself all the time.
    #[must_use]
    pub fn checkpoint_is_due(&self, bytes: u64) -> bool {
        let written = self.journal.stats().bytes;
        let index = self.index.lock();
        let copied = index.state.len() as u64 * 1024;
        written.saturating_sub(index.checkpoint.bytes) >= bytes.max(4 * copied)
    }

    /// Gives up the segments of the generation before the last one.
    ///
    /// # Errors
    /// If contents or records cannot be written; nothing is given up then.
    pub async fn checkpoint(&self) -> Result<(), QueueError> {
        self.trusted()?;
        let (through, old) = self.old_generation();
        for &id in &old {
            self.move_to_file(id).await?;
        }
        if !old.is_empty() {
            let spool = self.spool.clone();
            if let Err(error) = blocking(move || spool.sync()).await {
                // A second sync would say that all is well, whatever was lost.
                tracing::error!(%error, "contents cannot be made durable; restart to recover");
                self.broken.get_or_init(|| Arc::new(error));
                self.failed.notify_one();
                return self.trusted();
            }
        }
        for batch in old.chunks(BATCH) {
            self.carry_over(batch).await?;
        }
        self.journal.release(through);
        Ok(())
    }

    /// Moves the mark; returns the old one and who is still before it.
    fn old_generation(&self) -> (Sequence, Vec<QueueId>) {
        let mark = Mark {
            sequence: self.journal.durable(),
            bytes: self.journal.stats().bytes,
        };
        let mut index = self.index.lock();
        let through = std::mem::replace(&mut index.checkpoint, mark).sequence;
        let is_old = |home: &Home| home.base <= through;
        let old = index.homes.iter().filter(|(_, home)| is_old(home));
        let mut old: Vec<_> = old.map(|(id, _)| *id).collect();
        old.sort_unstable();
        (through, old)
    }

    /// Records the state of `batch` anew. The contents are durable files.
    async fn carry_over(&self, batch: &[QueueId]) -> Result<(), QueueError> {
        let mut bytes = 0;
        for id in batch {
            if let Some(message) = self.get(*id) {
                bytes += carried(&message).draft(*id)?.stored_bytes();
            }
        }
        let permit = self.journal.reserve(bytes).await?;
        let pending = {
            let mut index = self.index.lock();
            let mut drafts = Vec::with_capacity(batch.len());
            let mut ids = Vec::with_capacity(batch.len());
            for id in batch {
                // One that is in memory again cannot be: contents go to files only.
                if let Some(message) = index.state.get(*id) {
                    drafts.push(carried(message).draft(*id)?);
                    ids.push(*id);
                }
            }
            if drafts.is_empty() {
                return Ok(());
            }
            let pending = self.journal.enqueue(permit, drafts)?;
            for (place, id) in (0..).zip(ids) {
                if let Some(home) = index.homes.get_mut(&id) {
                    assert!(
                        matches!(home.place, Place::File),
                        "carried over without a file"
                    );
                    home.base = pending.first().plus(place);
                }
            }
            pending
        };
        match self.settled(pending).await {
            Ok(()) => Ok(()),
            Err(error) => {
                self.distrust(batch);
                Err(error.into())
            }
        }
    }

    /// Their new records were refused: they are of the old generation still.
    fn distrust(&self, batch: &[QueueId]) {
        let mut index = self.index.lock();
        for id in batch {
            if let Some(home) = index.homes.get_mut(id) {
                home.base = Sequence::ZERO;
            }
        }
    }
}

fn carried(message: &Message) -> Record {
    Record::Message {
        message: Box::new(message.clone()),
        content: None,
    }
}

/// Whether a failed checkpoint is worth a warning only: it is tried again.
#[must_use]
pub fn is_transient(error: &QueueError) -> bool {
    match error {
        QueueError::Journal(AppendError::Failed { .. } | AppendError::Closed)
        | QueueError::NotDurable { .. } => false,
        QueueError::Journal(_)
        | QueueError::Full
        | QueueError::NoRoom { .. }
        | QueueError::Disk(_)
        | QueueError::Content { .. }
        | QueueError::Encoding(_)
        | QueueError::NotFound(_) => true,
    }
}

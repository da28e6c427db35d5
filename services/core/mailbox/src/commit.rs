//! From a plan to the journal: what all changes have in common.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::MutexGuard;
use roost_journal::{AppendError, Draft, Epoch, Pending, Permit};
use tokio::sync::OwnedSemaphorePermit;

use crate::applier::{ChangeUnit, Group};
use crate::core::{Core, Writing};
use crate::error::Error;
use crate::id::BlobDigest;
use crate::item::NewBlob;
use crate::op::{BlobRecord, ChangeRecord};
use crate::overlay::Pin;
use crate::plan::{Content, Plan, Stop};
use crate::state::State;
use crate::store::Inner;

/// What a change without items costs in the queues, about.
const CHANGE_BYTES: u64 = 1024;
/// How long a change waits for room before it is refused.
const PATIENCE: Duration = Duration::from_secs(30);

/// Contents on their way into the journal, and the room that they take.
pub(crate) struct Intake {
    pins: Vec<Pin>,
    drafts: Vec<Draft>,
    permit: Permit,
    room: OwnedSemaphorePermit,
}

/// A mailbox's part of an append, under its lock.
pub(crate) struct Part<'a> {
    pub(crate) core: &'a Arc<Core>,
    pub(crate) writing: MutexGuard<'a, Writing>,
    pub(crate) state: State,
    pub(crate) record: ChangeRecord,
}

impl Inner {
    /// Takes contents in: small ones will travel in the journal, large ones are made durable as
    /// files now. `more` is what the changes to come will cost.
    pub(crate) async fn intake(
        &self,
        blobs: Vec<NewBlob>,
        more: u64,
    ) -> Result<(Intake, Vec<Content>), Error> {
        // On a full disk people can still remove what fills it: the reserve is for that.
        match blobs.is_empty() {
            true => self.check_open()?,
            false => self.check()?,
        }
        let mut contents = Vec::with_capacity(blobs.len());
        let mut pins = Vec::with_capacity(blobs.len());
        let mut drafts = Vec::with_capacity(blobs.len());
        let mut bytes = CHANGE_BYTES + more;
        // All records of the change have to fit into one append.
        let inline_total = self.journal().append_bytes_max() / 2;
        for blob in blobs {
            let size = blob.bytes.len() as u64;
            let digest = BlobDigest::of(&blob.bytes);
            let inline = blob.bytes.len() <= self.config.inline_bytes_max
                && bytes + size + blob.structure.len() as u64 <= inline_total;
            let record = BlobRecord {
                digest,
                size,
                structure: blob.structure,
                body: inline.then(|| blob.bytes.clone()),
            };
            let draft = record.draft()?;
            let pin = self.overlay.pin(record);
            if !inline {
                self.blobs.write_durably(digest, blob.bytes).await?;
            }
            bytes += draft.stored_bytes();
            drafts.push(draft);
            pins.push(pin);
            contents.push(Content { digest, size });
        }
        let room = self.room(bytes).await?;
        let permit = self.journal().reserve(bytes).await?;
        let intake = Intake {
            pins,
            drafts,
            permit,
            room,
        };
        Ok((intake, contents))
    }

    async fn room(&self, bytes: u64) -> Result<OwnedSemaphorePermit, Error> {
        let most = self.config.unapplied_bytes_max;
        let bytes = u32::try_from(bytes).unwrap_or(most).min(most);
        let room = self.room.clone().acquire_many_owned(bytes);
        match tokio::time::timeout(PATIENCE, room).await {
            Ok(Ok(room)) => Ok(room),
            Ok(Err(error)) => Err(Error::unavailable("it is closed", error)),
            Err(error) => Err(Error::unavailable("it cannot keep up", error)),
        }
    }

    /// Enqueues an append. Its parts ascend by mailbox.
    pub(crate) fn commit(
        &self,
        intake: Intake,
        basis: Epoch,
        parts: Vec<Part<'_>>,
    ) -> Result<Pending, Error> {
        let Intake {
            pins,
            mut drafts,
            permit,
            room,
        } = intake;
        let contents = drafts.len() as u64;
        for part in &parts {
            drafts.push(part.record.draft(part.core.id)?);
        }
        // Held until the parts stand in their lines: the journal may be faster.
        let mut lines: Vec<_> = parts.iter().map(|part| part.core.line()).collect();
        let cores: Vec<Arc<Core>> = parts.iter().map(|part| part.core.clone()).collect();
        let applier = self.queue.clone();
        let then = move |outcome: &Result<_, AppendError>| match outcome {
            Ok(durable) => {
                let durable: &roost_journal::Durable = durable;
                let mut sequence = durable.first().plus(contents);
                let mut changes = Vec::with_capacity(cores.len());
                for core in cores {
                    if let Some((record, outline)) = core.settle(sequence) {
                        changes.push(ChangeUnit {
                            record,
                            outline,
                            core: Some(core),
                            sequence,
                        });
                    }
                    sequence = sequence.next();
                }
                applier.push(Group {
                    last: durable.sequence(),
                    blobs: pins,
                    changes,
                    _room: Some(room),
                });
            }
            Err(_) => cores.iter().for_each(|core| core.refuse()),
        };
        let pending = self
            .journal()
            .enqueue_then(permit, Some(basis), drafts, then)?;
        let first = pending.first().plus(contents);
        for (place, (part, line)) in parts.into_iter().zip(&mut lines).enumerate() {
            let Part {
                mut writing,
                state,
                record,
                ..
            } = part;
            line.push(
                first.plus(place as u64),
                Arc::new(record),
                Arc::new(state.clone()),
            );
            writing.next = state;
        }
        Ok(pending)
    }

    /// Plans a change of one mailbox and makes it durable. `plan` may be asked again: when the
    /// items of a folder had to be read first.
    pub(crate) async fn change<T>(
        &self,
        core: &Arc<Core>,
        blobs: Vec<NewBlob>,
        mut plan: impl FnMut(&mut Plan, &[Content]) -> Result<T, Stop>,
    ) -> Result<T, Error> {
        let (mut intake, contents) = self.intake(blobs, 0).await?;
        loop {
            match self.attempt(core, intake, &contents, &mut plan) {
                Attempt::Enqueued(answer, pending) => {
                    pending.await?;
                    return Ok(answer);
                }
                Attempt::Nothing(answer) => {
                    // What makes it nothing may not be durable yet.
                    core.settled().await;
                    return Ok(answer);
                }
                Attempt::Load(folder, kept) => {
                    intake = kept;
                    core.load(&self.meta, folder).await?;
                }
                Attempt::Refused(error) => return Err(error),
            }
        }
    }

    fn attempt<T>(
        &self,
        core: &Arc<Core>,
        intake: Intake,
        contents: &[Content],
        plan: &mut impl FnMut(&mut Plan, &[Content]) -> Result<T, Stop>,
    ) -> Attempt<T> {
        let epoch = self.journal().epoch();
        let writing = match core.write(epoch) {
            Ok(writing) => writing,
            Err(error) => return Attempt::Refused(error),
        };
        let mut planned = Plan::new(&writing.next);
        let answer = match planned
            .alive()
            .map_err(Stop::Refused)
            .and_then(|()| plan(&mut planned, contents))
        {
            Ok(answer) => answer,
            Err(Stop::Load(folder)) => return Attempt::Load(folder, intake),
            Err(Stop::Refused(error)) => return Attempt::Refused(error),
        };
        let Some((state, record)) = planned.finish() else {
            return Attempt::Nothing(answer);
        };
        let part = Part {
            core,
            writing,
            state,
            record,
        };
        match self.commit(intake, epoch, vec![part]) {
            Ok(pending) => Attempt::Enqueued(answer, pending),
            Err(error) => Attempt::Refused(error),
        }
    }
}

enum Attempt<T> {
    Enqueued(T, Pending),
    Nothing(T),
    Load(crate::id::FolderId, Intake),
    Refused(Error),
}

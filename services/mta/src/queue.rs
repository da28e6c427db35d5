//! The queue: what was acknowledged and is not yet with the next host.
//!
//! The journal is the truth: a message is acknowledged ([`Queued`]) only after its record is
//! durable. A result is durable before the next hand-over over that connection, but for the last one
//! about a message: that is on its way to the disk by then, so that a crash may deliver once more
//! what was delivered in the moment of one sync before it, and nothing else. Small
//! contents travel in the record, large ones are a synced file before it. A notice to the sender
//! and the fact that the sender was told are one record, so no crash sends it twice or never.
//!
//! Whatever is still queued when the journal's old segments go is carried over ([`checkpoint`]):
//! its content becomes a file, its state a new record.
//!
//! | module | what it decides |
//! |---|---|
//! | [`message`] | what is kept about a message, which notices it owes |
//! | [`lock`] | that one process at a time uses it |
//! | [`record`] | the journal's records |
//! | [`state`] | what the records add up to |
//! | [`spool`] | contents in files |
//! | [`content`] | how contents are read |
//! | [`recovery`] | from a directory to a queue |
//! | [`checkpoint`] | how old segments are given up |

pub mod checkpoint;
pub mod content;
mod id;
mod index;
pub mod lock;
pub mod message;
pub mod record;
pub mod recovery;
pub mod spool;
pub mod state;
#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use parking_lot::Mutex;
use roost_journal::{AppendError, Draft, Journal, Pending};
use roost_kit::clock::Clock;
use roost_kit::disk::DiskHandle;
use tokio::sync::Notify;

use crate::limits::{CONTENT_MEMORY, QUEUE_MESSAGES_MAX};
use content::ContentReader;
pub use id::{NotAnId, QueueId, QueueIds};
use index::{Home, Index};
use lock::QueueLock;
use message::{Attempt, Message};
use record::Record;
use spool::Spool;
use state::Change;

/// The durable queue.
#[derive(Debug)]
pub struct Queue {
    journal: Journal,
    spool: Spool,
    clock: Clock,
    /// How long to wait before a result that found no space is recorded again.
    patience: Duration,
    index: Mutex<Index>,
    failed: Notify,
    reserve: Reserve,
    /// Given up with the queue, so that nothing writes to it without.
    _lock: Option<QueueLock>,
    /// Why the contents in files may not be on the disk.
    broken: OnceLock<Arc<io::Error>>,
}

/// What new mail must leave free.
#[derive(Debug)]
struct Reserve {
    disk: DiskHandle,
    directory: PathBuf,
    bytes: u64,
}

/// How fast new mail is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As fast as it comes.
    Full,
    /// Each message only after so long, since the disk fills up: what is queued should leave faster
    /// than new mail comes.
    Slowed(Duration),
}

impl Pace {
    /// The longest that a sender is kept waiting for the reply to MAIL; clients wait for minutes
    /// (RFC 5321 §4.5.3.2.2).
    const SLOWEST: Duration = Duration::from_secs(10);

    /// With `spare` bytes beyond what must stay free: slower below as much again as that.
    fn with(spare: u64, reserve: u64) -> Self {
        match reserve.checked_sub(spare) {
            None | Some(0) => Self::Full,
            #[expect(clippy::cast_precision_loss, reason = "a share, not a count")]
            Some(short) => Self::Slowed(Self::SLOWEST.mul_f64(short as f64 / reserve as f64)),
        }
    }
}

/// Where a content is.
#[derive(Debug, Clone)]
pub enum Place {
    /// In memory, and in the journal.
    Memory(Bytes),
    /// In its file.
    File,
}

/// Proof that a message is in the queue for good. Only a positive reply is made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queued {
    id: QueueId,
}

impl Queued {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> QueueId {
        self.id
    }
}

/// A change that holds in memory and is on its way to the disk.
#[derive(Debug)]
#[must_use]
pub struct Begun {
    id: QueueId,
    change: Change,
    draft: Draft,
    /// Nothing where nothing changes.
    written: Option<Result<Pending, AppendError>>,
}

impl Begun {
    /// What it does to the message.
    #[must_use]
    pub fn change(&self) -> Change {
        self.change
    }
}

/// Why the queue did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// Too many messages wait.
    #[error("the queue is full ({QUEUE_MESSAGES_MAX} messages)")]
    Full,
    /// The disk is nearly full: what is left is for results and notices.
    #[error(
        "only {available} bytes are left in {}, and {needed} are needed: no mail is taken until \
         there is room",
        directory.display()
    )]
    NoRoom {
        /// The queue's directory.
        directory: PathBuf,
        /// What is left.
        available: u64,
        /// The reserve, and the message.
        needed: u64,
    },
    /// The disk does not even say how much is left.
    #[error("the queue's disk cannot be asked for its space")]
    Disk(#[source] io::Error),
    /// The journal refused the record.
    #[error("the queue's journal did not take the record")]
    Journal(#[from] AppendError),
    /// A content could not be written or read.
    #[error("the content of message {id} cannot be used")]
    Content {
        /// The message.
        id: QueueId,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A sync of contents has failed: they may be gone although they are seen. Nothing is taken
    /// until the next start has written them again.
    #[error("the contents of waiting messages could not be made durable (restart to recover)")]
    NotDurable {
        /// Why not.
        #[source]
        source: Arc<io::Error>,
    },
    /// A record could not be made. A bug.
    #[error("a queue record cannot be encoded")]
    Encoding(#[from] postcard::Error),
    /// There is no such message.
    #[error("there is no message {0} in the queue")]
    NotFound(QueueId),
}

impl Queue {
    /// Keeps the lock as long as there is anybody who can use the queue.
    #[must_use]
    pub fn locked_by(self, lock: QueueLock) -> Self {
        Self {
            _lock: Some(lock),
            ..self
        }
    }

    /// A fresh id.
    pub fn new_id(&self) -> QueueId {
        self.index.lock().ids.next(self.clock.now())
    }

    /// Takes a message into the queue. It is there for good when this returns.
    ///
    /// # Errors
    /// If it is not: nothing of it is kept, and the client must keep it.
    pub async fn accept(
        &self,
        id: QueueId,
        message: Message,
        place: Place,
    ) -> Result<Queued, QueueError> {
        self.trusted()?;
        let content = match &place {
            Place::Memory(bytes) => Some(bytes.clone()),
            Place::File => None,
        };
        let record = Record::Message {
            message: Box::new(message),
            content,
        };
        let draft = record.draft(id)?;
        let permit = self.journal.reserve(draft.stored_bytes()).await?;
        let (pending, left) = {
            let mut index = self.index.lock();
            if index.state.len() >= QUEUE_MESSAGES_MAX {
                return Err(QueueError::Full);
            }
            let pending = self.journal.enqueue(permit, vec![draft])?;
            let left = index.enter(id, &record, place, pending.first());
            (pending, left)
        };
        if let Err(error) = self.settled(pending).await {
            self.index.lock().forget(id);
            return Err(error.into());
        }
        // The original of a notice may have waited for nothing else.
        if let Some(original) = left {
            self.remove_file(original).await;
        }
        self.relieve_memory(id).await?;
        Ok(Queued { id })
    }

    /// Records results. Waits for space where there is none: what has been handed over must not
    /// be forgotten, or it would be handed over again after a restart.
    ///
    /// # Errors
    /// If the journal has failed for good.
    pub async fn attempted(
        &self,
        id: QueueId,
        attempts: Vec<Attempt>,
    ) -> Result<Change, QueueError> {
        self.change(id, Record::Attempted(attempts)).await
    }

    /// Keeps a message back, or lets it go again.
    ///
    /// # Errors
    /// If there is no such message, or the journal has failed.
    pub async fn hold(&self, id: QueueId, held: bool) -> Result<(), QueueError> {
        let record = if held { Record::Held } else { Record::Released };
        match self.change(id, record).await? {
            Change::Nothing => Err(QueueError::NotFound(id)),
            Change::Entered | Change::Changed | Change::Left => Ok(()),
        }
    }

    /// Removes a message without telling anybody.
    ///
    /// # Errors
    /// If there is no such message, or the journal has failed.
    pub async fn delete(&self, id: QueueId) -> Result<(), QueueError> {
        match self.change(id, Record::Deleted).await? {
            Change::Nothing => Err(QueueError::NotFound(id)),
            Change::Entered | Change::Changed | Change::Left => Ok(()),
        }
    }

    /// Records results as [`Queue::attempted`] does, but only puts them in the way of the disk:
    /// [`Queue::finish`] waits until they are there.
    ///
    /// # Errors
    /// If the journal has failed for good.
    pub async fn begin_attempted(
        &self,
        id: QueueId,
        attempts: Vec<Attempt>,
    ) -> Result<Begun, QueueError> {
        self.begin(id, Record::Attempted(attempts)).await
    }

    async fn change(&self, id: QueueId, record: Record) -> Result<Change, QueueError> {
        let begun = self.begin(id, record).await?;
        let change = begun.change;
        self.finish(begun).await?;
        Ok(change)
    }

    /// Applies a record, and hands it to the journal.
    async fn begin(&self, id: QueueId, record: Record) -> Result<Begun, QueueError> {
        let draft = record.draft(id)?;
        let permit = loop {
            match self.journal.reserve(draft.stored_bytes()).await {
                Err(error) => self.await_space(id, error).await?,
                Ok(permit) => break permit,
            }
        };
        let mut index = self.index.lock();
        let change = index.apply(id, &record);
        let written = match change {
            Change::Nothing => None,
            Change::Entered | Change::Changed | Change::Left => {
                Some(self.journal.enqueue(permit, vec![draft.clone()]))
            }
        };
        drop(index);
        Ok(Begun {
            id,
            change,
            draft,
            written,
        })
    }

    /// Waits until a change is durable, for space too: what has been handed over must not be
    /// forgotten, or it would be handed over again after a restart.
    ///
    /// # Errors
    /// If the journal has failed for good.
    pub async fn finish(&self, begun: Begun) -> Result<(), QueueError> {
        let Some(mut written) = begun.written else {
            return Ok(());
        };
        loop {
            let outcome = match written {
                Ok(pending) => self.settled(pending).await,
                Err(error) => Err(error),
            };
            let Err(error) = outcome else {
                break;
            };
            self.await_space(begun.id, error).await?;
            written = match self.journal.reserve(begun.draft.stored_bytes()).await {
                Ok(permit) => self.journal.enqueue(permit, vec![begun.draft.clone()]),
                Err(error) => Err(error),
            };
        }
        if begun.change == Change::Left {
            self.remove_file(begun.id).await;
        }
        Ok(())
    }

    /// Waits a little where there is no space; any other error is one.
    async fn await_space(&self, id: QueueId, error: AppendError) -> Result<(), AppendError> {
        let AppendError::NoSpace { directory, source } = error else {
            return Err(error);
        };
        tracing::warn!(
            directory = %directory.display(), error = %source, queue_id = %id,
            "no space to record a result; waiting for space"
        );
        tokio::time::sleep(self.patience).await;
        Ok(())
    }

    async fn settled(&self, pending: Pending) -> Result<(), AppendError> {
        let outcome = pending.await;
        if self.journal.has_failed() {
            self.failed.notify_one();
        }
        outcome.map(|_| ())
    }

    /// Whether mail can be taken, and if not, why.
    ///
    /// # Errors
    /// If the journal refuses records.
    pub fn check(&self) -> Result<Pace, QueueError> {
        self.check_room(0)
    }

    /// Whether a message of `size` bytes can be taken, and if not, why. The disk is never filled
    /// to its end with new mail, so that what is queued can still be delivered and recorded: its
    /// sender is kept waiting the longer, the less there is beyond that.
    ///
    /// # Errors
    /// If the journal refuses records, or less than the reserve would be left.
    pub fn check_room(&self, size: u64) -> Result<Pace, QueueError> {
        self.trusted()?;
        self.journal.check()?;
        let directory = &self.reserve.directory;
        let space = self.reserve.disk.space(directory);
        let available = space.map_err(QueueError::Disk)?.available;
        let needed = self.reserve.bytes.saturating_add(size);
        match available < needed {
            true => Err(QueueError::NoRoom {
                directory: directory.clone(),
                available,
                needed,
            }),
            false => Ok(Pace::with(available - needed, self.reserve.bytes)),
        }
    }

    /// An error once a sync of contents has failed.
    fn trusted(&self) -> Result<(), QueueError> {
        match self.broken.get() {
            None => Ok(()),
            Some(source) => Err(QueueError::NotDurable {
                source: Arc::clone(source),
            }),
        }
    }

    /// Whether a write or a sync has failed, so that only a restart helps.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.journal.has_failed() || self.broken.get().is_some()
    }

    /// Returns when the queue has failed for good: only a restart helps.
    pub async fn failed(&self) {
        while !self.has_failed() {
            self.failed.notified().await;
        }
    }

    /// A message.
    #[must_use]
    pub fn get(&self, id: QueueId) -> Option<Arc<Message>> {
        self.index.lock().state.get(id).cloned()
    }

    /// All messages, oldest first.
    #[must_use]
    pub fn list(&self) -> Vec<(QueueId, Arc<Message>)> {
        let index = self.index.lock();
        let mut all: Vec<_> = index
            .state
            .iter()
            .map(|(id, m)| (id, Arc::clone(m)))
            .collect();
        drop(index);
        all.sort_unstable_by_key(|(id, _)| *id);
        all
    }

    /// When the oldest message arrived.
    #[must_use]
    pub fn oldest(&self) -> Option<Timestamp> {
        let index = self.index.lock();
        index.state.iter().map(|(_, message)| message.arrived).min()
    }

    /// How many messages there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.lock().state.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where contents are written that are too large for the journal.
    #[must_use]
    pub fn spool(&self) -> &Spool {
        &self.spool
    }

    /// What the journal has done.
    #[must_use]
    pub fn stats(&self) -> roost_journal::Stats {
        self.journal.stats()
    }

    /// Writes a content to its file and makes it durable, before its message is accepted.
    ///
    /// # Errors
    /// If it cannot be written; no file is left then.
    pub async fn spool_content(&self, id: QueueId, bytes: Bytes) -> Result<(), QueueError> {
        let spool = self.spool.clone();
        let written = blocking(move || {
            let mut writing = spool.create(id)?;
            writing.push(&bytes)?;
            writing.finish()
        });
        written
            .await
            .map_err(|source| QueueError::Content { id, source })?;
        Ok(())
    }

    /// Opens a message's content.
    ///
    /// # Errors
    /// If it is not queued, or its file cannot be read.
    pub async fn content(&self, id: QueueId) -> Result<ContentReader, QueueError> {
        let (place, content) = {
            let index = self.index.lock();
            let missing = QueueError::NotFound(id);
            let (Some(home), Some(message)) = (index.homes.get(&id), index.state.get(id)) else {
                return Err(missing);
            };
            (home.place.clone(), message.content)
        };
        match place {
            Place::Memory(bytes) => Ok(ContentReader::memory(bytes)),
            Place::File => {
                let spool = self.spool.clone();
                let opened = blocking(move || spool.open(id, content)).await;
                let reading = opened.map_err(|source| QueueError::Content { id, source })?;
                Ok(ContentReader::file(reading, content))
            }
        }
    }

    /// Moves a content from memory to its file: its message will wait.
    ///
    /// # Errors
    /// If the file cannot be written; the content then stays in memory.
    pub async fn move_to_file(&self, id: QueueId) -> Result<(), QueueError> {
        let bytes = match self.index.lock().homes.get(&id) {
            Some(Home {
                place: Place::Memory(bytes),
                ..
            }) => bytes.clone(),
            Some(_) | None => return Ok(()),
        };
        let spool = self.spool.clone();
        blocking(move || spool.write(id, &bytes))
            .await
            .map_err(|source| QueueError::Content { id, source })?;
        if !self.index.lock().moved(id) {
            // It left the queue meanwhile.
            self.remove_file(id).await;
        }
        Ok(())
    }

    async fn relieve_memory(&self, id: QueueId) -> Result<(), QueueError> {
        let over = self.index.lock().memory > CONTENT_MEMORY;
        if !over {
            return Ok(());
        }
        match self.move_to_file(id).await {
            Err(error) => {
                // It is durable in the journal: memory is what is at stake, not the message.
                tracing::warn!(queue_id = %id, error = %roost_kit::fields::Chain(&error), "a content stays in memory");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    async fn remove_file(&self, id: QueueId) {
        let spool = self.spool.clone();
        if let Err(error) = blocking(move || spool.remove(id)).await {
            tracing::warn!(queue_id = %id, %error, "the content of a finished message stays until the next start");
        }
    }
}

/// Runs file work on a thread for it.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
}

//! From the journal into SQL and files: one thread, in the order of the journal.
//!
//! A batch is whatever has become durable since the last one. Files are written before the
//! transaction that refers to them is committed; a checkpoint makes both durable, remembers how far
//! they are, and lets the journal forget. If SQL or the disk refuse, the batch is tried again until
//! they do not: nothing is lost, since the journal has it, and nothing new is taken, since the room
//! for unapplied bytes is used up.
//!
//! A checkpoint whose sync fails is different: what was to become durable may be gone although it is
//! seen, and a second sync would say that all is well. So no checkpoint is made any more and nothing
//! new is taken, until the next start has written everything again that the journal holds.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use roost_journal::{Damage, Journal, Sequence};
use roost_kit::clock::Clock;
use roost_kit::disk::{DiskHandle, FileSystem};
use roost_kit::fields::Chain;
use tokio::sync::{Notify, OwnedSemaphorePermit, oneshot, watch};

use crate::blob::Blobs;
use crate::core::Core;
use crate::error::Error;
use crate::id::BlobDigest;
use crate::meta::{Checkpoint, Writer, deltas};
use crate::op::{BlobRecord, ChangeRecord};
use crate::overlay::{Overlay, Pin};
use crate::recover::Backlog;
use crate::registry::Registry;
use crate::state::Outline;

/// The most appends that one transaction takes.
const BATCH: usize = 1024;
/// How long a batch waits for more to join it, if nobody asks for what is in it: the rows of a busy
/// mailbox and the pages of SQLite's log are then written once for many changes. Meanwhile all of it
/// is served from memory.
const GATHER: Duration = Duration::from_millis(25);
/// A batch of so many appends, or of so many octets of bodies, waits no longer.
const ENOUGH: usize = 512;
const ENOUGH_BYTES: u64 = 4 << 20;
/// The most files that are removed after one checkpoint.
const COLLECTED: i64 = 10_000;

/// The records of one append.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) last: Sequence,
    pub(crate) blobs: Vec<Pin>,
    pub(crate) changes: Vec<ChangeUnit>,
    /// Its share of the room for unapplied bytes; `None` for what a start has found.
    pub(crate) _room: Option<OwnedSemaphorePermit>,
}

impl Group {
    fn body_bytes(&self) -> u64 {
        let bodies = self.blobs.iter().filter(|pin| pin.kept().has_body());
        bodies.map(Pin::size).sum()
    }
}

/// A change, and the mailbox after it in outline.
#[derive(Debug)]
pub(crate) struct ChangeUnit {
    pub(crate) record: Arc<ChangeRecord>,
    pub(crate) outline: Outline,
    /// To tell once it is applied; `None` where nobody can have it yet.
    pub(crate) core: Option<Arc<Core>>,
    pub(crate) sequence: Sequence,
}

/// What one transaction applies.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) groups: Vec<Group>,
}

impl Batch {
    pub(crate) fn blobs(&self) -> impl Iterator<Item = &Pin> {
        self.groups.iter().flat_map(|group| &group.blobs)
    }

    pub(crate) fn changes(&self) -> impl Iterator<Item = &ChangeUnit> {
        self.groups.iter().flat_map(|group| &group.changes)
    }

    pub(crate) fn through(&self) -> Sequence {
        self.groups
            .last()
            .map_or(Sequence::ZERO, |group| group.last)
    }
}

/// The part of a batch that SQL does not have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Work<'a> {
    pub(crate) groups: &'a [Group],
}

impl<'a> Work<'a> {
    pub(crate) fn pins(self) -> impl Iterator<Item = &'a Pin> {
        self.groups.iter().flat_map(|group| &group.blobs)
    }

    pub(crate) fn changes(self) -> impl Iterator<Item = &'a ChangeUnit> {
        self.groups.iter().flat_map(|group| &group.changes)
    }

    pub(crate) fn through(self) -> Sequence {
        self.groups
            .last()
            .map_or(Sequence::ZERO, |group| group.last)
    }

    /// Above the numbers of all its mailboxes.
    pub(crate) fn next_mailbox(self) -> i64 {
        let ids = self.changes().map(|unit| unit.outline.id.get());
        ids.max().map_or(1, |id| id + 1).cast_signed()
    }
}

/// Who waits for an outcome.
type Told = oneshot::Sender<Result<(), Error>>;

/// What verifying wants to have written.
#[derive(Debug)]
pub(crate) enum Mend {
    /// How often a content is referred to.
    References(BlobDigest),
    /// The row of a content.
    Content(Arc<BlobRecord>),
}

/// What waits to be applied.
#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<Waiting>,
    wake: Notify,
    applied: watch::Sender<u64>,
    pub(crate) checkpoints: AtomicU64,
    failing: AtomicBool,
    /// Why no checkpoint can be made any more.
    broken: OnceLock<Error>,
}

#[derive(Debug, Default)]
struct Waiting {
    groups: VecDeque<Group>,
    /// Octets of bodies in `groups`.
    bytes: u64,
    wanted: Vec<Told>,
    mends: Vec<(Mend, Told)>,
    /// Somebody waits for what is in `groups`.
    hurried: bool,
    /// The thread waits for `groups` to become enough: it need not be told of each.
    gathering: bool,
    closing: bool,
}

impl Waiting {
    /// Whether `groups` need not wait for more to join them.
    fn is_due(&self) -> bool {
        self.closing
            || self.hurried
            || !self.wanted.is_empty()
            || self.groups.len() >= ENOUGH
            || self.bytes >= ENOUGH_BYTES
    }

    /// The next batch; empty if nothing waits.
    fn take(&mut self) -> Vec<Group> {
        let count = self.groups.len().min(BATCH);
        let groups: Vec<Group> = self.groups.drain(..count).collect();
        if self.groups.is_empty() {
            self.hurried = false;
            self.bytes = 0;
            if self.groups.capacity() > BATCH {
                self.groups.shrink_to(BATCH);
            }
        }
        groups
    }
}

impl Queue {
    pub(crate) fn new(applied: Sequence) -> Self {
        Self {
            state: Mutex::new(Waiting::default()),
            wake: Notify::new(),
            applied: watch::Sender::new(applied.get()),
            checkpoints: AtomicU64::new(0),
            failing: AtomicBool::new(false),
            broken: OnceLock::new(),
        }
    }

    pub(crate) fn push(&self, group: Group) {
        let mut state = self.state.lock();
        state.bytes += group.body_bytes();
        state.groups.push_back(group);
        let tell = !state.gathering || state.is_due();
        drop(state);
        if tell {
            self.wake.notify_one();
        }
    }

    /// What waits is applied at once.
    fn hurry(&self) {
        let mut state = self.state.lock();
        if !state.groups.is_empty() {
            state.hurried = true;
            drop(state);
            self.wake.notify_one();
        }
    }

    /// Wants a checkpoint when everything is applied.
    pub(crate) fn want_checkpoint(&self) {
        let (tell, _) = oneshot::channel();
        self.state.lock().wanted.push(tell);
        self.wake.notify_one();
    }

    /// Waits until something is mended: between two batches, as only one writes.
    pub(crate) async fn mend(&self, mend: Mend) -> Result<(), Error> {
        let (tell, told) = oneshot::channel();
        self.state.lock().mends.push((mend, tell));
        self.wake.notify_one();
        told.await.unwrap_or(Err(Error::Unavailable {
            what: "it is closed",
            source: None,
        }))
    }

    /// Waits for a checkpoint.
    pub(crate) async fn checkpoint(&self) -> Result<(), Error> {
        let (tell, told) = oneshot::channel();
        self.state.lock().wanted.push(tell);
        self.wake.notify_one();
        told.await.unwrap_or(Err(Error::Unavailable {
            what: "it is closed",
            source: None,
        }))
    }

    /// Waits until everything up to `sequence` is in SQL.
    pub(crate) async fn applied(&self, sequence: Sequence) -> Result<(), Error> {
        const PATIENCE: Duration = Duration::from_secs(30);
        let mut applied = self.applied.subscribe();
        if *applied.borrow_and_update() >= sequence.get() {
            return Ok(());
        }
        self.hurry();
        let reached = applied.wait_for(|applied| *applied >= sequence.get());
        match tokio::time::timeout(PATIENCE, reached).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(Error::unavailable("metadata are not written", error)),
            Err(error) => Err(Error::unavailable(
                "metadata are not written in time",
                error,
            )),
        }
    }

    pub(crate) fn newest_applied(&self) -> u64 {
        *self.applied.borrow()
    }

    pub(crate) fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }

    /// An error once what SQL and files hold may not be what the disk holds.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.broken.get().cloned().map_or(Ok(()), Err)
    }

    pub(crate) fn close(&self) {
        self.state.lock().closing = true;
        self.wake.notify_one();
    }
}

/// When checkpoints are made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) interval: Duration,
    pub(crate) bytes: u64,
    pub(crate) grace: Duration,
    /// How long after a failure a batch is tried again.
    pub(crate) retry: Duration,
}

/// The thread's own.
pub(crate) struct Applier {
    pub(crate) queue: Arc<Queue>,
    pub(crate) writer: Writer,
    pub(crate) blobs: Blobs,
    pub(crate) overlay: Overlay,
    pub(crate) disk: DiskHandle,
    /// The file that says how far SQL and files are durable.
    pub(crate) mark: PathBuf,
    /// The file that says that a sync has failed.
    pub(crate) suspect: PathBuf,
    /// Where SQL is.
    pub(crate) file_system: Box<dyn FileSystem>,
    pub(crate) clock: Clock,
    pub(crate) pace: Pace,
}

/// What there is to do.
struct Next {
    batch: Batch,
    wanted: Vec<Told>,
    mends: Vec<(Mend, Told)>,
    closing: bool,
}

/// What was applied since the last checkpoint.
struct Progress {
    applied: Sequence,
    checkpointed: Sequence,
    bytes: u64,
    since: Instant,
}

impl Applier {
    /// Until the queue is closed and empty. `durable` is what SQL and files are known to hold for
    /// good.
    pub(crate) async fn run(
        mut self,
        durable: Sequence,
        journal: Weak<Journal>,
        registry: Arc<Registry>,
    ) {
        let mut progress = Progress {
            applied: durable,
            checkpointed: durable,
            bytes: 0,
            since: self.clock.instant(),
        };
        loop {
            let Next {
                batch,
                wanted,
                mends,
                closing,
            } = self.next(&progress).await;
            if !batch.groups.is_empty() && !self.apply_until_done(batch, &mut progress).await {
                return;
            }
            for (mend, tell) in mends {
                // Whoever asked may have gone.
                drop(tell.send(self.mend(&mend).await));
            }
            let due = progress.applied > progress.checkpointed
                && (progress.bytes >= self.pace.bytes || self.overdue(&progress).is_zero());
            if due || !wanted.is_empty() {
                let done = self.checkpoint_and_release(&mut progress, &journal).await;
                registry.trim();
                if let Err(error) = &done {
                    let error = Chain(error);
                    tracing::warn!(%error, "a checkpoint failed; the journal keeps growing");
                }
                for tell in wanted {
                    // Whoever asked may have gone.
                    drop(tell.send(done.clone()));
                }
            }
            if closing && self.queue.state.lock().groups.is_empty() {
                return;
            }
        }
    }

    /// Waits for something to do.
    async fn next(&self, progress: &Progress) -> Next {
        loop {
            let behind = progress.applied > progress.checkpointed;
            self.gather().await;
            {
                let mut state = self.queue.state.lock();
                let groups = state.take();
                let due = behind && self.overdue(progress).is_zero();
                let wanted = if state.groups.is_empty() {
                    std::mem::take(&mut state.wanted)
                } else {
                    Vec::new()
                };
                let mends = std::mem::take(&mut state.mends);
                let idle = groups.is_empty() && wanted.is_empty() && mends.is_empty();
                if !idle || due || state.closing {
                    return Next {
                        batch: Batch { groups },
                        wanted,
                        mends,
                        closing: state.closing,
                    };
                }
            }
            let told = self.queue.wake.notified();
            if behind {
                let patience = self.overdue(progress).max(Duration::from_millis(10));
                // Either is a reason to look again.
                drop(tokio::time::timeout(patience, told).await);
            } else {
                told.await;
            }
        }
    }

    /// Lets what waits become a batch that is worth a transaction.
    async fn gather(&self) {
        let pause = tokio::time::sleep(GATHER);
        tokio::pin!(pause);
        loop {
            let told = self.queue.wake.notified();
            {
                let mut state = self.queue.state.lock();
                state.gathering = !state.groups.is_empty() && !state.is_due();
                if !state.gathering {
                    return;
                }
            }
            // Cancel-safe: what was told is looked up again.
            tokio::select! {
                () = &mut pause => {
                    self.queue.state.lock().gathering = false;
                    return;
                }
                () = told => {}
            }
        }
    }

    /// How long until a checkpoint is due.
    fn overdue(&self, progress: &Progress) -> Duration {
        let elapsed = self
            .clock
            .instant()
            .saturating_duration_since(progress.since);
        self.pace.interval.saturating_sub(elapsed)
    }

    async fn mend(&mut self, mend: &Mend) -> Result<(), Error> {
        let now = self.clock.now().as_second();
        match mend {
            Mend::References(digest) => self.writer.count_references(*digest, now).await,
            Mend::Content(blob) => self.writer.know(blob, now).await,
        }
    }

    /// `false` when it was closed before it could be done.
    async fn apply_until_done(&mut self, batch: Batch, progress: &mut Progress) -> bool {
        if progress.applied == progress.checkpointed {
            progress.since = self.clock.instant();
        }
        while let Err(error) = self.apply(&batch).await {
            if self.queue.failing.swap(true, Ordering::Relaxed) {
                tracing::debug!(error = %Chain(&error), "changes still cannot be applied");
            } else {
                tracing::warn!(
                    error = %Chain(&error),
                    "changes are safe in the journal, but cannot be applied; trying again every second"
                );
            }
            if self.queue.state.lock().closing {
                // The journal has them; the next start applies them.
                return false;
            }
            tokio::time::sleep(self.pace.retry).await;
        }
        if self.queue.failing.swap(false, Ordering::Relaxed) {
            tracing::info!("changes can be applied again");
        }
        let bytes: u64 = batch.blobs().map(Pin::size).sum();
        progress.bytes += bytes + 128 * batch.changes().count() as u64;
        progress.applied = batch.through();
        let newest = self.queue.newest_applied().max(progress.applied.get());
        self.queue.applied.send_replace(newest);
        let mut told: HashMap<*const Core, (&Arc<Core>, Sequence)> = HashMap::new();
        for unit in batch.changes() {
            if let Some(core) = &unit.core {
                told.insert(Arc::as_ptr(core), (core, unit.sequence));
            }
        }
        for (core, sequence) in told.into_values() {
            core.applied(sequence);
        }
        true
    }

    /// Applies everything that a start has found, before anybody is served: where records are lost,
    /// figures have to be counted anew first, and numbers that may have been given must not be given
    /// again.
    pub(crate) async fn catch_up(
        &mut self,
        backlog: &mut Backlog,
        damage: &[Damage],
    ) -> Result<(), Error> {
        let last = backlog
            .groups
            .last()
            .map_or(backlog.applied, |group| group.last);
        let mut groups = std::mem::take(&mut backlog.groups);
        while !groups.is_empty() {
            let rest = groups.split_off(groups.len().min(BATCH));
            self.apply(&Batch { groups }).await?;
            groups = rest;
        }
        if !damage.is_empty() {
            self.writer.mend_after_loss(damage).await?;
        }
        backlog.cores.clear();
        backlog.applied = last;
        backlog.durable = last;
        self.queue.applied.send_replace(last.get());
        self.checkpoint(last).await
    }

    /// Applies a batch once.
    pub(crate) async fn apply(&mut self, batch: &Batch) -> Result<(), Error> {
        let (applied, _) = self.writer.applied().await?;
        let split = batch.groups.partition_point(|group| group.last <= applied);
        let (old, new) = batch.groups.split_at(split);
        // What SQL has already is known to have its files only since the last checkpoint.
        for pin in old.iter().flat_map(|group| &group.blobs) {
            let blob = pin.kept().read(self.disk.as_ref())?;
            if let Some(body) = &blob.body {
                self.write_file(blob.digest, body)?;
                // Whoever waits for an answer comes first.
                std::thread::yield_now();
            }
        }
        if new.is_empty() {
            return Ok(());
        }
        let work = Work { groups: new };
        let digests: Vec<BlobDigest> = deltas(work).into_keys().collect();
        let known = self.writer.known(&digests).await?;
        let mut written = HashSet::new();
        let mut blobs = Vec::new();
        for pin in new.iter().flat_map(|group| &group.blobs) {
            // What is referred to has its file; what is only remembered may have lost it.
            let there = known.get(&pin.digest()).is_some_and(|refs| *refs > 0);
            if there || !written.insert(pin.digest()) {
                continue;
            }
            let blob = pin.kept().read(self.disk.as_ref())?;
            if let Some(body) = &blob.body {
                self.write_file(blob.digest, body)?;
                // Whoever waits for an answer comes first.
                std::thread::yield_now();
            }
            blobs.push(blob);
        }
        let now = self.clock.now().as_second();
        self.writer.apply(work, &blobs, &known, now).await
    }

    pub(crate) fn write_file(&self, digest: BlobDigest, body: &[u8]) -> Result<(), Error> {
        self.blobs
            .write(digest, body)
            .map_err(|error| Error::unavailable("a message file cannot be written", error))
    }

    async fn checkpoint_and_release(
        &mut self,
        progress: &mut Progress,
        journal: &Weak<Journal>,
    ) -> Result<(), Error> {
        if progress.applied > progress.checkpointed {
            self.checkpoint(progress.applied).await?;
            progress.checkpointed = progress.applied;
            progress.bytes = 0;
            if let Some(journal) = journal.upgrade() {
                journal.release(progress.applied);
            }
        }
        self.queue.checkpoints.fetch_add(1, Ordering::Relaxed);
        self.collect().await
    }

    /// Makes what is in SQL and files durable.
    pub(crate) async fn checkpoint(&mut self, applied: Sequence) -> Result<(), Error> {
        self.queue.check()?;
        if let Err(error) = self.writer.checkpoint().await {
            return Err(match error {
                Checkpoint::Later(error) => error,
                Checkpoint::Failed(error) => self.distrust(error),
            });
        }
        // SQLite's log is durable with the file system that it is on, whether or not a reader kept
        // it from being moved into the database.
        let synced = self.blobs.sync().and_then(|()| self.file_system.sync());
        if let Err(error) = synced {
            let error = Error::unavailable("a sync failed (restart to recover)", error);
            return Err(self.distrust(error));
        }
        let text = applied.to_string();
        // The mark itself may be tried again: until it is durable the journal keeps everything.
        let marked = self.disk.write_atomically(&self.mark, text.as_bytes());
        marked.map_err(|error| Error::unavailable("a checkpoint cannot be written", error))
    }

    /// A sync has failed: this process makes no checkpoint any more, and the next one does not take
    /// the database for what it seems to be.
    fn distrust(&self, error: Error) -> Error {
        tracing::error!(%error, cause = ?error, "a checkpoint could not be made durable; restart to recover");
        if let Err(error) = self
            .disk
            .write_atomically(&self.suspect, b"a sync failed\n")
        {
            tracing::error!(%error, path = %self.suspect.display(), "cannot be written either");
        }
        self.queue.broken.get_or_init(|| error).clone()
    }

    /// Removes the files of contents that nobody has had for a while. Rows first: a file without a
    /// row is waste, a row without its file would be loss.
    async fn collect(&mut self) -> Result<(), Error> {
        let grace = i64::try_from(self.pace.grace.as_secs()).unwrap_or(i64::MAX);
        let before = self.clock.now().as_second().saturating_sub(grace);
        let overlay = self.overlay.clone();
        let forgotten = self
            .writer
            .forget(before, COLLECTED, |digest| overlay.holds(digest))
            .await?;
        for digest in forgotten {
            let removed = self
                .overlay
                .unless_pinned(digest, || self.blobs.remove(digest));
            if let Some(Err(error)) = removed {
                tracing::warn!(path = %self.blobs.path(digest).display(), %error, "cannot remove");
            }
        }
        Ok(())
    }
}

/// How far SQL and files were durable at the last checkpoint.
pub(crate) fn read_mark(disk: &DiskHandle, mark: &std::path::Path) -> Result<Sequence, Error> {
    if !disk.exists(mark).map_err(unreadable)? {
        return Ok(Sequence::ZERO);
    }
    let bytes = disk.read(mark).map_err(unreadable)?;
    let number = std::str::from_utf8(&bytes)
        .ok()
        .and_then(|text| text.trim().parse().ok());
    number.map(Sequence::new).ok_or_else(|| Error::Open {
        what: format!("its checkpoint {} is damaged", mark.display()),
        source: None,
    })
}

fn unreadable(error: std::io::Error) -> Error {
    Error::open("its checkpoint cannot be read", error)
}

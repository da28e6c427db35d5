//! From lines that arrived to lines that are durable.
//!
//! Room is counted in bytes, from a line's arrival until the builder has taken it: so neither a slow
//! disk nor slow compression lets memory grow. Streams wait for room, which makes their senders wait.
//! Datagrams cannot: when room gets scarce the least urgent are turned away first, and errors last.

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use futures_util::FutureExt as _;
use parking_lot::{Condvar, Mutex};
use roost_journal::{AppendError, Config, Draft, Journal, Kind, Pending, Recovery, Sequence};
use roost_kit::clock::Clock;
use roost_kit::disk::{DiskHandle, is_full};
use roost_kit::fields::Chain;
use roost_kit::health::Health;
use roost_kit::tasks::Tasks;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::line::Batch;
use super::reader::{Store, StoreError};
use crate::metrics::Counts;
use crate::syslog::Severity;

/// What waits between arrival and segment, in bytes; most of the daemon's memory.
pub const ROOM_BYTES: u32 = 6 << 20;
/// What one batch may hold; a stream that has more makes several.
pub const BATCH_BYTES: usize = 256 << 10;
/// Batches of one stream that may wait for the disk at a time.
const PIPELINE: usize = 4;
/// The size of a segment of the journal.
const JOURNAL_SEGMENT_BYTES: u64 = 16 << 20;
/// How long a full disk is waited for before it is tried again.
const PATIENCE: Duration = Duration::from_secs(1);
/// A segment with so many bytes of lines is written at the end, complete or not.
const CLOSE_BYTES: u64 = 4 << 20;
const LINES: u16 = 1;
const KINDS: &[Kind] = &[Kind {
    number: LINES,
    version_max: 0,
}];

/// What the intake stands on; cheap to clone.
#[derive(Debug, Clone)]
pub struct Ground {
    /// How bytes become durable.
    pub disk: DiskHandle,
    /// What time it is.
    pub clock: Clock,
    /// Who runs.
    pub tasks: Tasks,
    /// What keeps the daemon from serving.
    pub health: Health,
    /// What is counted.
    pub counts: Counts,
}

/// Where lines are handed in; cheap to clone.
#[derive(Debug, Clone)]
pub struct Intake(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    journal: Journal,
    room: Arc<Semaphore>,
    ready: Arc<Ready>,
    counts: Counts,
}

/// What is durable and not yet in a segment, in the journal's order; bounded by the room that each
/// piece holds.
#[derive(Debug, Default)]
struct Ready {
    queue: Mutex<Queue>,
    news: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    pieces: VecDeque<Piece>,
    is_closed: bool,
}

#[derive(Debug)]
struct Piece {
    sequence: Sequence,
    batch: Bytes,
    _room: OwnedSemaphorePermit,
}

impl Ready {
    fn push(&self, piece: Piece) {
        self.queue.lock().pieces.push_back(piece);
        self.news.notify_one();
    }

    fn close(&self) {
        self.queue.lock().is_closed = true;
        self.news.notify_one();
    }

    /// The next piece; None at the end.
    fn next(&self) -> Option<Piece> {
        let mut queue = self.queue.lock();
        loop {
            if let Some(piece) = queue.pieces.pop_front() {
                return Some(piece);
            }
            if queue.is_closed {
                return None;
            }
            self.news.wait(&mut queue);
        }
    }
}

impl Intake {
    /// Opens the journal in `directory`, gives `store` what it has not yet, and goes on from there.
    /// Blocks: reads the whole journal.
    ///
    /// # Errors
    /// When the journal cannot be read or written, or a segment cannot.
    pub fn open(store: &Store, directory: &Path, ground: Ground) -> anyhow::Result<Self> {
        let mut config = Config::new(directory, KINDS);
        config.segment_bytes = JOURNAL_SEGMENT_BYTES;
        config.retry = PATIENCE;
        let mut recovery = Recovery::read(config, Arc::clone(&ground.disk))?;
        recovery.secure()?;
        for damage in recovery.damage() {
            tracing::error!(%damage, "log lines are lost");
        }
        // A journal that is younger than the segments (somebody has removed the one before) begins
        // anew.
        let reached = store.sequence();
        let is_younger = reached > recovery.last().get();
        let after = match is_younger {
            true => recovery.first().previous(),
            false => Sequence::new(reached).max(recovery.first().previous()),
        };
        let mut lines = 0_u64;
        for record in recovery.replay(after)? {
            let record = record?;
            store.add(record.sequence.get(), &record.payload)?;
            lines += 1;
        }
        let journal = recovery.start(ground.clock.clone())?;
        if is_younger {
            store.seal()?;
        }
        journal.release(Sequence::new(store.sequence()));
        tracing::info!(records = lines, "lines since the last segment read");
        let intake = Self(Arc::new(Inner {
            journal,
            room: Arc::new(Semaphore::new(ROOM_BYTES as usize)),
            ready: Arc::default(),
            counts: ground.counts.clone(),
        }));
        intake.begin_building(store, ground)?;
        Ok(intake)
    }

    fn begin_building(&self, store: &Store, ground: Ground) -> anyhow::Result<()> {
        let ready = Arc::clone(&self.0.ready);
        let tasks = ground.tasks.clone();
        let building = Building {
            ready: Arc::clone(&ready),
            journal: Arc::downgrade(&self.0),
            store: store.clone(),
            ground,
        };
        let thread = std::thread::Builder::new()
            .name("log-builder".to_owned())
            .spawn(move || building.run())
            .context("cannot start a thread")?;
        let stopping = tasks.stopping();
        let intake = self.clone();
        tasks.spawn_worker("log store", async move {
            stopping.cancelled().await;
            ready.close();
            let ended = tokio::task::spawn_blocking(move || thread.join().is_ok()).await;
            drop(intake);
            anyhow::ensure!(ended.unwrap_or(false), "the builder of segments panicked");
            Ok(())
        });
        Ok(())
    }

    /// Waits until all of a batch is durable, and longer while the disk is full.
    ///
    /// # Errors
    /// When a write failed, so that only a restart helps.
    pub async fn put(&self, batch: Batch) -> Result<(), AppendError> {
        let mut stream = self.stream();
        stream.put(batch).await?;
        stream.settle().await
    }

    /// For one sender whose lines come one after the other.
    #[must_use]
    pub fn stream(&self) -> Stream {
        Stream {
            intake: self.clone(),
            under_way: VecDeque::new(),
        }
    }

    /// Whether there is room for a line of such urgency from a sender that cannot wait.
    #[must_use]
    pub fn has_room_for(&self, severity: Severity, waiting: usize) -> bool {
        let room = ROOM_BYTES as usize;
        let free = self.0.room.available_permits().saturating_sub(waiting);
        let must_stay = match severity {
            Severity::Debug => room / 2,
            Severity::Info => room / 8 * 3,
            Severity::Notice => room / 4,
            Severity::Warning => room / 8,
            Severity::Error | Severity::Critical | Severity::Alert | Severity::Emergency => 0,
        };
        free > must_stay
    }

    /// Hands in what cannot wait; false if there is no room for it.
    #[must_use]
    pub fn offer(&self, batch: Batch) -> bool {
        let lines = batch.lines();
        let batch = batch.into_bytes();
        let bytes = u32::try_from(batch.len()).unwrap_or(u32::MAX);
        let Ok(room) = Arc::clone(&self.0.room).try_acquire_many_owned(bytes) else {
            return false;
        };
        let filed = self.reserved(&batch).now_or_never();
        match filed.map(|permit| permit.and_then(|permit| self.file(permit, room, &batch, lines))) {
            Some(Ok(_pending)) => true,
            Some(Err(_)) | None => false,
        }
    }

    async fn reserved(&self, batch: &Bytes) -> Result<roost_journal::Permit, AppendError> {
        self.0.journal.reserve(draft(batch).stored_bytes()).await
    }

    fn file(
        &self,
        permit: roost_journal::Permit,
        room: OwnedSemaphorePermit,
        batch: &Bytes,
        lines: u64,
    ) -> Result<Pending, AppendError> {
        let ready = Arc::clone(&self.0.ready);
        let counts = self.0.counts.clone();
        let kept = batch.clone();
        self.0
            .journal
            .enqueue_then(permit, None, vec![draft(batch)], move |outcome| {
                if let Ok(durable) = outcome {
                    counts.lines.inc_by(lines);
                    ready.push(Piece {
                        sequence: durable.sequence(),
                        batch: kept,
                        _room: room,
                    });
                } else {
                    counts.refused.inc_by(lines);
                }
            })
    }
}

fn draft(batch: &Bytes) -> Draft {
    Draft {
        kind: LINES,
        version: 0,
        stream: 0,
        payload: batch.clone(),
    }
}

/// The batches of one sender that are under way.
#[derive(Debug)]
pub struct Stream {
    intake: Intake,
    under_way: VecDeque<(Pending, Bytes, u64)>,
}

impl Stream {
    /// Hands a batch in. Waits for room, and for earlier batches when too many are under way.
    ///
    /// # Errors
    /// When a write failed, so that only a restart helps.
    pub async fn put(&mut self, batch: Batch) -> Result<(), AppendError> {
        if batch.is_empty() {
            return Ok(());
        }
        while self.under_way.len() >= PIPELINE {
            self.settle_first().await?;
        }
        let lines = batch.lines();
        self.file(batch.into_bytes(), lines).await
    }

    async fn file(&mut self, batch: Bytes, lines: u64) -> Result<(), AppendError> {
        let inner = &self.intake.0;
        let bytes = u32::try_from(batch.len())
            .unwrap_or(u32::MAX)
            .min(ROOM_BYTES);
        let room = Arc::clone(&inner.room).acquire_many_owned(bytes).await;
        let room = room.map_err(|_closed| AppendError::Closed)?;
        let permit = self.intake.reserved(&batch).await?;
        let pending = self.intake.file(permit, room, &batch, lines)?;
        self.under_way.push_back((pending, batch, lines));
        Ok(())
    }

    /// Waits until everything that was handed in is durable.
    ///
    /// # Errors
    /// When a write failed, so that only a restart helps.
    pub async fn settle(&mut self) -> Result<(), AppendError> {
        while !self.under_way.is_empty() {
            self.settle_first().await?;
        }
        Ok(())
    }

    async fn settle_first(&mut self) -> Result<(), AppendError> {
        let Some((pending, batch, lines)) = self.under_way.pop_front() else {
            return Ok(());
        };
        match pending.await {
            Ok(_durable) => Ok(()),
            Err(AppendError::NoSpace { .. }) => {
                // It comes after later ones then; the times in the lines say how it was.
                tokio::time::sleep(PATIENCE).await;
                self.file(batch, lines).await
            }
            Err(error) => Err(error),
        }
    }
}

/// The thread that makes segments.
struct Building {
    ready: Arc<Ready>,
    /// Weak, as the journal ends when the last sender of lines does.
    journal: std::sync::Weak<Inner>,
    store: Store,
    ground: Ground,
}

impl Building {
    fn run(self) {
        while let Some(piece) = self.ready.next() {
            match self.add(&piece) {
                Ok(false) => {}
                Ok(true) => {
                    if let Some(inner) = self.journal.upgrade() {
                        inner.journal.release(Sequence::new(self.store.sequence()));
                    }
                }
                Err(error) => {
                    self.ground.tasks.fail(error.into());
                    return;
                }
            }
        }
        self.close();
    }

    /// Writes what would take the next start a while to read again.
    fn close(&self) {
        let is_large = self.store.growing_bytes() >= CLOSE_BYTES;
        if let Err(error) = if is_large { self.store.seal() } else { Ok(()) } {
            // The journal has it.
            tracing::warn!(error = %Chain(&error), "the last lines stay in the journal");
        }
    }

    /// Adds a piece; a full disk is waited for, but not when the daemon stops: the journal has it.
    fn add(&self, piece: &Piece) -> Result<bool, StoreError> {
        const PART: &str = "log segments";
        loop {
            match self.store.add(piece.sequence.get(), &piece.batch) {
                Ok(sealed) => {
                    if sealed {
                        self.ground.health.well(PART);
                    }
                    return Ok(sealed);
                }
                Err(error @ StoreError::Write { .. }) if is_out_of_space(&error) => {
                    self.ground.health.ill(PART, Chain(&error).to_string());
                    if self.ready.queue.lock().is_closed {
                        return Ok(false);
                    }
                    std::thread::park_timeout(PATIENCE);
                }
                Err(error) => return Err(error),
            }
        }
    }
}

fn is_out_of_space(error: &StoreError) -> bool {
    match error {
        StoreError::Write { source, .. } => is_full(source),
        StoreError::Folder { .. } | StoreError::Segment(_) => false,
    }
}

impl Inner {
    /// What of the journal takes part in the room that the store may take.
    fn journal_bytes(&self) -> u64 {
        self.journal.stats().segments * JOURNAL_SEGMENT_BYTES
    }
}

impl Intake {
    /// What the journal takes on the disk, in bytes.
    #[must_use]
    pub fn journal_bytes(&self) -> u64 {
        self.0.journal_bytes()
    }

    /// How often the journal has synced.
    #[must_use]
    pub fn flushes(&self) -> u64 {
        self.0.journal.stats().flushes
    }

    /// Fails when a write has failed, so that only a restart helps.
    ///
    /// # Errors
    /// That one.
    pub fn check(&self) -> io::Result<()> {
        match self.0.journal.has_failed() {
            true => Err(io::Error::other("the log's journal has failed")),
            false => Ok(()),
        }
    }
}

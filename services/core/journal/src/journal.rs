//! Appending: reserve room, enqueue, await [`Durable`].

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::thread::JoinHandle;

use parking_lot::Mutex;
use roost_kit::clock::Clock;
use roost_kit::disk::DiskHandle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::config::Config;
use crate::error::{AppendError, Doing, OpenError};
use crate::format::{Draft, HEADER_BYTES, SegmentHeader, Sequence};
use crate::queue::{Group, Queue};
use crate::recovery::{Damage, Recovery, Tail};
use crate::replay::Replay;
use crate::scan;
use crate::segment::Segment;
use crate::space::{Fault, Space};
use crate::stats::{Counters, Stats};
use crate::writer::{Active, Writer, begin_segment};

/// An open journal. Dropping it writes what is queued and ends its threads.
pub struct Journal {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
    keeper: Option<JoinHandle<()>>,
}

/// What the handle and the threads share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) disk: DiskHandle,
    pub(crate) clock: Clock,
    pub(crate) queue: Queue,
    /// Bytes that may still be queued.
    pub(crate) room: Arc<Semaphore>,
    pub(crate) space: Space,
    pub(crate) segments: Mutex<Vec<Segment>>,
    pub(crate) counters: Counters,
}

/// What reading a journal through has found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inspection {
    /// Segments that were read.
    pub segments: u64,
    /// What cannot be read, or was exchanged.
    pub damage: Vec<Damage>,
}

/// Proof that an append is on the disk. Only the sync that covers it makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Durable {
    first: Sequence,
    last: Sequence,
}

impl Durable {
    pub(crate) fn new(first: Sequence, last: Sequence) -> Self {
        Self { first, last }
    }

    /// The number of the append's first record.
    #[must_use]
    pub fn first(&self) -> Sequence {
        self.first
    }

    /// The number of the append's last record.
    #[must_use]
    pub fn sequence(&self) -> Sequence {
        self.last
    }
}

/// Changes whenever queued appends are refused. A caller whose state includes changes that it
/// has enqueued passes the epoch in which it began, and so never builds on a refused one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Epoch(u64);

impl Epoch {
    pub(crate) fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// Room in the queue; given back when what was enqueued with it is durable or refused.
#[derive(Debug)]
pub struct Permit {
    _room: OwnedSemaphorePermit,
}

/// An append under way. Dropping it does not take the append back.
#[derive(Debug)]
pub struct Pending {
    first: Sequence,
    last: Sequence,
    outcome: oneshot::Receiver<Result<Durable, AppendError>>,
}

impl Pending {
    /// The number that the append's first record will have.
    #[must_use]
    pub fn first(&self) -> Sequence {
        self.first
    }

    /// The number that the append's last record will have.
    #[must_use]
    pub fn sequence(&self) -> Sequence {
        self.last
    }
}

impl Future for Pending {
    type Output = Result<Durable, AppendError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.outcome)
            .poll(context)
            .map(|outcome| outcome.unwrap_or(Err(AppendError::Closed)))
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal")
            .field("directory", &self.shared.config.directory)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl Journal {
    pub(crate) fn start(recovery: Recovery, clock: Clock) -> Result<Self, OpenError> {
        let Recovery {
            config,
            disk,
            mut segments,
            listing,
            next,
            tail,
            ..
        } = recovery;
        let directory = config.directory.clone();
        let resumed = match tail {
            Some(tail) => resume(&disk, &listing.segments, &mut segments, tail)?,
            None => Resumed::Nothing,
        };
        let space = Space::new(&config, disk.clone(), &listing)
            .doing("prepare spare segments in", &directory)?;
        let shared = Arc::new(Shared {
            queue: Queue::new(next),
            room: Arc::new(Semaphore::new(config.queue_bytes as usize)),
            space,
            counters: Counters::default(),
            segments: Mutex::new(segments),
            config,
            disk,
            clock,
        });
        let counters = &shared.counters;
        counters
            .durable
            .store(next.previous().get(), Ordering::Release);
        counters
            .segments
            .store(shared.segments.lock().len() as u64, Ordering::Relaxed);
        let mut journal = Self {
            shared: shared.clone(),
            writer: None,
            keeper: None,
        };
        let keeper = shared.clone();
        let life = move || keeper.space.run(&keeper.queue);
        journal.keeper = Some(journal.spawn("journal-space", life)?);
        let active = match resumed {
            Resumed::Open(active) => *active,
            Resumed::Sealed { header } => journal.new_segment(header, next)?,
            Resumed::Nothing => journal.new_segment(
                SegmentHeader {
                    number: listing.segments.last().map_or(0, |(number, _)| *number) + 1,
                    first: next,
                    made: 0,
                    previous_end: 0,
                    previous_digest: [0; 32],
                },
                next,
            )?,
        };
        let writer = Writer::new(shared, active);
        journal.writer = Some(journal.spawn("journal-writer", move || writer.run())?);
        Ok(journal)
    }

    fn spawn(
        &self,
        name: &str,
        life: impl FnOnce() + Send + 'static,
    ) -> Result<JoinHandle<()>, OpenError> {
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(life)
            .doing("start a thread for", &self.shared.config.directory)
    }

    fn new_segment(&self, header: SegmentHeader, first: Sequence) -> Result<Active, OpenError> {
        let directory = &self.shared.config.directory;
        let made = self.shared.clock.now().as_microsecond();
        let header = SegmentHeader {
            first,
            made,
            ..header
        };
        let spare = self.shared.space.take();
        spare
            .and_then(|spare| begin_segment(&self.shared, spare, header))
            .map_err(|fault| {
                let (Fault::Space(cause) | Fault::Broken(cause)) = fault;
                OpenError::Io {
                    what: "begin a segment in",
                    path: directory.clone(),
                    source: std::io::Error::new(cause.kind(), cause),
                }
            })
    }

    /// Appends `records` and waits until they are durable.
    pub async fn append(&self, records: Vec<Draft>) -> Result<Durable, AppendError> {
        let bytes = records.iter().map(Draft::stored_bytes).sum();
        let permit = self.reserve(bytes).await?;
        self.enqueue(permit, records)?.await
    }

    /// Waits for room in the queue. Cancel-safe.
    pub async fn reserve(&self, bytes: u64) -> Result<Permit, AppendError> {
        self.check()?;
        let most = self.shared.config.queue_bytes;
        let bytes = u32::try_from(bytes).unwrap_or(most).min(most);
        match self.shared.room.clone().acquire_many_owned(bytes).await {
            Ok(room) => Ok(Permit { _room: room }),
            Err(_closed) => Err(self.check().err().unwrap_or(AppendError::Closed)),
        }
    }

    /// Puts `records` in the queue, synchronously: what is enqueued first is written first.
    /// They are replayed all or not at all.
    pub fn enqueue(&self, permit: Permit, records: Vec<Draft>) -> Result<Pending, AppendError> {
        self.enqueue_then(permit, None, records, |_| ())
    }

    /// As [`Journal::enqueue`]; `then` is told the outcome on the writer's thread, in the order
    /// of the sequence and before the [`Pending`] resolves, also when that has been dropped. It
    /// must be quick and must not block. With a `basis`, nothing is enqueued if any append has
    /// been refused since that epoch.
    pub fn enqueue_then(
        &self,
        permit: Permit,
        basis: Option<Epoch>,
        records: Vec<Draft>,
        then: impl FnOnce(&Result<Durable, AppendError>) + Send + 'static,
    ) -> Result<Pending, AppendError> {
        let bytes = records.iter().map(Draft::stored_bytes).sum();
        let max = self.append_bytes_max();
        if records.is_empty() || bytes > max {
            return Err(AppendError::TooLarge { bytes, max });
        }
        let (tell, outcome) = oneshot::channel();
        let count = records.len() as u64;
        let group = Group {
            records,
            first: Sequence::ZERO,
            time: self.shared.clock.now().as_microsecond(),
            bytes,
            done: Box::new(move |result| {
                then(&result);
                // Nobody listens where the caller was cancelled.
                drop(tell.send(result));
            }),
            _permit: permit,
        };
        let first = self
            .shared
            .queue
            .push(basis, group, &self.shared.config.directory)?;
        Ok(Pending {
            first,
            last: first.plus(count - 1),
            outcome,
        })
    }

    /// Gives up the records up to `through`: segments that hold no other are recycled.
    pub fn release(&self, through: Sequence) {
        let mut segments = self.shared.segments.lock();
        let droppable = segments
            .windows(2)
            .take_while(|pair| pair.get(1).is_some_and(|next| next.first <= through.next()))
            .count();
        let paths: Vec<PathBuf> = segments
            .drain(..droppable)
            .map(|segment| segment.path.to_path_buf())
            .collect();
        self.shared
            .counters
            .segments
            .store(segments.len() as u64, Ordering::Relaxed);
        drop(segments);
        if !paths.is_empty() {
            self.shared.space.recycle(paths);
        }
    }

    /// The durable records after `after`, as of now.
    pub fn read(&self, after: Sequence) -> Result<Replay, OpenError> {
        let limit = self.durable();
        let segments = self.shared.segments.lock().clone();
        Replay::new(self.shared.disk.clone(), segments, after, limit)
    }

    /// Reads all segments through while the journal is in use: checksums, sequence, and the chain of
    /// digests. Blocks. What is found twice is damage; what is found once was being written.
    ///
    /// # Errors
    /// If the files cannot be read.
    pub fn inspect(&self) -> Result<Inspection, OpenError> {
        let first = self.inspect_once()?;
        if first.damage.is_empty() {
            return Ok(first);
        }
        let again = self.inspect_once()?;
        let damage = first.damage.into_iter();
        Ok(Inspection {
            damage: damage.filter(|one| again.damage.contains(one)).collect(),
            segments: again.segments,
        })
    }

    fn inspect_once(&self) -> Result<Inspection, OpenError> {
        const TRIES: usize = 4;
        let Shared { config, disk, .. } = self.shared.as_ref();
        let mut tried = 0;
        loop {
            tried += 1;
            let durable = self.durable();
            let read = Recovery::read(config.clone(), disk.clone());
            let kept: Vec<u64> = {
                let segments = self.shared.segments.lock();
                segments.iter().map(|segment| segment.number).collect()
            };
            match read {
                // A segment was recycled under the eyes of the reader.
                Err(OpenError::Io { source, .. })
                    if source.kind() == std::io::ErrorKind::NotFound && tried < TRIES => {}
                Err(error) => return Err(error),
                Ok(recovery) => {
                    let is_kept = |one: &&Damage| {
                        kept.contains(&one.segment)
                            && (one.first <= durable || one.last < one.first)
                    };
                    let damage = recovery.damage().iter().filter(is_kept).cloned().collect();
                    return Ok(Inspection {
                        segments: kept.len() as u64,
                        damage,
                    });
                }
            }
        }
    }

    /// The newest durable record.
    #[must_use]
    pub fn durable(&self) -> Sequence {
        Sequence::new(self.shared.counters.durable.load(Ordering::Acquire))
    }

    /// The oldest record that is kept.
    #[must_use]
    pub fn first(&self) -> Sequence {
        let segments = self.shared.segments.lock();
        segments
            .first()
            .map_or(self.durable().next(), |segment| segment.first)
    }

    /// The epoch to pass to [`Journal::enqueue_then`].
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.shared.queue.epoch()
    }

    /// The most bytes of records, with their headers, that one append can hold.
    #[must_use]
    pub fn append_bytes_max(&self) -> u64 {
        self.shared.config.segment_bytes - HEADER_BYTES
    }

    /// Whether appends are accepted, and if not, why.
    pub fn check(&self) -> Result<(), AppendError> {
        self.shared.queue.check(&self.shared.config.directory)
    }

    /// Whether a write has failed, so that only a restart helps.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.shared.queue.has_failed()
    }

    /// What it has done so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared.counters.read(self.shared.queue.bytes())
    }
}

impl Drop for Journal {
    /// Blocks until what is queued is durable or refused.
    fn drop(&mut self) {
        self.shared.queue.close();
        self.shared.room.close();
        // The writer may still need a segment, so it ends before the keeper of segments does.
        join(self.writer.take());
        self.shared.space.close();
        join(self.keeper.take());
    }
}

fn join(thread: Option<JoinHandle<()>>) {
    if thread.is_some_and(|thread| thread.join().is_err()) {
        tracing::error!("a thread of the journal has panicked");
    }
}

/// The segment to go on with.
enum Resumed {
    Open(Box<Active>),
    /// The newest must not be written any more; `header` follows on it.
    Sealed {
        header: SegmentHeader,
    },
    Nothing,
}

/// Opens the newest segment, which is durable as it was read, for appending.
fn resume(
    disk: &DiskHandle,
    files: &[(u64, PathBuf)],
    segments: &mut Vec<Segment>,
    tail: Tail,
) -> Result<Resumed, OpenError> {
    let Some((number, path)) = files.last() else {
        return Ok(Resumed::Nothing);
    };
    if tail.unbegun {
        // Its number is not used again, so nothing in it can ever be taken for a record.
        segments.retain(|segment| segment.number != *number);
        disk.remove(path).doing("remove", path)?;
        return Ok(Resumed::Nothing);
    }
    let file = disk.open(path).doing("open", path)?;
    let digest = scan::digest(file.as_ref(), tail.end).doing("read", path)?;
    if tail.sealed {
        let header = SegmentHeader {
            number: number + 1,
            first: Sequence::ZERO,
            made: 0,
            previous_end: tail.end,
            previous_digest: *digest.finalize().as_bytes(),
        };
        return Ok(Resumed::Sealed { header });
    }
    if let Some(extent) = segments
        .last_mut()
        .and_then(|segment| segment.extents.last_mut())
    {
        extent.end = u64::MAX;
    } else if let Some(segment) = segments.last_mut() {
        segment.extents.push(crate::segment::Extent {
            offset: tail.end,
            end: u64::MAX,
            first: segment.first,
        });
    }
    let capacity = file.length().doing("measure", path)?;
    Ok(Resumed::Open(Box::new(Active {
        file,
        number: *number,
        end: tail.end,
        capacity,
        digest,
    })))
}

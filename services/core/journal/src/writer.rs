//! The one thread that writes and syncs.
//!
//! # How commits are grouped
//! Whatever was queued while the disk was busy goes into the next batch: one write, one sync. On
//! a fast disk that alone groups little, because the clients of the batch just finished are back
//! a moment after the next has begun. So the writer waits, at most `gather`, until as many have
//! come as the batch before had, on top of those that are there: with ten busy clients the
//! batches soon hold ten; a lone client, or one after a pause, finds a batch before its own of
//! one append and never waits.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use roost_kit::disk::DiskFile;

use crate::error::AppendError;
use crate::format::{HEADER_BYTES, Place, SegmentHeader, Sequence, encode_record};
use crate::journal::{Durable, Shared};
use crate::queue::Group;
use crate::segment::{Extent, Segment, segment_path};
use crate::space::Fault;

/// The most bytes written with one call; bounds the buffer. A larger append goes alone.
const BATCH_BYTES: u64 = 8 << 20;
/// A buffer that a burst has stretched past this is given back.
const BUFFER_KEPT: usize = 1 << 20;

/// The segment that is written.
pub(crate) struct Active {
    pub(crate) file: Box<dyn DiskFile>,
    pub(crate) number: u64,
    pub(crate) end: u64,
    pub(crate) capacity: u64,
    /// Of everything up to `end`.
    pub(crate) digest: blake3::Hasher,
}

pub(crate) struct Writer {
    shared: Arc<Shared>,
    active: Active,
    buffer: Vec<u8>,
}

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>, active: Active) -> Self {
        Self {
            shared,
            active,
            buffer: Vec::new(),
        }
    }

    /// Until the queue is closed and empty.
    pub(crate) fn run(mut self) {
        let guard = FailOnPanic(self.shared.clone());
        let mut last_batch = 0;
        while let Some(groups) = self
            .shared
            .queue
            .take(last_batch, self.shared.config.gather)
        {
            last_batch = groups.len();
            self.commit(groups);
        }
        std::mem::forget(guard);
    }

    fn commit(&mut self, groups: Vec<Group>) {
        let mut rest = groups.into_iter().peekable();
        while let Some(first) = rest.peek().map(|group| group.first) {
            let mut piece = Vec::new();
            let mut bytes = 0;
            while let Some(group) = rest.next_if(|group| {
                let total = bytes + group.bytes;
                self.active.end + total <= self.active.capacity
                    && (piece.is_empty() || total <= BATCH_BYTES)
            }) {
                bytes += group.bytes;
                piece.push(group);
            }
            let done = if piece.is_empty() {
                self.rotate(first)
            } else {
                self.write(&piece)
            };
            match done {
                Ok(()) => self.complete(piece),
                Err(Fault::Space(cause)) => {
                    // Under the queue's lock the numbers are taken back: what comes later
                    // begins where the disk stands.
                    let late = self.shared.queue.refuse(first, cause.clone());
                    let directory = self.shared.config.directory.clone();
                    let error = AppendError::NoSpace {
                        directory,
                        source: cause,
                    };
                    self.reject(rest.chain(late), &error);
                    return;
                }
                Err(Fault::Broken(source)) => {
                    tracing::error!(
                        error = %source,
                        "the journal has failed: nothing more is taken (see to the disk, then restart)"
                    );
                    let late = self.shared.queue.fail(source.clone());
                    self.shared.room.close();
                    let error = AppendError::Failed { source };
                    self.reject(piece.into_iter().chain(rest).chain(late), &error);
                    return;
                }
            }
        }
    }

    fn write(&mut self, piece: &[Group]) -> Result<(), Fault> {
        self.buffer.clear();
        let mut batch_place = 0;
        for group in piece {
            let last = group.records.len() - 1;
            for (index, draft) in group.records.iter().enumerate() {
                let place = Place {
                    segment: self.active.number,
                    batch_place,
                    sequence: group.first.plus(index as u64),
                    time: group.time,
                    more: index < last,
                };
                encode_record(draft, place, &mut self.buffer);
                batch_place += 1;
            }
        }
        self.active
            .file
            .write_all_at(&self.buffer, self.active.end)
            .and_then(|()| self.active.file.sync_data())
            .map_err(|error| Fault::Broken(Arc::new(error)))?;
        self.active.digest.update(&self.buffer);
        self.active.end += self.buffer.len() as u64;
        let counters = &self.shared.counters;
        counters.flushes.fetch_add(1, Ordering::Relaxed);
        counters
            .bytes
            .fetch_add(self.buffer.len() as u64, Ordering::Relaxed);
        counters
            .records
            .fetch_add(u64::from(batch_place), Ordering::Relaxed);
        if self.buffer.capacity() > BUFFER_KEPT {
            self.buffer = Vec::new();
        }
        Ok(())
    }

    /// Begins the next segment.
    fn rotate(&mut self, first: Sequence) -> Result<(), Fault> {
        let spare = self.shared.space.take()?;
        self.active = begin_segment(
            &self.shared,
            spare,
            SegmentHeader {
                number: self.active.number + 1,
                first,
                made: self.shared.clock.now().as_microsecond(),
                previous_end: self.active.end,
                previous_digest: *self.active.digest.finalize().as_bytes(),
            },
        )?;
        Ok(())
    }

    fn complete(&self, piece: Vec<Group>) {
        for group in piece {
            let last = group.first.plus(group.records.len() as u64 - 1);
            let counters = &self.shared.counters;
            counters.appends.fetch_add(1, Ordering::Relaxed);
            counters.durable.store(last.get(), Ordering::Release);
            (group.done)(Ok(Durable::new(group.first, last)));
        }
    }

    fn reject(&self, groups: impl Iterator<Item = Group>, error: &AppendError) {
        for group in groups {
            self.shared.counters.refused.fetch_add(1, Ordering::Relaxed);
            (group.done)(Err(error.clone()));
        }
    }
}

/// Makes a spare the newest segment.
pub(crate) fn begin_segment(
    shared: &Shared,
    spare: PathBuf,
    header: SegmentHeader,
) -> Result<Active, Fault> {
    let path = segment_path(&shared.config.directory, header.number);
    if let Err(error) = shared.disk.rename(&spare, &path) {
        let full = matches!(
            error.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        );
        let error = Arc::new(error);
        if full {
            // Nothing has changed.
            shared.space.put_back(spare, error.clone());
            return Err(Fault::Space(error));
        }
        return Err(Fault::Broken(error));
    }
    open_segment(shared, path, header).map_err(|error| Fault::Broken(Arc::new(error)))
}

fn open_segment(shared: &Shared, path: PathBuf, header: SegmentHeader) -> io::Result<Active> {
    shared.disk.sync_directory(&shared.config.directory)?;
    let file = shared.disk.open(&path)?;
    let bytes = header.encode();
    file.write_all_at(&bytes, 0)?;
    // Once a segment follows, the one before may be given up: then this header alone says which
    // records there were.
    file.sync_data()?;
    let mut digest = blake3::Hasher::new();
    digest.update(&bytes);
    let capacity = file.length()?;
    let mut segments = shared.segments.lock();
    segments.push(Segment {
        number: header.number,
        path: path.into(),
        first: header.first,
        extents: vec![Extent {
            offset: HEADER_BYTES,
            end: u64::MAX,
            first: header.first,
        }],
    });
    shared
        .counters
        .segments
        .store(segments.len() as u64, Ordering::Relaxed);
    Ok(Active {
        file,
        number: header.number,
        end: HEADER_BYTES,
        capacity,
        digest,
    })
}

/// A writer that dies must not leave anybody waiting.
struct FailOnPanic(Arc<Shared>);

impl Drop for FailOnPanic {
    fn drop(&mut self) {
        let source = Arc::new(io::Error::other("the journal's writer died"));
        self.0.room.close();
        for group in self.0.queue.fail(source.clone()) {
            (group.done)(Err(AppendError::Failed {
                source: source.clone(),
            }));
        }
    }
}

//! What a journal's directory holds at start, before anything is written.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use roost_kit::clock::Clock;
use roost_kit::disk::{Disk, DiskFile, DiskHandle};

use crate::config::Config;
use crate::error::{Doing, OpenError};
use crate::format::{
    HEADER_BYTES, HeaderFault, RECORD_BYTES, RecordHeader, SegmentHeader, Sequence,
};
use crate::journal::Journal;
use crate::replay::Replay;
use crate::scan::{self, Expect, Scan};
use crate::segment::{Listing, Segment};

/// A journal that has been read, but not written: replay it, then [`Recovery::start`] it.
pub struct Recovery {
    pub(crate) config: Config,
    pub(crate) disk: DiskHandle,
    pub(crate) segments: Vec<Segment>,
    pub(crate) listing: Listing,
    pub(crate) next: Sequence,
    pub(crate) tail: Option<Tail>,
    damage: Vec<Damage>,
    secured: bool,
}

/// How the newest segment ends.
#[derive(Debug)]
pub(crate) struct Tail {
    pub(crate) end: u64,
    pub(crate) last_batch: u64,
    /// Whether the segment must not be written any more.
    pub(crate) sealed: bool,
    /// Whether the file was named, but never begun.
    pub(crate) unbegun: bool,
    /// The header to write where a crash, or the medium, took it and left records.
    pub(crate) repair: Option<SegmentHeader>,
}

/// Records that were durable once and cannot be read any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The segment's number.
    pub segment: u64,
    /// Its file; a copy is kept under `damaged/` beside it.
    pub path: PathBuf,
    /// Where the damage begins.
    pub offset: u64,
    /// How many bytes it spans; 0 where a whole segment is missing or only the chain is broken.
    pub bytes: u64,
    /// The records that are gone (none where `last` is before `first`).
    pub first: Sequence,
    /// The last of them.
    pub last: Sequence,
    /// Whose record was the first of them, as far as what is left of it says: not to be relied on.
    pub stream: Option<u64>,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "journal segment {} is damaged at byte {} ({} bytes)",
            self.path.display(),
            self.offset,
            self.bytes
        )?;
        if self.first <= self.last {
            write!(f, ": records {} to {} are lost", self.first, self.last)?;
        }
        if let Some(stream) = self.stream {
            write!(f, " (the first seems to be of stream {stream})")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recovery")
            .field("directory", &self.config.directory)
            .field("first", &self.first())
            .field("last", &self.last())
            .field("damage", &self.damage)
            .finish_non_exhaustive()
    }
}

impl Recovery {
    /// Reads the journal of `config.directory` through. Only a missing directory is made; a
    /// journal of a newer program is refused as it is.
    pub fn read(config: Config, disk: DiskHandle) -> Result<Self, OpenError> {
        Self::read_watched(config, disk, |_, _| ())
    }

    /// As [`Recovery::read`]; `watch` is told how many segments have been read, and of how many.
    pub fn read_watched(
        config: Config,
        disk: DiskHandle,
        watch: impl Fn(u64, u64),
    ) -> Result<Self, OpenError> {
        if config.segment_bytes < 4 * HEADER_BYTES || config.segment_bytes > u64::from(u32::MAX) {
            return Err(OpenError::Config(
                "the size of a journal segment must be between 512 bytes and 4 GB",
            ));
        }
        let directory = &config.directory;
        disk.create_directories(directory)
            .doing("create", directory)?;
        let listing = Listing::read(disk.as_ref(), directory)?;
        let mut reading = Reading {
            config: &config,
            disk: disk.as_ref(),
            segments: Vec::new(),
            next: None,
            tail: None,
            damage: Vec::new(),
            end: 0,
        };
        let headers = reading.headers(&listing)?;
        for (at, (number, path)) in listing.segments.iter().enumerate() {
            let header = headers.get(at).copied().flatten();
            let following = headers.get(at + 1).copied();
            watch(at as u64, listing.segments.len() as u64);
            reading.segment(*number, path, header, following)?;
        }
        let Reading {
            segments,
            next,
            tail,
            damage,
            ..
        } = reading;
        Ok(Self {
            next: next.unwrap_or(Sequence::new(1)),
            segments,
            listing,
            tail,
            damage,
            secured: false,
            config,
            disk,
        })
    }

    /// The oldest record that is kept; one past [`Recovery::last`] where there is none.
    #[must_use]
    pub fn first(&self) -> Sequence {
        self.segments
            .first()
            .map_or(self.next, |segment| segment.first)
    }

    /// The newest record; [`Sequence::ZERO`] where none was ever written.
    #[must_use]
    pub fn last(&self) -> Sequence {
        self.next.previous()
    }

    /// What was durable once and is lost. Tell a person.
    #[must_use]
    pub fn damage(&self) -> &[Damage] {
        &self.damage
    }

    /// The records after `after`, in order.
    pub fn replay(&self, after: Sequence) -> Result<Replay, OpenError> {
        Replay::new(self.disk.clone(), self.segments.clone(), after, self.last())
    }

    /// Sets damaged segments aside and makes the tail that was read durable: what a dead process
    /// has written, but not synced, is seen until the power goes. Before anything is derived from
    /// the records and made durable elsewhere.
    pub fn secure(&mut self) -> Result<(), OpenError> {
        if self.secured {
            return Ok(());
        }
        self.set_damaged_aside()?;
        if let (Some((_, path)), Some(tail)) = (self.listing.segments.last(), &self.tail)
            && !tail.unbegun
        {
            let file = self.disk.open(path).doing("open", path)?;
            rewrite(file.as_ref(), tail).doing("make durable", path)?;
        }
        let directory = &self.config.directory;
        self.disk
            .sync_directory(directory)
            .doing("make durable", directory)?;
        self.secured = true;
        Ok(())
    }

    /// Does what [`Recovery::secure`] does, if that was not called, and begins to accept appends.
    /// Two threads are started: one writes, one keeps segments ready.
    pub fn start(mut self, clock: Clock) -> Result<Journal, OpenError> {
        self.secure()?;
        Journal::start(self, clock)
    }

    fn set_damaged_aside(&self) -> Result<(), OpenError> {
        let aside = self.config.directory.join("damaged");
        for damage in self.damage.iter().filter(|damage| damage.bytes > 0) {
            self.disk
                .create_directories(&aside)
                .doing("create", &aside)?;
            let copy = aside.join(format!("{:012}-{}", damage.segment, damage.offset));
            if !self.disk.exists(&copy).doing("look for", &copy)? {
                let bytes = self.disk.read(&damage.path).doing("read", &damage.path)?;
                self.disk
                    .write_atomically(&copy, &bytes)
                    .doing("write", &copy)?;
            }
        }
        Ok(())
    }
}

/// Writes the last batch again before syncing: if a sync failed before the restart, the kernel
/// may show pages that it will never write by itself.
fn rewrite(file: &dyn DiskFile, tail: &Tail) -> io::Result<()> {
    let length = usize::try_from(tail.end - tail.last_batch).map_err(io::Error::other)?;
    let mut header = [0; HEADER_BYTES as usize];
    match &tail.repair {
        Some(repaired) => header = repaired.encode(),
        None => file.read_exact_at(&mut header, 0)?,
    }
    file.write_all_at(&header, 0)?;
    let mut batch = vec![0; length];
    file.read_exact_at(&mut batch, tail.last_batch)?;
    file.write_all_at(&batch, tail.last_batch)?;
    file.sync_data()
}

struct Reading<'a> {
    config: &'a Config,
    disk: &'a dyn Disk,
    segments: Vec<Segment>,
    next: Option<Sequence>,
    tail: Option<Tail>,
    damage: Vec<Damage>,
    /// Where the segment before ended.
    end: u64,
}

impl Reading<'_> {
    fn headers(&self, listing: &Listing) -> Result<Vec<Option<SegmentHeader>>, OpenError> {
        let mut headers = Vec::with_capacity(listing.segments.len());
        for (number, path) in &listing.segments {
            let file = self.disk.open_read_only(path).doing("open", path)?;
            let mut block = [0; HEADER_BYTES as usize];
            let read = match file.read_exact_at(&mut block, 0) {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
                other => other,
            };
            read.doing("read", path)?;
            headers.push(match SegmentHeader::decode(&block) {
                Ok(header) => Some(header).filter(|header| header.number == *number),
                Err(HeaderFault::Absent) => None,
                Err(HeaderFault::Format(found)) => {
                    return Err(OpenError::UnknownFormat {
                        path: path.to_path_buf(),
                        found,
                    });
                }
            });
        }
        Ok(headers)
    }

    /// `following` is `None` for the last segment, `Some(None)` before one without a header.
    fn segment(
        &mut self,
        number: u64,
        path: &Path,
        header: Option<SegmentHeader>,
        following: Option<Option<SegmentHeader>>,
    ) -> Result<(), OpenError> {
        let file = self.disk.open_read_only(path).doing("open", path)?;
        let expect = Expect {
            number,
            first: header.map(|header| header.first).or(self.next),
            next_segment: following.flatten().map(|header| header.first),
        };
        let found = scan::scan(file.as_ref(), expect, |record| {
            if self.config.knows(record.kind, record.version) {
                return Ok(());
            }
            Err(Stop::Unknown(OpenError::UnknownKind {
                path: path.to_path_buf(),
                sequence: record.sequence,
                kind: record.kind,
                version: record.version,
            }))
        })
        .map_err(|stop| match stop {
            Stop::Unknown(error) => error,
            Stop::Io(source) => OpenError::Io {
                what: "read",
                path: path.to_path_buf(),
                source,
            },
        })?;
        let empty = found.extents.is_empty();
        // A crash may tear the header off a first batch, which was not acknowledged then. Any
        // later batch proves that the header was durable once.
        let torn = following.is_none() && found.last_batch == HEADER_BYTES;
        self.compare_with_previous(number, path, header, empty || torn)?;
        for gap in &found.gaps {
            self.damage.push(Damage {
                segment: number,
                path: path.to_path_buf(),
                offset: gap.offset,
                bytes: gap.bytes,
                first: gap.first,
                last: gap.last,
                stream: whose(file.as_ref(), gap.offset),
            });
        }
        self.short_end(
            number,
            path,
            &found,
            expect,
            file.length().doing("measure", path)?,
        );
        if following.is_none() {
            let repair = match found.extents.first().filter(|_| header.is_none()) {
                Some(extent) => {
                    let first = expect.first.unwrap_or_else(|| extent.follows());
                    Some(self.header_after_previous(number, first)?)
                }
                None => None,
            };
            self.tail = Some(Tail {
                repair,
                end: found.end,
                last_batch: found.last_batch,
                sealed: found.leftover || !found.gaps.is_empty() || header.is_none(),
                unbegun: header.is_none() && empty,
            });
        }
        self.end = found.end;
        self.next = expect.next_segment.or(found.next).or(self.next);
        if let Some(first) = found
            .extents
            .first()
            .map(|extent| extent.first)
            .or(expect.first)
        {
            self.segments.push(Segment {
                number,
                path: path.into(),
                first,
                extents: found.extents,
            });
        }
        Ok(())
    }

    /// Records missing between the segments, and the chain of digests.
    fn compare_with_previous(
        &mut self,
        number: u64,
        path: &Path,
        header: Option<SegmentHeader>,
        unbegun: bool,
    ) -> Result<(), OpenError> {
        let Some(header) = header else {
            if !unbegun {
                self.broken(number, path, Sequence::new(1), Sequence::ZERO);
            }
            return Ok(());
        };
        if let Some(next) = self.next.filter(|next| *next < header.first) {
            self.broken(number, path, next, header.first.previous());
            return Ok(());
        }
        let Some(previous) = self.segments.last() else {
            return Ok(());
        };
        let whole = !self
            .damage
            .iter()
            .any(|damage| damage.segment == previous.number);
        if whole && previous.number + 1 == header.number {
            let file = self
                .disk
                .open_read_only(&previous.path)
                .doing("open", &previous.path)?;
            let digest = scan::digest(file.as_ref(), self.end).doing("read", &previous.path)?;
            let same = header.previous_end == self.end
                && *digest.finalize().as_bytes() == header.previous_digest;
            if !same {
                self.broken(number, path, Sequence::new(1), Sequence::ZERO);
            }
        }
        Ok(())
    }

    /// The header that segment `number` must have had.
    fn header_after_previous(
        &self,
        number: u64,
        first: Sequence,
    ) -> Result<SegmentHeader, OpenError> {
        let mut header = SegmentHeader {
            number,
            first,
            made: 0,
            previous_end: 0,
            previous_digest: [0; 32],
        };
        if let Some(Segment { path, .. }) = self.segments.last() {
            let file = self.disk.open_read_only(path).doing("open", path)?;
            let digest = scan::digest(file.as_ref(), self.end).doing("read", path)?;
            header.previous_end = self.end;
            header.previous_digest = *digest.finalize().as_bytes();
        }
        Ok(header)
    }

    fn broken(&mut self, segment: u64, path: &Path, first: Sequence, last: Sequence) {
        self.damage.push(Damage {
            segment,
            path: path.to_path_buf(),
            offset: 0,
            bytes: 0,
            first,
            last,
            stream: None,
        });
    }

    /// A segment with a successor that does not reach up to it.
    fn short_end(&mut self, number: u64, path: &Path, found: &Scan, expect: Expect, length: u64) {
        let (Some(next), Some(wanted)) = (found.next, expect.next_segment) else {
            return;
        };
        if next < wanted {
            let file = self.disk.open_read_only(path);
            let stream = file.ok().and_then(|file| whose(file.as_ref(), found.end));
            self.damage.push(Damage {
                segment: number,
                path: path.to_path_buf(),
                offset: found.end,
                bytes: length.saturating_sub(found.end),
                first: next,
                last: wanted.previous(),
                stream,
            });
        }
    }
}

/// Whose the record at `offset` seems to be, where its header is more or less there.
fn whose(file: &dyn DiskFile, offset: u64) -> Option<u64> {
    let mut block = [0; RECORD_BYTES];
    file.read_exact_at(&mut block, offset).ok()?;
    RecordHeader::stream_of(&block)
}

enum Stop {
    Io(io::Error),
    Unknown(OpenError),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A record's time as a timestamp; what no clock ever said becomes the nearest that one can.
pub(crate) fn timestamp(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(if micros < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}

//! Where a segment's records end, and what of it is torn, stale or damaged.
//!
//! A batch is written at once and synced before the next is begun. So when the record expected at
//! some offset is not there, it was once durable only if a later batch exists: then the gap is
//! damage, and reading resumes behind it. If all that is found behind belongs to the same batch,
//! or nothing is, the batch was torn by a crash and had never been acknowledged: the log ends
//! there. Records of a recycled file's earlier life do not match the segment's checksum seed.

use std::io;
use std::ops::Range;

use roost_kit::disk::DiskFile;

use crate::format::{ALIGNMENT, HEADER_BYTES, RECORD_BYTES, RECORD_MAGIC, RecordHeader, Sequence};
use crate::segment::Extent;

/// How much is read at once.
const WINDOW_BYTES: u64 = 1 << 20;

/// What a scan is told about the segment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expect {
    /// The segment's number: the seed of its checksums.
    pub(crate) number: u64,
    /// The first record, where it is known.
    pub(crate) first: Option<Sequence>,
    /// The first record of the segment after this one, if there is one.
    pub(crate) next_segment: Option<Sequence>,
}

/// What a scan found.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub(crate) extents: Vec<Extent>,
    pub(crate) gaps: Vec<Gap>,
    /// Behind the last record.
    pub(crate) end: u64,
    /// The sequence after the last record; `None` where the segment is empty and its first
    /// record unknown.
    pub(crate) next: Option<Sequence>,
    /// Where the last batch begins: what a failed sync may have left only in memory.
    pub(crate) last_batch: u64,
    /// Whether records that must not come back lie behind the end.
    pub(crate) leftover: bool,
}

/// Bytes that should have been records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) offset: u64,
    pub(crate) bytes: u64,
    pub(crate) first: Sequence,
    pub(crate) last: Sequence,
}

/// Reads a segment through. `visit` sees the header of each record, in order.
pub(crate) fn scan<E: From<io::Error>>(
    file: &dyn DiskFile,
    expect: Expect,
    mut visit: impl FnMut(&RecordHeader) -> Result<(), E>,
) -> Result<Scan, E> {
    let mut window = Window::new(file)?;
    let mut found = Scan {
        end: HEADER_BYTES,
        next: expect.first,
        last_batch: HEADER_BYTES,
        ..Scan::default()
    };
    let mut group_start: Option<(u64, Sequence)> = None;
    while found.next.is_none() || found.next != expect.next_segment {
        let at = found.end;
        let header = window.record(at, expect.number)?;
        match header.filter(|header| found.next.is_none_or(|next| next == header.sequence)) {
            Some(header) => {
                visit(&header)?;
                if header.batch_place == 0 {
                    found.last_batch = at;
                }
                group_start = match (header.more, group_start) {
                    (true, None) => Some((at, header.sequence)),
                    (true, started) => started,
                    (false, _) => None,
                };
                found.take(at, &header);
            }
            None => match resume(&mut window, at, found.next, expect)? {
                Resume::At(offset, sequence) => {
                    found.skip(offset, sequence);
                    group_start = None;
                }
                Resume::Ended { leftover } => {
                    found.leftover = leftover;
                    break;
                }
            },
        }
    }
    if let (None, Some((offset, sequence))) = (expect.next_segment, group_start) {
        found.cut(offset, sequence);
    }
    Ok(found)
}

impl Scan {
    fn take(&mut self, at: u64, header: &RecordHeader) {
        self.end = at + header.stored_bytes();
        self.next = Some(header.sequence.next());
        match self.extents.last_mut().filter(|extent| extent.end == at) {
            Some(extent) => extent.end = self.end,
            None => self.extents.push(Extent {
                offset: at,
                end: self.end,
                first: header.sequence,
            }),
        }
    }

    fn skip(&mut self, offset: u64, sequence: Sequence) {
        self.gaps.push(Gap {
            offset: self.end,
            bytes: offset - self.end,
            first: self.next.unwrap_or(sequence),
            last: sequence.previous(),
        });
        self.end = offset;
        self.next = Some(sequence);
    }

    /// The log ended inside an append: none of it happened.
    fn cut(&mut self, offset: u64, sequence: Sequence) {
        self.end = offset;
        self.next = Some(sequence);
        self.last_batch = self.last_batch.min(offset);
        self.leftover = true;
        self.extents.retain(|extent| extent.offset < offset);
        if let Some(extent) = self.extents.last_mut() {
            extent.end = extent.end.min(offset);
        }
    }
}

enum Resume {
    At(u64, Sequence),
    Ended { leftover: bool },
}

/// Looks for records behind `at`, where `expected` is not.
fn resume(
    window: &mut Window<'_>,
    at: u64,
    expected: Option<Sequence>,
    expect: Expect,
) -> io::Result<Resume> {
    let mut earliest = None;
    let mut offset = at;
    loop {
        offset += ALIGNMENT as u64;
        let Some(magic) = window.bytes(offset, RECORD_MAGIC.len() as u64)? else {
            break;
        };
        if magic != RECORD_MAGIC {
            continue;
        }
        let Some(header) = window.record(offset, expect.number)? else {
            continue;
        };
        // What is missing had room for its records: bytes of a payload that look like a record of
        // some far number are none.
        let missing = (offset - at) / RECORD_BYTES as u64;
        let wanted = expected.is_none_or(|expected| {
            header.sequence > expected && header.sequence <= expected.plus(missing)
        }) && expect
            .next_segment
            .is_none_or(|next| header.sequence < next);
        if !wanted {
            continue;
        }
        let earliest = *earliest.get_or_insert((offset, header.sequence));
        // In a segment that has a successor everything up to it was durable.
        let was_durable = expect.next_segment.is_some()
            || expected.is_none_or(|expected| header.batch_first() > expected);
        if was_durable {
            return Ok(Resume::At(earliest.0, earliest.1));
        }
        offset += header.stored_bytes() - ALIGNMENT as u64;
    }
    Ok(Resume::Ended {
        leftover: earliest.is_some(),
    })
}

/// A file read in big pieces.
pub(crate) struct Window<'a> {
    file: &'a dyn DiskFile,
    length: u64,
    piece: Piece,
}

/// What was read of a file last.
#[derive(Debug, Default)]
pub(crate) struct Piece {
    start: u64,
    buffer: Vec<u8>,
}

impl<'a> Window<'a> {
    pub(crate) fn new(file: &'a dyn DiskFile) -> io::Result<Self> {
        Ok(Self {
            file,
            length: file.length()?,
            piece: Piece::default(),
        })
    }

    /// The record at `at`, if there is a whole one that belongs to the segment.
    pub(crate) fn record(&mut self, at: u64, segment: u64) -> io::Result<Option<RecordHeader>> {
        let Some(header) = self
            .bytes(at, RECORD_BYTES as u64)?
            .and_then(RecordHeader::decode)
        else {
            return Ok(None);
        };
        let record = self.bytes(at, header.stored_bytes())?;
        Ok(record
            .is_some_and(|record| header.matches(segment, record))
            .then_some(header))
    }

    /// `count` bytes at `at`; `None` where the file ends before.
    pub(crate) fn bytes(&mut self, at: u64, count: u64) -> io::Result<Option<&[u8]>> {
        let Some(end) = at.checked_add(count).filter(|end| *end <= self.length) else {
            return Ok(None);
        };
        self.piece.bytes(self.file, at..end, self.length).map(Some)
    }
}

impl Piece {
    /// The bytes in `range` of a file of this length; reads on from there if it has to.
    pub(crate) fn bytes(
        &mut self,
        file: &dyn DiskFile,
        range: Range<u64>,
        length: u64,
    ) -> io::Result<&[u8]> {
        let Range { start: at, end } = range;
        let count = end - at;
        if at < self.start || end > self.start + self.buffer.len() as u64 {
            let wanted = count.max(WINDOW_BYTES).min(length - at);
            let wanted = usize::try_from(wanted).map_err(io::Error::other)?;
            // A window that a large record has stretched shrinks again.
            if self.buffer.capacity() > 2 * wanted {
                self.buffer = Vec::new();
            }
            self.buffer.resize(wanted, 0);
            self.start = at;
            if let Err(error) = file.read_exact_at(&mut self.buffer, at) {
                self.forget();
                return Err(error);
            }
        }
        let from = usize::try_from(at - self.start).map_err(io::Error::other)?;
        let count = usize::try_from(count).map_err(io::Error::other)?;
        let bytes = self.buffer.get(from..from + count);
        bytes.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// Reads anew the next time.
    pub(crate) fn forget(&mut self) {
        self.buffer.clear();
    }
}

/// BLAKE3 of the first `end` bytes.
pub(crate) fn digest(file: &dyn DiskFile, end: u64) -> io::Result<blake3::Hasher> {
    let mut window = Window::new(file)?;
    let mut hasher = blake3::Hasher::new();
    let mut at = 0;
    while at < end {
        let count = WINDOW_BYTES.min(end - at);
        match window.bytes(at, count)? {
            Some(bytes) => hasher.update(bytes),
            None => return Err(io::ErrorKind::UnexpectedEof.into()),
        };
        at += count;
    }
    Ok(hasher)
}

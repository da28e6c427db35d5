//! Records in order, for recovery and for followers.

use bytes::Bytes;
use roost_kit::disk::{Disk, DiskFile, DiskHandle};

use crate::error::{Doing, OpenError};
use crate::format::{
    HEADER_BYTES, Locator, RECORD_BYTES, Record, RecordHeader, SegmentHeader, Sequence,
};
use crate::recovery::timestamp;
use crate::scan::Piece;
use crate::segment::{Extent, Segment};

/// The segment that is read.
#[derive(Debug)]
struct Open {
    segment: Segment,
    file: Box<dyn DiskFile>,
    piece: Piece,
}

/// An iterator over the records after some point. What is damaged is skipped.
#[derive(Debug)]
pub struct Replay {
    disk: DiskHandle,
    /// Newest first, so that the next is popped off the end.
    segments: Vec<Segment>,
    /// Newest first.
    extents: Vec<Extent>,
    open: Option<Open>,
    at: Option<Extent>,
    after: Sequence,
    limit: Sequence,
    failed: bool,
}

impl Replay {
    /// The records of `segments` from `after` (exclusive) to `limit` (inclusive).
    pub(crate) fn new(
        disk: DiskHandle,
        mut segments: Vec<Segment>,
        after: Sequence,
        limit: Sequence,
    ) -> Result<Self, OpenError> {
        let first = segments
            .first()
            .map_or(limit.next(), |segment| segment.first);
        if after.next() < first {
            return Err(OpenError::Released {
                first,
                wanted: after.next(),
            });
        }
        // Whole segments before the one that holds the first wanted record are not opened.
        let begins = segments
            .iter()
            .rposition(|segment| segment.first <= after.next())
            .unwrap_or(0);
        segments.drain(..begins);
        segments.reverse();
        Ok(Self {
            disk,
            segments,
            extents: Vec::new(),
            open: None,
            at: None,
            after,
            limit,
            failed: false,
        })
    }

    /// The last sequence that the iterator will reach.
    #[must_use]
    pub fn limit(&self) -> Sequence {
        self.limit
    }

    fn step(&mut self) -> Result<Option<Record>, OpenError> {
        loop {
            if self.after >= self.limit {
                return Ok(None);
            }
            let Some(extent) = self.at.filter(|extent| extent.offset < extent.end) else {
                if !self.advance()? {
                    return Ok(None);
                }
                continue;
            };
            let Some(open) = &mut self.open else {
                return Ok(None);
            };
            let Some(record) = open.read(extent)? else {
                if extent.end != u64::MAX {
                    return Err(OpenError::Io {
                        what: "read what was there a moment ago in",
                        path: open.segment.path.to_path_buf(),
                        source: std::io::ErrorKind::InvalidData.into(),
                    });
                }
                // The end of what is written.
                self.at = None;
                continue;
            };
            let (record, bytes) = record;
            self.at = Some(Extent {
                offset: extent.offset + bytes,
                ..extent
            });
            if record.sequence > self.limit {
                return Ok(None);
            }
            if record.sequence > self.after {
                self.after = record.sequence;
                return Ok(Some(record));
            }
        }
    }

    /// On to the next extent, or the first of the next segment.
    fn advance(&mut self) -> Result<bool, OpenError> {
        if let Some(extent) = self.extents.pop() {
            self.at = Some(extent);
            return Ok(true);
        }
        let Some(segment) = self.segments.pop() else {
            return Ok(false);
        };
        let path = &segment.path;
        let file = self.disk.open_read_only(path).doing("open", path)?;
        self.extents = segment.extents.iter().rev().copied().collect();
        self.at = None;
        self.open = Some(Open {
            segment,
            file,
            piece: Piece::default(),
        });
        Ok(true)
    }
}

impl Iterator for Replay {
    type Item = Result<Record, OpenError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let step = self.step();
        self.failed = step.is_err();
        step.transpose()
    }
}

impl Open {
    /// The record where the extent begins, and its size.
    fn read(&mut self, extent: Extent) -> Result<Option<(Record, u64)>, OpenError> {
        let Self {
            segment,
            file,
            piece,
        } = self;
        let locator = Locator {
            segment: segment.number,
            path: segment.path.clone(),
            offset: extent.offset,
        };
        let mut found = read(file.as_ref(), piece, locator.clone())?;
        if found.is_none() && extent.end == u64::MAX {
            // It may have been written since the piece was read.
            piece.forget();
            found = read(file.as_ref(), piece, locator)?;
        }
        match found {
            Some(found) => Ok(Some(found)),
            None => released(segment, file.as_ref()),
        }
    }
}

impl Locator {
    /// Reads the record again.
    ///
    /// # Errors
    /// If it cannot be read, or was released and its place is used for something else.
    pub fn read(&self, disk: &dyn Disk) -> Result<Record, OpenError> {
        let file = disk.open_read_only(&self.path).doing("open", &self.path)?;
        let found = read(file.as_ref(), &mut Piece::default(), self.clone())?;
        found
            .map(|(record, _)| record)
            .ok_or_else(|| OpenError::Io {
                what: "find a record again in",
                path: self.path.to_path_buf(),
                source: std::io::ErrorKind::InvalidData.into(),
            })
    }
}

fn read(
    file: &dyn DiskFile,
    piece: &mut Piece,
    locator: Locator,
) -> Result<Option<(Record, u64)>, OpenError> {
    let Locator { path, offset, .. } = &locator;
    let offset = *offset;
    let length = file.length().doing("measure", path)?;
    let body = offset + RECORD_BYTES as u64;
    if body > length {
        return Ok(None);
    }
    let head = piece
        .bytes(file, offset..body, length)
        .doing("read", path)?;
    let header = match RecordHeader::decode(head) {
        Some(header) if offset + header.stored_bytes() <= length => header,
        _ => return Ok(None),
    };
    let end = offset + header.stored_bytes();
    let bytes = piece.bytes(file, offset..end, length).doing("read", path)?;
    if !header.matches(locator.segment, bytes) {
        return Ok(None);
    }
    let payload = bytes.get(RECORD_BYTES..RECORD_BYTES + header.length as usize);
    let record = Record {
        sequence: header.sequence,
        time: timestamp(header.time),
        kind: header.kind,
        version: header.version,
        stream: header.stream,
        more: header.more,
        payload: Bytes::copy_from_slice(payload.unwrap_or_default()),
        locator,
    };
    Ok(Some((record, header.stored_bytes())))
}

/// A record that is not there because the segment was recycled under a follower is an error.
fn released<T>(segment: &Segment, file: &dyn DiskFile) -> Result<Option<T>, OpenError> {
    let mut block = [0; HEADER_BYTES as usize];
    file.read_exact_at(&mut block, 0)
        .doing("read", &segment.path)?;
    match SegmentHeader::decode(&block) {
        Ok(header) if header.number != segment.number => Err(OpenError::Released {
            first: header.first,
            wanted: segment.first,
        }),
        _ => Ok(None),
    }
}

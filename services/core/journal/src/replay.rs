//! Records in order, for recovery and for followers.

use bytes::Bytes;
use roost_kit::disk::{DiskFile, DiskHandle};

use crate::error::{Doing, OpenError};
use crate::format::{HEADER_BYTES, RECORD_BYTES, Record, RecordHeader, SegmentHeader, Sequence};
use crate::recovery::timestamp;
use crate::segment::{Extent, Segment};

/// An iterator over the records after some point. What is damaged is skipped.
#[derive(Debug)]
pub struct Replay {
    disk: DiskHandle,
    /// Newest first, so that the next is popped off the end.
    segments: Vec<Segment>,
    /// Newest first.
    extents: Vec<Extent>,
    open: Option<(Segment, Box<dyn DiskFile>)>,
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
            let Some((segment, file)) = &self.open else {
                return Ok(None);
            };
            let Some(record) = read(segment, file.as_ref(), extent.offset)? else {
                if extent.end != u64::MAX {
                    return Err(OpenError::Io {
                        what: "read what was there a moment ago in",
                        path: segment.path.clone(),
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
        self.open = Some((segment, file));
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

fn read(
    segment: &Segment,
    file: &dyn DiskFile,
    offset: u64,
) -> Result<Option<(Record, u64)>, OpenError> {
    let path = &segment.path;
    let mut head = [0; RECORD_BYTES];
    if offset + RECORD_BYTES as u64 > file.length().doing("measure", path)? {
        return Ok(None);
    }
    file.read_exact_at(&mut head, offset).doing("read", path)?;
    let header = match RecordHeader::decode(&head) {
        Some(header)
            if offset + header.stored_bytes() <= file.length().doing("measure", path)? =>
        {
            header
        }
        _ => return released(segment, file),
    };
    let mut bytes = vec![0; header.stored_bytes() as usize];
    file.read_exact_at(&mut bytes, offset).doing("read", path)?;
    if !header.matches(segment.number, &bytes) {
        return released(segment, file);
    }
    let payload = Bytes::from(bytes).slice(RECORD_BYTES..RECORD_BYTES + header.length as usize);
    let record = Record {
        sequence: header.sequence,
        time: timestamp(header.time),
        kind: header.kind,
        version: header.version,
        stream: header.stream,
        more: header.more,
        payload,
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

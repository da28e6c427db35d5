//! The bytes of a segment: a header of [`HEADER_BYTES`], then records, each padded to
//! [`ALIGNMENT`]. All integers are little-endian.
//!
//! ```text
//! segment header                          record
//!   0  magic "RoostJn1"                     0  magic "RjR1"
//!   8  format version u32                   4  CRC-32C u32 of all that follows, seeded
//!  12  CRC-32C u32 of the rest                 with the segment number
//!  16  segment number u64                   8  payload length u32
//!  24  first sequence u64                  12  place in its batch u32 (0 begins one)
//!  32  time made, µs i64                   16  sequence u64
//!  40  end of the segment before, u64      24  time, µs since 1970 i64
//!  48  BLAKE3 of it up to there            32  stream u64
//!  80  zeros to 128                        40  kind u16
//!                                          42  version u8
//!                                          43  flags u8 (1: more of this append follows)
//!                                          44  zero u32 (room for a key number)
//!                                          48  payload, padded with zeros to 8
//! ```

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use crc_fast::{CrcAlgorithm, Digest};
use jiff::Timestamp;

/// The size of a segment's header; its first record follows.
pub const HEADER_BYTES: u64 = 128;
/// The size of a record's header.
pub const RECORD_BYTES: usize = 48;
/// Records begin at multiples of this.
pub const ALIGNMENT: usize = 8;
/// The format that this program writes, and the newest it reads.
pub const FORMAT: u32 = 1;

const SEGMENT_MAGIC: [u8; 8] = *b"RoostJn1";
/// What every record begins with.
pub(crate) const RECORD_MAGIC: [u8; 4] = *b"RjR1";
const FLAG_MORE: u8 = 1;

/// The number of a record: 1 for the first that was ever written, no gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Sequence(u64);

impl Sequence {
    /// Before the first record.
    pub const ZERO: Self = Self(0);

    /// The record with this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The record after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The record `count` after this one.
    #[must_use]
    pub const fn plus(self, count: u64) -> Self {
        Self(self.0 + count)
    }

    /// The record before this one; [`Sequence::ZERO`] stays.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A record that is to be appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// What the payload means.
    pub kind: u16,
    /// The version of the payload's encoding.
    pub version: u8,
    /// Whose record it is (a mailbox, a queued message), so that one can be followed alone;
    /// 0 where it is nobody's.
    pub stream: u64,
    /// Opaque to the journal.
    pub payload: Bytes,
}

impl Draft {
    /// The bytes that the record takes in a segment.
    #[must_use]
    pub fn stored_bytes(&self) -> u64 {
        stored_bytes(self.payload.len())
    }
}

/// A record that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its number.
    pub sequence: Sequence,
    /// When it was appended.
    pub time: Timestamp,
    /// What the payload means.
    pub kind: u16,
    /// The version of the payload's encoding.
    pub version: u8,
    /// Whose record it is.
    pub stream: u64,
    /// Whether the next record belongs to the same append.
    pub more: bool,
    /// Opaque to the journal.
    pub payload: Bytes,
    /// Where it is, for reading it again.
    pub locator: Locator,
}

#[cfg(fuzzing)]
impl Record {
    /// A record as if it had been read, for the fuzz targets.
    #[must_use]
    pub fn of(draft: Draft) -> Self {
        Self {
            sequence: Sequence::new(1),
            time: Timestamp::UNIX_EPOCH,
            kind: draft.kind,
            version: draft.version,
            stream: draft.stream,
            more: false,
            payload: draft.payload,
            locator: Locator {
                segment: 1,
                path: Path::new("nowhere").into(),
                offset: 0,
            },
        }
    }
}

/// Where a record is: good for as long as it is not released.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locator {
    pub(crate) segment: u64,
    pub(crate) path: Arc<Path>,
    pub(crate) offset: u64,
}

/// The bytes that a record with such a payload takes in a segment.
#[must_use]
pub fn stored_bytes(payload: usize) -> u64 {
    (RECORD_BYTES + payload.next_multiple_of(ALIGNMENT)) as u64
}

/// What a segment says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentHeader {
    /// Its number, from 1.
    pub number: u64,
    /// The sequence of its first record.
    pub first: Sequence,
    /// When it was begun, in microseconds since 1970.
    pub made: i64,
    /// Where the records of the segment before end; 0 for the first segment.
    pub previous_end: u64,
    /// BLAKE3 of the segment before up to its end; zeros for the first segment.
    pub previous_digest: [u8; 32],
}

/// Why a segment header cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeaderFault {
    /// No header: a segment that was named, but never begun; or damage.
    Absent,
    /// A newer format.
    Format(u32),
}

impl SegmentHeader {
    /// The header's bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; HEADER_BYTES as usize] {
        let mut bytes = Vec::with_capacity(HEADER_BYTES as usize);
        bytes.extend_from_slice(&SEGMENT_MAGIC);
        bytes.extend_from_slice(&FORMAT.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&self.number.to_le_bytes());
        bytes.extend_from_slice(&self.first.get().to_le_bytes());
        bytes.extend_from_slice(&self.made.to_le_bytes());
        bytes.extend_from_slice(&self.previous_end.to_le_bytes());
        bytes.extend_from_slice(&self.previous_digest);
        let mut block = [0; HEADER_BYTES as usize];
        let (used, _) = block.split_at_mut(bytes.len());
        used.copy_from_slice(&bytes);
        let crc = header_crc(&block);
        let (_, crc_on) = block.split_at_mut(12);
        let (crc_bytes, _) = crc_on.split_at_mut(4);
        crc_bytes.copy_from_slice(&crc.to_le_bytes());
        block
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, HeaderFault> {
        let block: &[u8; HEADER_BYTES as usize] = bytes.first_chunk().ok_or(HeaderFault::Absent)?;
        let mut fields = Fields(block);
        if fields.array::<8>() != SEGMENT_MAGIC {
            return Err(HeaderFault::Absent);
        }
        let format = u32::from_le_bytes(fields.array());
        let crc = u32::from_le_bytes(fields.array());
        // Another format may keep its checksum elsewhere, so its number is believed as it is.
        if format != FORMAT {
            // One that is ours but for this number is torn or damaged, and of no other program.
            let mut ours = *block;
            let (_, number_on) = ours.split_at_mut(SEGMENT_MAGIC.len());
            let (number, _) = number_on.split_at_mut(4);
            number.copy_from_slice(&FORMAT.to_le_bytes());
            let torn = format == 0 || crc == header_crc(&ours);
            return Err(match torn {
                true => HeaderFault::Absent,
                false => HeaderFault::Format(format),
            });
        }
        if crc != header_crc(block) {
            return Err(HeaderFault::Absent);
        }
        Ok(Self {
            number: u64::from_le_bytes(fields.array()),
            first: Sequence(u64::from_le_bytes(fields.array())),
            made: i64::from_le_bytes(fields.array()),
            previous_end: u64::from_le_bytes(fields.array()),
            previous_digest: fields.array(),
        })
    }
}

fn header_crc(block: &[u8; HEADER_BYTES as usize]) -> u32 {
    let mut digest = Digest::new(CrcAlgorithm::Crc32Iscsi);
    digest.update(block.get(..12).unwrap_or_default());
    digest.update(block.get(16..).unwrap_or_default());
    crc_value(&digest)
}

/// What surrounds a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecordHeader {
    pub(crate) crc: u32,
    pub(crate) length: u32,
    pub(crate) batch_place: u32,
    pub(crate) sequence: Sequence,
    pub(crate) time: i64,
    pub(crate) stream: u64,
    pub(crate) kind: u16,
    pub(crate) version: u8,
    pub(crate) more: bool,
}

impl RecordHeader {
    /// Reads a header; its checksum is not looked at yet.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let block: &[u8; RECORD_BYTES] = bytes.first_chunk()?;
        let mut fields = Fields(block);
        if fields.array::<4>() != RECORD_MAGIC {
            return None;
        }
        let crc = u32::from_le_bytes(fields.array());
        let length = u32::from_le_bytes(fields.array());
        let batch_place = u32::from_le_bytes(fields.array());
        let sequence = Sequence(u64::from_le_bytes(fields.array()));
        let time = i64::from_le_bytes(fields.array());
        let stream = u64::from_le_bytes(fields.array());
        let kind = u16::from_le_bytes(fields.array());
        let [version, flags] = fields.array();
        Some(Self {
            crc,
            length,
            batch_place,
            sequence,
            time,
            stream,
            kind,
            version,
            more: flags & FLAG_MORE != 0,
        })
    }

    /// The stream in what may have been a header: most of it is as headers are.
    pub(crate) fn stream_of(block: &[u8; RECORD_BYTES]) -> Option<u64> {
        let mut fields = Fields(block);
        let magic = fields.array::<4>() == RECORD_MAGIC;
        let _: [u8; 28] = fields.array();
        let stream = u64::from_le_bytes(fields.array());
        let _: [u8; 4] = fields.array();
        let unused = fields.array::<4>() == [0; 4];
        (magic || (unused && stream != 0)).then_some(stream)
    }

    /// The first sequence of the batch that the record was written in.
    pub(crate) fn batch_first(&self) -> Sequence {
        Sequence(self.sequence.0.saturating_sub(u64::from(self.batch_place)))
    }

    /// The bytes that the record takes in a segment.
    pub(crate) fn stored_bytes(&self) -> u64 {
        RECORD_BYTES as u64 + u64::from(self.length).next_multiple_of(ALIGNMENT as u64)
    }

    /// Whether `record`, of [`RecordHeader::stored_bytes`], is what was written.
    pub(crate) fn matches(&self, segment: u64, record: &[u8]) -> bool {
        record.get(8..).is_some_and(|rest| {
            record.len() as u64 == self.stored_bytes() && self.crc == record_crc(segment, rest)
        })
    }
}

/// The place of a record in the log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) segment: u64,
    pub(crate) batch_place: u32,
    pub(crate) sequence: Sequence,
    pub(crate) time: i64,
    pub(crate) more: bool,
}

/// Appends a record's bytes to `out`.
pub(crate) fn encode_record(draft: &Draft, place: Place, out: &mut Vec<u8>) {
    let start = out.len();
    // The length was checked when the draft was queued.
    let length = u32::try_from(draft.payload.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&RECORD_MAGIC);
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&place.batch_place.to_le_bytes());
    out.extend_from_slice(&place.sequence.0.to_le_bytes());
    out.extend_from_slice(&place.time.to_le_bytes());
    out.extend_from_slice(&draft.stream.to_le_bytes());
    out.extend_from_slice(&draft.kind.to_le_bytes());
    out.push(draft.version);
    out.push(if place.more { FLAG_MORE } else { 0 });
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&draft.payload);
    let padded = start + RECORD_BYTES + draft.payload.len().next_multiple_of(ALIGNMENT);
    out.resize(padded, 0);
    let crc = record_crc(place.segment, out.get(start + 8..).unwrap_or_default());
    if let Some(field) = out.get_mut(start + 4..start + 8) {
        field.copy_from_slice(&crc.to_le_bytes());
    }
}

/// `after_crc` is the record from its length field on, padding included.
fn record_crc(segment: u64, after_crc: &[u8]) -> u32 {
    let mut digest = Digest::new(CrcAlgorithm::Crc32Iscsi);
    digest.update(&segment.to_le_bytes());
    digest.update(after_crc);
    crc_value(&digest)
}

fn crc_value(digest: &Digest) -> u32 {
    // A CRC-32 is the low half of what the crate gives for every width.
    (digest.finalize() & u64::from(u32::MAX)) as u32
}

/// Takes fixed fields off a block whose length was checked.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn array<const N: usize>(&mut self) -> [u8; N] {
        match self.0.split_first_chunk::<N>() {
            Some((field, rest)) => {
                self.0 = rest;
                *field
            }
            None => [0; N],
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_record_reads_back_as_it_was_written(
            kind: u16, version: u8, stream: u64, segment: u64, more: bool, time: i64,
            sequence in 1..u64::MAX / 2, batch_place: u32,
            payload in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let draft = Draft { kind, version, stream, payload: payload.into() };
            let place = Place { segment, batch_place, sequence: Sequence(sequence), time, more };
            let mut bytes = Vec::new();
            encode_record(&draft, place, &mut bytes);
            prop_assert_eq!(bytes.len() as u64, draft.stored_bytes());
            let header = RecordHeader::decode(&bytes).unwrap();
            prop_assert!(header.matches(segment, &bytes));
            prop_assert!(!header.matches(segment ^ 1, &bytes));
            prop_assert_eq!((header.kind, header.version, header.stream), (kind, version, stream));
            prop_assert_eq!((header.more, header.time, header.batch_place), (more, time, batch_place));
            for bit in 64..bytes.len() * 8 {
                bytes[bit / 8] ^= 1 << (bit % 8);
                let header = RecordHeader::decode(&bytes);
                prop_assert!(!header.is_some_and(|header| header.matches(segment, &bytes)));
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
        }

        #[test]
        fn foreign_bytes_are_no_header(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert_eq!(SegmentHeader::decode(&bytes), Err(HeaderFault::Absent));
            prop_assert!(RecordHeader::decode(&bytes).is_none());
        }
    }

    #[test]
    fn a_segment_header_reads_back_as_it_was_written() {
        let header = SegmentHeader {
            number: 7,
            first: Sequence(99),
            made: -5,
            previous_end: 4096,
            previous_digest: [9; 32],
        };
        let mut bytes = header.encode();
        assert_eq!(SegmentHeader::decode(&bytes), Ok(header));
        bytes[30] ^= 1;
        assert_eq!(SegmentHeader::decode(&bytes), Err(HeaderFault::Absent));
    }
}

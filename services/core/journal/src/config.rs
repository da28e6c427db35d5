//! How a journal is laid out, and its limits.

use std::path::PathBuf;
use std::time::Duration;

/// The settings of one journal.
#[derive(Debug, Clone)]
pub struct Config {
    /// The directory of the segments. Made if it is missing. The caller sees to it that only one
    /// process has it open.
    pub directory: PathBuf,
    /// The size of a segment. The records of one append must fit into one.
    pub segment_bytes: u64,
    /// How many segments are kept ready beyond the one that is written.
    pub spare_segments: usize,
    /// How many bytes of records may wait to be written; past it [`crate::Journal::reserve`] waits.
    pub queue_bytes: u32,
    /// How long a commit may wait for others that are likely to join it (see `writer`).
    pub gather: Duration,
    /// How long after a failure another segment is tried to be made.
    pub retry: Duration,
    /// The record kinds that this program knows. A journal that holds others is not opened.
    pub kinds: &'static [Kind],
}

impl Config {
    /// The usual settings for a journal in `directory`.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>, kinds: &'static [Kind]) -> Self {
        Self {
            directory: directory.into(),
            segment_bytes: 64 << 20,
            spare_segments: 1,
            queue_bytes: 32 << 20,
            gather: Duration::from_millis(2),
            retry: Duration::from_secs(1),
            kinds,
        }
    }

    /// Whether this program can read such a record.
    pub(crate) fn knows(&self, kind: u16, version: u8) -> bool {
        self.kinds
            .iter()
            .any(|known| known.number == kind && version <= known.version_max)
    }
}

/// A kind of record and its newest version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// The number in the record.
    pub number: u16,
    /// The newest version of its payload that is understood, from 0.
    pub version_max: u8,
}

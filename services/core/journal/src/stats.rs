//! What the journal has done, for metrics and benchmarks.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since the journal was opened, and what waits now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Syncs of record data: one for each batch.
    pub flushes: u64,
    /// Appends made durable.
    pub appends: u64,
    /// Records made durable.
    pub records: u64,
    /// Bytes of records written, with headers and padding.
    pub bytes: u64,
    /// Bytes of records that wait to be written.
    pub queued_bytes: u64,
    /// Segments that hold records.
    pub segments: u64,
    /// The newest durable record.
    pub durable: u64,
    /// Appends refused for want of space.
    pub refused: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) flushes: AtomicU64,
    pub(crate) appends: AtomicU64,
    pub(crate) records: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) segments: AtomicU64,
    pub(crate) durable: AtomicU64,
    pub(crate) refused: AtomicU64,
}

impl Counters {
    pub(crate) fn read(&self, queued_bytes: u64) -> Stats {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            flushes: get(&self.flushes),
            appends: get(&self.appends),
            records: get(&self.records),
            bytes: get(&self.bytes),
            queued_bytes,
            segments: get(&self.segments),
            durable: self.durable.load(Ordering::Acquire),
            refused: get(&self.refused),
        }
    }
}

//! A segmented, checksummed, append-only log with group commit: the truth of a store and of a
//! queue, from which everything else is derived.
//!
//! | module | what it decides |
//! |---|---|
//! | [`format`](mod@format) | the bytes of segment headers and records |
//! | `scan` | where a segment's records end, and what of it is torn, stale or damaged |
//! | [`recovery`] | what a directory holds at start, before anything is written |
//! | [`replay`] | records in order, for recovery and for followers |
//! | [`journal`] | appending: reserve, enqueue, await [`Durable`] |
//! | `writer` | the one thread that writes and syncs; how commits are grouped |
//! | `space` | preallocated and recycled segments |
//! | `sim_disk` | a disk that loses, tears and fails (feature `test-support`) |
//!
//! # Invariants
//! - A [`Durable`] exists only after the sync that covers its records. Nothing else makes one.
//! - Sequence numbers have no gaps: what is refused gives its numbers back before anything later
//!   is written.
//! - The records of one append are in one segment and are replayed all or not at all.
//! - After a failed write or sync nothing is written any more: what the kernel then holds is
//!   unknown, so only a restart, which reads the truth from the disk, goes on.
//! - A segment's checksums are seeded with its number, so that records left in a recycled file
//!   are never taken for new ones.
//! - A record says how far into its batch it is, so that recovery tells a torn batch (never
//!   acknowledged, cut off) from damage (acknowledged once: reported, set aside, skipped).
//! - Each segment names the BLAKE3 digest of the one before.
//!
//! Payloads are opaque: the journal knows no mailbox and no message.

mod config;
mod error;
pub mod format;
pub mod journal;
mod queue;
pub mod recovery;
pub mod replay;
mod scan;
mod segment;
#[cfg(any(test, feature = "test-support"))]
pub mod sim_disk;
mod space;
mod stats;
#[cfg(test)]
mod tests;
mod writer;

pub use config::{Config, Kind};
pub use error::{AppendError, OpenError};
pub use format::{Draft, Locator, Record, Sequence};
pub use journal::{Durable, Epoch, Inspection, Journal, Pending, Permit};
pub use recovery::{Damage, Recovery};
pub use replay::Replay;
pub use stats::Stats;

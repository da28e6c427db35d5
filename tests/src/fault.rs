//! Faults under load: what was acknowledged is compared with what is there afterwards.
//!
//! | module | what it is |
//! |---|---|
//! | [`town`] | the daemons, started and killed one by one |
//! | [`load`] | senders (SMTP, LMTP) and readers (IMAP) at work |
//! | [`ledger`], [`model`] | what they were told: deliveries, and each mailbox |
//! | [`check`] | everything that is there against what they were told |
//! | [`kill`] | SIGKILL to store and mta at random moments |
//! | [`disk`] | a real file system on a disk that loses its power, or fails |
//! | [`power`] | power cuts, and writes and flushes that fail, under load |
//! | [`calls`] | single system calls that fail, every one of a delivery |
//!
//! Every harness proves itself: a round counts only if its fault is shown to have fired, and a run
//! on a machine that forgets what was synced must find losses.

pub mod calls;
pub mod check;
pub mod disk;
pub mod imap;
pub mod kill;
pub mod ledger;
pub mod letter;
pub mod line;
pub mod load;
pub mod mail;
pub mod model;
pub mod power;
mod summary;
pub mod town;

pub use summary::Summary;

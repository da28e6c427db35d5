//! Whole sessions on a table of mailboxes: transcripts, laws of the grammar, and hostile input.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod arbitrary;
mod bounds;
mod catalogue;
mod hostile;
mod law;
mod model;
mod play;
mod table;
mod transcript;

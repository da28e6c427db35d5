//! Dialogues in `transcripts/`, played on the real sessions, and laws that hold for any dialogue.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests fail by panicking, and a clock's start may be any"
)]

mod client;
mod laws;
mod limits;
mod script;
mod server;
mod table;
mod table_of_rfcs;

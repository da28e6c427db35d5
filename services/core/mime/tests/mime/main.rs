//! Messages from outside, well-formed and not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod imap_form;
mod laws;
mod limits;
mod odd;
mod tables;

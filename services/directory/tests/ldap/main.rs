//! The directory as its clients meet it: Debian's LDAP tools, a Rust client, and raw octets, all
//! against the real daemon.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod access;
mod daemon;
mod durability;
mod hostile;
mod passwords;
mod search;
mod tools;
mod wire;

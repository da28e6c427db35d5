//! Whole-system tests: real processes and real foreign clients.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests fail by panicking, and print why"
)]

mod administration;
mod cut;
mod delivery;
mod directory_away;
mod full_disk;
mod hostile;
mod logging;
mod management;
mod monitoring;
mod operation;
mod outside;
mod proxy;
mod refusal;
mod statistics;
mod synchronisation;
mod web;

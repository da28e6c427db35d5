//! The harness of the whole-system tests: a [`Suite`] of real daemons started by `roostctl dev`, the
//! foreign clients that talk to it, and the foreign servers it talks to.
//!
//! Every test has its own suite in a scratch folder on its own ports; nothing is shared, nothing is
//! left behind. What a test waits for is a condition with a deadline ([`wait_for`]).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests fail by panicking, and print why"
)]

pub mod client;
pub mod fault;
pub mod message;
mod node;
pub mod peer;
mod run;
mod siege;
mod slot;
mod suite;
mod wait;
mod wire;

pub use node::Node;
pub use run::{Finished, Run};
pub use siege::Siege;
pub use suite::Suite;
pub use wait::{now, wait_for};
pub use wire::Wire;

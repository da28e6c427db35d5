//! Mail in: SMTP from other hosts (25) and submission from our own users (587, 465).
//!
//! | module | what it decides |
//! |---|---|
//! | [`accounts`] | who may sign in, and send as whom |
//! | [`backend`] | the answers to senders, recipients and messages |
//! | `login` | what signing in costs |
//! | `accept` | what a complete message needs to be acknowledged |
//! | `intake` | where an incoming message is kept until it is complete |
//! | `fixup` | what a submitted message lacks |
//! | [`names`] | what clients are called |
//! | [`policy`] | what the directory says about all mail: sizes, networks, relay host |
//! | [`networks`] | whose addresses are trusted |
//! | [`serve`] | sessions on sockets |
//!
//! A message is acknowledged only with a [`crate::queue::Queued`], the proof that it is durable.

mod accept;
pub mod accounts;
pub mod backend;
mod fixup;
mod intake;
mod login;
pub mod names;
pub mod networks;
pub mod policy;
pub mod serve;
#[cfg(test)]
mod tests;

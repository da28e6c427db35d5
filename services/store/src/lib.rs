//! The mail store: mailboxes on this node; LMTP in, IMAP and POP3 out.
//!
//! | module | what it decides |
//! |---|---|
//! | `start` | which services run, on what |
//! | `config` | what an administrator can say |
//! | [`control`] | what `roostctl store` asks; the types of its answers |
//! | `accounts` | whose mailboxes are here, who may sign in |
//! | `door`, `presence` | what signing in costs, counts and logs; sessions an account |
//! | `lmtp` | where a message goes, and the answer for each recipient |
//! | `imap`, `pop3` | how the engine's folders look to the protocols |
//! | `content` | what is read of a message once, when it comes |
//! | `trouble` | the engine's errors in the protocols' words |
//! | `upkeep`, `metrics`, `session_log` | health, figures, one line a session |
//!
//! Nothing here knows a protocol's grammar or how mail is kept: `roost-proto-*` and `roost-mailbox`
//! do. A message is accepted only with the engine's word that it is durable.

mod accounts;
mod caller;
mod config;
mod content;
pub mod control;
mod door;
mod imap;
mod lmtp;
mod lookup;
mod metrics;
mod pop3;
mod session_log;
mod start;
#[cfg(test)]
mod tests;
mod trouble;
mod upkeep;

pub use config::Config;
pub use start::start;

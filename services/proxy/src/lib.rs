//! roost-proxy: what users connect to. It speaks IMAP and POP3 until somebody has signed in, finds
//! their store, logs in there for them, and from then on hands octets to and fro.
//!
//! | module | what it decides |
//! |---|---|
//! | [`config`] | what an administrator can set |
//! | `start` | which services run |
//! | `mail` | the servers of IMAP and POP3: sessions until login, then the joined pair |
//! | `door` | who is let in, and what a failed login costs |
//! | `bans` | addresses that are not served for a while |
//! | `route` | where an account's store is reached |
//! | `upstream` | connecting and logging in there, within the grace of a restart |
//! | `sessions` | who is there; cutting a session |
//! | `watch` | accounts that are moved or closed while they are there |
//! | [`control`] | what `roostctl proxy` asks |
//! | `metrics`, `upkeep` | figures, health |
//!
//! Invariants: the proxy keeps nothing, so that any number of them can run side by side. No password
//! leaves it but to the directory: stores get tickets
//! ([`roost_core_directory::ticket`]). A joined session that is silent holds no buffer.

mod bans;
pub mod config;
pub mod control;
mod door;
mod mail;
mod metrics;
mod route;
mod sessions;
mod start;
mod upkeep;
mod upstream;
mod watch;

pub use config::Config;
pub use start::start;

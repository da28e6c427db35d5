//! roost-proxy: what users connect to. It speaks IMAP, POP3 and ManageSieve until somebody has signed in, finds
//! their store, logs in there for them, and from then on hands octets to and fro. HTTP requests are
//! handed to the store of whom they are about, one by one.
//!
//! | module | what it decides |
//! |---|---|
//! | [`config`] | what an administrator can set |
//! | `start` | which services run |
//! | `mail` | the servers of IMAP, POP3 and ManageSieve: sessions until login, then the joined pair |
//! | `door` | who is let in, and what a failed login costs |
//! | `bans` | addresses that are not served for a while |
//! | `pace` | how fast somebody may sign in |
//! | `memcached` | what several proxies share: bans, and routes in Zimbra's format |
//! | `route` | where an account's store is reached |
//! | `upstream` | connecting and logging in there, within the grace of a restart |
//! | `sessions` | who is there; cutting a session |
//! | `watch` | accounts that are moved or closed while they are there |
//! | `web` | HTTP: where requests belong, upstreams, static files |
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
mod memcached;
mod metrics;
mod pace;
mod route;
mod sessions;
mod start;
mod upkeep;
mod upstream;
mod watch;
mod web;

pub use config::Config;
pub use start::start;

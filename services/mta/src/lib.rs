//! The mail transfer agent: SMTP in, queue, delivery out.
//!
//! | module | what it decides |
//! |---|---|
//! | [`inbound`] | who may send what to whom; when a message is acknowledged |
//! | [`route`] | what an address means; which host gets its mail next |
//! | [`queue`] | how messages are kept so that none is lost |
//! | [`dispatch`] | what is delivered when, over which connection; notices to senders |
//! | [`schedule`] | all waits |
//! | [`outbound`] | hosts, connections, verdicts |
//! | [`dsn`] | the text of notices |
//! | [`control`] | what `roostctl queue` asks; the types of its answers |
//! | [`envelope`], [`outcome`] | what is kept about senders, recipients and attempts |
//! | [`header`], [`trace`] | the little that is read of a message |
//! | `start`, `upkeep`, `reload`, [`metrics`], [`config`], [`limits`] | the daemon around it |
//!
//! The life of a message: [`inbound::backend`] accepts it ([`queue::Queue::accept`]) → it is due at
//! the [`dispatch::desk`] → a plan asks the [`route::Router`] and makes jobs →
//! [`dispatch::destinations`] open connections → [`outbound::Connection::carry`] → results are
//! recorded ([`queue::Queue::attempted`]) → it leaves, or is due again.
//!
//! What later parts add has its place: checks of a whole message (scanners, milters, SPF, DKIM,
//! DMARC) between [`inbound`]'s intake and its acceptance, signing before a message is queued,
//! policies that domains publish (DANE, MTA-STS) in [`outbound::tls`].

pub mod config;
pub mod control;
pub mod dispatch;
pub mod dsn;
pub mod envelope;
pub mod header;
pub mod inbound;
pub mod limits;
pub mod metrics;
pub mod outbound;
pub mod outcome;
pub mod queue;
mod reload;
pub mod route;
pub mod schedule;
pub mod stamp;
mod start;
pub mod trace;
mod upkeep;

pub use config::Config;
pub use start::start;

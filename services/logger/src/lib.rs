//! The logger: everything that the daemons of an installation say, kept where it can be asked for.
//!
//! | module | what it decides |
//! |---|---|
//! | [`Config`] | what this daemon can be told |
//! | [`start`] | which parts run |
//! | [`syslog`] | how senders write lines, and what is in a line |
//! | `reception` | where lines come from, and what a sender can rely on |
//! | [`store`] | lines on the disk: durable, compressed, found again |
//! | [`trace`] | the life of a message, told by lines |
//! | [`control`] | what `roostctl` can ask |
//! | [`forwarding`] | lines of this machine to another logger |
//! | [`privacy`] | addresses that are not kept |
//! | [`shown`] | text that is safe on a screen |
//! | [`metrics`] | what is counted of lines |
//! | [`stats`] | figures of daemons and hosts as time series, and mail by day |
//! | [`alert`] | what is worth telling somebody, and telling it |
//! | [`post`] | mail from the logger itself |

pub mod alert;
mod config;
pub mod control;
pub mod forwarding;
pub mod metrics;
pub mod post;
pub mod privacy;
mod reception;
pub mod shown;
mod start;
pub mod stats;
pub mod store;
pub mod syslog;
pub mod trace;

pub use config::Config;
pub use start::start;

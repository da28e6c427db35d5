//! What every Roost daemon needs once, and the only crate that reads the clock, spawns tasks and
//! handles signals.
//!
//! A daemon is `Daemon::new("roost-store", env!("CARGO_PKG_VERSION")).run(start)` and a function
//! `async fn start(config: Config, kit: Kit) -> anyhow::Result<()>` that returns as soon as the
//! daemon serves. Read [`daemon`] next.
//!
//! | module | what it decides |
//! |---|---|
//! | [`daemon`] | the life of a daemon: arguments, start, reload, drain, exit code; [`Kit`] |
//! | [`config`] | the files in `/etc/roost`, their units, and how a mistake in them is told |
//! | [`log`] | where log lines go and what they look like |
//! | [`fields`] | the names of log fields, and how peers' bytes are shown |
//! | [`figure`] | how figures are written for people |
//! | [`notify`] | what systemd is told |
//! | [`tasks`] | who owns a task, and in which order tasks end |
//! | [`net`] | listeners, accept loops, limits on connections, streams that become TLS |
//! | [`tls`] | which certificate answers which name, and whom we trust as a client |
//! | [`limit`] | rates, and what a failed login costs |
//! | [`metrics`], [`health`] | what the daemon tells about itself over HTTP |
//! | [`control`] | how `roostctl` talks to a running daemon |
//! | [`interrupt`] | Ctrl-C for programs that are no daemons |
//! | [`secret`] | values that are never printed, and where they come from |
//! | [`place`] | well-known ports and paths |
//! | [`clock`] | what time it is; tests replace it |
//! | [`disk`] | how bytes become durable; tests replace it by one that tears, drops and fails |

pub mod clock;
pub mod config;
pub mod control;
pub mod daemon;
pub mod disk;
pub mod fields;
pub mod figure;
pub mod health;
pub mod interrupt;
pub mod limit;
pub mod log;
pub mod metrics;
pub mod net;
pub mod notify;
pub mod place;
pub mod secret;
pub mod tasks;
pub mod tls;

pub use daemon::{Daemon, Kit};

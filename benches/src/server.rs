//! The systems that are measured: set up in a scratch folder, started, ended with their value.

mod child;
mod dovecot;
mod logging;
mod nginx;
mod postfix;
mod roost;
mod sink;

pub(crate) use child::free_port;
pub(crate) use dovecot::{Dovecot, Format};
pub(crate) use logging::{Logger, Rsyslog};
pub(crate) use nginx::Nginx;
pub(crate) use postfix::{Destination, Postfix};
pub(crate) use roost::{Daemon, Roost};
pub(crate) use sink::Sink;

/// The domain that all systems receive mail for.
pub(crate) const DOMAIN: &str = "example.test";
/// The password of every account.
pub(crate) const PASSWORD: &str = "correct-horse-battery";
/// Accounts `u1`, `u2` and so on.
pub(crate) const USERS: usize = 100;
/// Accounts `f1`, `f2` and so on: a new one for each run into one folder.
pub(crate) const FOLDER_USERS: usize = 40;

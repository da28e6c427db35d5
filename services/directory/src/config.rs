//! `[directory-server]`: what this daemon can be told.

use std::path::PathBuf;

use roost_kit::config::{ByteSize, Listen, ListenSpec, Period, Settings, Wrong};
use roost_kit::net::ConnectionLimits;
use roost_kit::place;
use serde::Deserialize;

use crate::limits::MESSAGE_SIZE_ANONYMOUS;

/// `[directory-server]`: the embedded directory of this node.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The folder that holds the directory's database.
    pub state: PathBuf,
    /// Where LDAP is spoken, with StartTLS.
    pub ldap: Listen,
    /// Where LDAP is spoken over TLS from the first octet.
    pub ldaps: Listen,
    /// The Unix sockets at which LDAP is spoken. Root and this daemon's user sign in there by being
    /// who they are (SASL EXTERNAL).
    pub ldapi: Listen,
    /// Where health and metrics are served.
    pub health: Listen,
    /// The socket for `roostctl`; it is used for online backups.
    pub control: Option<PathBuf>,
    /// How many connections at a time, in total and from one address.
    pub connections: ConnectionLimits,
    /// The largest request of a client that has signed in: bounds photos and lists.
    pub message_size_max: ByteSize,
    /// How long a client may be silent.
    pub idle_timeout: Period,
    /// Limits of searches by users; administrators and daemons have none.
    pub search: SearchLimits,
}

/// `[directory-server.search]`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SearchLimits {
    /// Entries of one search, all its pages together.
    pub entries: u32,
    /// How long one search may take.
    pub time: Period,
}

impl SearchLimits {
    /// The time limit in whole seconds, at least one.
    #[must_use]
    pub fn seconds(&self) -> u32 {
        u32::try_from(self.time.duration().as_secs())
            .unwrap_or(u32::MAX)
            .max(1)
    }
}

impl Default for SearchLimits {
    fn default() -> Self {
        Self {
            entries: 1_000,
            time: Period::seconds(30),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            state: PathBuf::from(place::DIRECTORY_STATE),
            ldap: Listen::loopback(place::LDAP),
            ldaps: Listen::default(),
            ldapi: Listen::from_iter([ListenSpec::Path(PathBuf::from(DEFAULT_SOCKET))]),
            health: Listen::loopback(place::DIRECTORY_HEALTH),
            control: None,
            connections: ConnectionLimits::default(),
            message_size_max: ByteSize::mib(16),
            idle_timeout: Period::minutes(15),
            search: SearchLimits::default(),
        }
    }
}

const DEFAULT_SOCKET: &str = "/run/roost/ldapi";

impl Settings for Config {
    const TABLE: &'static str = "directory-server";

    fn health(&self) -> &Listen {
        &self.health
    }

    fn check(&self) -> Result<(), Wrong> {
        if self.message_size_max.as_u64() < MESSAGE_SIZE_ANONYMOUS {
            return Err(Wrong::new(
                "message_size_max",
                "at least \"256 KiB\" is expected",
            ));
        }
        if self.search.entries == 0 {
            return Err(Wrong::new("search.entries", "at least 1 is expected"));
        }
        Ok(())
    }
}

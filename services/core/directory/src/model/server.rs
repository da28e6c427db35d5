//! Servers.

use std::sync::Arc;

use super::{Damaged, GlobalConfig, required, unreadable};
use crate::entry::Entry;
use crate::name::ServerId;
use crate::resolve::{Level, Setting, resolve};

/// A server.
#[derive(Debug)]
pub struct Server {
    /// Its entry.
    pub entry: Entry,
    /// Its identifier.
    pub id: ServerId,
    /// Its name, which accounts' `zimbraMailHost` refers to.
    pub name: String,
    /// The global configuration.
    pub config: Arc<GlobalConfig>,
}

impl Server {
    /// Reads an entry.
    pub(crate) fn new(entry: Entry, config: Arc<GlobalConfig>) -> Result<Self, Damaged> {
        let id = ServerId::parse(required(&entry, "zimbraId")?)
            .map_err(|error| unreadable(&entry.dn, &error))?;
        let name = required(&entry, "cn")?.to_ascii_lowercase();
        Ok(Self {
            entry,
            id,
            name,
            config,
        })
    }

    /// Any setting: its own, else the global one.
    #[must_use]
    pub fn setting(&self, name: &str) -> Setting<'_> {
        let own = (Level::Server, &self.entry.attributes);
        resolve(name, &[own, (Level::Global, &self.config.entry.attributes)])
    }

    /// The host name to connect to.
    #[must_use]
    pub fn host(&self) -> &str {
        self.setting("zimbraServiceHostname")
            .text()
            .unwrap_or(&self.name)
    }

    /// The port of a service by the attribute that holds it, such as `zimbraLmtpBindPort`.
    #[must_use]
    pub fn port(&self, attribute: &str) -> Option<u16> {
        self.setting(attribute).port().filter(|port| *port > 0)
    }

    /// Whether a service is enabled on it, such as `mailbox` or `mta`.
    #[must_use]
    pub fn runs(&self, service: &str) -> bool {
        self.setting("zimbraServiceEnabled")
            .texts()
            .any(|own| own.eq_ignore_ascii_case(service))
    }
}

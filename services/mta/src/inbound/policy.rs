//! What the directory says about all mail of this node. Read now and then; while the directory
//! cannot be asked, the last answers hold.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;
use roost_core_directory::client::{Directory, Unavailable};
use roost_core_directory::model::Transport;
use roost_core_directory::resolve::Setting;
use roost_kit::net::Network;

use super::networks;
use crate::route::Hop;

/// What holds now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The largest message (`zimbraMtaMaxMessageSize`).
    pub message_size_max: u64,
    /// Whose hosts may relay without signing in (`zimbraMtaMyNetworks`): nobody's if not set.
    pub networks: Vec<Network>,
    /// Where mail for outside goes through (`zimbraMtaRelayHost`).
    pub relay: Option<Hop>,
    /// Whether SCRAM can be offered.
    pub scram: bool,
}

impl Policy {
    /// What holds until the directory has answered.
    #[must_use]
    pub fn first(message_size_max: u64) -> Self {
        Self {
            message_size_max,
            networks: Vec::new(),
            relay: None,
            scram: false,
        }
    }

    /// Whether hosts at this address may relay.
    #[must_use]
    pub fn trusts(&self, address: Option<IpAddr>) -> bool {
        let trusted = |address| {
            self.networks
                .iter()
                .any(|network| network.contains(address))
        };
        address.is_some_and(trusted)
    }
}

/// The policy as it is now, shared by all sessions.
#[derive(Debug)]
pub struct Present {
    policy: RwLock<Arc<Policy>>,
    default_size: AtomicU64,
}

impl Present {
    /// A policy with this size where the directory has none.
    #[must_use]
    pub fn new(default_size: u64) -> Arc<Self> {
        Arc::new(Self {
            policy: RwLock::new(Arc::new(Policy::first(default_size))),
            default_size: AtomicU64::new(default_size),
        })
    }

    /// What holds now.
    #[must_use]
    pub fn get(&self) -> Arc<Policy> {
        Arc::clone(&self.policy.read())
    }

    /// Another policy holds from now on.
    pub fn set(&self, policy: Policy) {
        *self.policy.write() = Arc::new(policy);
    }

    /// Another size holds where the directory has none, from the next [`Present::refresh`] on.
    pub fn set_default_size(&self, size: u64) {
        self.default_size.store(size, Ordering::Relaxed);
    }

    /// Asks the directory as the server `node`.
    ///
    /// # Errors
    /// If it cannot be asked; the policy stays.
    pub async fn refresh(&self, directory: &Directory, node: &str) -> Result<(), Unavailable> {
        let config = directory.config().await?;
        let server = directory.server(node).await?;
        let scram = directory.offers_scram().await?;
        let setting = |name: &str| match &server {
            Some(server) => server.setting(name),
            None => config.setting(name),
        };
        let default_size = || self.default_size.load(Ordering::Relaxed);
        let networks = setting("zimbraMtaMyNetworks");
        let policy = Policy {
            message_size_max: config.message_size_max().unwrap_or_else(default_size),
            networks: networks::read(networks.texts()),
            relay: relay(&setting("zimbraMtaRelayHost")),
            scram,
        };
        self.set(policy);
        Ok(())
    }
}

/// `zimbraMtaRelayHost`: a domain, `[host]` or `host:port`, as Postfix reads it.
fn relay(setting: &Setting<'_>) -> Option<Hop> {
    let text = setting
        .text()
        .map(str::trim)
        .filter(|text| !text.is_empty())?;
    let transport = Transport::parse(&format!("smtp:{text}"));
    let hop = transport.as_ref().and_then(Hop::of);
    if hop.is_none() {
        tracing::error!(
            value = text,
            "zimbraMtaRelayHost cannot be used; mail goes out directly"
        );
    }
    hop
}

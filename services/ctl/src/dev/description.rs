//! `dev.json`: what runs, for tests and scripts. It exists exactly while the suite serves.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::ports::Ports;
use super::state::State;
use crate::failure::{Exit, Failure};

const FILE: &str = "dev.json";

/// What runs.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Description {
    pub(super) ports: BTreeMap<&'static str, u16>,
    pub(super) accounts: Vec<Account>,
    /// The certificate of the suite's own authority.
    pub(super) ca: PathBuf,
    pub(super) pids: BTreeMap<&'static str, u32>,
    pub(super) state: PathBuf,
    /// The configuration, for `roostctl --config` and `ROOST_CONFIG`.
    pub(super) config: PathBuf,
    /// The mta's control socket.
    pub(super) control: PathBuf,
    /// The store's control socket.
    pub(super) store_control: PathBuf,
    /// The proxy's control socket.
    pub(super) proxy_control: PathBuf,
    /// The logger's control socket.
    pub(super) logger_control: PathBuf,
}

/// An account of the demo domain.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Account {
    pub(super) address: String,
    pub(super) password: String,
}

impl Description {
    pub(super) fn new(state: &State, ports: &Ports) -> Self {
        Self {
            ports: ports.all().collect(),
            accounts: Vec::new(),
            ca: state.ca(),
            pids: BTreeMap::new(),
            state: state.root().to_owned(),
            config: state.config(),
            control: state.control(),
            store_control: state.store_control(),
            proxy_control: state.proxy_control(),
            logger_control: state.logger_control(),
        }
    }

    pub(super) fn started(&mut self, daemon: &'static str, pid: u32) {
        self.pids.insert(daemon, pid);
    }

    pub(super) fn write(&self, state: &State) -> Result<(), Failure> {
        let text = serde_json::to_vec_pretty(self).map_err(|error| {
            Failure::because(Exit::Failed, "json", format!("cannot write {FILE}"), &error)
        })?;
        state.write(FILE, &text)
    }

    pub(super) fn remove(&self, state: &State) -> Result<(), Failure> {
        state.remove(FILE)
    }
}

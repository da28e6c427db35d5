//! `[logger]`: what this daemon can be told.

use std::path::PathBuf;

use roost_kit::config::{Listen, Settings};
use roost_kit::place;
use serde::Deserialize;

/// `[logger]`: the logger of this node.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where everything is kept; each part has its own folder in it.
    pub state: PathBuf,
    /// The Unix socket for `roostctl`.
    pub control: PathBuf,
    /// Where health and metrics are served.
    pub health: Listen,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            state: PathBuf::from(place::LOGGER_STATE),
            control: PathBuf::from(place::LOGGER_CONTROL),
            health: Listen::loopback(place::LOGGER_HEALTH),
        }
    }
}

impl Settings for Config {
    const TABLE: &'static str = "logger";

    fn health(&self) -> &Listen {
        &self.health
    }
}

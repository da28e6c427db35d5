//! `[snmp]`: what this daemon can be told.

use std::time::Duration;

use roost_kit::config::{Listen, ListenSpec, Period, Settings, Wrong};
use roost_kit::place;
use serde::Deserialize;

/// The shortest time between two looks at the daemons.
const INTERVAL_MIN: Duration = Duration::from_secs(1);

/// `[snmp]`: the SNMP subagent of this node.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the master agent takes subagents: the path of its socket, as `snmpd` has it by default,
    /// or an address (`agentXSocket tcp:127.0.0.1:705` in `snmpd.conf`).
    #[serde(deserialize_with = "master")]
    pub agentx: ListenSpec,
    /// How often the daemons are asked; also how soon a change is notified.
    pub interval: Period,
    /// Where health and metrics are served.
    pub health: Listen,
    /// When a notification is sent.
    pub notify: Thresholds,
}

/// `[snmp.notify]`: what is worth a notification beside a service that goes down or comes back.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Thresholds {
    /// A volume is filling when less than so many percent of it are free; well again two percent
    /// above that.
    pub volume_free_percent: u8,
    /// The queue is long with so many messages; well again below three quarters of that.
    pub queue_messages: u64,
    /// The queue is late when its oldest message waits so long.
    pub queue_age: Period,
    /// A certificate is ending when it is valid for less than so long.
    pub certificate_rest: Period,
    /// Whether the logger's alerts are notified too.
    pub alerts: bool,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            volume_free_percent: 10,
            queue_messages: 1_000,
            queue_age: Period::minutes(4 * 60),
            certificate_rest: Period::minutes(14 * 24 * 60),
            alerts: true,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            agentx: ListenSpec::Path("/var/agentx/master".into()),
            interval: Period::seconds(10),
            health: Listen::loopback(place::SNMP_HEALTH),
            notify: Thresholds::default(),
        }
    }
}

impl Settings for Config {
    const TABLE: &'static str = "snmp";

    fn health(&self) -> &Listen {
        &self.health
    }

    fn check(&self) -> Result<(), Wrong> {
        if self.interval.duration() < INTERVAL_MIN {
            return Err(Wrong::new("interval", "expected 1s or more"));
        }
        if self.notify.volume_free_percent > 90 {
            let problem = "expected a percentage from 0 to 90";
            return Err(Wrong::new("notify.volume_free_percent", problem));
        }
        Ok(())
    }
}

fn master<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<ListenSpec, D::Error> {
    let text = String::deserialize(deserializer)?;
    let place = text.strip_prefix("tcp:").unwrap_or(&text);
    place.parse().map_err(serde::de::Error::custom)
}

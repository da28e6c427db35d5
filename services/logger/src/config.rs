//! `[logger]`: what this daemon can be told.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use roost_kit::config::{
    ByteSize, ConfigError, Configuration, Listen, ListenSpec, Settings, Wrong,
};
use roost_kit::net::{ConnectionLimits, Network, Networks};
use roost_kit::place;
use serde::Deserialize;

use crate::alert;
use crate::forwarding::Forward;
use crate::privacy::Addresses;
use crate::stats::config::Statistics;
use crate::store::retention::Keep;

/// The longest line that can be allowed.
const LINE_MAX: ByteSize = ByteSize::mib(1);
/// The shortest that every receiver must take (RFC 5424 §6.1).
const LINE_MIN: ByteSize = ByteSize::bytes(2048);

/// `[logger]`: the logger of this node.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where everything is kept; each part has its own folder in it.
    pub state: PathBuf,
    /// Where syslog comes over TCP: octet-counted or a line each (RFC 6587).
    pub syslog: Listen,
    /// Where syslog comes over TLS (RFC 5425).
    pub syslog_tls: Listen,
    /// Where syslog comes in datagrams: over UDP (RFC 5426), and at the path of a local socket.
    pub syslog_udp: Listen,
    /// Networks from which lines are taken; an empty list is everybody.
    pub allow: Networks,
    /// The authority of senders over TLS, a PEM file: without a certificate of it, nobody is heard.
    pub client_ca: Option<PathBuf>,
    /// Limits on connections at a time, in total and from one address.
    pub connections: ConnectionLimits,
    /// A longer line is cut there; from 2 KiB to 1 MiB.
    pub line_max: ByteSize,
    /// Whether this machine's journal is read.
    pub journal: bool,
    /// How long and how much is kept.
    pub keep: Keep,
    /// `plain`, or `hashed`: the part before `@` of addresses is replaced by a keyed digest before a
    /// line is kept. Who has an address can still trace it.
    pub addresses: Addresses,
    /// Another logger that gets this machine's lines too:
    /// `forward = { to = "logs.example.org:6514", ca = "/etc/roost/tls/ca.crt" }`.
    pub forward: Option<Forward>,
    /// The Unix socket for `roostctl`.
    pub control: PathBuf,
    /// Where health and metrics are served.
    pub health: Listen,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            state: PathBuf::from(place::LOGGER_STATE),
            syslog: any(place::SYSLOG),
            syslog_tls: any(place::SYSLOG_TLS),
            syslog_udp: any(place::SYSLOG),
            allow: private(),
            client_ca: None,
            connections: ConnectionLimits {
                total: 2_000,
                per_address: 50,
                ..ConnectionLimits::default()
            },
            line_max: ByteSize::kib(64),
            journal: true,
            keep: Keep::default(),
            addresses: Addresses::Plain,
            forward: None,
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

    fn check_beside(configuration: &Configuration) -> Result<(), ConfigError> {
        Statistics::load(configuration)?;
        alert::config::Settings::load(configuration)?;
        Ok(())
    }

    fn check(&self) -> Result<(), Wrong> {
        if self.line_max < LINE_MIN || self.line_max > LINE_MAX {
            return Err(Wrong::new("line_max", "expected 2 KiB to 1 MiB"));
        }
        if self.keep.size < ByteSize::mib(64) {
            return Err(Wrong::new("keep.size", "expected 64 MiB or more"));
        }
        self.forward.as_ref().map_or(Ok(()), Forward::check)
    }
}

/// A port on all addresses.
fn any(port: u16) -> Listen {
    let addresses = [
        SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)),
        SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)),
    ];
    addresses.into_iter().map(ListenSpec::Address).collect()
}

/// This machine, and networks that nobody else can reach (RFC 1918, RFC 4193, RFC 4291 §2.5.6).
fn private() -> Networks {
    [
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::1",
        "fc00::/7",
        "fe80::/10",
    ]
    .iter()
    .filter_map(|network| network.parse::<Network>().ok())
    .collect()
}

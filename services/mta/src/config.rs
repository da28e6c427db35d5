//! `[mta]`: what this daemon can be told.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use roost_kit::config::{ByteSize, Listen, ListenSpec, Period, Settings, Wrong};
use roost_kit::net::ConnectionLimits;
use roost_kit::place;
use roost_proto_smtp::Address;
use serde::{Deserialize, Deserializer, de};

use crate::dispatch::destinations::Concurrency;
use crate::outbound::tls::Policies;
use crate::schedule::Lifetime;

/// `[mta]`: the mail transfer agent of this node.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The folder that holds the queue.
    pub state: PathBuf,
    /// Where mail from other hosts is taken (SMTP, port 25).
    pub smtp: Listen,
    /// Where our own users submit mail, with STARTTLS (RFC 6409, port 587).
    pub submission: Listen,
    /// The same over TLS from the first octet (RFC 8314, port 465).
    pub submissions: Listen,
    /// The Unix socket for `roostctl queue`.
    pub control: PathBuf,
    /// Where health and metrics are served.
    pub health: Listen,
    /// Where stores take mail, by their host name, if not where the directory says:
    /// `lmtp = { "mail.example.test" = "127.0.0.1:27025" }`.
    pub lmtp: BTreeMap<String, ListenSpec>,
    /// The name servers, as `192.0.2.53` or `127.0.0.1:5353`. Without any, the machine's own.
    pub name_servers: Vec<NameServer>,
    /// The port of other hosts: 25 but for tests.
    pub smtp_port: u16,
    /// Who gets mail for postmaster, abuse and mailer-daemon in domains where nobody has that
    /// address. Without one: the administrators.
    pub postmaster: Option<Postmaster>,
    /// The largest message where the directory does not say (`zimbraMtaMaxMessageSize`).
    pub message_size_max: ByteSize,
    /// How long a client may take for a command, or for the next octets of a message. RFC 5321
    /// §4.5.3.2.7 asks for 5 minutes.
    pub smtp_timeout: Period,
    /// Limits on connections at a time.
    pub connections: Connections,
    /// Messages a minute that one account, or one client that has not signed in, may send; 0 is
    /// no limit. This machine is exempt.
    pub messages_per_minute: u32,
    /// How much TLS mail to other hosts must have: `none`, `may`, `encrypt` or `verify`, by
    /// destination: `outbound_tls = { default = "may", domains = { "example.test" = "verify" } }`.
    pub outbound_tls: Policies,
    /// Connections to other hosts at a time.
    pub deliveries: Deliveries,
    /// How long messages live in the queue.
    pub queue: QueueTimes,
    /// Old segments of the queue's journal are given up when so much more was written.
    pub checkpoint: ByteSize,
    /// New mail is put off with 452 where it would leave less than this free on the queue's file
    /// system, so that what is queued can still be delivered. Never less than one and a half
    /// times the largest message, as with Postfix's `queue_minfree`.
    pub queue_minfree: ByteSize,
}

/// `[mta.connections]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Connections {
    /// From other hosts.
    pub smtp: ConnectionLimits,
    /// From our own users, on both ports together.
    pub submission: ConnectionLimits,
}

impl Default for Connections {
    fn default() -> Self {
        let limits = ConnectionLimits {
            total: 2_000,
            per_address: 50,
            ..ConnectionLimits::default()
        };
        Self {
            smtp: limits.clone(),
            submission: limits,
        }
    }
}

/// `[mta.deliveries]`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Deliveries {
    /// Connections to all other hosts together.
    pub total: u32,
    /// Connections to one destination.
    pub per_destination: u32,
}

impl Default for Deliveries {
    fn default() -> Self {
        Self {
            total: 200,
            per_destination: 20,
        }
    }
}

/// `[mta.queue]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QueueTimes {
    /// After this the message is returned. RFC 5321 §4.5.4.1 asks for 4 to 5 days.
    pub expiry: Period,
    /// After this its sender is told that it is late; `"0s"` is never.
    pub delay_warning: Period,
    /// After this a notice is given up.
    pub notice_expiry: Period,
}

impl Default for QueueTimes {
    fn default() -> Self {
        Self {
            expiry: Period::seconds(5 * 86_400),
            delay_warning: Period::seconds(4 * 3_600),
            notice_expiry: Period::seconds(2 * 86_400),
        }
    }
}

/// A name server: an address, and a port where it is not 53.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameServer(pub SocketAddr);

impl<'de> Deserialize<'de> for NameServer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let with_port = || {
            text.parse::<IpAddr>()
                .map(|address| SocketAddr::new(address, 53))
        };
        let address = text.parse().or_else(|_| with_port());
        address.map(Self).map_err(|_| {
            de::Error::custom(format!(
                "expected a name server such as \"192.0.2.53\" or \"127.0.0.1:5353\", found \"{text}\""
            ))
        })
    }
}

/// The postmaster's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Postmaster(pub Address);

impl<'de> Deserialize<'de> for Postmaster {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let address = Address::parse(&text);
        address.map(Self).map_err(|error| {
            de::Error::custom(format!("expected an address, found \"{text}\": {error}"))
        })
    }
}

impl Default for Config {
    fn default() -> Self {
        let any =
            |port| Listen::from_iter([ListenSpec::Address(SocketAddr::from(([0; 16], port)))]);
        Self {
            state: PathBuf::from(place::MTA_STATE),
            smtp: any(place::SMTP),
            submission: any(place::SUBMISSION),
            submissions: Listen::default(),
            control: PathBuf::from(place::MTA_CONTROL),
            health: Listen::loopback(place::MTA_HEALTH),
            lmtp: BTreeMap::new(),
            name_servers: Vec::new(),
            smtp_port: place::SMTP,
            postmaster: None,
            message_size_max: ByteSize::bytes(10_240_000),
            smtp_timeout: Period::minutes(5),
            connections: Connections::default(),
            messages_per_minute: 600,
            outbound_tls: Policies::default(),
            deliveries: Deliveries::default(),
            queue: QueueTimes::default(),
            checkpoint: ByteSize::mib(64),
            queue_minfree: ByteSize::mib(64),
        }
    }
}

impl Settings for Config {
    const TABLE: &'static str = "mta";

    fn health(&self) -> &Listen {
        &self.health
    }

    fn check(&self) -> Result<(), Wrong> {
        if self.deliveries.total == 0 || self.deliveries.per_destination == 0 {
            return Err(Wrong::new("deliveries", "expected at least 1 connection"));
        }
        if self.smtp_port == 0 {
            return Err(Wrong::new("smtp_port", "expected a port from 1 to 65535"));
        }
        self.outbound_tls.check()
    }
}

impl Config {
    /// How long messages live.
    #[must_use]
    pub fn lifetime(&self) -> Lifetime {
        let warning = self.queue.delay_warning.duration();
        Lifetime {
            expiry: self.queue.expiry.duration(),
            delay_warning: (!warning.is_zero()).then_some(warning),
            notice_expiry: self.queue.notice_expiry.duration(),
        }
    }

    /// The name servers' addresses.
    #[must_use]
    pub fn servers(&self) -> Vec<SocketAddr> {
        self.name_servers.iter().map(|server| server.0).collect()
    }

    /// What new mail must leave free, in bytes.
    #[must_use]
    pub fn reserve(&self) -> u64 {
        let largest = self.message_size_max.as_u64();
        let least = largest.saturating_add(largest / 2);
        self.queue_minfree.as_u64().max(least)
    }

    /// How many connections there may be.
    #[must_use]
    pub fn concurrency(&self) -> Concurrency {
        Concurrency {
            total: self.deliveries.total,
            each: self.deliveries.per_destination,
        }
    }
}

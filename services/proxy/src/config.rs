//! `[proxy]`: what this daemon can be told.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use roost_kit::config::{ByteSize, Listen, ListenSpec, Period, Settings, Wrong};
use roost_kit::net::{ConnectionLimits, Networks};
use roost_kit::place;
use serde::Deserialize;

/// `[proxy]`: the front door.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where IMAP is spoken, with STARTTLS.
    pub imap: Listen,
    /// Where IMAP is spoken over TLS from the first octet.
    pub imaps: Listen,
    /// Where POP3 is spoken, with STLS.
    pub pop3: Listen,
    /// Where POP3 is spoken over TLS from the first octet.
    pub pop3s: Listen,
    /// Where ManageSieve is spoken, with STARTTLS; usually port 4190. Stores that have it are named in
    /// `stores`.
    pub sieve: Listen,
    /// The Sieve extensions of the stores, as clients are told them before they have signed in.
    pub sieve_extensions: String,
    /// Where HTTP is spoken in the clear, usually port 80: who comes here is sent to HTTPS.
    pub http: Listen,
    /// Where HTTPS is spoken, usually port 443.
    pub https: Listen,
    /// What is served over HTTP.
    pub web: WebSettings,
    /// The Unix socket for `roostctl proxy`.
    pub control: PathBuf,
    /// Where health and metrics are served.
    pub health: Listen,
    /// Where stores are reached, by their `zimbraMailHost`, if not where the directory says:
    /// `stores = { "mail.example.test" = { imap = "127.0.0.1:7143", pop3 = "127.0.0.1:7110" } }`.
    pub stores: BTreeMap<String, StorePlaces>,
    /// Whether the way to a store is encrypted: `auto` (but to this machine), `always` or `never`.
    pub store_tls: StoreTls,
    /// The certificate authority of the stores, a PEM file; without it the directory's, or else the
    /// system's are trusted.
    pub store_ca: Option<PathBuf>,
    /// The memcached servers through which several proxies share routes and bans; all proxies name
    /// the same ones in the same order. Without them each knows its own.
    pub memcached: Listen,
    /// How long a client that has signed in is kept waiting for a store that does not answer, such as
    /// one that restarts.
    pub grace: Period,
    /// How long sessions go on when the daemon is stopped, before they are told to come again; at
    /// most as long as `node.drain`.
    pub linger: Period,
    /// How often it is looked whether accounts with sessions have moved or were closed.
    pub watch: Period,
    /// Networks of balancers in front, whose connections begin with a header of the PROXY protocol
    /// (version 1 or 2).
    pub balancers: Networks,
    /// Networks that may connect, by service; an empty list is everybody.
    pub allow: Allow,
    /// Limits on connections at a time, in total and from one address.
    pub connections: ConnectionLimits,
    /// How many sessions one account may have at a time through this proxy.
    pub sessions_per_account: u32,
    /// How long a client may be silent before it has signed in.
    pub login_timeout: Period,
    /// When an address is not served any more for a while.
    pub bans: BanRules,
}

/// `[proxy.stores]`: where one store is reached.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StorePlaces {
    /// IMAP without TLS.
    pub imap: Option<ListenSpec>,
    /// IMAP with TLS from the first octet.
    pub imaps: Option<ListenSpec>,
    /// POP3 without TLS.
    pub pop3: Option<ListenSpec>,
    /// POP3 with TLS from the first octet.
    pub pop3s: Option<ListenSpec>,
    /// ManageSieve without TLS.
    pub sieve: Option<ListenSpec>,
    /// ManageSieve with TLS from the first octet.
    pub sieves: Option<ListenSpec>,
    /// HTTP without TLS.
    pub http: Option<ListenSpec>,
    /// HTTP with TLS.
    pub https: Option<ListenSpec>,
}

/// `[proxy.web]`: what is served over HTTP.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebSettings {
    /// The folder of the static files; without one there are none.
    pub files: Option<PathBuf>,
    /// Servers for paths that are not the stores', by name:
    /// `upstreams = { calls = { paths = ["/calls/"], servers = ["192.0.2.7:8080"] } }`.
    pub upstreams: BTreeMap<String, Upstream>,
    /// Headers on every answer that does not have them.
    pub headers: BTreeMap<String, String>,
    /// How long browsers shall come by HTTPS only, once they were here; `"0s"` says nothing to them.
    pub https_only: Period,
    /// The largest body of a request.
    pub upload_max: ByteSize,
    /// How long a client may take for the head of a request, and stay silent before the next.
    pub head_time: Period,
    /// How long a client may be silent within an upload.
    pub upload_patience: Period,
    /// How long a server behind the proxy may take to begin its answer. Long polls need it long.
    pub answer_time: Period,
    /// Limits on connections at a time, in total and from one address.
    pub connections: ConnectionLimits,
}

/// `[proxy.web.upstreams.NAME]`: servers behind the proxy that are not stores.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Upstream {
    /// Paths that belong to it, by their beginnings; the longest wins.
    pub paths: Vec<String>,
    /// Its servers. The one with least to do gets the next request.
    pub servers: Vec<ListenSpec>,
    /// The name that the servers' certificates must carry; without it they speak in the clear.
    pub tls_name: Option<String>,
    /// What is asked for every two seconds to see whether a server is well, such as `"/health"`.
    pub health: Option<String>,
}

impl Default for WebSettings {
    fn default() -> Self {
        Self {
            files: None,
            upstreams: BTreeMap::new(),
            headers: BTreeMap::new(),
            https_only: Period::seconds(365 * 24 * 3600),
            upload_max: ByteSize::mib(100),
            head_time: Period::seconds(30),
            upload_patience: Period::seconds(60),
            answer_time: Period::minutes(10),
            connections: ConnectionLimits {
                total: 50_000,
                per_address: 200,
                per_network: 2_000,
                new_per_address: 1_200,
                new_per_network: 12_000,
                ..ConnectionLimits::default()
            },
        }
    }
}

/// Whether the way to a store is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoreTls {
    /// But where the store is on this machine.
    #[default]
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere: the network between is trusted.
    Never,
}

/// `[proxy.allow]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Allow {
    /// For `imap` and `imaps`.
    pub imap: Networks,
    /// For `pop3` and `pop3s`.
    pub pop3: Networks,
    /// For `sieve`.
    pub sieve: Networks,
    /// For `http` and `https`.
    pub web: Networks,
}

/// `[proxy.bans]`: after so many wrong passwords in so much time, an address is shut out.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BanRules {
    /// How many wrong passwords; 0 bans nobody.
    pub failures: u32,
    /// Within which time.
    pub within: Period,
    /// For how long.
    pub lasts: Period,
    /// Networks that are never shut out.
    pub never: Networks,
}

impl Default for BanRules {
    fn default() -> Self {
        Self {
            failures: 20,
            within: Period::minutes(10),
            lasts: Period::minutes(10),
            never: Networks::loopback(),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            imap: any(place::IMAP),
            imaps: any(place::IMAPS),
            pop3: any(place::POP3),
            pop3s: any(place::POP3S),
            sieve: Listen::default(),
            sieve_extensions: "fileinto".to_owned(),
            http: Listen::default(),
            https: Listen::default(),
            web: WebSettings::default(),
            control: PathBuf::from(place::PROXY_CONTROL),
            health: Listen::loopback(place::PROXY_HEALTH),
            stores: BTreeMap::new(),
            store_tls: StoreTls::Auto,
            store_ca: None,
            memcached: Listen::default(),
            grace: Period::seconds(15),
            linger: Period::seconds(20),
            watch: Period::milliseconds(500),
            balancers: Networks::default(),
            allow: Allow::default(),
            connections: ConnectionLimits {
                total: 50_000,
                per_address: 200,
                per_network: 2_000,
                new_per_address: 1_200,
                new_per_network: 12_000,
                ..ConnectionLimits::default()
            },
            sessions_per_account: 100,
            login_timeout: Period::seconds(60),
            bans: BanRules::default(),
        }
    }
}

/// A port on all addresses.
fn any(port: u16) -> Listen {
    [
        SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)),
        SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)),
    ]
    .into_iter()
    .map(ListenSpec::Address)
    .collect()
}

impl Settings for Config {
    const TABLE: &'static str = "proxy";

    fn health(&self) -> &Listen {
        &self.health
    }

    fn check(&self) -> Result<(), Wrong> {
        if self.sessions_per_account == 0 {
            return Err(Wrong::new("sessions_per_account", "expected at least 1"));
        }
        if self.watch.duration().is_zero() {
            return Err(Wrong::new("watch", "expected more than nought"));
        }
        for (name, upstream) in &self.web.upstreams {
            let key = |field: &str| format!("web.upstreams.{name}.{field}");
            if upstream.servers.is_empty() {
                return Err(Wrong::new(key("servers"), "expected at least one server"));
            }
            let rooted = |path: &String| path.starts_with('/');
            if upstream.paths.is_empty() || !upstream.paths.iter().all(rooted) {
                return Err(Wrong::new(key("paths"), "expected paths that begin with /"));
            }
            if upstream.health.as_ref().is_some_and(|path| !rooted(path)) {
                return Err(Wrong::new(
                    key("health"),
                    "expected a path that begins with /",
                ));
            }
        }
        Ok(())
    }
}

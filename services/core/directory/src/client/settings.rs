//! How to reach the directory.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ldap3::LdapConnSettings;
use roost_kit::config::DirectoryAccess;
use roost_kit::secret::{Identity, Secret};
use rustls::ClientConfig;

/// How to reach the directory, and how much of it to use.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The servers, in the order in which they are tried: `ldap://`, `ldaps://`, `ldapi://`.
    ///
    /// `ldap://` to another machine is secured with StartTLS before anything else is said.
    pub urls: Vec<String>,
    /// What may go unencrypted.
    pub unencrypted: Unencrypted,
    /// The certificate authority of the servers; the system's when absent.
    pub ca: Option<PathBuf>,
    /// Who we are.
    pub bind: Bind,
    /// How much at once, and how long.
    pub limits: Limits,
    /// How old an answer may be.
    pub freshness: Freshness,
}

/// What may go unencrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unencrypted {
    /// What stays on this machine.
    Loopback,
    /// Nothing but Unix sockets.
    Nothing,
}

/// Who we are.
#[derive(Debug, Clone)]
pub enum Bind {
    /// Nobody.
    Anonymous,
    /// An entry with a password.
    Simple {
        /// The entry.
        dn: String,
        /// The password.
        password: Secret<String>,
    },
    /// Whoever the transport says we are (`ldapi://`).
    External,
}

/// How much at once, and how long.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections for look-ups at most; further look-ups wait their turn.
    pub connections: usize,
    /// Logins checked at the same time at most.
    pub logins: usize,
    /// How long opening a connection may take.
    pub connect: Duration,
    /// How long one operation may take, waiting for a connection included.
    pub operation: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 8,
            logins: 8,
            connect: Duration::from_secs(3),
            operation: Duration::from_secs(10),
        }
    }
}

/// How old an answer may be.
#[derive(Debug, Clone)]
pub struct Freshness {
    /// Accounts, lists and their members.
    pub account: Duration,
    /// Domains, classes of service, servers, the global configuration.
    pub shared: Duration,
    /// That there is no such entry.
    pub negative: Duration,
    /// How old an answer may get while no server can be asked.
    pub stale: Duration,
    /// How long to go without asking again after a server could not be asked.
    pub pause: Duration,
    /// How long a look-up waits for a server that hangs where an old answer would do.
    pub patience: Duration,
    /// Entries kept at most, of each sort.
    pub entries: u64,
}

impl Default for Freshness {
    fn default() -> Self {
        Self {
            account: Duration::from_secs(30),
            shared: Duration::from_secs(60),
            negative: Duration::from_secs(5),
            stale: Duration::from_secs(60 * 60),
            pause: Duration::from_secs(2),
            patience: Duration::from_secs(1),
            entries: 10_000,
        }
    }
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// No server is named.
    #[error("no directory server is named (set directory.url)")]
    NoUrl,
    /// A URL is of another sort.
    #[error("{0:?} is not an ldap://, ldaps:// or ldapi:// URL")]
    Url(String),
    /// The certificate authority cannot be used.
    #[error("cannot trust the directory's certificate authority")]
    Tls(#[from] roost_kit::tls::TlsError),
}

impl Settings {
    /// The usual settings for these servers, separated by blanks.
    #[must_use]
    pub fn new(urls: &str, bind: Bind) -> Self {
        Self {
            urls: urls.split_whitespace().map(str::to_owned).collect(),
            unencrypted: Unencrypted::Loopback,
            ca: None,
            bind,
            limits: Limits::default(),
            freshness: Freshness::default(),
        }
    }

    /// The settings of whoever signs in as `identity`, at the directory that the node's
    /// configuration names.
    #[must_use]
    pub fn signed_in(access: &DirectoryAccess, identity: Identity) -> Self {
        let Identity { dn, password } = identity;
        let bind = Bind::Simple { dn, password };
        Self {
            ca: access.ca.clone(),
            ..Self::new(&access.url, bind)
        }
    }
}

/// A server to connect to.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) url: String,
    pub(super) settings: LdapConnSettings,
}

/// Works out how each URL is connected to.
pub(super) fn targets(
    urls: &[String],
    unencrypted: Unencrypted,
    ca: Option<&Path>,
    limits: &Limits,
) -> Result<Arc<[Target]>, SettingsError> {
    if urls.is_empty() {
        return Err(SettingsError::NoUrl);
    }
    let mut tls: Option<Arc<ClientConfig>> = None;
    urls.iter()
        .map(|url| {
            let mut settings = LdapConnSettings::new().set_conn_timeout(limits.connect);
            let security =
                security(url, unencrypted).ok_or_else(|| SettingsError::Url(url.clone()))?;
            if security != Security::Plain {
                let config = match &tls {
                    Some(config) => Arc::clone(config),
                    None => roost_kit::tls::verified(ca)?,
                };
                tls = Some(Arc::clone(&config));
                settings = settings
                    .set_config(config)
                    .set_starttls(security == Security::StartTls);
            }
            Ok(Target {
                url: url.clone(),
                settings,
            })
        })
        .collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Security {
    Plain,
    StartTls,
    Tls,
}

/// Nothing leaves this machine unencrypted; loopback needs no encryption.
fn security(url: &str, unencrypted: Unencrypted) -> Option<Security> {
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split('/').next()?;
    match scheme.to_ascii_lowercase().as_str() {
        "ldapi" => Some(Security::Plain),
        "ldaps" => Some(Security::Tls),
        "ldap" if unencrypted == Unencrypted::Loopback && is_loopback(host) => {
            Some(Security::Plain)
        }
        "ldap" => Some(Security::StartTls),
        _ => None,
    }
}

fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => host.split(':').next().unwrap_or(host),
    };
    name.eq_ignore_ascii_case("localhost")
        || name
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_goes_unencrypted() {
        for (url, expected) in [
            ("ldap://127.0.0.1:389", Some(Security::Plain)),
            ("ldap://[::1]:389", Some(Security::Plain)),
            ("ldap://localhost", Some(Security::Plain)),
            ("ldap://ldap.example.com", Some(Security::StartTls)),
            ("ldaps://ldap.example.com", Some(Security::Tls)),
            ("ldapi://%2Frun%2Fslapd%2Fldapi", Some(Security::Plain)),
            ("http://example.com", None),
            ("example.com", None),
        ] {
            assert_eq!(security(url, Unencrypted::Loopback), expected, "{url}");
        }
    }
}

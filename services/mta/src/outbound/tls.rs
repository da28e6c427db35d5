//! How much TLS mail to other hosts must have, by destination.
//!
//! Without a policy mail is encrypted wherever the other side can (RFC 7435) and goes in clear where
//! not. A policy that an administrator sets is kept: mail waits, and says why, rather than go
//! worse. Policies that domains publish themselves (DANE, RFC 7672; MTA-STS, RFC 8461) are not
//! looked up.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use roost_kit::config::{ListenSpec, Wrong};
use roost_kit::tls::{self, TlsError};
use roost_proto_smtp::Domain;
use roost_proto_smtp::client::TlsPolicy;
use rustls::ClientConfig;
use serde::Deserialize;

use crate::route::Hop;

/// How much TLS a destination needs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// TLS is not even tried: for hosts whose TLS is broken.
    None,
    /// TLS where the host offers it, with whatever certificate; else clear text.
    #[default]
    May,
    /// TLS, or the mail waits. Keeps listeners out, not impostors.
    Encrypt,
    /// TLS with a host that proves its name by a certificate, or the mail waits. The name is the
    /// one that the MX record says: who can forge DNS answers can still choose it.
    Verify,
}

impl Level {
    /// Whether mail waits where TLS cannot be had.
    #[must_use]
    pub fn is_required(self) -> bool {
        match self {
            Self::None | Self::May => false,
            Self::Encrypt | Self::Verify => true,
        }
    }

    /// The setting's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::May => "may",
            Self::Encrypt => "encrypt",
            Self::Verify => "verify",
        }
    }

    pub(super) fn policy(self) -> TlsPolicy {
        match self {
            Self::None => TlsPolicy::Skip,
            Self::May => TlsPolicy::Opportunistic,
            Self::Encrypt | Self::Verify => TlsPolicy::Required,
        }
    }
}

/// `[mta.outbound_tls]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policies {
    /// What holds for destinations that are not named below.
    pub default: Level,
    /// What holds for one destination: the recipients' domain, or the host that the mail is relayed
    /// through. `.example.test` is all that is below `example.test`.
    pub domains: BTreeMap<String, Level>,
    /// The authorities that hosts must be certified by where the level is `verify` (a PEM file).
    /// Without one, the system's.
    pub ca: Option<PathBuf>,
}

impl Policies {
    /// Whether the names can be meant.
    ///
    /// # Errors
    /// If one is no domain.
    pub fn check(&self) -> Result<(), Wrong> {
        let wrong = self
            .domains
            .keys()
            .find(|name| name.starts_with("..") || as_domain(name).is_none());
        match wrong {
            None => Ok(()),
            Some(name) => Err(Wrong::new(
                "outbound_tls.domains",
                format!(
                    "expected domains such as \"example.test\" or \".example.test\", found \"{name}\""
                ),
            )),
        }
    }

    /// What holds for a destination. Our own stores have none: they are not outside.
    #[must_use]
    pub fn level(&self, hop: &Hop) -> Level {
        match hop {
            Hop::Lmtp { .. } => Level::May,
            Hop::Smtp { host, .. } => self.of(&host.to_lowercase()),
            Hop::Mx { domain, .. } => self.of(domain.as_str()),
        }
    }

    /// The closest name wins: the destination itself, then each domain above it.
    fn of(&self, name: &str) -> Level {
        let named = |wanted: &str, below: bool| {
            self.domains.iter().find_map(|(key, level)| {
                let fits = key.starts_with('.') == below
                    && as_domain(key).is_some_and(|domain| domain == wanted);
                fits.then_some(*level)
            })
        };
        if let Some(level) = named(name, false) {
            return level;
        }
        let mut rest = name;
        while let Some((_, above)) = rest.split_once('.') {
            if let Some(level) = named(above, true) {
                return level;
            }
            rest = above;
        }
        self.default
    }

    fn verifies(&self) -> bool {
        let mut levels = self.domains.values().chain([&self.default]);
        levels.any(|level| *level == Level::Verify)
    }
}

/// A key of the table as DNS would have it.
fn as_domain(key: &str) -> Option<String> {
    let name = key.strip_prefix('.').unwrap_or(key);
    // The address of a host that mail is relayed through is no domain, and as good.
    if name.parse::<std::net::IpAddr>().is_ok() {
        return Some(name.to_lowercase());
    }
    Domain::parse(name).ok().map(|domain| domain.to_string())
}

/// What an administrator may change about deliveries while they go on.
#[derive(Debug)]
pub struct Ways {
    /// Where stores really are, by their host name: where the directory's answer does not hold.
    pub lmtp: BTreeMap<String, ListenSpec>,
    /// How much TLS destinations need.
    pub policies: Policies,
    opportunistic: Arc<ClientConfig>,
    /// There where a policy asks for it.
    verified: Option<Arc<ClientConfig>>,
}

impl Ways {
    /// Reads the authorities that the policies need.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn new(
        lmtp: BTreeMap<String, ListenSpec>,
        policies: Policies,
    ) -> Result<Arc<Self>, TlsError> {
        let verified = match policies.verifies() {
            true => Some(tls::verified(policies.ca.as_deref())?),
            false => None,
        };
        Ok(Arc::new(Self {
            lmtp,
            policies,
            opportunistic: tls::opportunistic()?,
            verified,
        }))
    }

    /// Whom TLS trusts at this level.
    pub(super) fn trust(&self, level: Level) -> Arc<ClientConfig> {
        match (level, &self.verified) {
            (Level::Verify, Some(verified)) => Arc::clone(verified),
            _ => Arc::clone(&self.opportunistic),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policies(text: &[(&str, Level)]) -> Policies {
        Policies {
            domains: text
                .iter()
                .map(|(name, level)| ((*name).to_owned(), *level))
                .collect(),
            ..Policies::default()
        }
    }

    #[test]
    fn the_closest_name_decides() {
        let policies = policies(&[
            ("Example.test", Level::Verify),
            (".example.test", Level::Encrypt),
            ("plain.example.test", Level::None),
            ("bücher.test", Level::Verify),
            ("192.0.2.1", Level::Encrypt),
        ]);
        assert!(policies.check().is_ok());
        for (name, level) in [
            ("example.test", Level::Verify),
            ("a.example.test", Level::Encrypt),
            ("b.a.example.test", Level::Encrypt),
            ("plain.example.test", Level::None),
            ("xn--bcher-kva.test", Level::Verify),
            ("192.0.2.1", Level::Encrypt),
            ("otherexample.test", Level::May),
            ("test", Level::May),
        ] {
            assert_eq!(policies.of(name), level, "{name}");
        }
    }

    #[test]
    fn what_is_no_domain_is_refused() {
        for name in ["", ".", "a b", "..x.test", "x..test"] {
            assert!(policies(&[(name, Level::May)]).check().is_err(), "{name}");
        }
    }

    #[test]
    fn a_policy_to_verify_needs_authorities() {
        let mut policies = policies(&[("x.test", Level::Verify)]);
        policies.ca = Some("/nowhere/ca.pem".into());
        assert!(Ways::new(BTreeMap::new(), policies.clone()).is_err());
        policies.domains.clear();
        assert!(Ways::new(BTreeMap::new(), policies).is_ok());
    }
}

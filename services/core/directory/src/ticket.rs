//! Tickets: by them a proxy logs in at a store for somebody who has proved themselves to the proxy.
//! The store never sees the password.
//!
//! A ticket takes the place of a password (`rt1.` and base64), is good for one account, one service
//! and one store, for [`LIFETIME`], and once. It is sealed by HMAC-SHA-256 under a key that is
//! derived from `zimbraAuthTokenKey`, which only administrators and daemons can read. Whoever sees a
//! ticket on the wire can do no more with it than the proxy was about to do, and not after it has.
//!
//! Stores accept tickets only from the networks of their proxies.

use std::collections::HashMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use parking_lot::Mutex;
use roost_kit::secret::Secret;
use sha2::Sha256;

use crate::model::GlobalConfig;
use crate::name::AccountId;

/// How long a ticket is good. It is used at once; this is for clocks that differ.
pub const LIFETIME: Duration = Duration::from_secs(60);

/// How tickets begin. No password of a user is taken for one but from a proxy.
pub const PREFIX: &str = "rt1.";

/// What the key is derived for.
const PURPOSE: &[u8] = b"roost login ticket 1";
/// Issued, nonce, seal.
const OCTETS: usize = 8 + NONCE + SEAL;
const NONCE: usize = 16;
const SEAL: usize = 32;
/// How many used tickets are remembered: logins of [`LIFETIME`] at 4,000 a second.
const USED_MAX: usize = 262_144;

/// What a ticket is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim<'a> {
    /// Who logs in.
    pub account: AccountId,
    /// To which service, such as `imap`.
    pub service: &'a str,
    /// At which store, by its `zimbraMailHost`.
    pub store: &'a str,
}

/// Why a ticket is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// It is none, or for something else, or sealed with another key.
    #[error("no ticket for this")]
    Forged,
    /// It is too old, or from the future.
    #[error("the ticket has run out, or the clocks of proxy and store differ")]
    Expired,
    /// It has been used.
    #[error("the ticket has been used already")]
    Used,
    /// It was made before this store began to remember used ones; a new one will do.
    #[error("the ticket is older than this process")]
    TooEarly,
}

impl Invalid {
    /// Whether a new ticket may do.
    #[must_use]
    pub const fn is_transient(self) -> bool {
        match self {
            Self::TooEarly => true,
            Self::Forged | Self::Expired | Self::Used => false,
        }
    }
}

/// The keys that are in use, the newest first.
#[derive(Clone)]
pub struct Keys(Vec<[u8; SEAL]>);

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys({})", self.0.len())
    }
}

impl Keys {
    /// The keys of an installation; nothing when it has none.
    #[must_use]
    pub fn of(config: &GlobalConfig) -> Option<Self> {
        let values = config.entry.attributes.texts("zimbraAuthTokenKey");
        Self::derived(values)
    }

    fn derived<'a>(values: impl Iterator<Item = &'a str>) -> Option<Self> {
        let number = |value: &str| {
            let mut parts = value
                .split(':')
                .map(|part| part.parse::<u64>().unwrap_or(0));
            (parts.next(), parts.next())
        };
        let mut values: Vec<&str> = values.filter(|value| !value.is_empty()).collect();
        values.sort_by_key(|value| std::cmp::Reverse(number(value)));
        let keys: Vec<_> = values
            .iter()
            .map(|value| seal(value.as_bytes(), &[PURPOSE]))
            .collect();
        (!keys.is_empty()).then_some(Self(keys))
    }

    /// Makes a ticket.
    #[must_use]
    pub fn issue(&self, claim: Claim<'_>, now: Timestamp) -> Secret<String> {
        let nonce: [u8; NONCE] = rand::random();
        let issued = now.as_second().to_be_bytes();
        let key = self.0.first().copied().unwrap_or_default();
        let mut octets = Vec::with_capacity(OCTETS);
        octets.extend(issued);
        octets.extend(nonce);
        octets.extend(sealed(&key, &issued, &nonce, claim));
        Secret::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(octets)))
    }
}

/// Looks at tickets, each once.
#[derive(Debug)]
pub struct Inspector {
    /// Seconds since the epoch; earlier tickets may have been used.
    since: i64,
    /// When those that were used were issued, by their nonce.
    used: Mutex<HashMap<[u8; NONCE], i64>>,
}

impl Inspector {
    /// One that remembers from now on.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self {
            since: now.as_second(),
            used: Mutex::default(),
        }
    }

    /// Whether a ticket is good for `claim` now; it is not good any more after.
    ///
    /// # Errors
    /// [`Invalid`] says why it is not.
    pub fn check(
        &self,
        keys: &Keys,
        ticket: &str,
        claim: Claim<'_>,
        now: Timestamp,
    ) -> Result<(), Invalid> {
        let (issued, nonce, own) = read(ticket).ok_or(Invalid::Forged)?;
        let fits = |key: &[u8; SEAL]| {
            let mac = mac(key, &[&issued.to_be_bytes(), &nonce, &written(claim)]);
            mac.verify_slice(&own).is_ok()
        };
        if !keys.0.iter().any(fits) {
            return Err(Invalid::Forged);
        }
        let now = now.as_second();
        let lifetime = i64::try_from(LIFETIME.as_secs()).unwrap_or(i64::MAX);
        if (now - issued).abs() > lifetime {
            return Err(Invalid::Expired);
        }
        if issued < self.since {
            return Err(Invalid::TooEarly);
        }
        let mut used = self.used.lock();
        if used.len() >= USED_MAX {
            used.retain(|_, issued| (now - *issued).abs() <= lifetime);
            if used.len() >= USED_MAX {
                // Forgetting one would let it be used again.
                return Err(Invalid::TooEarly);
            }
        }
        match used.insert(nonce, issued) {
            None => Ok(()),
            Some(_) => Err(Invalid::Used),
        }
    }
}

fn read(ticket: &str) -> Option<(i64, [u8; NONCE], [u8; SEAL])> {
    let octets = URL_SAFE_NO_PAD.decode(ticket.strip_prefix(PREFIX)?).ok()?;
    let (issued, rest) = octets.split_first_chunk()?;
    let (nonce, own) = rest.split_first_chunk()?;
    Some((i64::from_be_bytes(*issued), *nonce, own.try_into().ok()?))
}

fn written(claim: Claim<'_>) -> Vec<u8> {
    let store = claim.store.to_ascii_lowercase();
    format!("{}\0{}\0{store}", claim.account, claim.service).into_bytes()
}

fn sealed(key: &[u8; SEAL], issued: &[u8; 8], nonce: &[u8; NONCE], claim: Claim<'_>) -> [u8; SEAL] {
    seal(key, &[issued, nonce, &written(claim)])
}

fn seal(key: &[u8], parts: &[&[u8]]) -> [u8; SEAL] {
    mac(key, parts).finalize().into_bytes().into()
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Hmac<Sha256> {
    // RFC 2104 §2: a key longer than a block is hashed first. A shorter one is filled up with noughts.
    let mut block = [0; 64];
    match block.get_mut(..key.len()) {
        Some(start) => start.copy_from_slice(key),
        None => {
            use sha2::Digest;
            let hashed = Sha256::digest(key);
            for (octet, own) in block.iter_mut().zip(hashed) {
                *octet = own;
            }
        }
    }
    let mut mac = Hmac::<Sha256>::new(&block.into());
    for part in parts {
        mac.update(part);
    }
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

    fn keys(values: &[&str]) -> Keys {
        Keys::derived(values.iter().copied()).unwrap()
    }

    fn claim(account: AccountId) -> Claim<'static> {
        Claim {
            account,
            service: "imap",
            store: "store1.example.com",
        }
    }

    fn later(seconds: i64) -> Timestamp {
        Timestamp::from_second(NOW.as_second() + seconds).unwrap()
    }

    #[test]
    fn a_ticket_is_good_once() {
        let keys = keys(&["0:1:aa"]);
        let inspector = Inspector::new(NOW);
        let claim = claim(AccountId::random());
        let ticket = keys.issue(claim, NOW);
        assert_eq!(
            inspector.check(&keys, ticket.expose(), claim, later(5)),
            Ok(())
        );
        let again = inspector.check(&keys, ticket.expose(), claim, later(5));
        assert_eq!(again, Err(Invalid::Used));
        assert!(ticket.expose().len() < 100, "it must fit into a POP3 line");
    }

    #[test]
    fn a_ticket_is_good_for_nothing_else() {
        let keys = keys(&["0:1:aa"]);
        let inspector = Inspector::new(NOW);
        let own = claim(AccountId::random());
        let ticket = keys.issue(own, NOW);
        let others = [
            claim(AccountId::random()),
            Claim {
                service: "pop3",
                ..own
            },
            Claim {
                store: "store2.example.com",
                ..own
            },
        ];
        for other in others {
            let refused = inspector.check(&keys, ticket.expose(), other, NOW);
            assert_eq!(refused, Err(Invalid::Forged), "{other:?}");
        }
        for text in [
            "",
            "rt1.",
            "rt1.AAAA",
            "tulip",
            ticket.expose().get(..60).unwrap(),
        ] {
            assert_eq!(
                inspector.check(&keys, text, own, NOW),
                Err(Invalid::Forged),
                "{text}"
            );
        }
        let mut forged = ticket.expose().clone();
        forged.replace_range(
            6..7,
            if forged.as_bytes()[6] == b'A' {
                "B"
            } else {
                "A"
            },
        );
        assert_eq!(
            inspector.check(&keys, &forged, own, NOW),
            Err(Invalid::Forged)
        );
        assert_eq!(inspector.check(&keys, ticket.expose(), own, NOW), Ok(()));
    }

    #[test]
    fn a_ticket_has_its_time() {
        let keys = keys(&["0:1:aa"]);
        let claim = claim(AccountId::random());
        let ticket = keys.issue(claim, NOW);
        let check = |since, at| Inspector::new(since).check(&keys, ticket.expose(), claim, at);
        assert_eq!(check(NOW, later(61)), Err(Invalid::Expired));
        assert_eq!(check(later(-90), later(-61)), Err(Invalid::Expired));
        assert_eq!(check(later(1), later(1)), Err(Invalid::TooEarly));
        assert_eq!(check(NOW, later(60)), Ok(()));
    }

    #[test]
    fn the_newest_key_seals_and_all_open() {
        let (old, both) = (keys(&["0:1:aa"]), keys(&["0:1:aa", "1:2:bb"]));
        let claim = claim(AccountId::random());
        let inspector = Inspector::new(NOW);
        let by_old = old.issue(claim, NOW);
        let by_new = both.issue(claim, NOW);
        assert_eq!(inspector.check(&both, by_old.expose(), claim, NOW), Ok(()));
        assert_eq!(
            inspector.check(&old, by_new.expose(), claim, NOW),
            Err(Invalid::Forged)
        );
        assert_eq!(inspector.check(&both, by_new.expose(), claim, NOW), Ok(()));
        assert!(Keys::derived([""].into_iter()).is_none());
    }
}

//! Routes that several proxies share through memcached, under Zimbra's keys:
//! `route:proto=PROTOCOL;user=ADDRESS` or `;id=ZIMBRAID` with the value `ip:port`.
//!
//! A route is an aid, never the truth: it saves looking up where a store's host is. It goes when its
//! account moves (within a round of the watch, for the accounts whose routes this proxy has used
//! last), and when a store does not take a login that came by it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use roost_core_directory::model::Account;
use roost_core_directory::name::AccountId;

use super::Wanted;
use crate::memcached::Memcached;
use crate::metrics::Service;

/// Accounts whose routes are watched: one round of the watch.
const WATCHED_MAX: u64 = 2_000;
/// How long an account is watched after its last login.
const WATCHED_TIME: Duration = Duration::from_secs(3600);
/// Zimbra's names of protocols, and ours of one that Zimbra does not have.
const PROTOCOLS: [&str; 8] = [
    "imap", "imapssl", "pop3", "pop3ssl", "sieve", "sievessl", "http", "httpssl",
];

/// The routes; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct SharedRoutes {
    memcached: Memcached,
    /// Whose routes were used.
    watched: Cache<AccountId, Watched>,
}

/// An account whose routes are kept somewhere.
#[derive(Debug, Clone)]
pub(crate) struct Watched {
    /// Where it was, in lower case.
    pub(crate) store: Arc<str>,
    name: Arc<str>,
}

impl SharedRoutes {
    pub(crate) fn new(memcached: Memcached) -> Self {
        Self {
            memcached,
            watched: Cache::builder()
                .max_capacity(WATCHED_MAX)
                .time_to_idle(WATCHED_TIME)
                .build(),
        }
    }

    /// Where an account's store is, by what some proxy has found out.
    pub(super) async fn find(
        &self,
        account: &Account,
        wanted: Wanted,
        tls: bool,
    ) -> Option<SocketAddr> {
        if !self.memcached.is_used() {
            return None;
        }
        let found = self.memcached.get(&key(account, wanted, tls)).await?;
        self.watch(account);
        found.text.parse().ok()
    }

    /// Tells the others, for some time.
    pub(super) async fn tell(
        &self,
        account: &Account,
        wanted: Wanted,
        to: (bool, SocketAddr),
        lasts: Duration,
    ) {
        if !self.memcached.is_used() {
            return;
        }
        let (tls, place) = to;
        self.watch(account);
        let key = key(account, wanted, tls);
        self.memcached.add(&key, &place.to_string(), lasts).await;
    }

    fn watch(&self, account: &Account) {
        if let Some(store) = account.mail_host() {
            let watched = Watched {
                store: Arc::from(store.to_ascii_lowercase()),
                name: Arc::from(account.name.to_string()),
            };
            self.watched.insert(account.id, watched);
        }
    }

    /// The accounts that are watched.
    pub(crate) fn watched(&self) -> Vec<(AccountId, Watched)> {
        let watched = self.watched.iter();
        watched
            .map(|(account, watched)| (*account, watched))
            .collect()
    }

    /// A store did not take an account's login: all of its routes go.
    pub(crate) async fn forget(&self, account: AccountId, name: &str) {
        if !self.memcached.is_used() {
            return;
        }
        self.watched.invalidate(&account);
        for protocol in PROTOCOLS {
            for whom in [format!("user={name}"), format!("id={account}")] {
                let key = format!("route:proto={protocol};{whom}");
                self.memcached.delete(&key).await;
            }
        }
    }

    /// An account that was watched has moved: all of its routes go.
    pub(crate) async fn forget_moved(&self, account: AccountId, watched: &Watched) {
        self.forget(account, &watched.name).await;
    }
}

fn key(account: &Account, wanted: Wanted, tls: bool) -> String {
    let [imap, imaps, pop3, pop3s, sieve, sieves, http, https] = PROTOCOLS;
    let (clear, secured) = match wanted {
        Wanted::Mail(Service::Imap) => (imap, imaps),
        Wanted::Mail(Service::Pop3) => (pop3, pop3s),
        Wanted::Mail(Service::Sieve) => (sieve, sieves),
        Wanted::Web => (http, https),
    };
    let protocol = if tls { secured } else { clear };
    match wanted {
        Wanted::Web => format!("route:proto={protocol};id={}", account.id),
        Wanted::Mail(_) => format!("route:proto={protocol};user={}", account.name),
    }
}

//! The LDAP client: looking up, routing mail, signing in.
//!
//! [`Directory`] is a cheap handle that every task clones. It holds a bounded pool of connections
//! to the first server that answers, and a cache with bounded staleness. A look-up says "there is
//! none" (`None`) only when the directory said so; when it could not be asked the error is
//! [`Unavailable`], and mail waits. Entries seen lately are served on while no server answers.
//!
//! Read next: [`Directory::recipient`] for mail, [`Directory::authenticate`] for logins.

mod administrators;
mod authenticate;
mod cache;
mod find;
mod gal;
mod list;
mod lookup;
mod operation;
mod pool;
mod recipient;
mod scram;
mod senders;
mod settings;
mod standing;
mod store;
mod unavailable;

use std::sync::Arc;

use compact_str::CompactString;
use roost_kit::clock::Clock;
use uuid::Uuid;

pub use authenticate::{Denied, SignIn};
pub use recipient::{AccountRoute, Deferral, ListRoute, Refusal, Resolution};
pub use scram::{PARAMETERS_OID, ScramParameters, ScramVerdict, VERIFY_OID};
pub use senders::Senders;
pub use settings::{Bind, Freshness, Limits, Settings, SettingsError, Unencrypted};
pub use standing::Standing;
pub use store::StoreHost;
pub use unavailable::Unavailable;

pub(crate) use find::{Find, all as all_of, any as any_of, equal};
pub(crate) use operation::{Change, Operation, code};

use crate::model::{Account, Cos, DistributionList, Domain, GlobalConfig, Server};
use crate::name::{DomainName, EmailAddress};
use cache::{Cache, Silence};
use pool::Pool;

/// A handle on the directory.
#[derive(Clone)]
pub struct Directory(Arc<Inner>);

struct Inner {
    /// Connections bound as ourselves.
    service: Pool,
    /// Connections for binding as users, which change whom they are bound as all the time.
    logins: Pool,
    clock: Clock,
    config: Cache<(), Arc<GlobalConfig>>,
    domains: Cache<Key<DomainName>, Arc<Domain>>,
    domain_aliases: Cache<Uuid, Arc<Vec<DomainName>>>,
    cos: Cache<Key<CompactString>, Arc<Cos>>,
    servers: Cache<CompactString, Arc<Server>>,
    parties: Cache<Key<EmailAddress>, Party>,
    catchers: Cache<DomainName, lookup::Catcher>,
    members: Cache<Uuid, Arc<list::Members>>,
    extensions: Cache<(), Arc<Vec<String>>>,
}

/// What an entry is looked up by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key<N> {
    Name(N),
    Id(Uuid),
}

/// Who has an address.
#[derive(Debug, Clone)]
pub enum Party {
    /// An account.
    Account(Arc<Account>),
    /// A distribution list.
    List(Arc<DistributionList>),
}

impl Directory {
    /// Prepares a client; connections are opened when they are needed.
    ///
    /// # Errors
    /// When a URL or the certificate authority cannot be used.
    pub fn new(settings: Settings, clock: Clock) -> Result<Self, SettingsError> {
        let Settings {
            urls,
            unencrypted,
            ca,
            bind,
            limits,
            freshness,
        } = settings;
        let targets = settings::targets(&urls, unencrypted, ca.as_deref(), &limits)?;
        let many = freshness.entries;
        let shared = freshness.shared;
        let personal = freshness.account;
        let silence = Silence::default();
        Ok(Self(Arc::new(Inner {
            service: Pool::new(
                targets.clone(),
                bind.clone(),
                &limits,
                limits.connections,
                clock.clone(),
            ),
            // Signed in as ourselves first: so the server knows that those who are bound there are
            // others, and that we hold back who guesses. By our address it could only punish all.
            logins: Pool::new(targets, bind, &limits, limits.logins, clock.clone()),
            config: Cache::new(1, shared, &freshness, &silence, &clock),
            domains: Cache::new(many, shared, &freshness, &silence, &clock),
            domain_aliases: Cache::new(many, shared, &freshness, &silence, &clock),
            cos: Cache::new(many, shared, &freshness, &silence, &clock),
            servers: Cache::new(many, shared, &freshness, &silence, &clock),
            parties: Cache::new(many, personal, &freshness, &silence, &clock),
            catchers: Cache::new(many, personal, &freshness, &silence, &clock),
            members: Cache::new(many, personal, &freshness, &silence, &clock),
            extensions: Cache::new(1, shared, &freshness, &silence, &clock),
            clock,
        })))
    }

    /// Asks the server for its root DSE: whether it answers at all.
    ///
    /// # Errors
    /// When no server answers.
    pub async fn ping(&self) -> Result<(), Unavailable> {
        self.one("", &["supportedLDAPVersion"]).await.map(drop)
    }

    /// Forgets everything cached, so that the next look-up asks the directory.
    pub fn forget(&self) {
        let Inner {
            config,
            domains,
            domain_aliases,
            cos,
            servers,
            parties,
            catchers,
            members,
            extensions,
            ..
        } = &*self.0;
        config.clear();
        domains.clear();
        domain_aliases.clear();
        cos.clear();
        servers.clear();
        parties.clear();
        catchers.clear();
        members.clear();
        extensions.clear();
    }

    /// The clock it goes by.
    pub(crate) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Connections bound as ourselves.
    pub(crate) fn service(&self) -> &Pool {
        &self.0.service
    }
}

impl std::fmt::Debug for Directory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Directory")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sessions run on several threads.
    fn sendable<T: Send>(value: T) -> T {
        value
    }

    #[tokio::test]
    async fn without_a_server_everything_is_unavailable_and_nothing_is_missing() {
        let settings = Settings::new("ldap://127.0.0.1:1", Bind::Anonymous);
        let directory = Directory::new(settings, Clock::system()).unwrap();
        let address = EmailAddress::parse("alice@example.com").unwrap();
        let password = roost_kit::secret::Secret::new("tulip".to_owned());
        assert!(sendable(directory.recipient(&address)).await.is_err());
        assert!(
            sendable(directory.authenticate("alice@example.com", &password))
                .await
                .is_err()
        );
        assert!(
            sendable(directory.is_local_domain(address.domain()))
                .await
                .is_err()
        );
        assert!(sendable(directory.scram_parameters("alice")).await.is_err());
    }

    #[tokio::test]
    async fn a_server_that_never_answers_costs_no_more_than_the_deadline() {
        let deaf = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut settings = Settings::new(
            &format!("ldap://{}", deaf.local_addr().unwrap()),
            Bind::Anonymous,
        );
        settings.limits.operation = std::time::Duration::from_millis(50);
        let directory = Directory::new(settings, Clock::system()).unwrap();
        assert!(directory.ping().await.is_err());
    }
}

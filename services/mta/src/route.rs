//! Where mail for an address goes: whom it means when it comes in, and which host gets it next.
//!
//! The first question is asked once, at RCPT, and its answer is kept in the envelope: aliases are
//! followed, lists and forwardings become recipients of their own. The second is asked at each
//! attempt, because mailboxes move. Pure but for the questions to [`Addresses`].

mod addresses;
mod expand;
mod hop;
mod ldap;
#[cfg(test)]
pub(crate) mod table;

pub use addresses::{Addresses, Found, Poster, Unavailable};
pub(crate) use expand::key;
pub use expand::{Refused, Routed};
pub use hop::{Hop, NextHop};
pub use ldap::{LdapAddresses, email};

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use parking_lot::RwLock;
use roost_proto_smtp::{Address, Domain, Host};

use crate::outcome::status;

/// Answers both questions.
#[derive(Debug)]
pub struct Router<A> {
    addresses: A,
    /// Our host name, whose postmaster we are too.
    host: Domain,
    /// Where mail for outside goes, as the directory last said.
    relay: RwLock<Option<Hop>>,
    smtp_port: AtomicU16,
}

/// Local parts that every host must answer for (RFC 5321 §4.5.1, RFC 2142 §2), and the one that our
/// notices come from.
const OFFICES: [&str; 3] = ["postmaster", "abuse", "mailer-daemon"];

impl<A: Addresses> Router<A> {
    /// A router for the host `host`; outside hosts listen at `smtp_port`.
    #[must_use]
    pub fn new(addresses: A, host: Domain, smtp_port: u16) -> Arc<Self> {
        Arc::new(Self {
            addresses,
            host,
            relay: RwLock::new(None),
            smtp_port: AtomicU16::new(smtp_port),
        })
    }

    /// Who says what addresses mean.
    pub fn addresses(&self) -> &A {
        &self.addresses
    }

    /// Hosts outside listen at another port from now on.
    pub fn set_smtp_port(&self, port: u16) {
        self.smtp_port.store(port, Ordering::Relaxed);
    }

    /// Says which host mail for outside goes through (`zimbraMtaRelayHost`).
    pub fn set_relay(&self, relay: Option<Hop>) {
        *self.relay.write() = relay;
    }

    /// The port of hosts outside.
    #[must_use]
    pub fn smtp_port(&self) -> u16 {
        self.smtp_port.load(Ordering::Relaxed)
    }

    /// Which host gets mail for `address` next.
    pub async fn next_hop(&self, address: &Address) -> NextHop {
        let found = match self.addresses.find(address).await {
            Ok(found) => found,
            Err(Unavailable(why)) => {
                return NextHop::Later(status::LOOKUP_FAILED, why);
            }
        };
        match found {
            Found::Mailbox { next, .. } | Found::Relay { next, .. } => NextHop::Hop(next),
            Found::NotOurs => self.outside(address),
            Found::Unknown => NextHop::Never(
                status::NO_MAILBOX,
                "there is no such mailbox any more".to_owned(),
            ),
            Found::Refused { status, text } => NextHop::Never(status, text),
            Found::Deferred { status, text } => NextHop::Later(status, text),
            Found::List { .. } | Found::Forward(_) => NextHop::Later(
                status::LOCAL_TROUBLE,
                "the address became a list or a forwarding while the message waited".to_owned(),
            ),
        }
    }

    fn outside(&self, address: &Address) -> NextHop {
        let port = self.smtp_port();
        let hop = match (&*self.relay.read(), address.host()) {
            (Some(relay), _) => relay.clone(),
            (None, Host::Domain(domain)) => Hop::Mx {
                domain: domain.clone(),
                port,
            },
            // RFC 5321 §4.1.3: a literal is the host itself.
            (None, Host::Literal(literal)) => Hop::Smtp {
                host: literal.to_string(),
                port,
            },
        };
        NextHop::Hop(hop)
    }

    /// Who answers for the offices of a domain that has no account of that name.
    fn is_office(&self, address: &Address) -> bool {
        let local = address.local().as_str().to_lowercase();
        OFFICES.contains(&local.as_str())
    }

    fn is_own_host(&self, address: &Address) -> bool {
        address.domain() == Some(&self.host)
    }
}

#[cfg(test)]
mod tests;

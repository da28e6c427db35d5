//! Where an account's store is reached.

mod shared;

pub(crate) use shared::{SharedRoutes, Watched};

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use roost_core_directory::client::{Directory, StoreHost, Unavailable};
use roost_core_directory::model::Account;
use roost_kit::config::ListenSpec;
use roost_kit::net::{NetError, Stream};
use roost_kit::place;
use rustls::ClientConfig;

use crate::config::{StorePlaces, StoreTls};
use crate::metrics::Service;

/// How long one address of a store may take to accept.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// How long the addresses of a host may take to be found.
const RESOLVE_TIME_MAX: Duration = Duration::from_secs(5);
/// How long a shared route is kept where the directory does not say.
const SHARED_FOR: Duration = Duration::from_secs(3600);
/// Addresses of one host that are tried.
const ADDRESSES_MAX: usize = 8;

/// Finds stores; cheap to clone.
#[derive(Clone)]
pub(crate) struct Routes {
    inner: Arc<Inner>,
}

struct Inner {
    directory: Directory,
    /// This node's name: a store of that name is reached by loopback.
    node: String,
    places: BTreeMap<String, StorePlaces>,
    policy: StoreTls,
    tls: Arc<ClientConfig>,
    shared: SharedRoutes,
}

/// What routes are made of.
pub(crate) struct Parts {
    pub(crate) directory: Directory,
    pub(crate) node: String,
    pub(crate) places: BTreeMap<String, StorePlaces>,
    pub(crate) policy: StoreTls,
    pub(crate) tls: Arc<ClientConfig>,
    pub(crate) shared: SharedRoutes,
}

/// The way to a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    /// The store's `zimbraMailHost`, in lower case.
    pub(crate) store: String,
    /// The name that its certificate must carry.
    pub(crate) host: String,
    /// Places to try, in this order.
    pub(crate) places: Vec<ListenSpec>,
    /// Whether TLS comes first.
    pub(crate) tls: bool,
}

/// Why there is no way.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoRoute {
    /// The account has no `zimbraMailHost`.
    #[error("the account has no zimbraMailHost")]
    Nowhere,
    /// The directory cannot be asked.
    #[error("the directory cannot be asked where the store is")]
    Directory(#[from] Unavailable),
    /// The store's host has no address.
    #[error("the host {host} has no address")]
    Host {
        /// The host.
        host: String,
        /// Why.
        source: std::io::Error,
    },
    /// The store has no place for the service.
    #[error("there is no place with{} TLS for {service} of {store} (see proxy.stores)", if *tls { "" } else { "out" })]
    NoPlace {
        /// The store.
        store: String,
        /// The service.
        service: &'static str,
        /// Whether one with TLS is wanted.
        tls: bool,
    },
}

/// What is wanted of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// A session.
    Mail(Service),
    /// Its web interface.
    Web,
}

impl Wanted {
    const fn name(self) -> &'static str {
        match self {
            Self::Mail(service) => service.name(),
            Self::Web => "http",
        }
    }
}

/// The ports of a service at a store: the attribute that holds it, and the usual one if stores have
/// the service anyway.
struct Ports {
    clear: (&'static str, Option<u16>),
    tls: (&'static str, Option<u16>),
}

const fn ports(wanted: Wanted) -> Ports {
    match wanted {
        Wanted::Mail(Service::Imap) => Ports {
            clear: ("zimbraImapBindPort", Some(place::STORE_IMAP)),
            tls: ("zimbraImapSSLBindPort", Some(place::STORE_IMAPS)),
        },
        Wanted::Mail(Service::Pop3) => Ports {
            clear: ("zimbraPop3BindPort", Some(place::STORE_POP3)),
            tls: ("zimbraPop3SSLBindPort", Some(place::STORE_POP3S)),
        },
        // No attribute of Zimbra's: `proxy.stores` says where it is.
        Wanted::Mail(Service::Sieve) => Ports {
            clear: ("zimbraSieveBindPort", None),
            tls: ("zimbraSieveSSLBindPort", None),
        },
        Wanted::Web => Ports {
            clear: ("zimbraMailPort", None),
            tls: ("zimbraMailSSLPort", None),
        },
    }
}

/// Whether a store has the service at all: a web interface is there where its mode is set
/// (`zimbraMailMode`); the ports have defaults that say nothing.
fn has(store: &StoreHost, wanted: Wanted) -> bool {
    let mode = || {
        let server = store.server.as_ref()?;
        server.setting("zimbraMailMode").text().map(drop)
    };
    wanted != Wanted::Web || mode().is_some()
}

impl Routes {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts {
            directory,
            node,
            places,
            policy,
            tls,
            shared,
        } = parts;
        let lower = |(name, places): (String, _)| (name.to_ascii_lowercase(), places);
        Self {
            inner: Arc::new(Inner {
                directory,
                node: node.to_ascii_lowercase(),
                places: places.into_iter().map(lower).collect(),
                policy,
                tls,
                shared,
            }),
        }
    }

    /// The way to an account's store.
    pub(crate) async fn to(&self, account: &Account, wanted: Wanted) -> Result<Route, NoRoute> {
        let store = self.inner.directory.store_of(account).await?;
        let store = store.ok_or(NoRoute::Nowhere)?;
        if let Some(places) = self.inner.places.get(&store.name) {
            return overridden(store, places, wanted, self.inner.policy);
        }
        // A store of this node is reached by loopback, which is nothing to others.
        let is_own = store.name == self.inner.node;
        if !is_own && let Some(route) = self.shared(account, &store, wanted).await {
            return Ok(route);
        }
        let addresses = self.addresses(&store.host, is_own).await?;
        let near = addresses.iter().all(|address| address.ip().is_loopback());
        let tls = encrypted(self.inner.policy, near);
        let ports = ports(wanted);
        let (attribute, usual) = match tls {
            true => ports.tls,
            false => ports.clear,
        };
        let port = store
            .port(attribute)
            .filter(|port| *port > 0 && has(&store, wanted));
        let Some(port) = port.or(usual) else {
            return Err(NoRoute::NoPlace {
                store: store.name,
                service: wanted.name(),
                tls,
            });
        };
        let at = |mut address: SocketAddr| {
            address.set_port(port);
            address
        };
        let places: Vec<SocketAddr> = addresses.into_iter().map(at).collect();
        if let Some(first) = places.first().filter(|_| !is_own) {
            let lasts = self.shared_for().await;
            let told = self
                .inner
                .shared
                .tell(account, wanted, (tls, *first), lasts);
            told.await;
        }
        Ok(Route {
            places: places.into_iter().map(ListenSpec::Address).collect(),
            store: store.name,
            host: store.host,
            tls,
        })
    }

    /// Routes that others know too.
    pub(crate) fn shared_routes(&self) -> &SharedRoutes {
        &self.inner.shared
    }

    /// The way by what some proxy has found out.
    async fn shared(&self, account: &Account, store: &StoreHost, wanted: Wanted) -> Option<Route> {
        let policy = self.inner.policy;
        for tls in [true, false] {
            let possible = [true, false]
                .map(|near| encrypted(policy, near))
                .contains(&tls);
            if !possible {
                continue;
            }
            let found = self.inner.shared.find(account, wanted, tls).await;
            if let Some(place) =
                found.filter(|place| encrypted(policy, place.ip().is_loopback()) == tls)
            {
                return Some(Route {
                    store: store.name.clone(),
                    host: store.host.clone(),
                    places: vec![ListenSpec::Address(place)],
                    tls,
                });
            }
        }
        None
    }

    /// How long others may go by what was found out here.
    async fn shared_for(&self) -> Duration {
        let config = self.inner.directory.config().await.ok();
        let setting =
            config.and_then(|config| config.setting("zimbraReverseProxyCacheEntryTTL").duration());
        setting.unwrap_or(SHARED_FOR)
    }

    /// The stores that are known to have a web interface, for who has not signed in yet.
    pub(crate) fn web_stores(&self) -> Vec<Route> {
        let stores = self.inner.places.iter().filter_map(|(name, places)| {
            let store = StoreHost {
                name: name.clone(),
                host: name.clone(),
                server: None,
            };
            overridden(store, places, Wanted::Web, self.inner.policy).ok()
        });
        stores.collect()
    }

    /// Connects.
    pub(crate) async fn connect(&self, route: &Route) -> Result<Stream, NetError> {
        let mut failed = None;
        for place in &route.places {
            match Stream::connect(place, CONNECT_TIME_MAX).await {
                Ok(stream) if route.tls => {
                    let tls = Arc::clone(&self.inner.tls);
                    return Box::pin(stream.secure(tls, &route.host)).await;
                }
                Ok(stream) => return Ok(stream),
                Err(error) => failed = Some(error),
            }
        }
        Err(failed.unwrap_or_else(|| NetError::ServerName(route.host.clone())))
    }

    async fn addresses(&self, host: &str, is_own: bool) -> Result<Vec<SocketAddr>, NoRoute> {
        if is_own {
            return Ok(vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))]);
        }
        let looking = tokio::net::lookup_host((host, 0));
        let found = tokio::time::timeout(RESOLVE_TIME_MAX, looking)
            .await
            .unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()));
        let no_address = |source| NoRoute::Host {
            host: host.to_owned(),
            source,
        };
        let found: Vec<_> = found.map_err(no_address)?.take(ADDRESSES_MAX).collect();
        match found.is_empty() {
            true => Err(no_address(std::io::ErrorKind::NotFound.into())),
            false => Ok(found),
        }
    }
}

fn encrypted(policy: StoreTls, near: bool) -> bool {
    match policy {
        StoreTls::Auto => !near,
        StoreTls::Always => true,
        StoreTls::Never => false,
    }
}

fn overridden(
    store: StoreHost,
    places: &StorePlaces,
    wanted: Wanted,
    policy: StoreTls,
) -> Result<Route, NoRoute> {
    let (clear, tls) = match wanted {
        Wanted::Mail(Service::Imap) => (&places.imap, &places.imaps),
        Wanted::Mail(Service::Pop3) => (&places.pop3, &places.pop3s),
        Wanted::Mail(Service::Sieve) => (&places.sieve, &places.sieves),
        Wanted::Web => (&places.http, &places.https),
    };
    let near = clear.as_ref().is_some_and(|place| match place {
        ListenSpec::Address(address) => address.ip().is_loopback(),
        ListenSpec::Path(_) => true,
    });
    let (place, tls) = match encrypted(policy, near) {
        true => (tls, true),
        false => (clear, false),
    };
    match place {
        Some(place) => Ok(Route {
            store: store.name,
            host: store.host,
            places: vec![place.clone()],
            tls,
        }),
        None => Err(NoRoute::NoPlace {
            store: store.name,
            service: wanted.name(),
            tls,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> StoreHost {
        StoreHost {
            name: "store1.example.com".to_owned(),
            host: "store1.example.com".to_owned(),
            server: None,
        }
    }

    fn places() -> StorePlaces {
        StorePlaces {
            imap: Some("192.0.2.1:7143".parse().unwrap()),
            imaps: Some("192.0.2.1:7993".parse().unwrap()),
            pop3: Some("127.0.0.1:7110".parse().unwrap()),
            pop3s: None,
            ..StorePlaces::default()
        }
    }

    #[test]
    fn the_way_to_another_machine_is_encrypted() {
        let route = |service, policy| overridden(store(), &places(), Wanted::Mail(service), policy);
        let far = route(Service::Imap, StoreTls::Auto).unwrap();
        assert!(far.tls && far.places[0].to_string() == "192.0.2.1:7993");
        let trusted = route(Service::Imap, StoreTls::Never).unwrap();
        assert!(!trusted.tls && trusted.places[0].to_string() == "192.0.2.1:7143");
        let near = route(Service::Pop3, StoreTls::Auto).unwrap();
        assert!(!near.tls);
        let error = route(Service::Pop3, StoreTls::Always).unwrap_err();
        assert!(error.to_string().contains("with TLS for pop3"), "{error}");
    }
}

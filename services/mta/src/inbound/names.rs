//! The names of clients: what their address resolves to, if that resolves back to it.
//!
//! Anybody can claim any name for an address of theirs; only one that leads back to the address is
//! believed (as Postfix does). The search begins with the connection and goes on beside the
//! dialogue; a message waits for what is left of [`SEARCH_TIME`] at most, and only where nobody has
//! asked about the address lately.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use roost_kit::clock::Clock;
use roost_proto_smtp::Domain;
use tokio::sync::{OnceCell, Semaphore};

use crate::outbound::{Dns, DnsTrouble};

/// How long a search may take in all: a message is never kept waiting longer than this.
pub const SEARCH_TIME: Duration = Duration::from_secs(5);

/// Addresses whose names are remembered: a megabyte or two.
const REMEMBERED_MAX: usize = 10_000;

/// How long an answer is remembered.
const FRESH: Duration = Duration::from_secs(10 * 60);

/// How long it is remembered that nobody could tell.
const FRESH_TROUBLE: Duration = Duration::from_secs(60);

/// Searches at the same time; who comes later waits within its [`SEARCH_TIME`].
const SEARCHES: usize = 100;

/// Of an address that claims several names this many are tried.
const NAMES_TRIED: usize = 4;

/// Finds names and remembers them.
#[derive(Debug)]
pub struct ClientNames<D> {
    dns: D,
    clock: Clock,
    /// [`SEARCH_TIME`], but for tests.
    patience: Duration,
    searches: Semaphore,
    remembered: Mutex<HashMap<IpAddr, Remembered>>,
}

#[derive(Debug)]
struct Remembered {
    until: Instant,
    name: Option<Domain>,
}

impl<D: Dns> ClientNames<D> {
    /// Names by `dns`.
    #[must_use]
    pub fn new(dns: D, clock: Clock) -> Self {
        Self {
            dns,
            clock,
            patience: SEARCH_TIME,
            searches: Semaphore::new(SEARCHES),
            remembered: Mutex::default(),
        }
    }

    /// The name of the host at `address`; nothing if it has none that leads back to it, or if that
    /// cannot be found out in time.
    pub async fn find(&self, address: IpAddr) -> Option<Domain> {
        let address = address.to_canonical();
        if address.is_loopback() {
            return Domain::parse("localhost").ok();
        }
        let now = self.clock.instant();
        if let Some(known) = self.remembered.lock().get(&address)
            && known.until > now
        {
            return known.name.clone();
        }
        let searched = tokio::time::timeout(self.patience, self.search(address)).await;
        let (name, fresh) = match searched {
            Ok(Ok(name)) => (name, FRESH),
            Ok(Err(_)) | Err(_) => (None, FRESH_TROUBLE),
        };
        self.remember(address, name.clone(), now + fresh);
        name
    }

    async fn search(&self, address: IpAddr) -> Result<Option<Domain>, DnsTrouble> {
        let Ok(_place) = self.searches.acquire().await else {
            return Ok(None);
        };
        let claimed = match self.dns.names(address).await {
            Ok(names) => names,
            Err(DnsTrouble::NoName) => return Ok(None),
            Err(trouble @ DnsTrouble::Temporary(_)) => return Err(trouble),
        };
        let mut trouble = None;
        for name in claimed.into_iter().take(NAMES_TRIED) {
            // What is no host name, or looks like an address, would only mislead.
            let domain = Domain::parse(&name).ok();
            let Some(domain) = domain.filter(|_| name.parse::<IpAddr>().is_err()) else {
                continue;
            };
            match self.dns.addresses(domain.as_str()).await {
                Ok(found) if found.iter().any(|found| found.to_canonical() == address) => {
                    return Ok(Some(domain));
                }
                Ok(_) | Err(DnsTrouble::NoName) => {}
                Err(why @ DnsTrouble::Temporary(_)) => trouble = Some(why),
            }
        }
        trouble.map_or(Ok(None), Err)
    }

    fn remember(&self, address: IpAddr, name: Option<Domain>, until: Instant) {
        let mut remembered = self.remembered.lock();
        if remembered.len() >= REMEMBERED_MAX {
            let now = self.clock.instant();
            remembered.retain(|_, known| known.until > now);
        }
        // All of them are fresh: whoever comes now is asked about again next time.
        if remembered.len() < REMEMBERED_MAX {
            remembered.insert(address, Remembered { until, name });
        }
    }
}

/// The name of one session's client: searched once, whoever asks first.
#[derive(Debug)]
pub struct ClientName<D> {
    names: Arc<ClientNames<D>>,
    address: Option<IpAddr>,
    found: OnceCell<Option<Domain>>,
}

impl<D: Dns> ClientName<D> {
    /// The name of the client at `address`; none on a Unix socket.
    #[must_use]
    pub fn new(names: Arc<ClientNames<D>>, address: Option<IpAddr>) -> Self {
        Self {
            names,
            address,
            found: OnceCell::new(),
        }
    }

    /// The name, which may take a moment (at most [`SEARCH_TIME`]) to be found.
    pub async fn get(&self) -> Option<Domain> {
        let search = || async {
            match self.address {
                Some(address) => self.names.find(address).await,
                None => None,
            }
        };
        self.found.get_or_init(search).await.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::outbound::dns::Mx;

    /// 192.0.2.0/24 as a careless administrator would set it up.
    #[derive(Debug, Default)]
    struct Table {
        asked: AtomicU32,
    }

    impl Dns for Table {
        async fn mx(&self, _domain: &str) -> Result<Vec<Mx>, DnsTrouble> {
            Err(DnsTrouble::NoName)
        }

        async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, DnsTrouble> {
            match host {
                "honest.test" => Ok(vec!["192.0.2.1".parse().unwrap()]),
                "down.test" => Err(DnsTrouble::Temporary("timeout".to_owned())),
                "bank.test" => Ok(vec!["203.0.113.9".parse().unwrap()]),
                _ => Err(DnsTrouble::NoName),
            }
        }

        async fn names(&self, address: IpAddr) -> Result<Vec<String>, DnsTrouble> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            let names: &[&str] = match address.to_string().as_str() {
                "192.0.2.1" => &["bank.test", "honest.test"],
                "192.0.2.2" => &["bank.test"],
                "192.0.2.3" => &["down.test"],
                "192.0.2.4" => &["not a name", "192.0.2.4"],
                "192.0.2.5" => return std::future::pending().await,
                _ => return Err(DnsTrouble::NoName),
            };
            Ok(names.iter().map(|name| (*name).to_owned()).collect())
        }
    }

    fn names(clock: &Clock) -> ClientNames<Table> {
        ClientNames::new(Table::default(), clock.clone())
    }

    async fn check(names: &ClientNames<Table>, address: &str, expected: Option<&str>) {
        let found = names.find(address.parse().unwrap()).await;
        let found = found.as_ref().map(Domain::as_str);
        assert_eq!(found, expected, "{address}");
    }

    #[tokio::test]
    async fn only_a_name_that_leads_back_is_believed() {
        let names = names(&Clock::system());
        check(&names, "192.0.2.1", Some("honest.test")).await;
        check(&names, "::ffff:192.0.2.1", Some("honest.test")).await;
        check(&names, "127.0.0.1", Some("localhost")).await;
        for liar in ["192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.99"] {
            check(&names, liar, None).await;
        }
    }

    #[tokio::test]
    async fn answers_are_remembered_and_trouble_is_for_a_shorter_time() {
        let clock = Clock::manual(jiff::Timestamp::UNIX_EPOCH);
        let names = names(&clock);
        let asked = |names: &ClientNames<Table>| names.dns.asked.load(Ordering::Relaxed);
        for _ in 0..3 {
            check(&names, "192.0.2.1", Some("honest.test")).await;
            check(&names, "192.0.2.3", None).await;
        }
        assert_eq!(asked(&names), 2);
        clock.advance(FRESH_TROUBLE + Duration::from_secs(1));
        check(&names, "192.0.2.1", Some("honest.test")).await;
        check(&names, "192.0.2.3", None).await;
        assert_eq!(asked(&names), 3);
        clock.advance(FRESH);
        check(&names, "192.0.2.1", Some("honest.test")).await;
        assert_eq!(asked(&names), 4);
    }

    #[tokio::test]
    async fn a_name_server_that_says_nothing_is_given_up_and_not_asked_again_at_once() {
        let mut names = names(&Clock::manual(jiff::Timestamp::UNIX_EPOCH));
        names.patience = Duration::from_millis(1);
        check(&names, "192.0.2.5", None).await;
        check(&names, "192.0.2.5", None).await;
        assert_eq!(names.dns.asked.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn no_more_is_remembered_than_there_is_room_for() {
        let clock = Clock::manual(jiff::Timestamp::UNIX_EPOCH);
        let names = names(&clock);
        let far = clock.instant() + FRESH;
        for number in 0..u32::try_from(REMEMBERED_MAX).unwrap() + 10 {
            names.remember(IpAddr::from(number.to_be_bytes()), None, far);
        }
        assert_eq!(names.remembered.lock().len(), REMEMBERED_MAX);
        clock.advance(FRESH + Duration::from_secs(1));
        let later = clock.instant() + FRESH;
        names.remember("192.0.2.1".parse().unwrap(), None, later);
        assert_eq!(names.remembered.lock().len(), 1);
    }
}

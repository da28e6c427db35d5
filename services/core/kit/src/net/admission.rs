//! Who is let in: limits on connections at a time and on how fast they come, in total, by address and
//! by network.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde::Deserialize;

use super::{Networks, Peer};
use crate::clock::Clock;
use crate::limit::{KeyedRates, Rate, address_key, network_key};
use crate::metrics::{Counter, EncodeLabelSet, Family, Gauge, Metrics, begin};

/// How many connections a service takes at a time.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConnectionLimits {
    /// From everybody together.
    pub total: u32,
    /// From one address, or one IPv6 network of 64 bits.
    pub per_address: u32,
    /// From one network: 24 bits of IPv4, 48 of IPv6; 0 is no limit.
    pub per_network: u32,
    /// New ones in a minute from one address (as above), all of them at once if need be; 0 is no
    /// limit.
    pub new_per_address: u32,
    /// New ones in a minute from one network; 0 is no limit.
    pub new_per_network: u32,
    /// Addresses and networks that `per_address` does not hold for, since many people are behind
    /// each: proxies of our own. If not set: this machine.
    pub exempt: Networks,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            total: 10_000,
            per_address: 100,
            per_network: 0,
            new_per_address: 0,
            new_per_network: 0,
            exempt: Networks::loopback(),
        }
    }
}

/// Addresses or networks whose pace is remembered: about 3 MB.
const PACES_MAX: usize = 32_768;
const MINUTE: Duration = Duration::from_secs(60);

/// Counts the connections of one or several services that share limits; cheap to clone.
#[derive(Debug, Clone)]
pub struct Admission(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    limits: Mutex<ConnectionLimits>,
    /// Whose connections are not counted by address: many clients are behind them.
    exempt: Networks,
    present: Mutex<Present>,
    paces: Mutex<Paces>,
    clock: Clock,
    open: Gauge,
    accepted: Counter,
    refused: Family<RefusedLabel, Counter>,
}

#[derive(Debug, Default)]
struct Present {
    total: u32,
    by_address: HashMap<IpAddr, u32>,
    by_network: HashMap<IpAddr, u32>,
}

/// How fast connections come.
#[derive(Debug)]
struct Paces {
    by_address: Option<KeyedRates<IpAddr>>,
    by_network: Option<KeyedRates<IpAddr>>,
}

impl Paces {
    fn new(limits: &ConnectionLimits, clock: &Clock) -> Self {
        let rates = |count: u32| {
            let rate = Rate::per(count, MINUTE);
            (count > 0).then(|| KeyedRates::new(rate, PACES_MAX, clock.clone()))
        };
        Self {
            by_address: rates(limits.new_per_address),
            by_network: rates(limits.new_per_network),
        }
    }

    fn check(&self, address: IpAddr) -> Result<(), Refused> {
        let fast = |rates: &Option<KeyedRates<IpAddr>>, key| {
            rates.as_ref().is_some_and(|rates| rates.take(key).is_err())
        };
        if fast(&self.by_address, address) {
            return Err(Refused::AddressPace);
        }
        match fast(&self.by_network, network_key(address)) {
            true => Err(Refused::NetworkPace),
            false => Ok(()),
        }
    }
}

/// Why a connection was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refused {
    /// The service is full.
    Total,
    /// The address has enough connections.
    Address,
    /// The network has enough connections.
    Network,
    /// Connections of the address come too fast.
    AddressPace,
    /// Connections of the network come too fast.
    NetworkPace,
}

crate::label_values!(Refused);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusedLabel {
    limit: Refused,
}

/// A place that a connection holds until this is dropped.
#[derive(Debug)]
pub struct Permit {
    admission: Admission,
    address: Option<IpAddr>,
}

impl Admission {
    /// Limits for a group of services; metrics are named `<group>_connections…`.
    #[must_use]
    pub fn new(group: &str, limits: ConnectionLimits, metrics: &Metrics) -> Self {
        Self::with_exempt(group, limits, Networks::default(), metrics)
    }

    /// The same; what comes from `exempt` is limited in total only.
    #[must_use]
    pub fn with_exempt(
        group: &str,
        limits: ConnectionLimits,
        exempt: Networks,
        metrics: &Metrics,
    ) -> Self {
        Self::with_clock(group, limits, exempt, metrics, Clock::system())
    }

    fn with_clock(
        group: &str,
        limits: ConnectionLimits,
        exempt: Networks,
        metrics: &Metrics,
        clock: Clock,
    ) -> Self {
        let open = metrics.gauge(&format!("{group}_connections_open"), "Connections now open");
        let accepted = metrics.counter(
            &format!("{group}_connections"),
            "Connections that were let in",
        );
        let refused = metrics.register(
            &format!("{group}_connections_refused"),
            "Connections over a limit",
            Family::<RefusedLabel, Counter>::default(),
        );
        let limits_met = [
            Refused::Total,
            Refused::Address,
            Refused::Network,
            Refused::AddressPace,
            Refused::NetworkPace,
        ];
        begin(&refused, limits_met.map(|limit| RefusedLabel { limit }));
        Self(Arc::new(Inner {
            exempt,
            present: Mutex::default(),
            paces: Mutex::new(Paces::new(&limits, &clock)),
            limits: Mutex::new(limits),
            clock,
            open,
            accepted,
            refused,
        }))
    }

    /// Other limits hold for connections that come from now on.
    pub fn set_limits(&self, limits: ConnectionLimits) {
        *self.0.paces.lock() = Paces::new(&limits, &self.0.clock);
        *self.0.limits.lock() = limits;
    }

    /// Lets a peer in, or says which limit it is over.
    pub fn admit(&self, peer: Peer) -> Result<Permit, Refused> {
        let admitted = self.count(peer);
        match &admitted {
            Ok(_) => {
                self.0.open.inc();
                self.0.accepted.inc();
            }
            Err(limit) => {
                let label = RefusedLabel { limit: *limit };
                self.0.refused.get_or_create(&label).inc();
            }
        }
        admitted
    }

    fn count(&self, peer: Peer) -> Result<Permit, Refused> {
        let limits = self.0.limits.lock();
        let exempt =
            |address: &IpAddr| limits.exempt.contain(*address) || self.0.exempt.contain(*address);
        let address = peer.ip().filter(|address| !exempt(address));
        let address = address.map(address_key);
        if let Some(address) = address {
            self.0.paces.lock().check(address)?;
        }
        let mut present = self.0.present.lock();
        if present.total >= limits.total {
            return Err(Refused::Total);
        }
        if let Some(address) = address {
            let network = network_key(address);
            if present.of_address(address) >= limits.per_address {
                return Err(Refused::Address);
            }
            if limits.per_network > 0 && present.of_network(network) >= limits.per_network {
                return Err(Refused::Network);
            }
            // Bounded by `total`: an entry goes with its last connection.
            *present.by_address.entry(address).or_insert(0) += 1;
            *present.by_network.entry(network).or_insert(0) += 1;
        }
        present.total += 1;
        Ok(Permit {
            admission: self.clone(),
            address,
        })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let inner = &self.admission.0;
        inner.open.dec();
        let mut present = inner.present.lock();
        present.total = present.total.saturating_sub(1);
        if let Some(address) = self.address {
            leave(&mut present.by_address, address);
            leave(&mut present.by_network, network_key(address));
        }
    }
}

impl Present {
    fn of_address(&self, address: IpAddr) -> u32 {
        self.by_address.get(&address).copied().unwrap_or(0)
    }

    fn of_network(&self, network: IpAddr) -> u32 {
        self.by_network.get(&network).copied().unwrap_or(0)
    }
}

fn leave(counts: &mut HashMap<IpAddr, u32>, key: IpAddr) {
    if let Some(count) = counts.get_mut(&key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(address: &str) -> Peer {
        Peer::remote(address.parse().unwrap())
    }

    #[test]
    fn limits_hold_in_total_and_by_address() {
        let limits = ConnectionLimits {
            total: 4,
            per_address: 2,
            ..ConnectionLimits::default()
        };
        let admission = Admission::new("imap", limits, &Metrics::new("roost-test", "0"));
        let first = admission.admit(peer("192.0.2.1:1")).unwrap();
        let _second = admission.admit(peer("192.0.2.1:2")).unwrap();
        assert_eq!(
            admission.admit(peer("[::ffff:192.0.2.1]:3")).unwrap_err(),
            Refused::Address
        );
        let _third = admission.admit(peer("127.0.0.1:1")).unwrap();
        let _fourth = admission.admit(Peer::Local).unwrap();
        assert_eq!(admission.admit(Peer::Local).unwrap_err(), Refused::Total);
        drop(first);
        let _again = admission.admit(peer("192.0.2.1:4")).unwrap();
        let fewer = ConnectionLimits {
            total: 3,
            ..ConnectionLimits::default()
        };
        admission.set_limits(fewer);
        assert_eq!(admission.admit(Peer::Local).unwrap_err(), Refused::Total);
        assert_eq!(admission.0.open.get(), 4);
        assert_eq!(admission.0.present.lock().by_address.len(), 1);
    }
    #[test]
    fn a_network_has_limits_of_its_own_and_a_pace() {
        let limits = ConnectionLimits {
            total: 100,
            per_network: 3,
            new_per_address: 4,
            new_per_network: 6,
            ..ConnectionLimits::default()
        };
        let clock = Clock::manual(jiff::Timestamp::UNIX_EPOCH);
        let metrics = Metrics::new("roost-test", "0");
        let exempt = Networks::default();
        let admission = Admission::with_clock("imap", limits, exempt, &metrics, clock.clone());
        let admit = |address: &str| admission.admit(peer(address)).map(drop);
        let held: Vec<_> = ["192.0.2.1:1", "192.0.2.1:2", "192.0.2.77:1"]
            .map(|address| admission.admit(peer(address)).unwrap())
            .into();
        assert_eq!(admit("192.0.2.99:1"), Err(Refused::Network));
        admit("192.0.3.99:1").unwrap();
        drop(held);
        // Two of four are used up, and four of the network's six.
        admit("192.0.2.1:3").unwrap();
        admit("192.0.2.1:4").unwrap();
        assert_eq!(admit("192.0.2.1:5"), Err(Refused::AddressPace));
        assert_eq!(admit("192.0.2.2:5"), Err(Refused::NetworkPace));
        clock.advance(MINUTE);
        admit("192.0.2.1:6").unwrap();
        let present = admission.0.present.lock();
        assert!(present.by_address.is_empty() && present.by_network.is_empty());
    }
}

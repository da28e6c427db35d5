//! Who is let in: limits on connections at a time, in total and by address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::Deserialize;

use super::{Networks, Peer};
use crate::limit::address_key;
use crate::metrics::{Counter, EncodeLabelSet, Family, Gauge, Metrics, begin};

/// How many connections a service takes at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConnectionLimits {
    /// From everybody together.
    pub total: u32,
    /// From one address, or one IPv6 network of 64 bits. This machine's own addresses are exempt:
    /// behind them are our proxy and the administrator.
    pub per_address: u32,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            total: 10_000,
            per_address: 100,
        }
    }
}

/// Counts the connections of one or several services that share limits; cheap to clone.
#[derive(Debug, Clone)]
pub struct Admission(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    limits: Mutex<ConnectionLimits>,
    /// Whose connections are not counted by address: many clients are behind them.
    exempt: Networks,
    present: Mutex<Present>,
    open: Gauge,
    accepted: Counter,
    refused: Family<RefusedLabel, Counter>,
}

#[derive(Debug, Default)]
struct Present {
    total: u32,
    by_address: HashMap<IpAddr, u32>,
}

/// Why a connection was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refused {
    /// The service is full.
    Total,
    /// The address has enough connections.
    Address,
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
        let limits_met = [Refused::Total, Refused::Address];
        begin(&refused, limits_met.map(|limit| RefusedLabel { limit }));
        Self(Arc::new(Inner {
            limits: Mutex::new(limits),
            exempt,
            present: Mutex::default(),
            open,
            accepted,
            refused,
        }))
    }

    /// Other limits hold for connections that come from now on.
    pub fn set_limits(&self, limits: ConnectionLimits) {
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
        let address = match peer.is_loopback() || self.0.exempt.contain_peer(peer) {
            true => None,
            false => peer.ip().map(address_key),
        };
        let limits = *self.0.limits.lock();
        let mut present = self.0.present.lock();
        if present.total >= limits.total {
            return Err(Refused::Total);
        }
        if let Some(address) = address {
            // Bounded by `total`: an entry goes with its last connection.
            let count = present.by_address.entry(address).or_insert(0);
            if *count >= limits.per_address {
                if *count == 0 {
                    present.by_address.remove(&address);
                }
                return Err(Refused::Address);
            }
            *count += 1;
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
        if let Some(address) = self.address
            && let Some(count) = present.by_address.get_mut(&address)
        {
            *count = count.saturating_sub(1);
            if *count == 0 {
                present.by_address.remove(&address);
            }
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
        let fewer = ConnectionLimits { total: 3, ..limits };
        admission.set_limits(fewer);
        assert_eq!(admission.admit(Peer::Local).unwrap_err(), Refused::Total);
        assert_eq!(admission.0.open.get(), 4);
        assert_eq!(admission.0.present.lock().by_address.len(), 1);
    }
}

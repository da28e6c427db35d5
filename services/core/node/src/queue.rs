//! The mta's queue by destination.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

/// The most destinations that are told apart; the longest queues are.
const DESTINATIONS_MAX: usize = 1_000;

/// Mail that waits for one domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The domain.
    pub domain: String,
    /// Messages with a recipient there.
    pub messages: u64,
    /// Those that an administrator holds.
    pub held: u64,
    /// Their octets.
    pub octets: u64,
    /// When the oldest of them came.
    pub oldest: Timestamp,
    /// Why the oldest of them still waits.
    pub reason: String,
}

/// One message as `GET /queue` of the mta's control socket tells it; the rest is passed over.
#[derive(Debug, Clone, Deserialize)]
pub struct Entry {
    state: String,
    recipients: Vec<String>,
    size: u64,
    #[serde(deserialize_with = "time")]
    arrived: Timestamp,
    reason: Option<String>,
}

fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(serde::de::Error::custom)
}

/// Messages, oldest first, as destinations in the order of their names.
#[must_use]
pub fn by_destination(entries: &[Entry]) -> Vec<Destination> {
    let mut found: BTreeMap<String, Destination> = BTreeMap::new();
    for entry in entries {
        let mut domains: Vec<String> = entry.recipients.iter().map(|to| domain(to)).collect();
        domains.sort_unstable();
        domains.dedup();
        for domain in domains {
            let destination = found.entry(domain.clone()).or_insert_with(|| Destination {
                domain,
                messages: 0,
                held: 0,
                octets: 0,
                oldest: entry.arrived,
                reason: entry.reason.clone().unwrap_or_default(),
            });
            destination.messages = destination.messages.saturating_add(1);
            destination.held = destination
                .held
                .saturating_add(u64::from(entry.state == "held"));
            destination.octets = destination.octets.saturating_add(entry.size);
        }
    }
    let mut destinations: Vec<Destination> = found.into_values().collect();
    if destinations.len() > DESTINATIONS_MAX {
        destinations.sort_by_key(|destination| std::cmp::Reverse(destination.messages));
        destinations.truncate(DESTINATIONS_MAX);
        destinations.sort_by(|one, other| one.domain.cmp(&other.domain));
    }
    destinations
}

fn domain(address: &str) -> String {
    let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
    domain.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_counts_once_for_each_domain() {
        let entry = |recipients: &[&str], second, state: &str| Entry {
            state: state.to_owned(),
            recipients: recipients.iter().map(|to| (*to).to_owned()).collect(),
            size: 10,
            arrived: Timestamp::from_second(second).unwrap(),
            reason: Some(format!("since {second}")),
        };
        let entries = [
            entry(&["a@x.test", "b@X.test", "c@y.test"], 1, "deferred"),
            entry(&["d@x.test"], 2, "held"),
        ];
        let destinations = by_destination(&entries);
        let told: Vec<(&str, u64, u64, &str)> = destinations
            .iter()
            .map(|to| (to.domain.as_str(), to.messages, to.held, to.reason.as_str()))
            .collect();
        assert_eq!(
            told,
            [("x.test", 2, 1, "since 1"), ("y.test", 1, 0, "since 1")]
        );
    }
}

//! What a series is, and which samples become one.

use roost_node::{Figures, Sample};
use serde::{Deserialize, Serialize};

/// The name of a series.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Key {
    /// The node, by host name.
    pub node: String,
    /// The figure, such as `roost_mta_queue_messages` or `host_cpu_ratio`.
    pub name: String,
    /// Its labels as `outcome="sent"`, in the order in which they were told; empty without any.
    pub labels: String,
}

impl Key {
    /// `name{labels}`, as people write it.
    #[must_use]
    pub fn shown(&self) -> String {
        match self.labels.is_empty() {
            true => self.name.clone(),
            false => format!("{}{{{}}}", self.name, self.labels),
        }
    }
}

/// What the values of a series mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// As it was seen: messages that wait, octets that are free.
    Level,
    /// How much a second, of something that is counted.
    Rate,
}

/// One figure of a look.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Of which series.
    pub key: Key,
    /// What it means.
    pub kind: Kind,
    /// A level, or where a counter stands.
    pub value: f64,
}

/// Names that say the same at every look, or what another one says better.
const CONSTANT: [&str; 3] = [
    "process_start_time_seconds",
    "process_max_fds",
    "roost_build_info",
];

/// The samples of a daemon that become series: of histograms their sum and count, and no constants.
/// What every daemon tells by the same name gets a label `daemon`.
pub fn readings(node: &str, daemon: &str, figures: &Figures) -> Vec<Reading> {
    let wanted = figures.iter().filter(|(name, _)| is_series(name));
    wanted
        .map(|(name, sample)| Reading {
            key: Key {
                node: node.to_owned(),
                name: name.to_owned(),
                labels: labels(name, daemon, sample),
            },
            kind: kind(name),
            value: sample.value,
        })
        .filter(|reading| reading.value.is_finite())
        .collect()
}

fn is_series(name: &str) -> bool {
    !CONSTANT.contains(&name)
        && !name.ends_with("_bucket")
        && !name.ends_with("_timestamp_seconds")
        && !name.ends_with("_info")
}

/// By the endings that OpenMetrics gives to what only grows.
fn kind(name: &str) -> Kind {
    let grows = ["_total", "_count", "_sum"];
    match grows.iter().any(|ending| name.ends_with(ending)) {
        true => Kind::Rate,
        false => Kind::Level,
    }
}

fn labels(name: &str, daemon: &str, sample: &Sample) -> String {
    let is_common = name.starts_with("process_") || name == "roost_ready";
    let common = is_common.then_some(("daemon", daemon));
    let own = sample.labels.iter();
    let own = own.map(|(label, value)| (label.as_str(), value.as_str()));
    let all: Vec<String> = common
        .into_iter()
        .chain(own)
        .map(|(label, value)| {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"");
            format!("{label}=\"{value}\"")
        })
        .collect();
    all.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_gauges_and_sums_become_series() {
        let figures = Figures::read(
            "roost_mta_attempts_total{outcome=\"sent\"} 3\nroost_mta_queue_messages 4\n\
             roost_mta_delay_seconds_bucket{le=\"1.0\"} 2\nroost_mta_delay_seconds_sum 1.5\n\
             process_resident_memory_bytes 1000\nprocess_max_fds 5\nroost_ready 1\n\
             roost_mta_tls_certificate_end_timestamp_seconds 5\nroost_build_info{daemon=\"x\"} 1\n",
        );
        let mut found: Vec<(String, Kind)> = readings("n", "roost-mta", &figures)
            .into_iter()
            .map(|reading| (reading.key.shown(), reading.kind))
            .collect();
        found.sort_by(|one, other| one.0.cmp(&other.0));
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            [
                "process_resident_memory_bytes{daemon=\"roost-mta\"}",
                "roost_mta_attempts_total{outcome=\"sent\"}",
                "roost_mta_delay_seconds_sum",
                "roost_mta_queue_messages",
                "roost_ready{daemon=\"roost-mta\"}",
            ]
        );
        assert_eq!(found[1].1, Kind::Rate);
        assert_eq!(found[3].1, Kind::Level);
    }
}

//! What every process tells, by the names that Prometheus' own libraries use.

use std::fmt;
use std::fs;

use jiff::Timestamp;
use nix::sys::resource::{Resource, getrlimit};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::clock::Clock;

/// Ticks of a second in `/proc`; the same on every architecture of Linux (`USER_HZ`).
const TICKS: f64 = 100.0;

/// Reads `/proc/self` whenever it is asked.
#[derive(Debug)]
pub(super) struct Process {
    /// When it was made: at the start. The sandbox hides the time of the boot, from which the system
    /// counts.
    started: Timestamp,
}

impl Process {
    pub(super) fn new() -> Self {
        Self {
            started: Clock::system().now(),
        }
    }
}

/// Fields of `/proc/self/stat` (proc(5)), counted from the one after the name.
mod field {
    pub(super) const USER_TIME: usize = 11;
    pub(super) const SYSTEM_TIME: usize = 12;
    pub(super) const THREADS: usize = 17;
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let fields = stat_fields(&stat);
        let number = |field: usize| fields.get(field).and_then(|text| text.parse::<u64>().ok());
        if let (Some(user), Some(system)) = (number(field::USER_TIME), number(field::SYSTEM_TIME)) {
            let name = "process_cpu_seconds";
            let help = "Total user and system CPU time spent in seconds";
            let seconds = float(user.saturating_add(system)) / TICKS;
            ConstCounter::new(seconds).encode(encoder.encode_descriptor(
                name,
                help,
                None,
                MetricType::Counter,
            )?)?;
        }
        let gauges = [
            (
                "process_resident_memory_bytes",
                "Resident memory size in bytes",
                memory("RssAnon:").map(|anonymous| {
                    let rest = [memory("RssFile:"), memory("RssShmem:")];
                    anonymous.saturating_add(rest.into_iter().flatten().sum())
                }),
            ),
            (
                "process_private_memory_bytes",
                "Resident memory that is backed by no file, in bytes",
                memory("RssAnon:"),
            ),
            (
                "process_threads",
                "Number of threads",
                number(field::THREADS),
            ),
            (
                "process_open_fds",
                "Number of open file descriptors",
                fs::read_dir("/proc/self/fd")
                    .ok()
                    .and_then(|open| u64::try_from(open.count()).ok()),
            ),
            (
                "process_max_fds",
                "Maximum number of open file descriptors",
                getrlimit(Resource::RLIMIT_NOFILE)
                    .ok()
                    .map(|(soft, _)| soft),
            ),
            (
                "process_start_time_seconds",
                "Start time of the process since unix epoch in seconds",
                u64::try_from(self.started.as_second()).ok(),
            ),
        ];
        for (name, help, figure) in gauges {
            let Some(figure) = figure else { continue };
            let descriptor = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            ConstGauge::new(float(figure)).encode(descriptor)?;
        }
        Ok(())
    }
}

/// The fields after the name, which stands in parentheses and may hold anything.
fn stat_fields(stat: &str) -> Vec<&str> {
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    after.split_ascii_whitespace().collect()
}

/// A line of `/proc/self/status` in bytes.
fn memory(line: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let rest = status.lines().find_map(|found| found.strip_prefix(line))?;
    let kibibytes: u64 = rest.split_ascii_whitespace().next()?.parse().ok()?;
    kibibytes.checked_mul(1_024)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "figures above 2^53 lose what nobody looks at"
)]
const fn float(figure: u64) -> f64 {
    figure as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_spaces_does_not_shift_the_fields() {
        let stat = "7 (a) b) c) S 1 7 7 0 -1 4194560 1 2 3 4 55 66 0 0 20 0 9 0 12345 1 2";
        let fields = stat_fields(stat);
        assert_eq!(fields[field::USER_TIME], "55");
        assert_eq!(fields[field::SYSTEM_TIME], "66");
        assert_eq!(fields[field::THREADS], "9");
    }

    #[test]
    fn this_process_has_figures() {
        let metrics = super::super::Metrics::new("roost-test", "1");
        let text = metrics.text();
        for name in [
            "process_cpu_seconds_total ",
            "process_resident_memory_bytes ",
            "process_open_fds ",
            "process_max_fds ",
            "process_start_time_seconds ",
        ] {
            assert!(text.contains(name), "{name} is missing in {text}");
        }
    }
}

//! The host's own figures: processors, memory, volumes.

use std::fs;

use roost_node::Volume;

use super::series::{Key, Kind, Reading};

/// Looks at the host; keeps what the last look said.
#[derive(Debug, Default)]
pub struct Host {
    /// Ticks that the processors worked, and all ticks, since the boot.
    ticks: Option<(u64, u64)>,
}

/// What a look at the host found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HostFigures {
    /// Which part of all processors was busy since the last look, from 0 to 1.
    pub busy: Option<f64>,
    /// The mean number of processes that wanted a processor in the last minute.
    pub load: Option<f64>,
    /// Octets of memory in all.
    pub memory: Option<u64>,
    /// Octets of memory that programs may still have.
    pub memory_available: Option<u64>,
    /// Octets of swap space in use.
    pub swap_used: Option<u64>,
}

impl Host {
    /// Looks. What the sandbox or an old kernel hides is not there.
    pub fn look(&mut self) -> HostFigures {
        let ticks = fs::read_to_string("/proc/stat")
            .ok()
            .as_deref()
            .and_then(ticks);
        let busy = match (self.ticks, ticks) {
            (Some(before), Some(now)) => share(before, now),
            _ => None,
        };
        self.ticks = ticks;
        let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let swap = memory_line(&memory, "SwapTotal:");
        let load = fs::read_to_string("/proc/loadavg").ok();
        HostFigures {
            busy,
            load: load.and_then(|text| text.split(' ').next()?.parse().ok()),
            memory: memory_line(&memory, "MemTotal:"),
            memory_available: memory_line(&memory, "MemAvailable:"),
            swap_used: swap.and_then(|all| all.checked_sub(memory_line(&memory, "SwapFree:")?)),
        }
    }
}

/// Busy and all ticks of the first line of `/proc/stat` (proc(5)): user, nice, system, idle, iowait, …
fn ticks(stat: &str) -> Option<(u64, u64)> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let numbers = line.split_ascii_whitespace().take(8);
    let numbers: Vec<u64> = numbers.map_while(|number| number.parse().ok()).collect();
    let all: u64 = numbers.iter().sum();
    let idle = numbers.get(3)?.saturating_add(*numbers.get(4)?);
    Some((all.saturating_sub(idle), all))
}

fn share(before: (u64, u64), now: (u64, u64)) -> Option<f64> {
    let busy = u32::try_from(now.0.checked_sub(before.0)?).ok()?;
    let all = u32::try_from(now.1.checked_sub(before.1)?).ok()?;
    (all > 0).then(|| f64::from(busy) / f64::from(all))
}

/// A line of `/proc/meminfo` in octets.
fn memory_line(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = rest.split_ascii_whitespace().next()?.parse().ok()?;
    kibibytes.checked_mul(1_024)
}

/// Host and volumes as series.
pub fn readings(node: &str, host: &HostFigures, volumes: &[Volume]) -> Vec<Reading> {
    let reading = |name: &str, labels: String, value: f64| Reading {
        key: Key {
            node: node.to_owned(),
            name: name.to_owned(),
            labels,
        },
        kind: Kind::Level,
        value,
    };
    let own = [
        ("host_cpu_ratio", host.busy),
        ("host_load", host.load),
        ("host_memory_bytes", host.memory.map(float)),
        (
            "host_memory_available_bytes",
            host.memory_available.map(float),
        ),
        ("host_swap_used_bytes", host.swap_used.map(float)),
    ];
    let own = own
        .into_iter()
        .filter_map(|(name, value)| Some(reading(name, String::new(), value?)));
    let volumes = volumes.iter().flat_map(|volume| {
        let labels = format!("volume=\"{}\"", volume.purpose);
        [
            reading("volume_free_bytes", labels.clone(), float(volume.free)),
            reading("volume_size_bytes", labels.clone(), float(volume.size)),
            reading("volume_free_files", labels, float(volume.files_free)),
        ]
    });
    own.chain(volumes).collect()
}

/// A whole number as a float.
#[expect(
    clippy::cast_precision_loss,
    reason = "figures above 2^53 lose what nobody looks at"
)]
pub(crate) const fn float(figure: u64) -> f64 {
    figure as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_figures_are_read() {
        let before = ticks("cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 1 2\n").unwrap();
        assert_eq!(before, (150, 1_000));
        let now = ticks("cpu  130 0 70 840 60 0 0 0 7 0\n").unwrap();
        assert_eq!(share(before, now), Some(0.5));
        assert_eq!(share(now, now), None);
        assert_eq!(
            memory_line("MemTotal:  12 kB\nMemFree: 1 kB\n", "MemTotal:"),
            Some(12_288)
        );
        assert_eq!(ticks("intr 5"), None);
    }

    #[test]
    fn this_host_can_be_seen() {
        let mut host = Host::default();
        host.look();
        let seen = host.look();
        assert!(seen.memory.is_some_and(|memory| memory > 0), "{seen:?}");
        assert!(seen.memory_available <= seen.memory);
    }
}

//! What the statistics tell about themselves and the host.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use roost_kit::metrics::{Counter, EncodeLabelSet, Family, Gauge, Histogram, Metrics};
use roost_node::Volume;

use super::sampler::Look;
use super::store::Written;

/// Figures of the statistics; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Counts {
    looks: Counter,
    look_seconds: Histogram,
    series: Gauge,
    refused: Counter,
    bytes: Gauge,
    busy: Gauge<f64, AtomicU64>,
    memory: Gauge,
    available: Gauge,
    volume_size: Family<VolumeLabel, Gauge>,
    volume_free: Family<VolumeLabel, Gauge>,
    volume_files: Family<VolumeLabel, Gauge>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct VolumeLabel {
    volume: &'static str,
}

impl Counts {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        Self {
            looks: metrics.counter("looks", "Looks at the daemons and the host"),
            look_seconds: metrics.seconds("look_seconds", "Time of a look"),
            series: metrics.gauge("series", "Time series that are kept"),
            refused: metrics.counter(
                "slots_refused",
                "Slots of series that there was no room for",
            ),
            bytes: metrics.gauge("statistics_bytes", "Size of the database of statistics"),
            busy: metrics.register(
                "host_cpu_ratio",
                "Which part of all processors was busy since the last look",
                Gauge::default(),
            ),
            memory: metrics.gauge("host_memory_bytes", "Memory of the host"),
            available: metrics.gauge(
                "host_memory_available_bytes",
                "Memory of the host that programs may still have",
            ),
            volume_size: metrics.register(
                "volume_size_bytes",
                "Size of the file system of a daemon's state",
                Family::default(),
            ),
            volume_free: metrics.register(
                "volume_free_bytes",
                "What a daemon may still write there",
                Family::default(),
            ),
            volume_files: metrics.register(
                "volume_free_files",
                "Files that may still be made there",
                Family::default(),
            ),
        }
    }

    pub(crate) fn looked(&self, look: &Look, took: Duration) {
        self.looks.inc();
        self.look_seconds.observe(took.as_secs_f64());
        if let Some(busy) = look.host.busy {
            self.busy.set(busy);
        }
        self.memory.set(gauge(look.host.memory.unwrap_or_default()));
        self.available
            .set(gauge(look.host.memory_available.unwrap_or_default()));
        for volume in look.own().into_iter().flat_map(|node| &node.volumes) {
            self.volume(volume);
        }
    }

    fn volume(&self, volume: &Volume) {
        let label = VolumeLabel {
            volume: volume.purpose,
        };
        self.volume_size
            .get_or_create(&label)
            .set(gauge(volume.size));
        self.volume_free
            .get_or_create(&label)
            .set(gauge(volume.free));
        self.volume_files
            .get_or_create(&label)
            .set(gauge(volume.files_free));
    }

    pub(crate) fn wrote(&self, written: &Written, size: Option<u64>) {
        self.series.set(gauge(written.series));
        self.refused.inc_by(written.refused);
        if let Some(size) = size {
            self.bytes.set(gauge(size));
        }
    }
}

fn gauge(figure: u64) -> i64 {
    i64::try_from(figure).unwrap_or(i64::MAX)
}

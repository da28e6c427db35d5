//! What a daemon counts, served by [`health`](crate::health) under `/metrics`.
//!
//! Names are `roost_<daemon>_<what>_<unit>`; the prefix is added here. Labels come from closed sets,
//! never from accounts or addresses.

mod classic;
mod process;

use std::fmt::{self, Write as _};
use std::sync::Arc;

use parking_lot::Mutex;
use prometheus_client::collector::Collector;
pub use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
pub use prometheus_client::metrics::counter::Counter;
pub use prometheus_client::metrics::family::Family;
pub use prometheus_client::metrics::gauge::Gauge;
pub use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry};

/// Bucket borders for times from a memory access to a slow peer, in seconds.
pub const SECONDS: [f64; 14] = [
    0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0, 120.0,
];

/// Makes every series of a closed label set, so that each begins at 0 and not with its first event,
/// of which a rate would know nothing.
pub fn begin<L, M, C>(family: &Family<L, M, C>, labels: impl IntoIterator<Item = L>)
where
    L: Clone + std::hash::Hash + Eq,
    C: prometheus_client::metrics::family::MetricConstructor<M>,
{
    for label in labels {
        drop(family.get_or_create(&label));
    }
}

/// Makes enumerations the values of a label, by their variants' names in snake case.
#[macro_export]
macro_rules! label_values {
    ($($kind:ty),+ $(,)?) => {$(
        impl $crate::metrics::EncodeLabelValue for $kind {
            fn encode(
                &self,
                encoder: &mut $crate::metrics::LabelValueEncoder<'_>,
            ) -> ::std::result::Result<(), ::std::fmt::Error> {
                $crate::metrics::encode_variant(self, encoder)
            }
        }
    )+};
}

/// Writes the name of a variant without fields in snake case; for [`label_values!`].
pub fn encode_variant(
    variant: &impl fmt::Debug,
    encoder: &mut LabelValueEncoder<'_>,
) -> Result<(), fmt::Error> {
    for (at, letter) in format!("{variant:?}").char_indices() {
        if letter.is_ascii_uppercase() && at > 0 {
            encoder.write_char('_')?;
        }
        encoder.write_char(letter.to_ascii_lowercase())?;
    }
    Ok(())
}

/// The registry of a daemon; cheap to clone.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    prefix: Arc<str>,
}

impl Metrics {
    /// An empty registry for `daemon` (such as `roost-store`), which tells its version in
    /// `roost_build_info`.
    #[must_use]
    pub fn new(daemon: &str, version: &str) -> Self {
        let mut registry = Registry::default();
        let build = Info::new(vec![
            ("daemon", daemon.to_owned()),
            ("version", version.to_owned()),
        ]);
        registry.register("roost_build", "The running program", build);
        registry.register_collector(Box::new(process::Process::new()));
        Self {
            registry: Arc::new(Mutex::new(registry)),
            prefix: daemon.replace('-', "_").into(),
        }
    }

    /// Adds a metric. `name` is `<what>_<unit>`; a counter's `_total` is added by the format.
    pub fn register<M: Metric + Clone>(&self, name: &str, help: &str, metric: M) -> M {
        let name = format!("{}_{name}", self.prefix);
        // The format ends every help text with a full stop of its own.
        let help = help.trim_end_matches('.');
        self.registry.lock().register(name, help, metric.clone());
        metric
    }

    /// Adds what is asked whenever somebody collects. Its names are whole: no prefix is added.
    pub fn collect(&self, collector: impl Collector) {
        self.registry.lock().register_collector(Box::new(collector));
    }

    /// A new counter.
    pub fn counter(&self, name: &str, help: &str) -> Counter {
        self.register(name, help, Counter::default())
    }

    /// A new gauge.
    pub fn gauge(&self, name: &str, help: &str) -> Gauge {
        self.register(name, help, Gauge::default())
    }

    /// A new histogram of seconds, with the borders of [`SECONDS`].
    pub fn seconds(&self, name: &str, help: &str) -> Histogram {
        self.register(name, help, Histogram::new(SECONDS))
    }

    /// All metrics in the text format 0.0.4, which every collector reads.
    #[must_use]
    pub fn classic_text(&self) -> String {
        classic::classic(&self.text())
    }

    /// All metrics in the OpenMetrics text format.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        if prometheus_client::encoding::text::encode(&mut text, &self.registry.lock()).is_err() {
            tracing::warn!("metrics cannot be written as text");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    enum Colour {
        Red,
        DarkRed,
    }

    crate::label_values!(Colour);

    #[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
    struct Painted {
        colour: Colour,
    }

    #[test]
    fn labels_are_in_snake_case() {
        let metrics = Metrics::new("roost-test", "1");
        let family = metrics.register("things", "Things", Family::<Painted, Counter>::default());
        for colour in [Colour::Red, Colour::DarkRed] {
            family.get_or_create(&Painted { colour }).inc();
        }
        let text = metrics.text();
        assert!(text.contains("things_total{colour=\"red\"} 1"), "{text}");
        assert!(
            text.contains("things_total{colour=\"dark_red\"} 1"),
            "{text}"
        );
    }

    #[test]
    fn metrics_carry_the_daemons_prefix() {
        let metrics = Metrics::new("roost-store", "1.2.3");
        metrics.counter("deliveries", "Messages delivered.").inc();
        let text = metrics.text();
        assert!(text.contains("roost_store_deliveries_total 1\n"), "{text}");
        assert!(
            text.contains("roost_build_info{daemon=\"roost-store\",version=\"1.2.3\"} 1\n"),
            "{text}"
        );
        assert!(text.ends_with("# EOF\n"));
    }
}

//! What alerts tell collectors: how many there are of each rule, and whether people could be told.

use roost_kit::metrics::{Counter, EncodeLabelSet, Family, Gauge, Metrics, begin};

use super::engine::State;
use super::ledger::Way;
use super::phase::Phase;
use super::rule::Rule;

/// Figures of alerts; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Counts {
    alerts: Family<AlertLabel, Gauge>,
    told: Family<ToldLabel, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AlertLabel {
    rule: &'static str,
    phase: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ToldLabel {
    way: Way,
    outcome: Told,
}

/// What became of a telling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Told {
    /// Taken.
    Taken,
    /// Not now; it is tried again.
    Deferred,
    /// Given up.
    GivenUp,
}

roost_kit::label_values!(Told);

const PHASES: [Phase; 2] = [Phase::Pending, Phase::Firing];

impl Counts {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let alerts = metrics.register(
            "alerts",
            "Alerts by rule that are pending or firing",
            Family::default(),
        );
        begin(&alerts, labels());
        let told = metrics.register(
            "alert_tellings",
            "Times that people were to be told of an alert",
            Family::default(),
        );
        for way in Way::ALL {
            let outcomes = [Told::Taken, Told::Deferred, Told::GivenUp];
            begin(&told, outcomes.map(|outcome| ToldLabel { way, outcome }));
        }
        Self { alerts, told }
    }

    pub(super) fn show(&self, state: &State) {
        for label in labels() {
            let alerts = state.alerts.values();
            let count = alerts
                .filter(|alert| {
                    alert.rule.code() == label.rule && alert.phase.name() == label.phase
                })
                .count();
            let gauge = self.alerts.get_or_create(&label);
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    pub(crate) fn told(&self, way: Way, outcome: Told) {
        self.told.get_or_create(&ToldLabel { way, outcome }).inc();
    }
}

fn labels() -> Vec<AlertLabel> {
    let rules = Rule::ALL.into_iter();
    let labels = rules.flat_map(|rule| {
        PHASES.map(|phase| AlertLabel {
            rule: rule.code(),
            phase: phase.name(),
        })
    });
    labels.collect()
}

//! The few figures that answer "is it well?" at a glance, of all nodes together.

use roost_kit::figure::Unit;
use serde::{Deserialize, Serialize};

use super::database::DatabaseError;
use super::read::{Chart, Window, chart, fits};
use super::store::Store;

/// How the series of several nodes and labels become one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Together {
    Sum,
    Greatest,
    Least,
}

/// Figure, unit, how it is put together, and of which series.
type Line = (&'static str, Unit, Together, &'static [&'static str]);

const LINES: [Line; 12] = [
    (
        "messages taken",
        Unit::PerMinute,
        Together::Sum,
        &["roost_mta_messages_accepted_total"],
    ),
    (
        "delivered to mailboxes",
        Unit::PerMinute,
        Together::Sum,
        &["roost_store_deliveries_total{*delivered*}"],
    ),
    (
        "relayed",
        Unit::PerMinute,
        Together::Sum,
        &["roost_mta_attempts_total{*relayed*}"],
    ),
    (
        "deferred",
        Unit::PerMinute,
        Together::Sum,
        &["roost_mta_attempts_total{*deferred*}"],
    ),
    (
        "refused",
        Unit::PerMinute,
        Together::Sum,
        &["roost_mta_refusals_total"],
    ),
    (
        "queue",
        Unit::Count,
        Together::Sum,
        &["roost_mta_queue_messages"],
    ),
    (
        "oldest in queue",
        Unit::Seconds,
        Together::Greatest,
        &["roost_mta_queue_oldest_seconds"],
    ),
    (
        "sessions",
        Unit::Count,
        Together::Sum,
        &["roost_proxy_sessions"],
    ),
    (
        "wrong passwords",
        Unit::PerMinute,
        Together::Sum,
        &[
            "roost_proxy_logins_total{*refused*}",
            "roost_mta_logins_total{*refused*}",
        ],
    ),
    (
        "processors",
        Unit::Ratio,
        Together::Greatest,
        &["host_cpu_ratio"],
    ),
    (
        "memory free",
        Unit::Bytes,
        Together::Least,
        &["host_memory_available_bytes"],
    ),
    (
        "store's disk free",
        Unit::Bytes,
        Together::Least,
        &["volume_free_bytes{volume=\"store\"}"],
    ),
];

/// One figure over a window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// What it is called.
    pub figure: String,
    /// How it is written.
    pub unit: Unit,
    /// The figure of each step; the names of its series stand in it.
    #[serde(flatten)]
    pub chart: Chart,
}

/// Every figure of which something is known.
pub async fn overview(store: &Store, window: Window) -> Result<Vec<Row>, DatabaseError> {
    let known = store.all().await?;
    let mut rows = Vec::new();
    for (figure, unit, together, patterns) in LINES {
        let mut sum: Option<Chart> = None;
        let fitting = known
            .iter()
            .filter(|series| patterns.iter().any(|pattern| fits(pattern, series)));
        for series in fitting {
            let next = chart(store, series, window).await?;
            sum = Some(match sum {
                None => next,
                Some(sum) => put_together(sum, &next, together),
            });
        }
        let Some(mut chart) = sum else { continue };
        chart.node = String::new();
        chart.name = patterns.join(" ");
        chart.labels = String::new();
        if unit == Unit::PerMinute {
            scale(&mut chart, 60.0);
        }
        rows.push(Row {
            figure: figure.to_owned(),
            unit,
            chart,
        });
    }
    Ok(rows)
}

fn put_together(mut one: Chart, other: &Chart, how: Together) -> Chart {
    let join = |own: &mut Vec<Option<f64>>, others: &[Option<f64>]| {
        for (own, other) in own.iter_mut().zip(others) {
            *own = match (*own, *other) {
                (Some(one), Some(other)) => Some(match how {
                    Together::Sum => one + other,
                    Together::Greatest => one.max(other),
                    Together::Least => one.min(other),
                }),
                (one, other) => one.or(other),
            };
        }
    };
    join(&mut one.mean, &other.mean);
    join(&mut one.low, &other.low);
    join(&mut one.high, &other.high);
    one
}

fn scale(chart: &mut Chart, factor: f64) {
    let all = [&mut chart.mean, &mut chart.low, &mut chart.high];
    for value in all.into_iter().flatten().flatten() {
        *value *= factor;
    }
}

//! A line now and then that says how the suite is, from the logger's statistics and alerts.

use std::path::Path;
use std::time::Duration;

use roost_kit::control::Client;
use roost_kit::figure::{Unit, written};
use serde::Deserialize;
use tokio::time::timeout;

/// How often it is looked.
pub(super) const PERIOD: Duration = Duration::from_secs(60);
/// How long the logger may take.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// The figures that are shown.
const SHOWN: [&str; 5] = [
    "messages taken",
    "delivered to mailboxes",
    "queue",
    "sessions",
    "processors",
];

#[derive(Deserialize)]
struct Figure {
    figure: String,
    unit: Unit,
    mean: Vec<Option<f64>>,
}

#[derive(Deserialize)]
struct Alerts {
    alerts: Vec<Alert>,
}

#[derive(Deserialize)]
struct Alert {
    rule: String,
    subject: String,
    phase: String,
}

/// The line; nothing while nothing was sampled.
pub(super) async fn line(control: &Path) -> Option<String> {
    let client = Client::socket(control);
    let asked = async {
        let figures: Vec<Figure> = client.get("/statistics/overview?since=300").await.ok()?;
        let alerts: Alerts = client.get("/alerts").await.ok()?;
        Some((figures, alerts))
    };
    let (figures, alerts) = timeout(ANSWER_MAX, asked).await.ok()??;
    let mut parts: Vec<String> = figures
        .iter()
        .filter(|figure| SHOWN.contains(&figure.figure.as_str()))
        .filter_map(|figure| {
            let last = figure.mean.iter().rev().find_map(|value| *value)?;
            Some(format!("{} {}", figure.figure, written(last, figure.unit)))
        })
        .collect();
    if parts.is_empty() {
        return None;
    }
    let firing = alerts.alerts.iter().filter(|alert| alert.phase == "firing");
    let firing: Vec<String> = firing
        .map(|alert| format!("{} {}", alert.rule, alert.subject))
        .collect();
    parts.push(match firing.is_empty() {
        true => "no alert".to_owned(),
        false => format!("alerts: {}", firing.join(", ")),
    });
    Some(parts.join(" · "))
}

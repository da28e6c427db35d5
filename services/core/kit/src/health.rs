//! Whether the daemon lives, would serve, and what it has counted: `/healthz`, `/readyz`,
//! `/metrics` over HTTP on a loopback port, without sign-in.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use parking_lot::Mutex;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use serde::{Deserialize, Serialize};

use crate::metrics::Metrics;
use crate::notify::Notifier;

/// What keeps the daemon from serving; cheap to clone.
///
/// A part of the daemon (`directory`, `journal`, …) reports itself ill with a reason for people, and
/// well again. The daemon is ready when no part is ill.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Mutex<BTreeMap<&'static str, String>>>);

/// The body of `/readyz`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readiness {
    /// Whether the daemon would serve.
    pub ready: bool,
    /// Why not: part → reason.
    pub reasons: BTreeMap<String, String>,
}

impl Readiness {
    /// Reads the body of `/readyz`.
    pub fn read(body: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(body)
    }
}

/// The reasons in one line, as `part: reason; part: reason`.
impl fmt::Display for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (part, reason)) in self.reasons.iter().enumerate() {
            let separator = if number == 0 { "" } else { "; " };
            write!(f, "{separator}{part}: {reason}")?;
        }
        Ok(())
    }
}

impl Health {
    /// All is well.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A part cannot do its work; `reason` says what is wrong. Logged once, when it is news, and
    /// told to systemd.
    pub fn ill(&self, part: &'static str, reason: impl Into<String>) {
        let reason = reason.into();
        let before = self.0.lock().insert(part, reason.clone());
        match before {
            None => tracing::warn!(part, reason, "not ready"),
            Some(before) if before != reason => tracing::debug!(part, reason, "still not ready"),
            Some(_) => return,
        }
        self.tell();
    }

    /// A part works, or works again. Logged and told to systemd when it is news.
    pub fn well(&self, part: &'static str) {
        if self.0.lock().remove(part).is_some() {
            tracing::info!(part, "ready again");
            self.tell();
        }
    }

    /// The line of `systemctl status`.
    fn tell(&self) {
        let readiness = self.readiness();
        let mut reasons = readiness.reasons.iter();
        let text = match reasons.next() {
            None => "serves".to_owned(),
            Some((part, why)) => {
                let more = reasons.map(|(part, why)| format!("; {part}: {why}"));
                format!("not ready: {part}: {why}{}", more.collect::<String>())
            }
        };
        // It is one line.
        Notifier::new().status(&text.replace('\n', " "));
    }

    /// A phase of the daemon's life, of which everybody knows: [`Health::ill`] without a line in
    /// the log.
    pub(crate) fn phase(&self, part: &'static str, reason: &str) {
        self.0.lock().insert(part, reason.to_owned());
        self.tell();
    }

    /// The end of a [`Health::phase`].
    pub(crate) fn phase_over(&self, part: &'static str) {
        self.0.lock().remove(part);
        self.tell();
    }

    /// The present state.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        let reasons: BTreeMap<String, String> = self
            .0
            .lock()
            .iter()
            .map(|(part, reason)| ((*part).to_owned(), reason.clone()))
            .collect();
        Readiness {
            ready: reasons.is_empty(),
            reasons,
        }
    }
}

/// `roost_ready`: the same for collectors, which cannot read a page of reasons.
impl Collector for Health {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Whether the daemon would serve: 1 or 0; /readyz says why not";
        let descriptor = encoder.encode_descriptor("roost_ready", help, None, MetricType::Gauge)?;
        ConstGauge::new(i64::from(self.readiness().ready)).encode(descriptor)
    }
}

/// The three pages.
pub(crate) fn router(health: Health, metrics: Metrics) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route(
            "/metrics",
            get(move |headers| exposition(metrics.clone(), headers)),
        )
        .with_state(health)
}

async fn readyz(State(health): State<Health>) -> Response {
    let readiness = health.readiness();
    let status = match readiness.ready {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, Json(readiness)).into_response()
}

/// Collectors that know OpenMetrics say so; the rest, and people, get the format that all know.
async fn exposition(metrics: Metrics, headers: HeaderMap) -> impl IntoResponse {
    const NEWER: &str = "application/openmetrics-text";
    let accepts = headers.get_all(header::ACCEPT).into_iter();
    let mut accepts = accepts.filter_map(|accept| accept.to_str().ok());
    let (kind, text) = match accepts.any(|accept| accept.contains(NEWER)) {
        true => (
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
            metrics.text(),
        ),
        false => (
            "text/plain; version=0.0.4; charset=utf-8",
            metrics.classic_text(),
        ),
    };
    ([(header::CONTENT_TYPE, kind)], text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_means_that_no_part_is_ill() {
        let health = Health::new();
        health.ill("directory", "unreachable");
        health.ill("directory", "still unreachable");
        let readiness = health.readiness();
        assert!(!readiness.ready);
        assert_eq!(readiness.reasons["directory"], "still unreachable");
        health.well("directory");
        assert!(health.readiness().ready);
    }
}

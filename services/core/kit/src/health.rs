//! Whether the daemon lives, would serve, and what it has counted: `/healthz`, `/readyz`,
//! `/metrics` over HTTP on a loopback port, without sign-in and without the version.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::metrics::Metrics;

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

impl Health {
    /// All is well.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A part cannot do its work; `reason` says what is wrong. Logged when it is news.
    pub fn ill(&self, part: &'static str, reason: impl Into<String>) {
        let reason = reason.into();
        let before = self.0.lock().insert(part, reason.clone());
        if before.is_none() {
            tracing::debug!(part, reason, "not ready");
        }
    }

    /// A part works, or works again. Logged when it is news.
    pub fn well(&self, part: &'static str) {
        if self.0.lock().remove(part).is_some() {
            tracing::debug!(part, "ready again");
        }
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

/// The three pages.
pub(crate) fn router(health: Health, metrics: Metrics) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(move || exposition(metrics.clone())))
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

async fn exposition(metrics: Metrics) -> impl IntoResponse {
    (
        [(
            header::CONTENT_TYPE,
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        )],
        metrics.text(),
    )
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

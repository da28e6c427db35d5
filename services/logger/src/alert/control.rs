//! What `roostctl alerts`, `status`, `doctor` and the SNMP subagent ask at the control socket.
//!
//! | request | answer |
//! |---|---|
//! | `GET /alerts` | `looked`, `rules`, `alerts`, `silences` |
//! | `POST /alerts/silence` | `rule`, `subject` or all, `seconds`, `note` → the silence |
//! | `DELETE /alerts/silence/ID` | ends it |
//! | `POST /alerts/acknowledge` | `rule`, `subject` or all, `note` → the alerts |

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use roost_kit::control::Failure;
use roost_kit::fields::Chain;
use serde::{Deserialize, Serialize};

use super::engine::Shared;
use super::event::rfc3339;
use super::judge::Judged;
use super::ledger::{Changes, Silence};
use super::phase::{Alert, Phase};
use super::rule::{Rule, Severity};
use crate::stats::database::DatabaseError;

/// The longest silence, in seconds: a month.
const SILENCE_MAX: i64 = 31 * 86_400;
/// The longest note.
const NOTE_MAX: usize = 500;
/// Silences at a time.
const SILENCES_MAX: usize = 200;

/// The routes.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/alerts", get(list))
        .route("/alerts/silence", post(silence))
        .route("/alerts/silence/{id}", delete(end_silence))
        .route("/alerts/acknowledge", post(acknowledge))
        .with_state(shared)
}

#[derive(Serialize)]
struct Everything {
    /// When the daemons were last looked at; nothing before the first look.
    looked: Option<String>,
    rules: Vec<ShownRule>,
    alerts: Vec<ShownAlert>,
    silences: Vec<ShownSilence>,
}

#[derive(Serialize)]
struct ShownRule {
    rule: &'static str,
    /// `ok`, `pending`, `firing`, `unknown` or `not configured`.
    state: &'static str,
    reason: String,
    action: &'static str,
}

#[derive(Serialize)]
struct ShownAlert {
    rule: &'static str,
    subject: String,
    phase: Phase,
    severity: Severity,
    since: String,
    text: String,
    action: String,
    told: Option<String>,
    acknowledged: Option<String>,
    silent_until: Option<String>,
}

#[derive(Serialize)]
struct ShownSilence {
    id: i64,
    rule: &'static str,
    subject: String,
    severity: Severity,
    until: String,
    note: String,
}

async fn list(State(shared): State<Arc<Shared>>) -> Json<Everything> {
    let now = shared.clock.now().as_second();
    let state = shared.state.lock();
    let rules = Rule::ALL.into_iter().map(|rule| {
        let of_rule = state.alerts.values().filter(|alert| alert.rule == rule);
        let phase = of_rule
            .filter(|alert| alert.phase != Phase::Resolved)
            .map(|alert| alert.phase == Phase::Firing)
            .max();
        let (standing, reason) = match (state.judged.get(&rule), phase) {
            (Some(Judged::NotConfigured(why)), _) => ("not configured", (*why).to_owned()),
            (_, Some(true)) => ("firing", String::new()),
            (None, _) => ("unknown", "nothing was looked at yet".to_owned()),
            (Some(Judged::Unknown(why)), _) => ("unknown", why.clone()),
            (Some(Judged::Findings(_)), Some(false)) => ("pending", String::new()),
            (Some(Judged::Findings(_)), None) => ("ok", String::new()),
        };
        ShownRule {
            rule: rule.code(),
            state: standing,
            reason,
            action: rule.action(),
        }
    });
    Json(Everything {
        looked: state.looked.map(rfc3339),
        rules: rules.collect(),
        alerts: state
            .alerts
            .values()
            .map(|alert| shown(alert, &state.silences, now))
            .collect(),
        silences: state.silences.iter().map(shown_silence).collect(),
    })
}

fn shown(alert: &Alert, silences: &[Silence], now: i64) -> ShownAlert {
    let silent = silences.iter().filter(|silence| silence.covers(alert, now));
    ShownAlert {
        rule: alert.rule.code(),
        subject: alert.subject.clone(),
        phase: alert.phase,
        severity: alert.severity,
        since: rfc3339(alert.since),
        text: alert.text.clone(),
        action: alert.rule.action().replace("NAME", &alert.subject),
        told: alert.told.map(rfc3339),
        acknowledged: alert.acknowledged.clone(),
        silent_until: silent.map(|silence| silence.until).max().map(rfc3339),
    }
}

fn shown_silence(silence: &Silence) -> ShownSilence {
    ShownSilence {
        id: silence.id,
        rule: silence.rule.code(),
        subject: silence.subject.clone(),
        severity: silence.severity,
        until: rfc3339(silence.until),
        note: silence.note.clone(),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    rule: String,
    subject: Option<String>,
    seconds: Option<i64>,
    #[serde(default)]
    note: String,
}

impl Asked {
    fn rule(&self) -> Result<Rule, Failure> {
        Rule::coded(&self.rule).ok_or_else(|| {
            let codes: Vec<&str> = Rule::ALL.iter().map(|rule| rule.code()).collect();
            let message = format!(
                "no rule is called {}; they are {}",
                self.rule,
                codes.join(", ")
            );
            Failure::new(StatusCode::NOT_FOUND, "rule_not_found", message)
                .next("roostctl alerts list")
        })
    }

    fn note(&self) -> Result<String, Failure> {
        match self.note.len() {
            ..=NOTE_MAX => Ok(self.note.clone()),
            length => Err(Failure::new(
                StatusCode::BAD_REQUEST,
                "note_too_long",
                format!("the note has {length} bytes, expected at most {NOTE_MAX}"),
            )),
        }
    }

    fn means(&self, rule: Rule, alert: &Alert) -> bool {
        let is_subject = self
            .subject
            .as_ref()
            .is_none_or(|subject| *subject == alert.subject);
        alert.rule == rule && alert.phase != Phase::Resolved && is_subject
    }
}

async fn silence(
    State(shared): State<Arc<Shared>>,
    Json(asked): Json<Asked>,
) -> Result<Json<ShownSilence>, Failure> {
    let rule = asked.rule()?;
    let lasts = asked.seconds.unwrap_or_default();
    if !(1..=SILENCE_MAX).contains(&lasts) {
        let problem = "a silence lasts from 1 second to 31 days";
        return Err(Failure::new(StatusCode::BAD_REQUEST, "bad_time", problem));
    }
    let severity = {
        let state = shared.state.lock();
        if state.silences.len() >= SILENCES_MAX {
            let problem = format!("there are {SILENCES_MAX} silences already");
            return Err(Failure::new(StatusCode::CONFLICT, "too_many", problem));
        }
        let alerts = state.alerts.values();
        let worst = alerts
            .filter(|alert| asked.means(rule, alert))
            .map(|alert| alert.severity)
            .max();
        // Of what does not fire yet, everything but the worst is covered.
        worst.unwrap_or(Severity::Warning)
    };
    let mut silence = Silence {
        id: 0,
        rule,
        subject: asked.subject.clone().unwrap_or_else(|| "*".to_owned()),
        severity,
        until: shared.clock.now().as_second().saturating_add(lasts),
        note: asked.note()?,
    };
    silence.id = shared
        .ledger
        .silence(&silence)
        .await
        .map_err(|error| broken(&error))?;
    shared.state.lock().silences.push(silence.clone());
    tracing::info!(
        rule = rule.code(),
        subject = silence.subject,
        note = silence.note,
        "silenced"
    );
    Ok(Json(shown_silence(&silence)))
}

async fn end_silence(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<i64>,
) -> Result<Json<ShownSilence>, Failure> {
    let found = {
        let state = shared.state.lock();
        state
            .silences
            .iter()
            .find(|silence| silence.id == id)
            .cloned()
    };
    let Some(silence) = found else {
        let message = format!("there is no silence {id}");
        return Err(
            Failure::new(StatusCode::NOT_FOUND, "silence_not_found", message)
                .next("roostctl alerts silences"),
        );
    };
    let changes = Changes {
        ended: vec![id],
        ..Changes::default()
    };
    let now = shared.clock.now().as_second();
    shared
        .ledger
        .write(&changes, now)
        .await
        .map_err(|error| broken(&error))?;
    shared
        .state
        .lock()
        .silences
        .retain(|silence| silence.id != id);
    Ok(Json(shown_silence(&silence)))
}

async fn acknowledge(
    State(shared): State<Arc<Shared>>,
    Json(asked): Json<Asked>,
) -> Result<Json<Vec<ShownAlert>>, Failure> {
    let rule = asked.rule()?;
    let note = match asked.note()? {
        note if note.is_empty() => "acknowledged".to_owned(),
        note => note,
    };
    let now = shared.clock.now().as_second();
    let (changed, all) = {
        let mut state = shared.state.lock();
        let mut changed = Vec::new();
        for alert in state
            .alerts
            .values_mut()
            .filter(|alert| asked.means(rule, alert))
        {
            alert.acknowledged = Some(note.clone());
            changed.push(alert.clone());
        }
        let shown: Vec<ShownAlert> = changed
            .iter()
            .map(|alert| shown(alert, &state.silences, now))
            .collect();
        (changed, shown)
    };
    if changed.is_empty() {
        let of = asked
            .subject
            .map_or(String::new(), |subject| format!(" of {subject}"));
        let message = format!("no alert {}{of} is pending or firing", rule.code());
        return Err(
            Failure::new(StatusCode::NOT_FOUND, "alert_not_found", message)
                .next("roostctl alerts list"),
        );
    }
    let changes = Changes {
        put: changed,
        ..Changes::default()
    };
    shared
        .ledger
        .write(&changes, now)
        .await
        .map_err(|error| broken(&error))?;
    Ok(Json(all))
}

fn broken(error: &DatabaseError) -> Failure {
    let why = Chain(error).to_string();
    Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "alerts", why)
}

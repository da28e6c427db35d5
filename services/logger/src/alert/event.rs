//! What is told of an alert: the body of the webhook, and what mail is made of.

use serde::{Deserialize, Serialize};

use super::phase::Alert;
use super::rule::Severity;

/// What happened to an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// It fires.
    Fired,
    /// It fires, and is worse than it was.
    Worse,
    /// It still fires, and nobody acknowledged it.
    Still,
    /// It is over.
    Resolved,
}

/// One telling. Further keys may come; `version` changes when one changes its meaning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// 1.
    pub version: u32,
    /// What happened.
    pub event: What,
    /// Which alert, the same for its whole life.
    pub id: String,
    /// The node that saw it.
    pub node: String,
    /// The code of the rule.
    pub rule: String,
    /// Of what: a daemon, a volume, …
    pub subject: String,
    /// How bad it is.
    pub severity: Severity,
    /// The evidence.
    pub text: String,
    /// What to do about it.
    pub action: String,
    /// Since when it fires, or is over; RFC 3339.
    pub since: String,
    /// When this was told; RFC 3339.
    pub at: String,
}

impl Event {
    /// What is told of an alert now.
    #[must_use]
    pub fn new(event: What, alert: &Alert, node: &str, now: i64) -> Self {
        Self {
            version: 1,
            event,
            id: format!("{}/{}/{}", alert.rule.code(), alert.subject, alert.began),
            node: node.to_owned(),
            rule: alert.rule.code().to_owned(),
            subject: alert.subject.clone(),
            severity: alert.severity,
            text: alert.text.clone(),
            action: alert.rule.action().replace("NAME", &alert.subject),
            since: rfc3339(alert.since),
            at: rfc3339(now),
        }
    }
}

/// Seconds since 1970 as RFC 3339 writes them.
#[must_use]
pub fn rfc3339(seconds: i64) -> String {
    let at = jiff::Timestamp::from_second(seconds);
    at.map(|at| at.to_string()).unwrap_or_default()
}

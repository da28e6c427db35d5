//! The logger's alerts, as it tells them at its control socket.

use serde::Deserialize;

/// An alert that fires and is not silenced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// The code of the rule, such as `DISK_FILLING`.
    pub rule: String,
    /// What it is about.
    pub subject: String,
    /// `notice`, `warning` or `critical`.
    pub severity: String,
    /// The evidence.
    pub text: String,
}

/// The answer to `GET /alerts`; the rest of it is passed over.
#[derive(Debug, Deserialize)]
pub(crate) struct Told {
    alerts: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    rule: String,
    subject: String,
    phase: String,
    severity: String,
    text: String,
    silent_until: Option<String>,
}

impl Told {
    /// What people are told of.
    pub(crate) fn firing(self) -> Vec<Alert> {
        let firing = self.alerts.into_iter();
        let firing = firing.filter(|entry| entry.phase == "firing" && entry.silent_until.is_none());
        let alerts = firing.map(|entry| Alert {
            rule: entry.rule,
            subject: entry.subject,
            severity: entry.severity,
            text: entry.text,
        });
        alerts.collect()
    }
}

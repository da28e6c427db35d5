//! `roostctl doctor`: everything that can be said about this node's health, with what to do about it.
//!
//! Daemons are asked directly; the rest is what the logger's rules find. What cannot be judged is
//! `unknown` or `not configured`, never `ok`. Ends with 3 where something is wrong.

use super::alerts::{self, Known, text};
use super::context::Context;
use super::{stats, status};
use crate::failure::{Exit, Failure};
use crate::output::{Column, Record};

const COLUMNS: [Column; 6] = [
    Column::state("state", "STATE"),
    Column::text("code", "FINDING"),
    Column::text("subject", "SUBJECT"),
    Column::text("evidence", "EVIDENCE"),
    Column::text("action", "WHAT TO DO"),
    Column::hidden("since"),
];

pub(super) async fn run(context: &Context<'_>) -> Result<(), Failure> {
    let mut records = daemons(context).await?;
    let client = stats::client(context)?;
    match alerts::known(&client).await {
        Ok(known) => records.extend(judged(&known)),
        Err(error) => {
            let failure = Failure::from(error);
            records.push(finding(
                "unknown",
                "LOGGER_DOWN",
                "roost-logger",
                &format!("nothing beside the daemons can be judged: {failure}"),
                "systemctl status roost-logger; add [logger] to the configuration",
            ));
        }
    }
    let wrong = records.iter().filter(|record| is_wrong(record)).count();
    records.sort_by_key(|record| !is_wrong(record));
    context.output.list(&COLUMNS, &records, "")?;
    match wrong {
        0 => Ok(()),
        1 => Err(problems("1 finding needs somebody")),
        count => Err(problems(&format!("{count} findings need somebody"))),
    }
}

fn problems(message: &str) -> Failure {
    Failure::new(Exit::Problems, "findings", message)
}

fn is_wrong(record: &Record) -> bool {
    let state = record.get("state").and_then(serde_json::Value::as_str);
    !matches!(
        state,
        Some("ok" | "not configured" | "unknown" | "pending" | "acknowledged" | "silent")
    )
}

async fn daemons(context: &Context<'_>) -> Result<Vec<Record>, Failure> {
    let found = status::daemons(context).await?;
    let records = found.into_iter().map(|daemon| {
        let (code, action) = match daemon.state {
            "ok" => ("DAEMON", String::new()),
            "not ready" => (
                "DAEMON_NOT_READY",
                format!("journalctl -u {} -p warning --since -1h", daemon.name),
            ),
            _ => (
                "DAEMON_DOWN",
                format!("systemctl status {0}; systemctl start {0}", daemon.name),
            ),
        };
        finding(
            daemon.state,
            code,
            daemon.name,
            &daemon.reasons.join("; "),
            &action,
        )
    });
    Ok(records.collect())
}

/// Each rule once where it is well, and once for each alert where it is not.
fn judged(known: &Known) -> Vec<Record> {
    let mut records = Vec::new();
    for rule in &known.rules {
        let code = text(rule, "rule");
        let alerts = known.alerts.iter();
        let mut alerts = alerts
            .filter(|alert| text(alert, "rule") == code && text(alert, "phase") != "resolved")
            .peekable();
        if alerts.peek().is_none() {
            let state = text(rule, "state");
            records.push(finding(state, code, "", text(rule, "reason"), ""));
        }
        for alert in alerts {
            let state = match (
                text(alert, "phase"),
                text(alert, "acknowledged"),
                text(alert, "silent_until"),
            ) {
                ("firing", "", "") => text(alert, "severity"),
                ("firing", "", _) => "silent",
                ("firing", _, _) => "acknowledged",
                (phase, _, _) => phase,
            };
            let record = finding(
                state,
                code,
                text(alert, "subject"),
                text(alert, "text"),
                text(alert, "action"),
            );
            records.push(record.with("since", text(alert, "since")));
        }
    }
    records
}

fn finding(state: &str, code: &str, subject: &str, evidence: &str, action: &str) -> Record {
    Record::new(code)
        .with("state", state)
        .with("code", code)
        .with("subject", subject)
        .with("evidence", evidence)
        .with("action", action)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_rule_that_fires_is_shown_by_subject_and_one_that_cannot_judge_is_never_ok() {
        let known: Known = serde_json::from_value(json!({
            "rules": [
                {"rule": "DISK_FILLING", "state": "firing", "reason": "", "action": "grow"},
                {"rule": "BACKUP_OLD", "state": "not configured", "reason": "no backup", "action": ""},
                {"rule": "MEMORY_LOW", "state": "ok", "reason": "", "action": ""},
            ],
            "alerts": [
                {"rule": "DISK_FILLING", "subject": "store", "phase": "firing", "severity": "critical",
                 "text": "2 % are free", "action": "grow", "since": "x"},
                {"rule": "DISK_FILLING", "subject": "queue", "phase": "firing", "severity": "warning",
                 "text": "", "action": "", "since": "x", "acknowledged": "known"},
                {"rule": "MEMORY_LOW", "subject": "host", "phase": "resolved", "severity": "warning"},
            ],
            "silences": [],
        }))
        .unwrap();
        let states: Vec<(String, String)> = judged(&known)
            .iter()
            .map(|record| {
                let field = |key: &str| record.get(key).unwrap().as_str().unwrap().to_owned();
                (field("code"), field("state"))
            })
            .collect();
        let expected = [
            ("DISK_FILLING", "critical"),
            ("DISK_FILLING", "acknowledged"),
            ("BACKUP_OLD", "not configured"),
            ("MEMORY_LOW", "ok"),
        ];
        let expected = expected.map(|(code, state)| (code.to_owned(), state.to_owned()));
        assert_eq!(states, expected);
        let wrong = judged(&known)
            .iter()
            .filter(|record| is_wrong(record))
            .count();
        assert_eq!(wrong, 1);
    }
}

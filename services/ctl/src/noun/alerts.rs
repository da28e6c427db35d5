//! `roostctl alerts`, over the logger's control socket.
//!
//! | request | answer |
//! |---|---|
//! | `GET /alerts` | `looked`, `rules`, `alerts`, `silences` |
//! | `POST /alerts/silence` | `rule`, `subject`, `seconds`, `note` → the silence |
//! | `DELETE /alerts/silence/ID` | ends it |
//! | `POST /alerts/acknowledge` | `rule`, `subject`, `note` → the alerts |

use hyper::Method;
use roost_kit::control::{Client, ClientError};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::context::Context;
use super::stats::client;
use crate::cli::{AlertsVerb, WhichAlert};
use crate::failure::Failure;
use crate::output::{Column, Record};

const ALERTS: [Column; 9] = [
    Column::state("phase", "STATE"),
    Column::state("severity", "SEVERITY"),
    Column::text("rule", "RULE"),
    Column::text("subject", "SUBJECT"),
    Column::text("since", "SINCE"),
    Column::text("text", "EVIDENCE"),
    Column::hidden("action"),
    Column::hidden("acknowledged"),
    Column::hidden("silent_until"),
];

const RULES: [Column; 4] = [
    Column::text("rule", "RULE"),
    Column::state("state", "STATE"),
    Column::text("reason", "REASON"),
    Column::text("action", "WHAT TO DO"),
];

const SILENCES: [Column; 6] = [
    Column::number("id", "ID"),
    Column::text("rule", "RULE"),
    Column::text("subject", "SUBJECT"),
    Column::text("severity", "UP TO"),
    Column::text("until", "UNTIL"),
    Column::text("note", "NOTE"),
];

type Object = Map<String, Value>;

/// Everything that the logger knows of alerts.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Known {
    pub(super) rules: Vec<Object>,
    pub(super) alerts: Vec<Object>,
    pub(super) silences: Vec<Object>,
}

/// Asks the logger.
pub(super) async fn known(client: &Client) -> Result<Known, ClientError> {
    client.get("/alerts").await
}

/// A field of an object as text.
pub(super) fn text<'a>(object: &'a Object, key: &str) -> &'a str {
    object.get(key).and_then(Value::as_str).unwrap_or_default()
}

pub(super) async fn run(verb: AlertsVerb, context: &Context<'_>) -> Result<(), Failure> {
    let client = client(context)?;
    match verb {
        AlertsVerb::List { all } => {
            let alerts = known(&client).await?.alerts.into_iter();
            let shown = alerts.filter(|alert| all || text(alert, "phase") != "resolved");
            let records: Vec<Record> = shown.map(|alert| named(alert, "rule")).collect();
            context.output.list(&ALERTS, &records, "no alert")
        }
        AlertsVerb::Rules => {
            let rules = known(&client).await?.rules.into_iter();
            let records: Vec<Record> = rules.map(|rule| named(rule, "rule")).collect();
            context.output.list(&RULES, &records, "")
        }
        AlertsVerb::Silences => {
            let silences = known(&client).await?.silences.into_iter();
            let records: Vec<Record> = silences.map(|one| named(one, "id")).collect();
            context
                .output
                .list(&SILENCES, &records, "nothing is silenced")
        }
        AlertsVerb::Silence { which, lasts } => {
            silence(&which, lasts.duration().as_secs(), &client, context).await
        }
        AlertsVerb::Unsilence { id } => {
            if context.dry_run {
                let sentence = format!("would end silence {id}");
                return context.output.done(&sentence, &Record::new(id.to_string()));
            }
            let path = format!("/alerts/silence/{id}");
            let ended: Object = client.send(Method::DELETE, &path, &()).await?;
            let sentence = format!("{}: told again", shown(&ended));
            context.output.done(&sentence, &named(ended, "id"))
        }
        AlertsVerb::Acknowledge(which) => acknowledge(&which, &client, context).await,
    }
}

async fn silence(
    which: &WhichAlert,
    seconds: u64,
    client: &Client,
    context: &Context<'_>,
) -> Result<(), Failure> {
    if context.dry_run {
        let sentence = format!("would silence {} for {seconds} s", which.rule);
        return context
            .output
            .done(&sentence, &Record::new(which.rule.clone()));
    }
    let asked = json!({
        "rule": which.rule,
        "subject": which.subject,
        "seconds": seconds,
        "note": which.note,
    });
    let made: Object = client.send(Method::POST, "/alerts/silence", &asked).await?;
    let id = made.get("id").and_then(Value::as_i64).unwrap_or_default();
    let sentence = format!(
        "{}: silent until {}, up to {}\nundo: roostctl alerts unsilence {id}",
        shown(&made),
        text(&made, "until"),
        text(&made, "severity"),
    );
    context.output.done(&sentence, &named(made, "id"))
}

async fn acknowledge(
    which: &WhichAlert,
    client: &Client,
    context: &Context<'_>,
) -> Result<(), Failure> {
    if context.dry_run {
        let sentence = format!("would acknowledge {}", which.rule);
        return context
            .output
            .done(&sentence, &Record::new(which.rule.clone()));
    }
    let asked = json!({
        "rule": which.rule,
        "subject": which.subject,
        "note": which.note,
    });
    let done: Vec<Object> = client
        .send(Method::POST, "/alerts/acknowledge", &asked)
        .await?;
    for alert in &done {
        context
            .output
            .remark(&format!("{}: acknowledged", shown(alert)));
    }
    let records: Vec<Record> = done.into_iter().map(|alert| named(alert, "rule")).collect();
    context.output.list(&ALERTS, &records, "")
}

/// Rule and subject.
fn shown(object: &Object) -> String {
    match text(object, "subject") {
        "*" | "" => text(object, "rule").to_owned(),
        subject => format!("{} {subject}", text(object, "rule")),
    }
}

fn named(object: Object, key: &str) -> Record {
    let name = match object.get(key) {
        Some(Value::String(name)) => name.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    Record {
        name,
        fields: object.into_iter().collect(),
    }
}

//! `roostctl status`: the health of every daemon of this node.

use std::time::Duration;

use hyper::Method;
use roost_kit::config::{Listen, ListenSpec};
use roost_kit::control::{Client, ClientError};
use roost_kit::health::Readiness;
use roost_kit::place;
use serde::de::IgnoredAny;
use tokio::time::timeout;

use super::alerts::{self, text};
use super::context::Context;
use super::stats;
use crate::failure::{Exit, Failure};
use crate::output::{Column, Record};

const COLUMNS: [Column; 4] = [
    Column::text("daemon", "DAEMON"),
    Column::state("state", "STATE"),
    Column::text("health", "HEALTH"),
    Column::text("reasons", "REASONS"),
];

/// How long a daemon may take to say how it is.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// A daemon as it answers.
#[derive(Debug)]
pub(super) struct Daemon {
    pub(super) name: &'static str,
    /// `ok`, `not ready`, `down` or `strange`.
    pub(super) state: &'static str,
    health: String,
    pub(super) reasons: Vec<String>,
}

/// Asks every daemon that this node has.
pub(super) async fn daemons(context: &Context<'_>) -> Result<Vec<Daemon>, Failure> {
    let mut found = Vec::new();
    for daemon in place::DAEMONS {
        let is_told = context.configuration.value::<IgnoredAny>(daemon.table)?;
        if daemon.is_optional && is_told.is_none() {
            continue;
        }
        let listen = context
            .configuration
            .value::<Listen>(&format!("{}.health", daemon.table))?
            .unwrap_or_else(|| Listen::loopback(daemon.health));
        let Some(place) = listen.iter().next() else {
            continue;
        };
        let (state, reasons) = ask(place).await;
        found.push(Daemon {
            name: daemon.name,
            state,
            health: place.to_string(),
            reasons,
        });
    }
    Ok(found)
}

pub(super) async fn run(context: &Context<'_>) -> Result<(), Failure> {
    let daemons = daemons(context).await?;
    let unwell = daemons.iter().filter(|daemon| daemon.state != "ok").count();
    let records: Vec<Record> = daemons
        .iter()
        .map(|daemon| {
            Record::new(daemon.name)
                .with("daemon", daemon.name)
                .with("state", daemon.state)
                .with("health", daemon.health.clone())
                .with("reasons", daemon.reasons.clone())
        })
        .collect();
    context
        .output
        .list(&COLUMNS, &records, "no daemon is configured")?;
    say_alerts(context).await?;
    match unwell {
        0 => Ok(()),
        1 => Err(Failure::new(
            Exit::Problems,
            "unwell",
            "one daemon is not well",
        )),
        count => Err(Failure::new(
            Exit::Problems,
            "unwell",
            format!("{count} daemons are not well"),
        )),
    }
}

/// What the logger's rules found, in a line each; the daemons themselves stand above.
async fn say_alerts(context: &Context<'_>) -> Result<(), Failure> {
    let is_told = context.configuration.value::<IgnoredAny>("logger")?;
    if is_told.is_none() {
        return Ok(());
    }
    let client = stats::client(context)?;
    let Ok(known) = alerts::known(&client).await else {
        // Its own line says that it is down.
        return Ok(());
    };
    let firing = known
        .alerts
        .iter()
        .filter(|alert| text(alert, "phase") == "firing");
    for alert in firing {
        let line = format!(
            "{}: {} {}: {}\nnext: {}",
            text(alert, "severity"),
            text(alert, "rule"),
            text(alert, "subject"),
            text(alert, "text"),
            text(alert, "action")
        );
        context.output.remark(&line);
    }
    Ok(())
}

async fn ask(place: &ListenSpec) -> (&'static str, Vec<String>) {
    let client = Client::at(place.clone());
    let asked = client.exchange(Method::GET, "/readyz", bytes::Bytes::new());
    // One that is frozen is as good as dead.
    let Ok(answer) = timeout(ANSWER_MAX, asked).await else {
        let reason = format!("no answer within {} s", ANSWER_MAX.as_secs());
        return ("down", vec![reason]);
    };
    match answer {
        Ok((_, body)) => match Readiness::read(&body) {
            Ok(readiness) if readiness.ready => ("ok", Vec::new()),
            Ok(readiness) => {
                let reasons = readiness
                    .reasons
                    .iter()
                    .map(|(part, why)| format!("{part}: {why}"));
                ("not ready", reasons.collect())
            }
            Err(_) => (
                "strange",
                vec!["its answer cannot be understood".to_owned()],
            ),
        },
        Err(ClientError::Unreachable { source, .. }) => ("down", vec![source.to_string()]),
        Err(error) => ("down", vec![error.to_string()]),
    }
}

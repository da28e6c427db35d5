//! `roostctl status`: the health of every daemon of this node.

use hyper::Method;
use roost_kit::config::{Listen, ListenSpec};
use roost_kit::control::{Client, ClientError};
use roost_kit::health::Readiness;
use roost_kit::place;
use serde::de::IgnoredAny;

use super::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::{Column, Record};

const COLUMNS: [Column; 4] = [
    Column::text("daemon", "DAEMON"),
    Column::state("state", "STATE"),
    Column::text("health", "HEALTH"),
    Column::text("reasons", "REASONS"),
];

pub(super) async fn run(context: &Context<'_>) -> Result<(), Failure> {
    let mut records = Vec::new();
    let mut unwell = 0;
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
        unwell += usize::from(state != "ok");
        records.push(
            Record::new(daemon.name)
                .with("daemon", daemon.name)
                .with("state", state)
                .with("health", place.to_string())
                .with("reasons", reasons),
        );
    }
    context
        .output
        .list(&COLUMNS, &records, "no daemon is configured")?;
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

async fn ask(place: &ListenSpec) -> (&'static str, Vec<String>) {
    match Client::at(place.clone())
        .exchange(Method::GET, "/readyz", bytes::Bytes::new())
        .await
    {
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

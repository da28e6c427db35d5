//! `roostctl stats report`: mail of a day.

use hyper::Method;
use roost_kit::control::Client;
use serde_json::{Map, Value};

use super::super::context::Context;
use super::super::query::Query;
use super::quoted;
use crate::cli::{By, DayReport};
use crate::failure::Failure;
use crate::output::{Column, Record, print};

const COLUMNS: [Column; 9] = [
    Column::text("name", "NAME"),
    Column::number("received", "RECEIVED"),
    Column::bytes("received_bytes", "SIZE"),
    Column::number("sent", "SENT"),
    Column::bytes("sent_bytes", "SIZE"),
    Column::number("recipients", "RECIPIENTS"),
    Column::number("returned", "RETURNED"),
    Column::number("spam", "SPAM"),
    Column::number("virus", "VIRUS"),
];

type Object = Map<String, Value>;

pub(super) async fn run(
    asked: &DayReport,
    client: &Client,
    context: &Context<'_>,
) -> Result<(), Failure> {
    let query = Query::default().maybe("day", asked.day.clone());
    if asked.send {
        return send(&query, client, context).await;
    }
    let scope = match asked.by {
        By::Domain => "domain",
        By::Account => "account",
    };
    let query = query.with("scope", scope);
    let mut volumes: Vec<Object> = client.get(&format!("/statistics/volume{query}")).await?;
    if let Some(top) = asked.top {
        volumes.sort_by_key(|volume| std::cmp::Reverse(messages(volume)));
        volumes.truncate(top);
    }
    if asked.csv {
        return csv(&volumes);
    }
    let records: Vec<Record> = volumes
        .into_iter()
        .map(|volume| Record {
            name: text(&volume, "name").to_owned(),
            fields: volume.into_iter().collect(),
        })
        .collect();
    context
        .output
        .list(&COLUMNS, &records, "no mail on that day")
}

async fn send(query: &Query, client: &Client, context: &Context<'_>) -> Result<(), Failure> {
    if context.dry_run {
        return context
            .output
            .done("would send the report", &Record::new("report"));
    }
    let path = format!("/statistics/report/send{query}");
    let sent: Object = client.send(Method::POST, &path, &()).await?;
    let to = sent
        .get("to")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let to: Vec<&str> = to.filter_map(Value::as_str).collect();
    let day = text(&sent, "day");
    let sentence = format!("report of {day} sent to {}", to.join(", "));
    let record = Record::new(day).with("day", day).with("to", to);
    context.output.done(&sentence, &record)
}

/// RFC 4180, a line a name.
fn csv(volumes: &[Object]) -> Result<(), Failure> {
    let keys = COLUMNS.map(|column| column.key);
    print(&keys.join(","))?;
    for volume in volumes {
        let fields = keys.map(|key| match volume.get(key) {
            Some(Value::String(text)) => quoted(text),
            Some(other) => other.to_string(),
            None => String::new(),
        });
        print(&fields.join(","))?;
    }
    Ok(())
}

fn messages(volume: &Object) -> u64 {
    let figure = |key: &str| volume.get(key).and_then(Value::as_u64).unwrap_or_default();
    figure("received").saturating_add(figure("sent"))
}

fn text<'a>(volume: &'a Object, key: &str) -> &'a str {
    volume.get(key).and_then(Value::as_str).unwrap_or_default()
}

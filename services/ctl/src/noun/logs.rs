//! `roostctl logs`, over the logger's control socket: `POST /lines`.

use std::path::PathBuf;

use hyper::Method;
use roost_kit::control::Client;
use roost_kit::place;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::context::Context;
use crate::cli::Logs;
use crate::failure::Failure;
use crate::moment::local;
use crate::output::{Column, Format, Record, print};

/// How long the logger waits for news before it says that there are none.
const WAIT: u64 = 20;
/// How many lines are asked for at a time.
const PAGE: usize = 1_000;

const COLUMNS: [Column; 11] = [
    Column::hidden("number"),
    Column::hidden("time"),
    Column::hidden("received"),
    Column::hidden("source"),
    Column::hidden("host"),
    Column::hidden("daemon"),
    Column::hidden("process"),
    Column::hidden("facility"),
    Column::hidden("severity"),
    Column::hidden("fields"),
    Column::hidden("text"),
];

/// Which lines, as the logger understands it.
#[derive(Debug, Clone, Default, Serialize)]
struct Which {
    since: Option<i64>,
    until: Option<i64>,
    after: Option<u64>,
    before: Option<u64>,
    host: Option<String>,
    daemon: Option<String>,
    severity: Option<String>,
    text: Option<String>,
    limit: usize,
    wait: u64,
}

#[derive(Debug, Deserialize)]
struct Lines {
    lines: Vec<Line>,
    is_cut: bool,
    last: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Line {
    number: u64,
    time: String,
    received: String,
    source: String,
    host: String,
    daemon: String,
    process: String,
    facility: String,
    severity: String,
    fields: Vec<(String, String)>,
    text: String,
    is_cut: bool,
}

/// The logger's control socket.
pub(super) fn client(context: &Context<'_>) -> Result<Client, Failure> {
    let socket = context.configuration.value::<PathBuf>("logger.control")?;
    let socket = socket.unwrap_or_else(|| PathBuf::from(place::LOGGER_CONTROL));
    Ok(Client::socket(&socket))
}

pub(super) async fn run(logs: Logs, context: &Context<'_>) -> Result<(), Failure> {
    let client = client(context)?;
    let mut which = Which {
        since: logs.since.map(|since| since.milliseconds()),
        until: logs.until.map(|until| until.milliseconds()),
        host: logs.host,
        daemon: logs.daemon,
        severity: logs.severity,
        text: logs.text,
        ..Which::default()
    };
    let (lines, last) = newest(&client, &which, logs.lines).await?;
    if !logs.follow {
        return answer(&lines, context);
    }
    lines.iter().try_for_each(|line| tell(line, context))?;
    let mut after = last;
    which.limit = PAGE;
    which.wait = WAIT;
    loop {
        which.after = Some(after);
        let found: Lines = client.send(Method::POST, "/lines", &which).await?;
        for line in &found.lines {
            tell(line, context)?;
            after = after.max(line.number);
        }
        if !found.is_cut {
            after = after.max(found.last);
        }
    }
}

/// The last `count` lines, a page at a time, and the number of the last one that there is.
async fn newest(client: &Client, which: &Which, count: usize) -> Result<(Vec<Line>, u64), Failure> {
    let mut lines: Vec<Line> = Vec::new();
    let mut last = None;
    let mut which = which.clone();
    while lines.len() < count {
        which.limit = (count - lines.len()).min(PAGE);
        let mut found: Lines = client.send(Method::POST, "/lines", &which).await?;
        last = last.or(Some(found.last));
        which.before = found.lines.first().map(|line| line.number);
        found.lines.append(&mut lines);
        lines = found.lines;
        if !found.is_cut {
            break;
        }
    }
    Ok((lines, last.unwrap_or(0)))
}

fn answer(lines: &[Line], context: &Context<'_>) -> Result<(), Failure> {
    if context.output.format == Format::Table {
        if lines.is_empty() {
            context.output.remark("no such lines");
        }
        return lines.iter().try_for_each(|line| tell(line, context));
    }
    let records: Vec<Record> = lines.iter().map(record).collect();
    context.output.list(&COLUMNS, &records, "no such lines")
}

/// A line alone: for people as text, for scripts as one line of JSON.
fn tell(line: &Line, context: &Context<'_>) -> Result<(), Failure> {
    match &context.output.format {
        Format::Table => print(&text(line, context.output.colour)),
        Format::Names => print(&line.number.to_string()),
        Format::Json(_) => {
            let object: serde_json::Map<String, Value> = record(line).fields.into_iter().collect();
            print(&Value::Object(object).to_string())
        }
    }
}

fn record(line: &Line) -> Record {
    let fields: serde_json::Map<String, Value> = line
        .fields
        .iter()
        .map(|(name, value)| (name.clone(), Value::from(value.clone())))
        .collect();
    Record::new(line.number.to_string())
        .with("number", line.number)
        .with("time", line.time.clone())
        .with("received", line.received.clone())
        .with("source", line.source.clone())
        .with("host", line.host.clone())
        .with("daemon", line.daemon.clone())
        .with("process", line.process.clone())
        .with("facility", line.facility.clone())
        .with("severity", line.severity.clone())
        .with("fields", fields)
        .with("text", line.text.clone())
}

fn text(line: &Line, colour: bool) -> String {
    let mut text = format!("{} {} {}", local(&line.time), line.host, line.daemon);
    if !line.process.is_empty() {
        text.push_str(&format!("[{}]", line.process));
    }
    text.push_str(": ");
    let severity = line.severity.as_str();
    if !matches!(severity, "info" | "notice" | "debug") {
        text.push_str(&format!("{severity}: "));
    }
    text.push_str(&line.text);
    for (name, value) in line.fields.iter().filter(|(name, _)| name != "target") {
        match value.contains([' ', '"']) || value.is_empty() {
            true => text.push_str(&format!(" {name}={value:?}")),
            false => text.push_str(&format!(" {name}={value}")),
        }
    }
    if line.is_cut {
        text.push_str(" … (cut)");
    }
    match severity {
        "emerg" | "alert" | "crit" | "err" if colour => format!("\x1b[31m{text}\x1b[0m"),
        "warning" if colour => format!("\x1b[33m{text}\x1b[0m"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_from_left_to_right() {
        let line = Line {
            number: 7,
            time: "no time".to_owned(),
            received: String::new(),
            source: "udp:192.0.2.1".to_owned(),
            host: "mx".to_owned(),
            daemon: "roost-mta".to_owned(),
            process: "12".to_owned(),
            facility: "mail".to_owned(),
            severity: "err".to_owned(),
            fields: vec![
                ("target".to_owned(), "roost_mta".to_owned()),
                ("queue_id".to_owned(), "Q1".to_owned()),
                ("reply".to_owned(), "250 ok".to_owned()),
            ],
            text: "delivery".to_owned(),
            is_cut: true,
        };
        let expected =
            "no time mx roost-mta[12]: err: delivery queue_id=Q1 reply=\"250 ok\" … (cut)";
        assert_eq!(text(&line, false), expected);
        assert_eq!(text(&line, true), format!("\x1b[31m{expected}\x1b[0m"));
    }
}

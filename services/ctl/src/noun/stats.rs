//! `roostctl stats`, over the logger's control socket.
//!
//! | request | answer |
//! |---|---|
//! | `GET /statistics/overview?since=…&step=…` | an array of figures, each with its series |
//! | `GET /statistics/chart?name=…` | an array of series |
//! | `GET /statistics/series` | every series by name |
//! | `GET /statistics/svg?name=…` | a picture |
//! | `GET /statistics/volume?day=…&scope=…` | mail of a day by name |
//! | `POST /statistics/report/send?day=…` | to whom the report was sent |

mod day;

use std::path::{Path, PathBuf};

use roost_kit::control::Client;
use roost_kit::disk::{Disk as _, RealDisk};
use roost_kit::figure::{Unit, sparkline, written};
use roost_kit::place;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::context::Context;
use super::query::Query;
use crate::cli::{Stats, StatsVerb, WindowOptions};
use crate::failure::{Exit, Failure};
use crate::output::{Column, Format, Record, print};

/// Steps of a table's charts: a character each.
const STEPS: u64 = 48;

const COLUMNS: [Column; 6] = [
    Column::text("figure", "FIGURE"),
    Column::right("now", "NOW"),
    Column::right("mean", "MEAN"),
    Column::right("least", "LEAST"),
    Column::right("most", "MOST"),
    Column::text("chart", "CHART"),
];

const LISTED: [Column; 5] = [
    Column::text("name", "NAME"),
    Column::text("labels", "LABELS"),
    Column::text("kind", "KIND"),
    Column::text("node", "NODE"),
    Column::text("seen", "SEEN"),
];

/// A series in a window, as the logger tells it.
#[derive(Debug, Clone, Deserialize, Serialize)]
struct Series {
    /// What people call it; series that are asked for by name have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    figure: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<Unit>,
    node: String,
    name: String,
    labels: String,
    kind: Kind,
    from: i64,
    step: i64,
    mean: Vec<Option<f64>>,
    low: Vec<Option<f64>>,
    high: Vec<Option<f64>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Level,
    Rate,
}

pub(super) async fn run(stats: Stats, context: &Context<'_>) -> Result<(), Failure> {
    let client = client(context)?;
    match stats.verb {
        None => show(&stats, &client, context).await,
        Some(StatsVerb::Report(asked)) => day::run(&asked, &client, context).await,
        Some(StatsVerb::List) => list(&client, context).await,
        Some(StatsVerb::Chart {
            name,
            window,
            output,
        }) => picture(&name, &window, output.as_deref(), &client, context).await,
    }
}

/// The logger's control socket.
pub(super) fn client(context: &Context<'_>) -> Result<Client, Failure> {
    let socket = context.configuration.value::<PathBuf>("logger.control")?;
    let socket = socket.unwrap_or_else(|| PathBuf::from(place::LOGGER_CONTROL));
    Ok(Client::socket(&socket))
}

fn query(window: &WindowOptions, is_table: bool) -> Query {
    let since = window.since.duration().as_secs();
    let step = window.step.map(|step| step.duration().as_secs());
    let step = step.or_else(|| is_table.then_some(since / STEPS));
    Query::default()
        .with("since", &since.to_string())
        .maybe("step", step.map(|step| step.max(1).to_string()))
        .maybe("node", window.node.clone())
}

async fn show(stats: &Stats, client: &Client, context: &Context<'_>) -> Result<(), Failure> {
    let is_table = context.output.format == Format::Table && !stats.csv;
    let query = query(&stats.window, is_table);
    let mut found: Vec<Series> = Vec::new();
    if stats.names.is_empty() {
        found = client.get(&format!("/statistics/overview{query}")).await?;
    }
    for name in &stats.names {
        let query = query.clone().with("name", name);
        let some: Vec<Series> = client.get(&format!("/statistics/chart{query}")).await?;
        found.extend(some);
    }
    if stats.csv {
        return csv(&found);
    }
    let records = found.iter().map(|series| match is_table {
        true => Ok(row(series)),
        false => record(series),
    });
    let records = records.collect::<Result<Vec<Record>, Failure>>()?;
    let hint = "nothing was sampled yet: the first minute is kept when it is over";
    context.output.list(&COLUMNS, &records, hint)
}

/// A line of the table.
fn row(series: &Series) -> Record {
    let (unit, factor) = shown_in(series);
    let seen: Vec<f64> = series.mean.iter().filter_map(|value| *value).collect();
    let count = u32::try_from(seen.len()).unwrap_or(u32::MAX);
    let mean = (count > 0).then(|| seen.iter().sum::<f64>() / f64::from(count));
    let least = series
        .low
        .iter()
        .filter_map(|value| *value)
        .reduce(f64::min);
    let most = series
        .high
        .iter()
        .filter_map(|value| *value)
        .reduce(f64::max);
    let text = |value: Option<f64>| match value {
        Some(value) => written(value * factor, unit),
        None => "-".to_owned(),
    };
    let name = series.figure.clone().unwrap_or_else(|| shown(series));
    Record::new(name.clone())
        .with("figure", name)
        .with("now", text(seen.last().copied()))
        .with("mean", text(mean))
        .with("least", text(least))
        .with("most", text(most))
        .with("chart", sparkline(&series.mean))
}

/// The unit of a series, and what its values are multiplied by for it: what is told a second is read a
/// minute.
fn shown_in(series: &Series) -> (Unit, f64) {
    match (series.unit, series.kind) {
        (Some(unit), _) => (unit, 1.0),
        (None, Kind::Rate) => (Unit::PerMinute, 60.0),
        (None, Kind::Level) => {
            let name = series.name.as_str();
            let unit = match () {
                () if name.ends_with("_bytes") => Unit::Bytes,
                () if name.ends_with("_seconds") => Unit::Seconds,
                () if name.ends_with("_ratio") => Unit::Ratio,
                () => Unit::Count,
            };
            (unit, 1.0)
        }
    }
}

fn shown(series: &Series) -> String {
    match series.labels.is_empty() {
        true => series.name.clone(),
        false => format!("{}{{{}}}", series.name, series.labels),
    }
}

fn record(series: &Series) -> Result<Record, Failure> {
    let value = serde_json::to_value(series);
    let value = value.map_err(|error| {
        Failure::because(Exit::Failed, "json", "cannot write the answer", &error)
    })?;
    let fields = match value {
        Value::Object(fields) => fields.into_iter().collect(),
        _ => Vec::new(),
    };
    Ok(Record {
        name: shown(series),
        fields,
    })
}

/// RFC 4180, a line a step that was seen.
fn csv(found: &[Series]) -> Result<(), Failure> {
    print("time,node,name,labels,mean,least,most")?;
    for series in found {
        let values = series.mean.iter().zip(&series.low).zip(&series.high);
        for (number, ((mean, low), high)) in (0_i64..).zip(values) {
            let (Some(mean), Some(low), Some(high)) = (mean, low, high) else {
                continue;
            };
            let at = series
                .from
                .saturating_add(number.saturating_mul(series.step));
            let at = jiff::Timestamp::from_second(at).map(|at| at.to_string());
            let fields = [
                at.unwrap_or_default(),
                series.node.clone(),
                series.name.clone(),
                series.labels.clone(),
            ];
            let fields = fields.map(|field| quoted(&field));
            print(&format!("{},{mean},{low},{high}", fields.join(",")))?;
        }
    }
    Ok(())
}

/// A field of RFC 4180. What a spreadsheet would take for a formula is none.
pub(super) fn quoted(field: &str) -> String {
    let is_formula = field.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let field = match is_formula {
        true => format!("'{field}"),
        false => field.to_owned(),
    };
    match field.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => field,
    }
}

async fn list(client: &Client, context: &Context<'_>) -> Result<(), Failure> {
    let known: Vec<Map<String, Value>> = client.get("/statistics/series").await?;
    let records: Vec<Record> = known
        .into_iter()
        .map(|fields| {
            let text = |key: &str| fields.get(key).and_then(Value::as_str).unwrap_or_default();
            let name = match text("labels") {
                "" => text("name").to_owned(),
                labels => format!("{}{{{labels}}}", text("name")),
            };
            Record {
                name,
                fields: fields.into_iter().collect(),
            }
        })
        .collect();
    let hint = "nothing was sampled yet: the first minute is kept when it is over";
    context.output.list(&LISTED, &records, hint)
}

async fn picture(
    name: &str,
    window: &WindowOptions,
    output: Option<&Path>,
    client: &Client,
    context: &Context<'_>,
) -> Result<(), Failure> {
    let query = query(window, false).with("name", name);
    let answer: Map<String, Value> = client.get(&format!("/statistics/svg{query}")).await?;
    let svg = answer
        .get("svg")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let Some(file) = output else {
        return print(svg.trim_end());
    };
    let shown = file.display().to_string();
    let record = Record::new(shown.clone()).with("file", shown.clone());
    if context.dry_run {
        return context
            .output
            .done(&format!("would write {shown}"), &record);
    }
    RealDisk
        .write_atomically(file, svg.as_bytes())
        .map_err(|error| Failure::io(format!("cannot write {shown}"), &error))?;
    context.output.done(&format!("written: {shown}"), &record)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_and_are_no_formulas() {
        assert_eq!(quoted("plain"), "plain");
        assert_eq!(quoted("a=\"b\",c"), "\"a=\"\"b\"\",c\"");
        assert_eq!(quoted("=1+1"), "'=1+1");
    }
}

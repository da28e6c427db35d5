//! What `roostctl stats` asks at the control socket.
//!
//! | request | answer |
//! |---|---|
//! | `GET /statistics/series` | every series with its kind and when it was last seen |
//! | `GET /statistics/overview?since=86400&step=…` | the few figures of [`overview`](super::overview) |
//! | `GET /statistics/chart?name=…&node=…&since=…&step=…` | series that fit a name with `*` |
//! | `GET /statistics/svg?name=…&node=…&since=…&step=…` | `{svg}`: the first of them as a picture |
//!
//! | `GET /statistics/report?day=…&top=…` | [`Report`] of a day, else of today |
//! | `GET /statistics/volume?day=…&scope=account` | every account's (or `domain`'s) volume of a day |
//! | `POST /statistics/report/send?day=…` | sends the report of a day, else of yesterday |
//!
//! `since` and `step` are seconds; a day is written `2026-11-24`.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use roost_kit::clock::Clock;
use roost_kit::control::Failure;
use roost_kit::fields::Chain;
use roost_kit::figure::Unit;
use serde::{Deserialize, Serialize};

use super::daily::Reporter;
use super::database::DatabaseError;
use super::overview::{Row, overview};
use super::read::{Chart, Window, chart, fits};
use super::report::{Named, Report, report};
use super::series::Kind;
use super::store::{Known, Store};
use super::svg;
use super::volume::Scope;

/// The most series of an answer.
const CHARTS_MAX: usize = 200;
/// How far back is looked where it is not said, in seconds.
const SINCE: i64 = 86_400;
/// The furthest, in seconds.
const SINCE_MAX: i64 = 10 * 366 * 86_400;

#[derive(Clone)]
struct Desk {
    store: Arc<Store>,
    clock: Clock,
    reporter: Reporter,
}

/// The routes.
pub(super) fn router(store: Arc<Store>, clock: Clock, reporter: Reporter) -> Router {
    Router::new()
        .route("/statistics/series", get(series))
        .route("/statistics/overview", get(figures))
        .route("/statistics/chart", get(charts))
        .route("/statistics/svg", get(picture))
        .route("/statistics/report", get(day_report))
        .route("/statistics/report/send", post(send_report))
        .route("/statistics/volume", get(day_volumes))
        .with_state(Desk {
            store,
            clock,
            reporter,
        })
}

#[derive(Deserialize)]
struct Asked {
    name: Option<String>,
    node: Option<String>,
    since: Option<i64>,
    step: Option<i64>,
}

impl Asked {
    fn window(&self, clock: &Clock) -> Result<Window, Failure> {
        let since = self.since.unwrap_or(SINCE);
        let is_sound = |seconds: i64| (1..=SINCE_MAX).contains(&seconds);
        if !is_sound(since) || !self.step.is_none_or(is_sound) {
            let problem = "expected a time of at least a second and at most ten years";
            return Err(Failure::new(StatusCode::BAD_REQUEST, "bad_time", problem));
        }
        Ok(Window::last(clock.now().as_second(), since, self.step))
    }
}

#[derive(Serialize)]
struct Listed {
    node: String,
    name: String,
    labels: String,
    kind: Kind,
    /// RFC 3339.
    seen: String,
}

async fn series(State(desk): State<Desk>) -> Result<Json<Vec<Listed>>, Failure> {
    let known = desk.store.all().await.map_err(broken)?;
    let listed = known.into_iter().map(|known| Listed {
        node: known.key.node,
        name: known.key.name,
        labels: known.key.labels,
        kind: known.kind,
        seen: jiff::Timestamp::from_second(known.last)
            .map(|at| at.to_string())
            .unwrap_or_default(),
    });
    Ok(Json(listed.collect()))
}

async fn figures(
    State(desk): State<Desk>,
    Query(asked): Query<Asked>,
) -> Result<Json<Vec<Row>>, Failure> {
    let window = asked.window(&desk.clock)?;
    let rows = overview(&desk.store, window).await.map_err(broken)?;
    Ok(Json(rows))
}

async fn charts(
    State(desk): State<Desk>,
    Query(asked): Query<Asked>,
) -> Result<Json<Vec<Chart>>, Failure> {
    let window = asked.window(&desk.clock)?;
    let mut charts = Vec::new();
    for known in fitting(&desk, &asked).await? {
        charts.push(chart(&desk.store, &known, window).await.map_err(broken)?);
    }
    Ok(Json(charts))
}

#[derive(Serialize)]
struct Picture {
    svg: String,
}

async fn picture(
    State(desk): State<Desk>,
    Query(asked): Query<Asked>,
) -> Result<Json<Picture>, Failure> {
    let window = asked.window(&desk.clock)?;
    let fitting = fitting(&desk, &asked).await?;
    let Some(known) = fitting.first() else {
        let name = asked.name.unwrap_or_default();
        return Err(unknown(&name));
    };
    let mut drawn = chart(&desk.store, known, window).await.map_err(broken)?;
    let mut title = known.key.shown();
    if drawn.kind == Kind::Rate {
        title.push_str(" a second");
    }
    let unit = unit(&known.key.name, drawn.kind);
    drawn.node.clear();
    let svg = svg::svg(&title, unit, &drawn, &TimeZone::system());
    Ok(Json(Picture { svg }))
}

#[derive(Deserialize)]
struct OfDay {
    day: Option<String>,
    scope: Option<Scope>,
    top: Option<usize>,
}

impl OfDay {
    /// The day that is asked for; otherwise so many days ago.
    fn day(&self, desk: &Desk, ago: i64) -> Result<Date, Failure> {
        match &self.day {
            None => Ok(desk
                .reporter
                .volumes
                .day(desk.clock.now())
                .saturating_sub(jiff::Span::new().days(ago))),
            Some(text) => text.parse().map_err(|_| {
                let message = format!("expected a day such as 2026-11-24, found {text}");
                Failure::new(StatusCode::BAD_REQUEST, "bad_day", message)
            }),
        }
    }
}

async fn day_report(
    State(desk): State<Desk>,
    Query(asked): Query<OfDay>,
) -> Result<Json<Report>, Failure> {
    let day = asked.day(&desk, 0)?;
    let top = asked.top.unwrap_or(10).min(1_000);
    let report = report(&desk.reporter.volumes, &desk.store, day, top).await;
    Ok(Json(report.map_err(broken)?))
}

async fn day_volumes(
    State(desk): State<Desk>,
    Query(asked): Query<OfDay>,
) -> Result<Json<Vec<Named>>, Failure> {
    let day = asked.day(&desk, 0)?;
    let scope = asked.scope.unwrap_or(Scope::Domain);
    let volumes = desk
        .reporter
        .volumes
        .of_day(day, scope)
        .await
        .map_err(broken)?;
    let named = volumes
        .into_iter()
        .map(|(name, volume)| Named { name, volume });
    Ok(Json(named.collect()))
}

#[derive(Serialize)]
struct Sent {
    day: String,
    to: Vec<String>,
}

async fn send_report(
    State(desk): State<Desk>,
    Query(asked): Query<OfDay>,
) -> Result<Json<Sent>, Failure> {
    let day = asked.day(&desk, 1)?;
    match desk.reporter.send(day).await {
        Ok(to) => Ok(Json(Sent {
            day: day.to_string(),
            to,
        })),
        Err(error) => Err(Failure::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "not_sent",
            format!("the report was not sent: {error:#}"),
        )),
    }
}

/// By the ending of a name, as names of metrics tell their unit.
fn unit(name: &str, kind: Kind) -> Unit {
    match kind {
        Kind::Level if name.ends_with("_bytes") => Unit::Bytes,
        Kind::Rate if name.ends_with("_bytes_total") => Unit::Bytes,
        Kind::Level if name.ends_with("_seconds") => Unit::Seconds,
        Kind::Level if name.ends_with("_ratio") => Unit::Ratio,
        Kind::Level | Kind::Rate => Unit::Count,
    }
}

async fn fitting(desk: &Desk, asked: &Asked) -> Result<Vec<Known>, Failure> {
    let name = asked.name.as_deref().unwrap_or("*");
    let known = desk.store.all().await.map_err(broken)?;
    let found: Vec<Known> = known
        .into_iter()
        .filter(|known| fits(name, known))
        .filter(|known| {
            asked
                .node
                .as_ref()
                .is_none_or(|node| *node == known.key.node)
        })
        .collect();
    if found.is_empty() {
        return Err(unknown(name));
    }
    if found.len() > CHARTS_MAX {
        let count = found.len();
        return Err(Failure::new(
            StatusCode::BAD_REQUEST,
            "too_many_series",
            format!("{count} series fit {name}, at most {CHARTS_MAX} can be shown at a time"),
        )
        .next("roostctl stats list"));
    }
    Ok(found)
}

fn unknown(name: &str) -> Failure {
    Failure::new(
        StatusCode::NOT_FOUND,
        "series_not_found",
        format!("no series fits {name}"),
    )
    .next("roostctl stats list")
}

fn broken(error: DatabaseError) -> Failure {
    let why = Chain(&error).to_string();
    Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "statistics", why)
}

//! What `roostctl` asks about lines and messages, on a Unix socket.
//!
//! | request | answer |
//! |---|---|
//! | `POST /lines` | [`Lines`]: those of [`Which`] |
//! | `POST /trace` | [`Answer`](trace::Answer): the messages of a [`Question`](trace::Question) |
//! | `GET /status` | [`Status`] |
//!
//! Failures have the codes `unreadable` and `busy`. Who asked for what is logged.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::Timestamp;
use roost_kit::clock::Clock;
use roost_kit::control::{Caller, Failure};
use roost_kit::fields::Chain;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use crate::metrics::Counts;
use crate::privacy::Privacy;
use crate::shown::{moment, shown};
use crate::store::block::Entry;
use crate::store::intake::Intake;
use crate::store::segment::SegmentError;
use crate::store::term::Kind;
use crate::store::{Direction, Search, Store, Term};
use crate::syslog::{Message, OWN_DATA, Severity};
use crate::trace::{self, story};

/// Questions that are answered at a time: each may keep a processor and a disk busy.
const QUESTIONS_MAX: usize = 2;
/// How long a question waits for others.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// Lines that are given at a time.
const LINES_MAX: usize = 10_000;
/// How long news is waited for.
const NEWS_MAX: Duration = Duration::from_secs(30);

/// Which lines; all of what is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Which {
    /// That came at this time or later, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<i64>,
    /// That came before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
    /// With a greater number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// With a smaller number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
    /// Of this host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Of this program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub daemon: Option<String>,
    /// Of this severity or a more urgent one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// With this in their text or fields, letters of either case being the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// At most so many; 0 is a hundred.
    pub limit: usize,
    /// The first ones rather than the last ones.
    pub oldest: bool,
    /// Where there is none with a greater number than `after`, waits so many seconds for one.
    pub wait: u64,
}

/// Lines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lines {
    /// In the order of their arrival.
    pub lines: Vec<Told>,
    /// Whether there are more.
    pub is_cut: bool,
    /// The number of the last line that there is.
    pub last: u64,
}

/// One line, safe for a screen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Its number.
    pub number: u64,
    /// When it was written.
    pub time: String,
    /// When it came.
    pub received: String,
    /// From where.
    pub source: String,
    /// The host that it names, or else from which it came.
    pub host: String,
    /// The program.
    pub daemon: String,
    /// Its process.
    pub process: String,
    /// The facility.
    pub facility: String,
    /// The severity.
    pub severity: String,
    /// Fields, if it is a line of Roost.
    pub fields: Vec<(String, String)>,
    /// Its text; with other structured data in front.
    pub text: String,
    /// Whether it was longer.
    pub is_cut: bool,
}

/// What the logger keeps.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Lines.
    pub lines: u64,
    /// The bytes that they had.
    pub plain_bytes: u64,
    /// The bytes that they take on the disk.
    pub bytes: u64,
    /// Segment files.
    pub segments: u64,
    /// When the oldest line came.
    pub since: Option<String>,
    /// Lines turned away since the start.
    pub shed: u64,
    /// What is to be said of the journal of this machine.
    pub journal: String,
}

/// What the answers are made of.
#[derive(Debug, Clone)]
pub(crate) struct Office {
    pub(crate) store: Store,
    pub(crate) intake: Intake,
    pub(crate) privacy: Arc<Privacy>,
    pub(crate) clock: Clock,
    pub(crate) counts: Counts,
    pub(crate) journal: Arc<parking_lot::Mutex<String>>,
    questions: Arc<Semaphore>,
}

impl Office {
    pub(crate) fn new(
        store: Store,
        intake: Intake,
        privacy: Arc<Privacy>,
        clock: Clock,
        counts: Counts,
    ) -> Self {
        Self {
            store,
            intake,
            privacy,
            clock,
            counts,
            journal: Arc::default(),
            questions: Arc::new(Semaphore::new(QUESTIONS_MAX)),
        }
    }

    /// Runs work that reads many files, when it is its turn.
    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, SegmentError> + Send + 'static,
    ) -> Result<T, Failure> {
        let turn = Arc::clone(&self.questions).acquire_owned();
        let Ok(Ok(turn)) = tokio::time::timeout(WAIT_MAX, turn).await else {
            let text = "other questions are being answered";
            return Err(Failure::new(StatusCode::SERVICE_UNAVAILABLE, "busy", text)
                .next("ask again in a moment"));
        };
        let worked = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        });
        let unreadable = |text: String| {
            tracing::error!(error = text, "lines cannot be read");
            Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "unreadable", text)
                .next("roostctl logs --daemon roost-logger")
        };
        match worked.await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(unreadable(Chain(&error).to_string())),
            Err(error) => Err(unreadable(error.to_string())),
        }
    }
}

/// The routes.
pub(crate) fn router(office: Office) -> Router {
    Router::new()
        .route("/lines", post(lines))
        .route("/trace", post(trace_messages))
        .route("/status", get(status))
        .with_state(office)
}

async fn status(State(office): State<Office>) -> Json<Status> {
    let usage = office.store.usage();
    Json(Status {
        lines: usage.lines,
        plain_bytes: usage.plain_bytes,
        bytes: usage.bytes + office.intake.journal_bytes(),
        segments: usage.segments,
        since: usage
            .begin
            .and_then(|begin| Timestamp::from_millisecond(begin).ok())
            .map(moment),
        shed: office.counts.shed_in_all(),
        journal: office.journal.lock().clone(),
    })
}

async fn trace_messages(
    State(office): State<Office>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    Json(question): Json<trace::Question>,
) -> Result<Json<trace::Answer>, Failure> {
    let veil = |value: &Option<String>| value.as_ref().map(|value| office.privacy.veiled(value));
    let question = trace::Question {
        from: veil(&question.from),
        to: veil(&question.to),
        message_id: veil(&question.message_id),
        ..question
    };
    let asked = serde_json::to_string(&question).unwrap_or_default();
    let (store, clock) = (office.store.clone(), office.clock.clone());
    let answer = office
        .in_turn(move || trace::ask(&store, &question, &clock))
        .await?;
    let found = answer.stories.len();
    tracing::info!(who = %caller, asked, found, "messages traced");
    Ok(Json(answer))
}

async fn lines(
    State(office): State<Office>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    Json(which): Json<Which>,
) -> Result<Json<Lines>, Failure> {
    if let Some(after) = which.after {
        let mut last = office.store.last_line();
        let patience = Duration::from_secs(which.wait).min(NEWS_MAX);
        let news = last.wait_for(|last| *last > after);
        // Without news the answer is empty.
        drop(tokio::time::timeout(patience, news).await);
    } else {
        let asked = serde_json::to_string(&which).unwrap_or_default();
        tracing::info!(who = %caller, asked, "lines read");
    }
    let filter = Filter::new(&which, &office.privacy)?;
    let store = office.store.clone();
    let found = office.in_turn(move || filter.find(&store)).await?;
    Ok(Json(found))
}

/// What lines are held against.
struct Filter {
    search: Search,
    host: Option<String>,
    daemon: Option<String>,
    severity: Severity,
    text: Option<Vec<u8>>,
    limit: usize,
}

impl Filter {
    fn new(which: &Which, privacy: &Privacy) -> Result<Self, Failure> {
        let severity = match &which.severity {
            None => Severity::Debug,
            Some(name) => Severity::named(name).ok_or_else(|| {
                let names = Severity::ALL.map(Severity::name).join(", ");
                let text = format!("there is no severity {name}");
                Failure::new(StatusCode::BAD_REQUEST, "severity", text)
                    .next(format!("choose of {names}"))
            })?,
        };
        let text = which.text.as_ref().map(|text| privacy.veiled(text));
        let text = text.map(|text| text.to_lowercase().into_bytes());
        let mut terms = Vec::new();
        for (kind, value) in [(Kind::Host, &which.host), (Kind::App, &which.daemon)] {
            if let Some(value) = value {
                terms.push(vec![Term::new(kind, value.as_bytes())]);
            }
        }
        let is_ascii = text.as_ref().is_some_and(|text| text.is_ascii());
        Ok(Self {
            search: Search {
                begin: which.since.unwrap_or(i64::MIN),
                end: which.until.unwrap_or(i64::MAX),
                after: which.after.unwrap_or(0),
                before: which.before.unwrap_or(u64::MAX),
                terms,
                // This one and the more urgent ones.
                severities: u8::MAX >> (7 - severity as u8),
                needle: text.clone().filter(|_| is_ascii),
                direction: match which.oldest || which.after.is_some() {
                    true => Direction::Oldest,
                    false => Direction::Newest,
                },
            },
            host: which.host.clone(),
            daemon: which.daemon.clone(),
            severity,
            text,
            limit: match which.limit {
                0 => 100,
                limit => limit.min(LINES_MAX),
            },
        })
    }

    fn find(&self, store: &Store) -> Result<Lines, SegmentError> {
        let mut found = Lines {
            last: *store.last_line().borrow(),
            ..Lines::default()
        };
        store.search(&self.search, |number, entry| {
            if !self.is_met(&entry) {
                return ControlFlow::Continue(());
            }
            if found.lines.len() >= self.limit {
                found.is_cut = true;
                return ControlFlow::Break(());
            }
            found.lines.push(told(number, &entry));
            ControlFlow::Continue(())
        })?;
        found.lines.sort_by_key(|line| line.number);
        Ok(found)
    }

    fn is_met(&self, entry: &Entry) -> bool {
        let message = Message::read(&entry.octets);
        let is = |wanted: &Option<String>, own: &[u8]| {
            wanted
                .as_ref()
                .is_none_or(|wanted| own.eq_ignore_ascii_case(wanted.as_bytes()))
        };
        message.priority.severity <= self.severity
            && is(&self.host, message.host())
            && is(&self.daemon, message.app())
            && self.text.as_ref().is_none_or(|text| {
                let body = entry.octets.get(message.body_at..).unwrap_or_default();
                let lower = match text.is_ascii() {
                    true => body.to_ascii_lowercase(),
                    false => String::from_utf8_lossy(body).to_lowercase().into_bytes(),
                };
                memchr::memmem::find(&lower, text).is_some()
            })
    }
}

fn told(number: u64, entry: &Entry) -> Told {
    let message = Message::read(&entry.octets);
    let fields: Vec<(String, String)> = message
        .fields(OWN_DATA)
        .map(|(name, value)| (name.to_owned(), shown(&value)))
        .collect();
    let mut text = shown(message.text());
    if fields.is_empty() && !message.data().is_empty() {
        text = format!("{} {text}", shown(message.data()));
    }
    let host = match (message.host(), entry.source.address) {
        ([], Some(address)) => address.to_string(),
        (host, _) => shown(host),
    };
    Told {
        number,
        time: moment(story::time_of(entry, &message)),
        received: moment(Timestamp::from_millisecond(entry.received).unwrap_or_default()),
        source: entry.source.to_string(),
        host,
        daemon: shown(message.app()),
        process: shown(message.process()),
        facility: message.priority.facility_name().to_owned(),
        severity: message.priority.severity.name().to_owned(),
        fields,
        text,
        is_cut: entry.is_cut,
    }
}

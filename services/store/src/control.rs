//! What `roostctl store` asks, on a Unix socket.
//!
//! | request | answer |
//! |---|---|
//! | `POST /store/verify` with [`VerifyRequest`] | begins; [`VerifyState`] |
//! | `GET /store/verify` | how far it is, and at the end the report; [`VerifyState`] |
//! | `DELETE /store/verify` | stops it where it is; [`VerifyState`] |
//! | `GET /store` | figures; [`StoreState`] |
//!
//! One verification runs at a time. Failures have the codes `busy`, `mailbox_not_found` and
//! `store_failed`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use parking_lot::Mutex;
use roost_kit::control::Failure;
use roost_kit::fields::Chain;
use roost_kit::tasks::Tasks;
use roost_mailbox::verify::{Asked, Progress, Report, Seen};
use roost_mailbox::{AccountId, Error, Store};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::content;

/// What is to be verified.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VerifyRequest {
    /// Only this account's mailbox.
    pub account: Option<Uuid>,
    /// Whether what can be repaired is.
    pub repair: bool,
    /// How many bytes of messages are read a second, at most.
    pub rate: Option<u64>,
}

/// How a verification stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyState {
    /// Whether one runs.
    pub running: bool,
    /// How far the last one is.
    pub progress: Seen,
    /// What the last one has found, once it is done.
    pub report: Option<Report>,
    /// Why the last one did not end, if it did not.
    pub failure: Option<Failure>,
}

/// Figures of a store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreState {
    /// Mailboxes in memory.
    pub mailboxes: u64,
    /// The newest record of the journal that is durable.
    pub durable: u64,
    /// The newest that is in SQL and files.
    pub applied: u64,
    /// Segments that the journal has.
    pub segments: u64,
    /// Checkpoints made since the start.
    pub checkpoints: u64,
    /// Parts of the journal that could not be read at the start.
    pub damaged: u64,
}

/// What the handlers share.
#[derive(Clone)]
struct Desk {
    store: Store,
    tasks: Tasks,
    run: Arc<Mutex<Run>>,
}

/// The last verification.
#[derive(Default)]
struct Run {
    running: bool,
    progress: Arc<Progress>,
    outcome: Option<Result<Report, Failure>>,
    stop: CancellationToken,
}

/// The routes.
pub(crate) fn router(store: Store, tasks: Tasks) -> Router {
    let desk = Desk {
        store,
        tasks,
        run: Arc::default(),
    };
    Router::new()
        .route("/store", get(show))
        .route("/store/verify", post(begin).get(look).delete(stop))
        .with_state(desk)
}

async fn show(State(desk): State<Desk>) -> Json<StoreState> {
    let stats = desk.store.stats();
    Json(StoreState {
        mailboxes: stats.mailboxes,
        durable: stats.journal.durable,
        applied: stats.applied,
        segments: stats.journal.segments,
        checkpoints: stats.checkpoints,
        damaged: desk.store.damage().len() as u64,
    })
}

async fn begin(
    State(desk): State<Desk>,
    Json(request): Json<VerifyRequest>,
) -> Result<Json<VerifyState>, Failure> {
    let (progress, stop) = {
        let mut run = desk.run.lock();
        if run.running {
            let text = "the store is being verified already";
            let failure = Failure::new(StatusCode::CONFLICT, "busy", text);
            return Err(failure.next("wait for its end, or stop it: roostctl store verify --stop"));
        }
        *run = Run {
            running: true,
            ..Run::default()
        };
        (Arc::clone(&run.progress), run.stop.clone())
    };
    let (store, run) = (desk.store.clone(), Arc::clone(&desk.run));
    let draining = desk.tasks.draining();
    desk.tasks.spawn("verify", async move {
        let asked = Asked {
            account: request.account.map(AccountId::from),
            repair: request.repair,
            rate: request.rate,
        };
        let verified = store.verify(&asked, &derive, &progress);
        // Cancel-safe: each repair is whole in itself, and what is left undone is found again.
        let outcome = tokio::select! {
            outcome = verified => outcome.map_err(|error| failure(&error)),
            () = stop.cancelled() => Err(stopped()),
            () = draining.cancelled() => Err(stopped()),
        };
        let mut run = run.lock();
        run.running = false;
        run.outcome = Some(outcome);
    });
    Ok(Json(desk.state()))
}

async fn look(State(desk): State<Desk>) -> Json<VerifyState> {
    Json(desk.state())
}

async fn stop(State(desk): State<Desk>) -> Json<VerifyState> {
    desk.run.lock().stop.cancel();
    Json(desk.state())
}

impl Desk {
    fn state(&self) -> VerifyState {
        let run = self.run.lock();
        let outcome = run.outcome.as_ref();
        VerifyState {
            running: run.running,
            progress: run.progress.seen(),
            report: outcome.and_then(|outcome| outcome.as_ref().ok().cloned()),
            failure: outcome.and_then(|outcome| outcome.as_ref().err().cloned()),
        }
    }
}

/// What deliveries derive from a message.
fn derive(octets: &[u8]) -> Bytes {
    content::structure(octets)
}

fn stopped() -> Failure {
    Failure::new(
        StatusCode::CONFLICT,
        "stopped",
        "it was stopped before its end",
    )
}

fn failure(error: &Error) -> Failure {
    match error {
        Error::NoSuchMailbox => Failure::not_found(
            "mailbox_not_found",
            "this store has no mailbox of that account",
        ),
        error => Failure::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "store_failed",
            Chain(error).to_string(),
        ),
    }
}

//! What `roostctl queue` asks, on a Unix socket.
//!
//! | request | answer |
//! |---|---|
//! | `GET /queue` | an array of [`Entry`], oldest first; [`Filter`] as the query |
//! | `GET /queue/ID` | [`Detail`] |
//! | `GET /queue/ID/content` | the message, `message/rfc822` |
//! | `POST /queue/ID/retry` | tried at once; [`Entry`] |
//! | `POST /queue/ID/hold`, `…/release` | kept back, let go again; [`Entry`] |
//! | `POST /queue/flush` | all that match [`Filter`] are tried at once; [`Flushed`] |
//! | `DELETE /queue/ID` | removed; `?bounce=true` tells the sender; [`Entry`] as it was |
//!
//! Failures have the codes `message_not_found`, `not_an_id` and `queue_failed`.

mod types;
mod view;

pub use types::{Deletion, Delivery, Detail, Entry, Filter, Flushed, State};

pub use view::matching as entries;

use std::sync::Arc;

use axum::extract::{Path, Query, State as Shared};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use roost_kit::control::Failure;
use roost_kit::fields::Chain;

use crate::dispatch::Dispatcher;
use crate::limits::CONTROL_CONTENT_MAX;
use crate::outbound::Dns;
use crate::queue::{QueueError, QueueId};
use crate::route::Addresses;

type Office<A, D> = Shared<Arc<Dispatcher<A, D>>>;

/// The routes.
pub fn router<A: Addresses, D: Dns>(dispatcher: Arc<Dispatcher<A, D>>) -> Router {
    Router::new()
        .route("/queue", get(list::<A, D>))
        .route("/queue/flush", post(flush::<A, D>))
        .route("/queue/{id}", get(show::<A, D>).delete(delete::<A, D>))
        .route("/queue/{id}/content", get(content::<A, D>))
        .route("/queue/{id}/retry", post(retry::<A, D>))
        .route("/queue/{id}/hold", post(hold::<A, D>))
        .route("/queue/{id}/release", post(release::<A, D>))
        .with_state(dispatcher)
}

async fn list<A: Addresses, D: Dns>(
    Shared(dispatcher): Office<A, D>,
    Query(filter): Query<Filter>,
) -> Json<Vec<Entry>> {
    Json(view::matching(&dispatcher, &filter))
}

async fn show<A: Addresses, D: Dns>(
    Shared(dispatcher): Office<A, D>,
    Path(id): Path<String>,
) -> Result<Json<Detail>, Failure> {
    let id = read(&id)?;
    let detail = view::detail(&dispatcher, id).await;
    detail.map(Json).ok_or_else(|| not_found(id))
}

async fn content<A: Addresses, D: Dns>(
    Shared(dispatcher): Office<A, D>,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Failure> {
    let id = read(&id)?;
    let content = dispatcher
        .queue()
        .content(id)
        .await
        .map_err(|error| failed(id, &error))?;
    let bytes = content
        .beginning(CONTROL_CONTENT_MAX)
        .await
        .map_err(|source| {
            let error = QueueError::Content { id, source };
            failed(id, &error)
        })?;
    Ok(([(header::CONTENT_TYPE, "message/rfc822")], bytes))
}

async fn retry<A: Addresses, D: Dns>(
    Shared(dispatcher): Office<A, D>,
    Path(id): Path<String>,
) -> Result<Json<Entry>, Failure> {
    let id = read(&id)?;
    let entry = view::entry(&dispatcher, id).ok_or_else(|| not_found(id))?;
    if entry.state == State::Held {
        let text = format!("message {id} is held, so it is not tried");
        let failure = Failure::new(StatusCode::CONFLICT, "message_held", text);
        return Err(failure.next(format!("roostctl queue release {id}")));
    }
    dispatcher.retry(id);
    // It may be gone already: then as it was.
    Ok(Json(view::entry(&dispatcher, id).unwrap_or(entry)))
}

async fn flush<A: Addresses, D: Dns>(
    Shared(dispatcher): Office<A, D>,
    Query(filter): Query<Filter>,
) -> Json<Flushed> {
    let entries = view::matching(&dispatcher, &filter);
    let waiting = entries.iter().filter(|entry| entry.state != State::Held);
    let ids = waiting.filter_map(|entry| entry.id.parse().ok());
    let mut messages = 0;
    for id in ids {
        dispatcher.retry(id);
        messages += 1;
    }
    Json(Flushed { messages })
}

async fn hold<A: Addresses, D: Dns>(
    Shared(dispatcher): Office<A, D>,
    Path(id): Path<String>,
) -> Result<Json<Entry>, Failure> {
    let id = read(&id)?;
    dispatcher
        .hold(id)
        .await
        .map_err(|error| failed(id, &error))?;
    afterwards(&dispatcher, id)
}

async fn release<A: Addresses, D: Dns>(
    Shared(dispatcher): Office<A, D>,
    Path(id): Path<String>,
) -> Result<Json<Entry>, Failure> {
    let id = read(&id)?;
    let before = view::entry(&dispatcher, id).ok_or_else(|| not_found(id))?;
    dispatcher
        .release(id)
        .await
        .map_err(|error| failed(id, &error))?;
    Ok(Json(view::entry(&dispatcher, id).unwrap_or(before)))
}

async fn delete<A: Addresses, D: Dns>(
    Shared(dispatcher): Office<A, D>,
    Path(id): Path<String>,
    Query(deletion): Query<Deletion>,
) -> Result<Json<Entry>, Failure> {
    let id = read(&id)?;
    let entry = view::entry(&dispatcher, id).ok_or_else(|| not_found(id))?;
    match deletion.bounce {
        true => dispatcher.bounce(id).await,
        false => dispatcher.delete(id).await,
    }
    .map_err(|error| failed(id, &error))?;
    Ok(Json(entry))
}

fn afterwards<A: Addresses, D: Dns>(
    dispatcher: &Dispatcher<A, D>,
    id: QueueId,
) -> Result<Json<Entry>, Failure> {
    view::entry(dispatcher, id)
        .map(Json)
        .ok_or_else(|| not_found(id))
}

fn read(id: &str) -> Result<QueueId, Failure> {
    id.parse().map_err(|error| {
        let text = format!("{id}: {error}");
        Failure::new(StatusCode::BAD_REQUEST, "not_an_id", text).next("roostctl queue list")
    })
}

fn not_found(id: QueueId) -> Failure {
    let text = format!("there is no message {id} in the queue");
    Failure::not_found("message_not_found", text).next("roostctl queue list")
}

fn failed(id: QueueId, error: &QueueError) -> Failure {
    match error {
        QueueError::NotFound(_) => not_found(id),
        error => Failure::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "queue_failed",
            Chain(error).to_string(),
        ),
    }
}

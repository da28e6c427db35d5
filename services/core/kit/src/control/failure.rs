//! An error that a command's user sees.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

/// Why a command could not be done: a stable code for scripts, a sentence for people, and what to
/// do next. As JSON `{"error": {"code": …, "message": …, "next": …}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The HTTP status; 500 where the other side gave none.
    #[serde(skip, default)]
    pub status: StatusCode,
    /// A stable name, such as `message_not_found`.
    pub code: String,
    /// What could not be done, to what, and why.
    pub message: String,
    /// A command or an action that may help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// The JSON around a failure.
#[derive(Serialize, Deserialize)]
pub(super) struct Envelope {
    pub(super) error: Failure,
}

impl Failure {
    /// A failure without advice.
    pub fn new(status: StatusCode, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.into(),
            message: message.into(),
            next: None,
        }
    }

    /// What does not exist.
    pub fn not_found(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    /// Adds what may help.
    #[must_use]
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.status, Json(Envelope { error: self })).into_response()
    }
}

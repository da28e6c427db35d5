//! The client side.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::{Method, Request, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Failure;
use super::failure::Envelope;
use crate::config::ListenSpec;
use crate::net::Stream;

/// How long connecting may take.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// How long an answer may take: some commands walk a whole queue.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(60);
/// The longest answer that is read: a queue of some 100,000 messages.
const ANSWER_SIZE_MAX: usize = 64 << 20;

/// A daemon's control socket or health port, seen from outside. Connects for each request.
#[derive(Debug, Clone)]
pub struct Client(ListenSpec);

/// Why a command got no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens.
    #[error("cannot reach {place} (is the daemon running?)")]
    Unreachable {
        /// The place.
        place: ListenSpec,
        /// Why.
        source: io::Error,
    },
    /// The daemon is there, but we may not speak to it.
    #[error("not allowed to open {} (only root and the daemon's group may)", path.display())]
    NotAllowed {
        /// The socket.
        path: PathBuf,
    },
    /// The answer took too long.
    #[error("no answer from {place} within {} s", ANSWER_TIME_MAX.as_secs())]
    TimedOut {
        /// The place.
        place: ListenSpec,
    },
    /// The connection broke.
    #[error("the connection to {place} broke")]
    Broken {
        /// The place.
        place: ListenSpec,
        /// Why.
        source: hyper::Error,
    },
    /// The answer is none that we understand.
    #[error("{place} gave an answer that cannot be understood (status {status}): {problem}")]
    Strange {
        /// The place.
        place: ListenSpec,
        /// The HTTP status.
        status: u16,
        /// What is wrong with it.
        problem: String,
    },
    /// The daemon says why not.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl Client {
    /// A control socket.
    #[must_use]
    pub fn socket(path: &Path) -> Self {
        Self(ListenSpec::Path(path.to_owned()))
    }

    /// A health port.
    #[must_use]
    pub const fn address(address: SocketAddr) -> Self {
        Self(ListenSpec::Address(address))
    }

    /// Either.
    #[must_use]
    pub const fn at(place: ListenSpec) -> Self {
        Self(place)
    }

    /// Asks for a page.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let (status, body) = self.exchange(Method::GET, path, Bytes::new()).await?;
        self.understand(status, &body)
    }

    /// Sends a command.
    pub async fn send<B, T>(&self, method: Method, path: &str, body: &B) -> Result<T, ClientError>
    where
        B: Serialize + ?Sized,
        T: DeserializeOwned,
    {
        let body = serde_json::to_vec(body).map_err(|error| self.strange(0, error.to_string()))?;
        let (status, body) = self.exchange(method, path, body.into()).await?;
        self.understand(status, &body)
    }

    /// One exchange, whatever the answer says.
    pub async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<(StatusCode, Bytes), ClientError> {
        let answer = self.exchange_unhurried(method, path, body);
        tokio::time::timeout(ANSWER_TIME_MAX, answer)
            .await
            .unwrap_or_else(|_| {
                Err(ClientError::TimedOut {
                    place: self.0.clone(),
                })
            })
    }

    async fn exchange_unhurried(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<(StatusCode, Bytes), ClientError> {
        let broken = |source| ClientError::Broken {
            place: self.0.clone(),
            source,
        };
        let stream = self.connect().await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(broken)?;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, "localhost")
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .map_err(|error| self.strange(0, error.to_string()))?;
        let answer = async {
            let response = sender.send_request(request).await.map_err(broken)?;
            let status = response.status();
            let body = Limited::new(response.into_body(), ANSWER_SIZE_MAX)
                .collect()
                .await
                .map_err(|error| self.strange(status.as_u16(), error.to_string()))?;
            Ok((status, body.to_bytes()))
        };
        tokio::pin!(answer, connection);
        // Cancel-safe: a future that is not done is polled again, and at the end both are dropped.
        tokio::select! {
            answer = &mut answer => answer,
            ended = &mut connection => {
                ended.map_err(broken)?;
                answer.await
            }
        }
    }

    async fn connect(&self) -> Result<Stream, ClientError> {
        use crate::net::NetError;
        Stream::connect(&self.0, CONNECT_TIME_MAX)
            .await
            .map_err(|error| match (error, &self.0) {
                (NetError::Connect { source, .. }, ListenSpec::Path(path))
                    if source.kind() == io::ErrorKind::PermissionDenied =>
                {
                    ClientError::NotAllowed { path: path.clone() }
                }
                (NetError::Connect { place, source }, _) => {
                    ClientError::Unreachable { place, source }
                }
                (error, place) => ClientError::Unreachable {
                    place: place.clone(),
                    source: io::Error::other(error),
                },
            })
    }

    fn understand<T: DeserializeOwned>(
        &self,
        status: StatusCode,
        body: &[u8],
    ) -> Result<T, ClientError> {
        let strange = |error: serde_json::Error| self.strange(status.as_u16(), error.to_string());
        if status.is_success() {
            // A command without an answer has an empty body, which reads as null.
            let body = if body.is_empty() { b"null" } else { body };
            return serde_json::from_slice(body).map_err(strange);
        }
        let mut failure = serde_json::from_slice::<Envelope>(body)
            .map_err(strange)?
            .error;
        failure.status = status;
        Err(failure.into())
    }

    fn strange(&self, status: u16, problem: String) -> ClientError {
        ClientError::Strange {
            place: self.0.clone(),
            status,
            problem,
        }
    }
}

//! Connections to servers behind the proxy, kept for the next request.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use roost_kit::clock::Clock;
use roost_kit::config::ListenSpec;
use roost_kit::fields::Chain;
use roost_kit::net::{NetError, Stream};
use roost_kit::tasks::Tasks;
use rustls::ClientConfig;

use super::body::Upload;
use super::limits::{BUFFER_MAX, HEADERS_MAX, IDLE_MAX, IDLE_TIME_MAX};
use super::page::Trouble;

/// How long one place may take to accept.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);

/// Where a server is, and the name that its certificate must carry; nothing in the clear.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) at: ListenSpec,
    pub(super) secured_for: Option<Arc<str>>,
}

/// The connections; cheap to clone.
#[derive(Clone)]
pub(super) struct Pool {
    idle: Arc<Mutex<HashMap<Place, Vec<Idle>>>>,
    tls: Arc<ClientConfig>,
    tasks: Tasks,
    clock: Clock,
}

struct Idle {
    sender: SendRequest<Upload>,
    since: Instant,
}

/// A connection that one request has for itself.
pub(super) struct Lent {
    pub(super) sender: SendRequest<Upload>,
    /// Whether it had been used before: the server may have closed it meanwhile.
    pub(super) was_kept: bool,
    place: Place,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoConnection {
    #[error(transparent)]
    Net(#[from] NetError),
    #[error("the server speaks no HTTP")]
    Http(#[from] hyper::Error),
}

impl Pool {
    /// No connections yet. They are given up when no new requests come.
    pub(super) fn new(tls: Arc<ClientConfig>, tasks: Tasks, clock: Clock) -> Self {
        let pool = Self {
            idle: Arc::default(),
            tls,
            tasks: tasks.clone(),
            clock,
        };
        let (kept, leaving) = (pool.clone(), tasks.leaving());
        tasks.spawn("upstream", async move {
            leaving.cancelled().await;
            kept.idle.lock().clear();
        });
        pool
    }

    /// A connection that was kept, or a new one.
    pub(super) async fn lend(&self, place: &Place) -> Result<Lent, NoConnection> {
        if let Some(sender) = self.kept(place) {
            return Ok(Lent {
                sender,
                was_kept: true,
                place: place.clone(),
            });
        }
        Box::pin(self.connect(place)).await
    }

    fn kept(&self, place: &Place) -> Option<SendRequest<Upload>> {
        let now = self.clock.instant();
        let mut all = self.idle.lock();
        let idle = all.get_mut(place)?;
        idle.retain(|one| {
            let age = now.saturating_duration_since(one.since);
            !one.sender.is_closed() && age < IDLE_TIME_MAX
        });
        // One whose answer has just ended may not be ready yet.
        let index = idle.iter().rposition(|one| one.sender.is_ready())?;
        Some(idle.swap_remove(index).sender)
    }

    async fn connect(&self, place: &Place) -> Result<Lent, NoConnection> {
        let mut stream = Stream::connect(&place.at, CONNECT_TIME_MAX).await?;
        if let Some(name) = &place.secured_for {
            stream = stream.secure(Arc::clone(&self.tls), name).await?;
        }
        let (sender, connection) = Builder::new()
            .max_buf_size(BUFFER_MAX)
            .max_headers(HEADERS_MAX)
            .handshake(TokioIo::new(stream))
            .await?;
        // It ends with its last sender, or when the server closes.
        self.tasks.spawn("upstream", async move {
            if let Err(error) = connection.with_upgrades().await {
                tracing::debug!(error = %Chain(&error), "a connection to an upstream broke");
            }
        });
        Ok(Lent {
            sender,
            was_kept: false,
            place: place.clone(),
        })
    }

    fn give_back(&self, lent: Lent) {
        if lent.sender.is_closed() || self.tasks.leaving().is_cancelled() {
            return;
        }
        let mut all = self.idle.lock();
        let idle = all.entry(lent.place).or_default();
        if idle.len() < IDLE_MAX {
            idle.push(Idle {
                sender: lent.sender,
                since: self.clock.instant(),
            });
        }
    }
}

/// An answer's body, at whose end the connection is given back.
pub(super) struct Download {
    body: Incoming,
    lent: Option<(Pool, Lent)>,
    /// Whatever must live as long.
    _with: Box<dyn Send>,
}

impl Download {
    pub(super) fn new(body: Incoming, pool: &Pool, lent: Lent, with: Box<dyn Send>) -> Self {
        let mut this = Self {
            body,
            lent: Some((pool.clone(), lent)),
            _with: with,
        };
        this.give_back_at_end();
        this
    }

    fn give_back_at_end(&mut self) {
        if self.body.is_end_stream()
            && let Some((pool, lent)) = self.lent.take()
        {
            pool.give_back(lent);
        }
    }
}

impl Body for Download {
    type Data = Bytes;
    type Error = Trouble;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Trouble>>> {
        let polled = ready!(Pin::new(&mut self.body).poll_frame(context));
        if polled.is_none()
            && let Some((pool, lent)) = self.lent.take()
        {
            pool.give_back(lent);
        }
        self.give_back_at_end();
        Poll::Ready(polled.map(|frame| frame.map_err(|_| "the server broke off".into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

//! The web side: HTTP/1.1 and HTTP/2 from clients, request by request to whom it concerns.
//!
//! | module | what it decides |
//! |---|---|
//! | `framing`, `guard` | what is refused before the HTTP library sees it; when a client is too slow |
//! | `answer` | what a request gets |
//! | `destination` | whom a request concerns |
//! | `forward`, `pool`, `headers`, `body` | how it gets there, and its answer back |
//! | `group` | upstreams with several servers |
//! | `tunnel` | WebSocket |
//! | `files` | static files |
//! | `page`, `log`, `limits` | our own pages, the access log, how much of anything |

mod answer;
mod body;
mod destination;
mod files;
mod forward;
mod framing;
pub(crate) mod group;
mod guard;
mod headers;
mod limits;
mod log;
mod page;
mod pool;
mod tunnel;

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::rt::Executor;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use roost_kit::fields::{self, Chain};
use roost_kit::net::{Networks, Stream};
use roost_kit::tasks::Tasks;
use rustls::ClientConfig;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::config::WebSettings;
use crate::door::Porter;
use body::Told;
use files::Files;
use forward::Forward;
use group::Group;
use guard::{Guard, Line};
use page::Protection;
use pool::Pool;

/// What is told to a client over a limit, where it can be.
pub(crate) const BUSY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\nRetry-After: 5\r\n\r\n";

/// The web side; shared by its connections.
pub(crate) struct Web {
    porter: Arc<Porter>,
    tasks: Tasks,
    settings: WebSettings,
    forward: Forward,
    groups: Vec<Arc<Group>>,
    files: Option<Files>,
    protection: Protection,
    /// By what this proxy knows a request that comes back to it.
    pseudonym: HeaderValue,
    /// The port of HTTPS in what clients are sent to; nothing for the usual one.
    https_port: Option<u16>,
    allowed: Networks,
    linger: Duration,
}

/// What the web side is made of.
pub(crate) struct Parts {
    pub(crate) porter: Arc<Porter>,
    pub(crate) tasks: Tasks,
    pub(crate) settings: WebSettings,
    pub(crate) tls: Arc<ClientConfig>,
    pub(crate) node: String,
    pub(crate) https_port: Option<u16>,
    pub(crate) allowed: Networks,
    pub(crate) linger: Duration,
}

/// A setting that no header can be made of.
#[derive(Debug, thiserror::Error)]
#[error("proxy.web.headers: {0} is no header, or its value cannot stand in one")]
pub(crate) struct NoHeader(String);

impl Web {
    /// Begins to look after upstreams.
    pub(crate) fn new(parts: Parts) -> Result<Self, NoHeader> {
        let Parts {
            porter,
            tasks,
            settings,
            tls,
            node,
            https_port,
            allowed,
            linger,
        } = parts;
        let mut more = HeaderMap::new();
        for (name, value) in &settings.headers {
            let no_header = || NoHeader(name.clone());
            let name = HeaderName::try_from(name).map_err(|_| no_header())?;
            more.insert(name, HeaderValue::try_from(value).map_err(|_| no_header())?);
        }
        let clock = porter.clock.clone();
        let pool = Pool::new(tls, tasks.clone(), clock.clone());
        let groups: Vec<_> = settings
            .upstreams
            .iter()
            .map(|(name, upstream)| Arc::new(Group::new(name, upstream)))
            .collect();
        for group in &groups {
            group.look_after(&pool, &tasks);
        }
        let https_only = settings.https_only.duration().as_secs();
        Ok(Self {
            forward: Forward {
                pool,
                clock: clock.clone(),
                grace: porter.upstream.grace,
                patience: settings.answer_time.duration(),
            },
            files: settings
                .files
                .as_deref()
                .map(|root| Files::new(root, clock)),
            protection: Protection::new(https_only, more),
            pseudonym: HeaderValue::try_from(format!("1.1 {node}"))
                .unwrap_or(HeaderValue::from_static("1.1 roost-proxy")),
            porter,
            tasks,
            settings,
            groups,
            https_port,
            allowed,
            linger,
        })
    }

    /// The upstreams.
    pub(crate) fn groups(&self) -> &[Arc<Group>] {
        &self.groups
    }

    /// Serves one connection.
    pub(crate) async fn serve(self: Arc<Self>, stream: Stream) {
        let line = Arc::new(Line::new(&stream));
        if !self.welcomes(&line) {
            return;
        }
        let is_http2 = stream.speaks_http2();
        let io = TokioIo::new(Guard::new(stream, Arc::clone(&line)));
        let (web, own) = (Arc::clone(&self), Arc::clone(&line));
        let service = service_fn(move |request: Request<Incoming>| {
            let (web, line) = (Arc::clone(&web), Arc::clone(&own));
            async move { Ok::<Response<Told>, Infallible>(web.answer(&line, request).await) }
        });
        let ended = if is_http2 {
            let connection = self.http2().serve_connection(io, service);
            self.see_through(&line, connection, |one| one.graceful_shutdown())
                .await
        } else {
            let connection = self.http1().serve_connection(io, service).with_upgrades();
            self.see_through(&line, connection, |one| one.graceful_shutdown())
                .await
        };
        self.ended(&line, is_http2, ended);
    }

    fn http1(&self) -> http1::Builder {
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(self.settings.head_time.duration())
            .max_headers(limits::HEADERS_MAX)
            .max_buf_size(limits::BUFFER_MAX);
        builder
    }

    fn http2(&self) -> http2::Builder<Spawn> {
        let mut builder = http2::Builder::new(Spawn(self.tasks.clone()));
        builder
            .timer(TokioTimer::new())
            .enable_connect_protocol()
            .max_header_list_size(limits::HEAD_MAX as u32)
            .max_concurrent_streams(limits::STREAMS_MAX)
            .max_pending_accept_reset_streams(limits::RESETS_PENDING_MAX)
            .max_local_error_reset_streams(limits::RESETS_ERROR_MAX)
            .max_send_buf_size(limits::BUFFER_MAX)
            .keep_alive_interval(limits::PING_EVERY)
            .keep_alive_timeout(limits::PING_TIME_MAX);
        builder
    }

    /// Drives a connection until it ends, has been idle for too long, or the daemon stops.
    async fn see_through<C>(
        &self,
        line: &Line,
        connection: C,
        shut_down: impl Fn(Pin<&mut C>),
    ) -> Result<(), hyper::Error>
    where
        C: Future<Output = Result<(), hyper::Error>>,
    {
        let mut connection = Box::pin(connection);
        let idle_time = self
            .settings
            .head_time
            .duration()
            .max(Duration::from_secs(1));
        let mut ticks = interval(idle_time);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let leaving_token = self.tasks.leaving();
        let (mut last, mut leaving) = (u64::MAX, false);
        loop {
            // Cancel-safe: the connection is polled on, ticks and the token keep nothing.
            tokio::select! {
                ended = &mut connection => return ended,
                () = cancelled(&leaving_token), if !leaving => {
                    leaving = true;
                    shut_down(connection.as_mut());
                }
                _ = ticks.tick() => {
                    let activity = line.activity();
                    let idle = line.running.load(Ordering::Relaxed) == 0 && activity == last;
                    if idle && leaving {
                        return Ok(());
                    }
                    if idle {
                        leaving = true;
                        shut_down(connection.as_mut());
                    }
                    last = activity;
                }
            }
        }
    }

    fn welcomes(&self, line: &Line) -> bool {
        let allowed = self.allowed.is_empty() || self.allowed.contain_peer(line.peer);
        let banned = (line.peer.ip()).is_some_and(|address| self.porter.bans.holds(address));
        if !allowed || banned {
            tracing::info!(
                { fields::SERVICE } = "web",
                { fields::PEER } = %line.peer,
                banned,
                "not served"
            );
        }
        allowed && !banned
    }

    fn ended(&self, line: &Line, is_http2: bool, ended: Result<(), hyper::Error>) {
        let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        let (octets_in, octets_out) = (count(&line.octets_in), count(&line.octets_out));
        self.porter.counts.forth.inc_by(octets_in);
        self.porter.counts.back.inc_by(octets_out);
        let how = match &ended {
            Ok(()) if line.refused.load(Ordering::Relaxed) => "an ambiguous request".to_owned(),
            Ok(()) => "closed".to_owned(),
            Err(error) if error.is_timeout() => "the client was too slow".to_owned(),
            Err(error) => Chain(error).to_string(),
        };
        tracing::info!(
            { fields::SERVICE } = "web",
            { fields::SESSION } = %line.id,
            { fields::PEER } = %line.peer,
            protocol = if is_http2 { "HTTP/2" } else { "HTTP/1.1" },
            requests = count(&line.requests),
            octets_in,
            octets_out,
            how,
            "session ended"
        );
    }
}

async fn cancelled(token: &CancellationToken) {
    token.cancelled().await;
}

/// HTTP/2's streams are tasks of ours.
#[derive(Clone)]
struct Spawn(Tasks);

impl<F> Executor<F> for Spawn
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, stream: F) {
        self.0.spawn("web", async move {
            stream.await;
        });
    }
}

//! A request on its way to a server behind the proxy, and its answer back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::body::{Body, Incoming};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response};
use roost_kit::clock::Clock;
use roost_kit::fields::{self, Chain};

use super::body::{Ended, Fate, Upload};
use super::group::{Group, Running};
use super::pool::{Lent, Place, Pool};

/// Between two attempts to connect at first; it doubles.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
/// Between two attempts at most.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Who may answer.
#[derive(Debug, Clone)]
pub(super) enum Way {
    /// A store, at one of its places. One that restarts is waited for.
    Store { name: Arc<str>, places: Vec<Place> },
    /// One of several servers.
    Group(Arc<Group>),
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// Nobody is there.
    Nobody,
    /// The server broke off.
    Broken,
    /// The server takes too long.
    TooLate,
    /// The client's upload came to no good end.
    Upload(Ended),
}

/// Hands requests on.
#[derive(Clone)]
pub(super) struct Forward {
    pub(super) pool: Pool,
    pub(super) clock: Clock,
    /// How long a store that does not answer is tried.
    pub(super) grace: Duration,
    /// How long a server may take to begin its answer.
    pub(super) patience: Duration,
}

/// An answer and what it came on.
pub(super) struct Answered {
    pub(super) response: Response<Incoming>,
    pub(super) lent: Lent,
    pub(super) running: Option<Running>,
}

/// The head of a request that may be sent twice: it changes nothing (RFC 9110 §9.2.2), and has no
/// body that would be gone.
fn spare(request: &Request<Upload>) -> Option<Parts> {
    let safe = matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    ) || matches!(request.method().as_str(), "PROPFIND" | "REPORT" | "SEARCH");
    (safe && request.body().is_end_stream()).then(|| {
        let mut copy = Request::new(());
        *copy.method_mut() = request.method().clone();
        *copy.uri_mut() = request.uri().clone();
        *copy.headers_mut() = request.headers().clone();
        copy.into_parts().0
    })
}

/// What was tried so far.
struct Attempts {
    begun: Instant,
    pause: Duration,
    tried: Vec<Place>,
}

impl Forward {
    /// Sends, again only where nothing was sent or nothing can be done twice.
    pub(super) async fn send(
        &self,
        request: Request<Upload>,
        way: &Way,
    ) -> Result<Answered, NoAnswer> {
        let fate = request.body().fate();
        let mut spare = spare(&request);
        let mut request = request;
        let mut attempts = Attempts {
            begun: self.clock.instant(),
            pause: PAUSE_FIRST,
            tried: Vec::new(),
        };
        loop {
            let (mut lent, running) = self.connect(way, &mut attempts).await?;
            let sending = lent.sender.try_send_request(request);
            let mut failure = match tokio::time::timeout(self.patience, sending).await {
                Err(_) => return Err(NoAnswer::TooLate),
                Ok(Ok(response)) => {
                    return Ok(Answered {
                        response,
                        lent,
                        running,
                    });
                }
                Ok(Err(failure)) => failure,
            };
            request = match failure.take_message() {
                // Nothing of it was sent: the server had closed a connection that was kept.
                Some(unsent) if lent.was_kept => unsent,
                Some(unsent) => {
                    self.wait(&mut attempts, NoAnswer::Broken).await?;
                    unsent
                }
                None => {
                    let error = failure.into_error();
                    tracing::debug!({ fields::ERROR } = %Chain(&error), "an upstream broke off");
                    match (spare.take(), lost(&fate)) {
                        (Some(head), NoAnswer::Broken) => Request::from_parts(head, Upload::none()),
                        (_, lost) => return Err(lost),
                    }
                }
            };
        }
    }

    async fn connect(
        &self,
        way: &Way,
        attempts: &mut Attempts,
    ) -> Result<(Lent, Option<Running>), NoAnswer> {
        loop {
            match way {
                Way::Store { name, places } => {
                    for place in places {
                        match self.pool.lend(place).await {
                            Ok(lent) => return Ok((lent, None)),
                            Err(error) => tracing::debug!(
                                store = &**name,
                                { fields::ERROR } = %Chain(&error),
                                "not connected"
                            ),
                        }
                    }
                    self.wait(attempts, NoAnswer::Nobody).await?;
                }
                Way::Group(group) => {
                    let server = group.pick(&attempts.tried).ok_or(NoAnswer::Nobody)?;
                    let place = server.place.clone();
                    if attempts.tried.contains(&place) {
                        return Err(NoAnswer::Nobody);
                    }
                    let running = server.begin();
                    match self.pool.lend(&place).await {
                        Ok(lent) => return Ok((lent, Some(running))),
                        Err(error) => {
                            tracing::debug!(
                                upstream = &*group.name,
                                { fields::ERROR } = %Chain(&error),
                                "not connected"
                            );
                            attempts.tried.push(place);
                        }
                    }
                }
            }
        }
    }

    /// Waits before the next attempt, unless the grace is over.
    async fn wait(&self, attempts: &mut Attempts, otherwise: NoAnswer) -> Result<(), NoAnswer> {
        let now = self.clock.instant();
        let waited = now.saturating_duration_since(attempts.begun);
        if waited + attempts.pause > self.grace {
            return Err(otherwise);
        }
        tokio::time::sleep(attempts.pause).await;
        attempts.pause = (attempts.pause * 2).min(PAUSE_MAX);
        Ok(())
    }
}

fn lost(fate: &Fate) -> NoAnswer {
    fate.ended().map_or(NoAnswer::Broken, NoAnswer::Upload)
}

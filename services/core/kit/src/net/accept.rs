//! The accept loop.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::{Admission, Listener, NetError, Networks, Peer, Permit, Refused, Sockets, Stream};
use crate::config::{Listen, ListenSpec};
use crate::tasks::Tasks;
use crate::tls::Tls;

/// How long to wait after `accept` failed: out of file descriptors heals only when one is closed.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(200);

/// A place where connections are taken, and on which terms.
#[derive(Debug, Clone)]
pub struct Service {
    /// Its name in logs, and the name of its sockets under socket activation.
    pub name: &'static str,
    /// Where it listens if systemd hands over no socket of that name.
    pub listen: Listen,
    /// Whether TLS comes first.
    pub security: Security,
    /// The limits, which several services may share.
    pub admission: Admission,
    /// What a peer over a limit is told before the connection closes, in the protocol's words; not
    /// said where TLS comes first.
    pub busy: &'static [u8],
}

/// Whether TLS comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// The session starts in clear; the protocol may upgrade it.
    Clear,
    /// TLS from the first octet (RFC 8314).
    Tls,
    /// The same, with the choice between HTTP/2 and HTTP/1.1 (RFC 9113 §3.2).
    Https,
}

/// What listeners stand on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ground<'a> {
    pub(crate) sockets: &'a Sockets,
    pub(crate) tasks: &'a Tasks,
    pub(crate) tls: &'a Tls,
}

/// Listens for `service` and runs `handle` as a session for each connection, until the drain.
/// Connections from `balancers` begin with a header that says who the client is. Returns the places,
/// with the real port where 0 was asked for.
pub(crate) fn serve<F, Fut>(
    ground: Ground<'_>,
    service: Service,
    balancers: &Networks,
    handle: F,
) -> Result<Vec<ListenSpec>, NetError>
where
    F: Fn(Stream) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let Ground {
        sockets,
        tasks,
        tls,
    } = ground;
    let name = service.name;
    let listeners = sockets.listen(name, &service.listen)?;
    if service.security != Security::Clear && !tls.available() && !listeners.is_empty() {
        return Err(NetError::NoCertificate { service: name });
    }
    let entrance = Arc::new(Entrance {
        service,
        tasks: tasks.clone(),
        tls: tls.clone(),
        balancers: balancers.clone(),
        handle,
    });
    let mut bound = Vec::new();
    for listener in listeners {
        let place = listener.place().map_err(|source| NetError::Inherited {
            service: name,
            source,
        })?;
        tracing::info!(service = name, %place, "listening");
        bound.push(place);
        tasks.spawn(name, Arc::clone(&entrance).accept_all(listener));
    }
    Ok(bound)
}

struct Entrance<F> {
    service: Service,
    tasks: Tasks,
    tls: Tls,
    balancers: Networks,
    handle: F,
}

impl<F, Fut> Entrance<F>
where
    F: Fn(Stream) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    async fn accept_all(self: Arc<Self>, listener: Listener) {
        let leaving = self.tasks.leaving();
        loop {
            // Cancel-safe: accept and the token keep nothing in their futures.
            tokio::select! {
                () = leaving.cancelled() => return,
                accepted = listener.accept() => match accepted {
                    Ok((transport, peer)) => self.enter(Stream::new(transport, peer)),
                    Err(error) => self.pause(&error).await,
                },
            }
        }
    }

    fn enter(self: &Arc<Self>, stream: Stream) {
        let entrance = Arc::clone(self);
        if self.balancers.contain_peer(stream.peer()) && !self.balancers.is_empty() {
            // How many wait here is the balancer's to limit; it is ours too.
            self.tasks.spawn(self.service.name, async move {
                let balancer = stream.peer();
                match stream.announced().await {
                    Ok(stream) => {
                        if let Some(permit) = entrance.admit(&stream) {
                            entrance.receive(stream, permit).await;
                        }
                    }
                    Err(error) => entrance.no_session(balancer, &error),
                }
            });
        } else if let Some(permit) = self.admit(&stream) {
            self.tasks.spawn(self.service.name, async move {
                entrance.receive(stream, permit).await;
            });
        }
    }

    fn admit(&self, stream: &Stream) -> Option<Permit> {
        match self.service.admission.admit(stream.peer()) {
            Ok(permit) => Some(permit),
            Err(limit) => {
                self.turn_away(stream, limit);
                None
            }
        }
    }

    async fn receive(&self, stream: Stream, permit: Permit) {
        let peer = stream.peer();
        let stream = match self.service.security {
            Security::Clear => Ok(stream),
            // In a place of its own, which sessions need not carry along.
            Security::Tls => Box::pin(stream.upgrade(&self.tls)).await,
            Security::Https => Box::pin(stream.upgrade_web(&self.tls)).await,
        };
        match stream {
            Ok(stream) => (self.handle)(stream).await,
            Err(error) => self.no_session(peer, &error),
        }
        drop(permit);
    }

    fn turn_away(&self, stream: &Stream, limit: Refused) {
        let peer = stream.peer();
        tracing::info!(service = self.service.name, %peer, ?limit, "too many connections");
        if self.service.security == Security::Clear {
            stream.last_word(self.service.busy);
        }
    }

    fn no_session(&self, peer: Peer, error: &NetError) {
        let error = crate::fields::Chain(error);
        tracing::info!(service = self.service.name, %peer, %error, "no session");
    }

    async fn pause(&self, error: &io::Error) {
        // A peer that hung up before it was accepted is no error of ours.
        if error.kind() == io::ErrorKind::ConnectionAborted {
            return;
        }
        tracing::warn!(service = self.service.name, %error, "cannot accept connections");
        tokio::time::sleep(PAUSE_AFTER_ERROR).await;
    }
}

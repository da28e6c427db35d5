//! The accept loop.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::{Admission, Listener, NetError, Peer, Refused, Sockets, Stream};
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
}

/// Listens for `service` and runs `handle` as a session for each connection, until the drain.
/// Returns the places, with the real port where 0 was asked for.
pub(crate) fn serve<F, Fut>(
    sockets: &Sockets,
    tasks: &Tasks,
    tls: &Tls,
    service: Service,
    handle: F,
) -> Result<Vec<ListenSpec>, NetError>
where
    F: Fn(Stream) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let name = service.name;
    let listeners = sockets.listen(name, &service.listen)?;
    if service.security == Security::Tls && !tls.available() && !listeners.is_empty() {
        return Err(NetError::NoCertificate { service: name });
    }
    let entrance = Arc::new(Entrance {
        service,
        tasks: tasks.clone(),
        tls: tls.clone(),
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
    handle: F,
}

impl<F, Fut> Entrance<F>
where
    F: Fn(Stream) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    async fn accept_all(self: Arc<Self>, listener: Listener) {
        let draining = self.tasks.draining();
        loop {
            // Cancel-safe: accept and the token keep nothing in their futures.
            tokio::select! {
                () = draining.cancelled() => return,
                accepted = listener.accept() => match accepted {
                    Ok((transport, peer)) => self.enter(Stream::new(transport, peer)),
                    Err(error) => self.pause(&error).await,
                },
            }
        }
    }

    fn enter(self: &Arc<Self>, stream: Stream) {
        let service = &self.service;
        let peer = stream.peer();
        let permit = match service.admission.admit(peer) {
            Ok(permit) => permit,
            Err(limit) => return self.turn_away(&stream, limit),
        };
        let entrance = Arc::clone(self);
        self.tasks.spawn(service.name, async move {
            let stream = match entrance.service.security {
                Security::Clear => stream,
                Security::Tls => match stream.upgrade(&entrance.tls).await {
                    Ok(stream) => stream,
                    Err(error) => return entrance.no_handshake(peer, &error),
                },
            };
            (entrance.handle)(stream).await;
            drop(permit);
        });
    }

    fn turn_away(&self, stream: &Stream, limit: Refused) {
        let peer = stream.peer();
        tracing::info!(service = self.service.name, %peer, ?limit, "too many connections");
        if self.service.security == Security::Clear {
            stream.last_word(self.service.busy);
        }
    }

    fn no_handshake(&self, peer: Peer, error: &NetError) {
        let error = crate::fields::Chain(error);
        tracing::info!(service = self.service.name, %peer, %error, "no TLS session");
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

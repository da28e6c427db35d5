//! LMTP (RFC 2033): mail comes in, with an answer for each recipient.

mod backend;
mod deliver;
mod incoming;

use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;
use roost_kit::net::{
    Conversation, Stream, Surroundings, TlsDetails, Turn, converse, release_buffer,
};
use roost_proto_smtp::session::{Client, Security, Tls};
use roost_proto_smtp::{Config, Next, Session};

pub(crate) use deliver::Deliverer;
pub(crate) use incoming::Room;

use crate::accounts::Accounts;
use crate::session_log;
use backend::LmtpBackend;
use roost_login::SessionId;

/// What a peer over a limit is told.
pub(crate) const BUSY: &[u8] = b"421 4.3.2 Too many connections, try again later\r\n";

/// What all sessions of the LMTP listener share.
#[derive(Debug, Clone)]
pub(crate) struct Lmtp<A> {
    pub(crate) config: Arc<Config>,
    pub(crate) deliverer: Arc<Deliverer<A>>,
    pub(crate) around: Surroundings,
}

impl<A: Accounts> Lmtp<A> {
    /// Speaks with one client.
    pub(crate) async fn serve(self, stream: Stream) {
        let id = SessionId::random();
        let peer = stream.peer();
        let backend = LmtpBackend::new(Arc::clone(&self.deliverer), id);
        let now = self.around.clock.instant();
        let talk = Talk(Session::new(backend, self.config, client(&stream), now));
        let ended = converse(stream, talk, &self.around).await;
        session_log::ended("lmtp", id, peer, &ended);
    }
}

fn client(stream: &Stream) -> Client {
    let security = match stream.tls() {
        Some(details) => Security::Tls(tls(details)),
        None if stream.peer().is_loopback() => Security::Loopback,
        None => Security::None,
    };
    Client::new(stream.peer().ip(), security)
}

fn tls(details: TlsDetails) -> Tls {
    Tls {
        version: details.version,
        cipher: details.cipher,
    }
}

/// An LMTP session as the server around it sees it.
struct Talk<A: Accounts>(Session<LmtpBackend<A>>);

impl<A: Accounts> Conversation for Talk<A> {
    type Output = BytesMut;

    async fn step(&mut self, now: Instant) -> Turn {
        turn(self.0.step(now).await)
    }

    fn deadline(&self) -> Instant {
        self.0.deadline()
    }

    fn timeout(&mut self, now: Instant) -> Turn {
        turn(self.0.timeout(now))
    }

    fn drain(&mut self) {
        self.0.drain();
    }

    fn secured(mut self, details: TlsDetails, now: Instant) -> Self {
        self.0.secured(tls(details), now);
        self
    }

    fn rest(&mut self) {
        release_buffer(self.0.input());
        release_buffer(self.0.output());
    }

    fn input(&mut self) -> &mut BytesMut {
        self.0.input()
    }

    fn output(&mut self) -> &mut BytesMut {
        self.0.output()
    }
}

fn turn(next: Next) -> Turn {
    match next {
        Next::Continue => Turn::Continue,
        Next::Write => Turn::Write,
        Next::Read => Turn::Read,
        Next::Wait(time) => Turn::Wait(time),
        Next::StartTls => Turn::StartTls,
        Next::Close => Turn::Close,
    }
}

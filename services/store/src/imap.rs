//! The IMAP server: sockets and timers around sessions. What is said is decided in
//! `roost-proto-imap`, what happens to mail in `roost-mailbox`.

mod backend;
mod folders;
mod home;
mod room;
mod snapshot;
mod structures;

use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;
use roost_kit::net::{
    Conversation, Stream, Surroundings, TlsDetails, Turn, converse, release_buffer,
};
use roost_mailbox::Store;
use roost_proto_imap::limits::Limits;
use roost_proto_imap::{Backend, Connection, Next, Out, Security, Settings, StartTls};

use crate::accounts::Accounts;
use crate::caller::Caller;
use crate::door::{Door, Porter};
use crate::metrics::Protocol;
use crate::session_log;
use backend::ImapBackend;
pub(crate) use room::Room;
use roost_login::SessionId;

/// What a peer over a limit is told.
pub(crate) const BUSY: &[u8] = b"* BYE [UNAVAILABLE] Too many connections, try again later\r\n";

/// What all IMAP sessions share.
#[derive(Debug, Clone)]
pub(crate) struct Imap<A> {
    pub(crate) limits: Limits,
    pub(crate) porter: Arc<Porter<A>>,
    pub(crate) store: Store,
    pub(crate) room: Room,
    pub(crate) around: Surroundings,
}

impl<A: Accounts> Imap<A> {
    /// What a session offers now: certificates and the directory come and go.
    fn settings(&self) -> Settings {
        Settings {
            limits: self.limits.clone(),
            starttls: match self.around.tls.available() {
                true => StartTls::Offered,
                false => StartTls::Unavailable,
            },
            mechanisms: self.porter.mechanisms(),
            server: ("Roost", env!("CARGO_PKG_VERSION")),
        }
    }

    /// Speaks with one client.
    pub(crate) async fn serve(self, stream: Stream) {
        let id = SessionId::random();
        let caller = Arc::new(Caller::new(stream.peer(), &self.porter.proxies));
        let settings = Arc::new(self.settings());
        let backend = ImapBackend {
            door: Door::new(self.porter, Protocol::Imap, id, Arc::clone(&caller)),
            store: self.store,
            room: self.room,
            clock: self.around.clock.clone(),
        };
        let now = self.around.clock.instant();
        let talk = Talk::greeting(backend, settings, security(&stream, &caller), now);
        let ended = converse(stream, talk, &self.around).await;
        session_log::ended("imap", id, caller.peer(), &ended);
    }
}

/// An IMAP session as the server around it sees it.
struct Talk<B: Backend> {
    /// In its own place, since sessions are large and futures are moved about.
    connection: Box<Connection<B>>,
    out: Out,
    out_octets: usize,
}

impl<B: Backend> Talk<B> {
    /// A session that has greeted.
    fn greeting(backend: B, settings: Arc<Settings>, security: Security, now: Instant) -> Self {
        let out_octets = settings.limits.out_octets;
        let mut out = Out::new(out_octets);
        let connection = Connection::new(backend, settings, security, now);
        connection.greet(&mut out);
        Self {
            connection: Box::new(connection),
            out,
            out_octets,
        }
    }
}

impl<B: Backend> Conversation for Talk<B> {
    type Output = Out;

    async fn step(&mut self, now: Instant) -> Turn {
        turn(self.connection.advance(now, &mut self.out).await)
    }

    async fn news(&mut self) {
        self.connection.changed().await;
    }

    fn deadline(&self) -> Instant {
        self.connection.deadline()
    }

    fn timeout(&mut self, now: Instant) -> Turn {
        turn(self.connection.timeout(now, &mut self.out))
    }

    fn drain(&mut self) {
        self.connection.shut_down(&mut self.out);
    }

    fn secured(self, _tls: TlsDetails, now: Instant) -> Self {
        Self {
            connection: Box::new(self.connection.after_tls(now)),
            ..self
        }
    }

    fn rest(&mut self) {
        release_buffer(self.connection.buffer());
        if self.out.is_empty() {
            self.out = Out::new(self.out_octets);
        }
    }

    fn input(&mut self) -> &mut BytesMut {
        self.connection.buffer()
    }

    fn output(&mut self) -> &mut Out {
        &mut self.out
    }
}

fn turn(next: Next) -> Turn {
    match next {
        Next::Read => Turn::Read,
        Next::Write => Turn::Write,
        Next::Wait(time) => Turn::Wait(time),
        Next::StartTls => Turn::StartTls,
        Next::HandOver | Next::Close => Turn::Close,
    }
}

fn security(stream: &Stream, caller: &Caller) -> Security {
    let near = stream.peer().is_loopback() || caller.is_trusted();
    match (stream.is_tls(), near) {
        (true, _) => Security::Tls,
        (false, true) => Security::Loopback,
        (false, false) => Security::Clear,
    }
}

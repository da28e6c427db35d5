//! The POP3 server: sockets and timers around sessions. What is said is decided in
//! `roost-proto-pop3`.

mod backend;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use roost_kit::net::{
    Conversation, Stream, Surroundings, TlsDetails, Turn, converse, release_buffer,
};
use roost_mailbox::Store;
use roost_proto_pop3::session::{Security, Stls};
use roost_proto_pop3::{Config, Next, Session};

use crate::accounts::Accounts;
use crate::caller::Caller;
use crate::door::{Door, Porter};
use crate::metrics::Protocol;
use crate::session_log;
use backend::Pop3Backend;
use roost_login::SessionId;

/// What a peer over a limit is told.
pub(crate) const BUSY: &[u8] = b"-ERR [SYS/TEMP] Too many connections, try again later\r\n";

/// What all POP3 sessions share.
#[derive(Debug, Clone)]
pub(crate) struct Pop3<A> {
    pub(crate) timeout: Duration,
    pub(crate) porter: Arc<Porter<A>>,
    pub(crate) store: Store,
    pub(crate) around: Surroundings,
}

impl<A: Accounts> Pop3<A> {
    /// What a session offers now: certificates and the directory come and go.
    fn config(&self) -> Config {
        Config {
            mechanisms: self.porter.mechanisms(),
            stls: match self.around.tls.available() {
                true => Stls::Offered,
                false => Stls::Off,
            },
            timeout: self.timeout,
        }
    }

    /// Speaks with one client.
    pub(crate) async fn serve(self, stream: Stream) {
        let id = SessionId::random();
        let caller = Arc::new(Caller::new(stream.peer(), &self.porter.proxies));
        let config = Arc::new(self.config());
        let door = Door::new(self.porter, Protocol::Pop3, id, Arc::clone(&caller));
        let backend = Pop3Backend::new(door, self.store);
        let now = self.around.clock.instant();
        let session = Session::new(backend, config, security(&stream, &caller), now);
        let ended = converse(stream, Talk(Box::new(session)), &self.around).await;
        session_log::ended("pop3", id, caller.peer(), &ended);
    }
}

/// A POP3 session as the server around it sees it.
struct Talk<A: Accounts>(Box<Session<Pop3Backend<A>>>);

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

    fn secured(mut self, _tls: TlsDetails, now: Instant) -> Self {
        self.0.secured(now);
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
        Next::HandOver | Next::Close => Turn::Close,
    }
}

fn security(stream: &Stream, caller: &Caller) -> Security {
    let near = stream.peer().is_loopback() || caller.is_trusted();
    match (stream.is_tls(), near) {
        (true, _) => Security::Tls,
        (false, true) => Security::Loopback,
        (false, false) => Security::None,
    }
}

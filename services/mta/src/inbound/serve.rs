//! SMTP sessions on sockets.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use roost_kit::fields;
use roost_kit::net::{
    Conversation, Stream, Surroundings, TlsDetails, Turn, converse, release_buffer,
};
use roost_proto_sasl::{Mechanism, Mechanisms};
use roost_proto_smtp::session::{Client, Offer, Security, Tls};
use roost_proto_smtp::{Config, Next, Role, Session};

use super::accounts::Accounts;
use super::backend::{Entrance, SmtpBackend};
use crate::limits::RECIPIENTS_MAX;
use crate::outbound::Dns;
use crate::route::Addresses;

/// What a peer over a limit is told.
pub const BUSY: &[u8] = b"421 4.3.2 Too many connections, try again later\r\n";

/// One kind of server.
pub struct Server<A: Addresses, C: Accounts, D: Dns> {
    /// Which.
    pub role: Role,
    /// What all sessions share.
    pub entrance: Arc<Entrance<A, C, D>>,
    /// How long a client may take for a command.
    pub timeout: Duration,
    /// Clock, certificates, drain.
    pub around: Surroundings,
}

impl<A: Addresses, C: Accounts, D: Dns> Clone for Server<A, C, D> {
    fn clone(&self) -> Self {
        Self {
            role: self.role,
            timeout: self.timeout,
            entrance: Arc::clone(&self.entrance),
            around: self.around.clone(),
        }
    }
}

impl<A: Addresses, C: Accounts, D: Dns> Server<A, C, D> {
    /// Speaks with one client.
    pub async fn serve(self, stream: Stream) {
        let peer = stream.peer();
        let config = Arc::new(self.config());
        let backend = SmtpBackend::new(Arc::clone(&self.entrance), peer);
        let name = Arc::clone(&backend.name);
        let now = self.around.clock.instant();
        let talk = Talk(Session::new(backend, config, client(&stream), now));
        let conversation = converse(stream, talk, &self.around);
        let ended = beside(name.get(), conversation).await;
        tracing::debug!(
            { fields::SERVICE } = ?self.role,
            { fields::PEER } = %peer,
            octets_in = ended.octets_in,
            octets_out = ended.octets_out,
            how = %ended.how,
            "session ended"
        );
    }

    /// The settings that hold for a session that begins now.
    fn config(&self) -> Config {
        let policy = self.entrance.policy.get();
        let mut config = Config::new(self.role, self.entrance.host.clone());
        config.message_size_max = policy.message_size_max;
        config.recipients_max = RECIPIENTS_MAX;
        config.timeout = self.timeout;
        config.starttls = match self.around.tls.available() {
            true => Offer::Yes,
            false => Offer::No,
        };
        if self.role == Role::Submission {
            config.mechanisms = mechanisms(policy.scram);
        }
        config
    }
}

/// Runs `other` while `main` goes on, and no longer.
async fn beside<T>(other: impl Future, main: impl Future<Output = T>) -> T {
    let never = async {
        other.await;
        std::future::pending().await
    };
    // Cancel-safe: `main` is the one that ends; a search that is dropped is begun again by whoever
    // asks next.
    tokio::select! {
        done = main => done,
        done = never => done,
    }
}

fn mechanisms(scram: bool) -> Mechanisms {
    let mechanisms = Mechanisms::NONE
        .with(Mechanism::Plain)
        .with(Mechanism::Login);
    match scram {
        true => mechanisms.with(Mechanism::ScramSha256),
        false => mechanisms,
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

/// A session as the server around it sees it.
struct Talk<A: Addresses, C: Accounts, D: Dns>(Session<SmtpBackend<A, C, D>>);

impl<A: Addresses, C: Accounts, D: Dns> Conversation for Talk<A, C, D> {
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

//! IMAP until the login: the same session as at a store, whose mailboxes are elsewhere.

use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use roost_kit::clock::Clock;
use roost_kit::net::{Conversation, Stream, TlsDetails, Turn, release_buffer};
use roost_proto_imap::grammar::Tag;
use roost_proto_imap::limits::Limits;
use roost_proto_imap::{
    Backend, Connection, Failure, Next, Nowhere, Out, Security, Settings, StartTls, Whereabouts,
};
use roost_proto_sasl::scram::ServerSignature;
use roost_proto_sasl::{Authenticate, Login, Parameters, Proof, Refused};

use super::{Mail, Opening};
use crate::door::{Admitted, Door};
use crate::metrics::Service;
use crate::upstream::NotJoined;

/// What a peer over a limit is told.
pub(crate) const BUSY: &[u8] = b"* BYE [UNAVAILABLE] Too many connections, try again later\r\n";
const OPENING: Opening = Opening {
    service: Service::Imap,
    not_served: b"* BYE Not served from this address\r\n",
};

/// Speaks with one client.
pub(crate) async fn serve(mail: Mail, stream: Stream) {
    let begin = |mail: &Mail, door: Door, stream: &Stream| {
        let backend = ImapDoor {
            door,
            clock: mail.around.clock.clone(),
        };
        Talk::greeting(mail, backend, security(stream))
    };
    mail.receive(OPENING, stream, begin).await;
}

/// One session's backend.
struct ImapDoor {
    door: Door,
    clock: Clock,
}

impl Authenticate for ImapDoor {
    type Account = Admitted;

    async fn password(&self, login: Login) -> Result<Admitted, Refused> {
        self.door.password(login).await
    }

    async fn scram_parameters(&self, name: &str) -> Result<Parameters, Refused> {
        self.door.scram_parameters(name).await
    }

    async fn scram_verify(&self, proof: Proof) -> Result<(Admitted, ServerSignature), Refused> {
        self.door.scram_verify(proof).await
    }
}

impl Backend for ImapDoor {
    type Mailboxes = Nowhere;

    async fn hand_over(
        &self,
        admitted: Admitted,
        tag: &Tag,
    ) -> Result<Whereabouts<Admitted>, Failure> {
        match self.door.join(admitted, tag.as_str()).await {
            Ok(completion) => Ok(Whereabouts::Elsewhere(Bytes::from(completion + "\r\n"))),
            Err(NotJoined::Refused(_) | NotJoined::Gone) => {
                Err(Failure::Cannot("The mailbox cannot be opened"))
            }
            Err(_) => Err(Failure::Unavailable),
        }
    }

    async fn open(&self, _admitted: Admitted) -> Result<Nowhere, Failure> {
        Err(Failure::Unavailable)
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// A session as the server around it sees it.
struct Talk {
    connection: Box<Connection<ImapDoor>>,
    out: Out,
    out_octets: usize,
}

impl Talk {
    /// A session that has greeted.
    fn greeting(mail: &Mail, backend: ImapDoor, security: Security) -> Self {
        let settings = Settings {
            limits: Limits {
                login_timeout: mail.login_timeout,
                ..Limits::default()
            },
            starttls: match mail.around.tls.available() {
                true => StartTls::Offered,
                false => StartTls::Unavailable,
            },
            mechanisms: mail.porter.mechanisms(),
            server: ("Roost", env!("CARGO_PKG_VERSION")),
        };
        let out_octets = settings.limits.out_octets;
        let mut out = Out::new(out_octets);
        let now = mail.around.clock.instant();
        let connection = Connection::new(backend, Arc::new(settings), security, now);
        connection.greet(&mut out);
        Self {
            connection: Box::new(connection),
            out,
            out_octets,
        }
    }
}

impl Conversation for Talk {
    type Output = Out;

    async fn step(&mut self, now: Instant) -> Turn {
        turn(self.connection.advance(now, &mut self.out).await)
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
        Next::HandOver => Turn::HandOver,
        Next::Close => Turn::Close,
    }
}

fn security(stream: &Stream) -> Security {
    match (stream.is_tls(), stream.peer().is_loopback()) {
        (true, _) => Security::Tls,
        (false, true) => Security::Loopback,
        (false, false) => Security::Clear,
    }
}

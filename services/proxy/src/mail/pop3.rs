//! POP3 until the login: the same session as at a store, whose maildrop is elsewhere.

use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use roost_kit::net::{Conversation, Stream, TlsDetails, Turn, release_buffer};
use roost_proto_pop3::session::{Security, Stls};
use roost_proto_pop3::{Backend, Config, Maildrop, Next, Refusal, Session};
use roost_proto_sasl::scram::ServerSignature;
use roost_proto_sasl::{Authenticate, Login, Parameters, Proof, Refused};

use super::{Mail, Opening};
use crate::door::{Admitted, Door};
use crate::metrics::Service;
use crate::upstream::NotJoined;

/// What a peer over a limit is told.
pub(crate) const BUSY: &[u8] = b"-ERR [SYS/TEMP] Too many connections, try again later\r\n";
const OPENING: Opening = Opening {
    service: Service::Pop3,
    not_served: b"-ERR [SYS/PERM] Not served from this address\r\n",
};

/// Speaks with one client.
pub(crate) async fn serve(mail: Mail, stream: Stream) {
    let begin = |mail: &Mail, door: Door, stream: &Stream| {
        let config = Config {
            mechanisms: mail.porter.mechanisms(),
            stls: match mail.around.tls.available() {
                true => Stls::Offered,
                false => Stls::Off,
            },
            timeout: mail.login_timeout,
        };
        let now = mail.around.clock.instant();
        let session = Session::new(Pop3Door(door), Arc::new(config), security(stream), now);
        Talk(Box::new(session))
    };
    mail.receive(OPENING, stream, begin).await;
}

/// One session's backend.
struct Pop3Door(Door);

/// Somebody who has proved who they are, until the store is asked to let them in.
struct Entrant(Mutex<Option<Admitted>>);

impl Entrant {
    fn new(admitted: Admitted) -> Self {
        Self(Mutex::new(Some(admitted)))
    }
}

impl Authenticate for Pop3Door {
    type Account = Entrant;

    async fn password(&self, login: Login) -> Result<Entrant, Refused> {
        self.0.password(login).await.map(Entrant::new)
    }

    async fn scram_parameters(&self, name: &str) -> Result<Parameters, Refused> {
        self.0.scram_parameters(name).await
    }

    async fn scram_verify(&self, proof: Proof) -> Result<(Entrant, ServerSignature), Refused> {
        let (admitted, signature) = self.0.scram_verify(proof).await?;
        Ok((Entrant::new(admitted), signature))
    }
}

impl Backend for Pop3Door {
    type Maildrop = Nothing;
    type Message = Nothing;

    async fn hand_over(&self, entrant: &Entrant) -> Result<Option<String>, Refusal> {
        let admitted = entrant.0.lock().take();
        let admitted = admitted.ok_or(Refusal::Temporary)?;
        match self.0.join(admitted, "").await {
            Ok(line) => Ok(Some(line)),
            Err(NotJoined::Refused(_) | NotJoined::Gone) => Err(Refusal::Permanent),
            Err(_) => Err(Refusal::Temporary),
        }
    }

    async fn open(&self, _entrant: &Entrant) -> Result<Nothing, Refusal> {
        Err(Refusal::Temporary)
    }

    async fn retrieve(&self, maildrop: &Nothing, _index: usize) -> Result<Nothing, Refusal> {
        match *maildrop {}
    }

    async fn read(&self, message: &mut Nothing) -> Result<Option<Bytes>, Refusal> {
        match *message {}
    }

    async fn remove(&self, maildrop: &Nothing, _indexes: &[usize]) -> Result<(), Refusal> {
        match *maildrop {}
    }
}

/// No maildrop, and no way to have one.
enum Nothing {}

impl Maildrop for Nothing {
    fn len(&self) -> usize {
        match *self {}
    }

    fn size(&self, _index: usize) -> u64 {
        match *self {}
    }

    fn unique_id(&self, _index: usize) -> String {
        match *self {}
    }
}

/// A session as the server around it sees it.
struct Talk(Box<Session<Pop3Door>>);

impl Conversation for Talk {
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
        Next::HandOver => Turn::HandOver,
        Next::Close => Turn::Close,
    }
}

fn security(stream: &Stream) -> Security {
    match (stream.is_tls(), stream.peer().is_loopback()) {
        (true, _) => Security::Tls,
        (false, true) => Security::Loopback,
        (false, false) => Security::None,
    }
}

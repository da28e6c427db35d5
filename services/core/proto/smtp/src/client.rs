//! The client's side: one connection to an SMTP or LMTP server, for any number of messages.
//!
//! ```text
//! loop match client.step() {
//!     Read         => write and clear output, read into input until patience() is over, else lost()
//!     StartTls     => write and clear output, handshake, client.secured()
//!     Ready        => client.send(&envelope, size) or client.quit()
//!     Content      => client.content(octets) …, writing output as it fills, then client.content_end()
//!     Sent(report) => one verdict for each recipient; then step() again
//!     Closed(why)  => close
//! }
//! ```
//! Invariants: a recipient's verdict is positive only if the server said so; a connection that breaks
//! leaves a temporary verdict for those it had not answered for. What goes out has no bare CR or LF,
//! so nobody can end a message early with our help.

mod capabilities;
mod transaction;
mod verdict;

use std::time::Duration;

use bytes::BytesMut;
use roost_proto_sasl::{Login, Mechanism, client as sasl};

pub use capabilities::{Capabilities, Extension};
pub use verdict::{Failure, Report, Stage, Verdict};

use crate::envelope::Envelope;
use crate::grammar::command::{Auth, Command, Hello, HelloVerb};
use crate::grammar::reply::{self, Outcome, Reply};
use transaction::{Progress, Transaction};

/// Which protocol to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// One reply for a message.
    Smtp,
    /// One reply for each recipient (RFC 2033).
    Lmtp,
}

/// What to do about TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TlsPolicy {
    /// It runs already, or is not wanted.
    Skip,
    /// STARTTLS where it is offered (RFC 7435).
    Opportunistic,
    /// STARTTLS, or no mail.
    Required,
}

/// How to talk to a server.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which protocol.
    pub protocol: Protocol,
    /// The name for EHLO: our host's.
    pub name: String,
    /// What to do about TLS.
    pub tls: TlsPolicy,
    /// Whom to log in as, with PLAIN; only give one for a connection that is secure by then.
    pub login: Option<Login>,
}

/// What the caller does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Write the output, then read.
    Read,
    /// Write the output and start TLS.
    StartTls,
    /// Send a message or quit.
    Ready,
    /// Give the message's octets.
    Content,
    /// The transaction is over.
    Sent(Report),
    /// The connection is of no more use.
    Closed(Failure),
}

/// One connection to a server.
#[derive(Debug)]
pub struct Client {
    settings: Settings,
    state: State,
    capabilities: Capabilities,
    input: BytesMut,
    output: BytesMut,
    /// The server may hold a half transaction of ours, which the next one has to clear.
    unfinished: bool,
    tls_done: bool,
}

#[derive(Debug)]
enum State {
    Greeting,
    Hello(HelloVerb),
    StartTls,
    Handshake,
    Login,
    Ready,
    Transaction(Transaction),
    Content(Transaction),
    Quit,
    Over(Failure),
}

impl Client {
    /// A client on a fresh connection.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            tls_done: settings.tls == TlsPolicy::Skip,
            settings,
            state: State::Greeting,
            capabilities: Capabilities::default(),
            input: BytesMut::new(),
            output: BytesMut::new(),
            unfinished: false,
        }
    }

    /// Where the caller puts what it reads.
    pub fn input(&mut self) -> &mut BytesMut {
        &mut self.input
    }

    /// What the caller writes, and then clears.
    pub fn output(&mut self) -> &mut BytesMut {
        &mut self.output
    }

    /// What the server offers, as its last EHLO reply said.
    #[must_use]
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// How long to wait for the server in this state (RFC 5321 §4.5.3.2).
    #[must_use]
    pub fn patience(&self) -> Duration {
        let minutes = match &self.state {
            State::Greeting | State::Hello(_) | State::StartTls | State::Handshake => 5,
            State::Login => 5,
            State::Transaction(transaction) => match transaction.stage() {
                Stage::Message => 10,
                Stage::Data => 2,
                _ => 5,
            },
            State::Content(_) => 3,
            State::Ready | State::Quit | State::Over(_) => 1,
        };
        Duration::from_secs(minutes * 60)
    }

    /// Goes on as far as the input allows.
    pub fn step(&mut self) -> Next {
        loop {
            match &self.state {
                State::Ready => return Next::Ready,
                State::Content(_) => return Next::Content,
                State::Handshake => return Next::StartTls,
                State::Over(failure) => return Next::Closed(failure.clone()),
                // Nothing was sent: the message does not fit the server.
                State::Transaction(transaction) if transaction.is_answered() => {
                    return self.sent();
                }
                State::Greeting
                | State::Hello(_)
                | State::StartTls
                | State::Login
                | State::Transaction(_)
                | State::Quit => {}
            }
            match reply::take(&mut self.input) {
                Ok(Some(reply)) => {
                    if let Some(next) = self.reply(reply) {
                        return next;
                    }
                }
                Ok(None) => return Next::Read,
                Err(error) => return self.end(Failure::Reply(error)),
            }
        }
    }

    /// TLS is up after [`Next::StartTls`]. RFC 3207 §4.2: all that the server said before is forgotten.
    pub fn secured(&mut self) {
        self.input.clear();
        self.capabilities = Capabilities::default();
        self.tls_done = true;
        self.hello();
    }

    /// Starts a transaction; only after [`Next::Ready`]. `size` is the message's, where it is known.
    ///
    /// Give at most [`Capabilities::recipients_max`] recipients; the rest need another transaction.
    pub fn send(&mut self, envelope: &Envelope, size: Option<u64>) {
        if !matches!(self.state, State::Ready) {
            return;
        }
        let mut transaction =
            Transaction::new(envelope, size, &self.capabilities, self.settings.protocol);
        if self.unfinished {
            transaction.reset_first();
        }
        transaction.pump(&mut self.output);
        self.state = State::Transaction(transaction);
    }

    /// Octets of the message, in any pieces; only after [`Next::Content`].
    pub fn content(&mut self, octets: &[u8]) {
        if let State::Content(transaction) = &mut self.state {
            transaction.content(octets, &mut self.output);
        }
    }

    /// That was all of the message.
    pub fn content_end(&mut self) {
        match self.take() {
            State::Content(mut transaction) => {
                transaction.content_end(&mut self.output);
                self.state = State::Transaction(transaction);
            }
            other => self.state = other,
        }
    }

    /// Says QUIT; only after [`Next::Ready`].
    pub fn quit(&mut self) {
        if matches!(self.state, State::Ready) {
            self.command(&Command::Quit);
            self.state = State::Quit;
        }
    }

    /// The connection broke, or the server let [`Client::patience`] run out. What it said last may
    /// still be in the input.
    pub fn lost(&mut self) -> Next {
        if let (State::Content(_), Ok(Some(reply))) = (&self.state, reply::take(&mut self.input)) {
            let failure = Failure::Refused {
                stage: Stage::Message,
                reply,
            };
            return self.end(failure);
        }
        let stage = match &self.state {
            State::Greeting => Stage::Connect,
            State::Hello(_) => Stage::Hello,
            State::StartTls | State::Handshake => Stage::StartTls,
            State::Login => Stage::Login,
            State::Transaction(transaction) => transaction.stage(),
            State::Content(_) => Stage::Message,
            State::Ready | State::Quit => return self.end(Failure::Quit),
            State::Over(failure) => return Next::Closed(failure.clone()),
        };
        self.end(Failure::Lost(stage))
    }

    /// The connection is over; an open transaction still gets its verdicts.
    fn end(&mut self, failure: Failure) -> Next {
        match std::mem::replace(&mut self.state, State::Over(failure.clone())) {
            State::Transaction(transaction) | State::Content(transaction) => {
                Next::Sent(transaction.abandon(&failure))
            }
            _ => Next::Closed(failure),
        }
    }

    fn command(&mut self, command: &Command) {
        self.output
            .extend_from_slice(format!("{command}\r\n").as_bytes());
    }

    fn hello(&mut self) {
        self.say_hello(match self.settings.protocol {
            Protocol::Smtp => HelloVerb::Ehlo,
            Protocol::Lmtp => HelloVerb::Lhlo,
        });
    }

    fn say_hello(&mut self, verb: HelloVerb) {
        let name = self.settings.name.clone();
        self.command(&Command::Hello(Hello { verb, name }));
        self.state = State::Hello(verb);
    }

    fn reply(&mut self, reply: Reply) -> Option<Next> {
        match &mut self.state {
            State::Greeting => match reply.outcome() {
                Outcome::Done => self.hello(),
                _ => return Some(self.refused(Stage::Connect, reply)),
            },
            State::Hello(verb) => {
                let verb = *verb;
                return self.hello_reply(verb, reply);
            }
            State::StartTls => match reply.outcome() {
                Outcome::Done => self.state = State::Handshake,
                // RFC 3207 §4: a temporary TLS problem need not stop mail that may go without.
                _ if self.settings.tls == TlsPolicy::Opportunistic => {
                    self.tls_done = true;
                    return self.after_hello();
                }
                _ => return Some(self.refused(Stage::StartTls, reply)),
            },
            State::Login => match reply.outcome() {
                Outcome::Done => self.state = State::Ready,
                _ => return Some(self.refused(Stage::Login, reply)),
            },
            State::Transaction(_) => return self.transaction_reply(reply),
            State::Quit => return Some(self.end(Failure::Quit)),
            State::Handshake | State::Ready | State::Content(_) | State::Over(_) => {}
        }
        None
    }

    fn hello_reply(&mut self, verb: HelloVerb, reply: Reply) -> Option<Next> {
        match (reply.outcome(), verb) {
            (Outcome::Done, HelloVerb::Ehlo | HelloVerb::Lhlo) => {
                self.capabilities = Capabilities::parse(&reply);
                self.after_hello()
            }
            (Outcome::Done, HelloVerb::Helo) => self.after_hello(),
            // RFC 5321 §3.2: a server that does not know EHLO may know HELO.
            (Outcome::Permanent, HelloVerb::Ehlo) => {
                self.say_hello(HelloVerb::Helo);
                None
            }
            _ => Some(self.refused(Stage::Hello, reply)),
        }
    }

    fn after_hello(&mut self) -> Option<Next> {
        if !self.tls_done {
            if self.capabilities.has(Extension::StartTls) {
                self.command(&Command::StartTls);
                self.state = State::StartTls;
                return None;
            }
            if self.settings.tls == TlsPolicy::Required {
                return Some(self.end(Failure::NoTls));
            }
        }
        let Some(login) = &self.settings.login else {
            self.state = State::Ready;
            return None;
        };
        if !self.capabilities.mechanisms().contains(Mechanism::Plain) {
            return Some(self.end(Failure::NoLogin));
        }
        let auth = Command::Auth(Auth {
            mechanism: Mechanism::Plain.name().to_owned(),
            initial: Some(sasl::plain(login)),
        });
        self.command(&auth);
        self.state = State::Login;
        None
    }

    fn transaction_reply(&mut self, reply: Reply) -> Option<Next> {
        // RFC 5321 §3.8: with 421 the server closes, whatever was asked.
        let closing = reply.code == 421;
        let State::Transaction(transaction) = &mut self.state else {
            return None;
        };
        let stage = transaction.stage();
        let progress = transaction.reply(reply.clone(), &mut self.output);
        if closing {
            return Some(self.end(Failure::Refused { stage, reply }));
        }
        match progress {
            Progress::Open => None,
            Progress::Over => Some(self.sent()),
            Progress::Content => {
                if let State::Transaction(transaction) = self.take() {
                    self.state = State::Content(transaction);
                }
                None
            }
        }
    }

    fn sent(&mut self) -> Next {
        match self.take() {
            State::Transaction(transaction) => {
                self.unfinished = match transaction.is_begun() {
                    true => !transaction.is_complete(),
                    false => self.unfinished,
                };
                Next::Sent(transaction.report())
            }
            other => {
                self.state = other;
                Next::Ready
            }
        }
    }

    fn take(&mut self) -> State {
        std::mem::replace(&mut self.state, State::Ready)
    }

    fn refused(&mut self, stage: Stage, reply: Reply) -> Next {
        self.end(Failure::Refused { stage, reply })
    }
}

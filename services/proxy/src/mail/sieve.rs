//! ManageSieve (RFC 5804) until the login; what happens to scripts is the store's business.

mod grammar;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use roost_kit::net::{Conversation, Stream, TlsDetails, Turn, release_buffer};
use roost_proto_sasl::{Dialogue, Failure, Mechanism, Mechanisms, Turn as Said};

use super::{Mail, Opening};
use crate::door::{Admitted, Door};
use crate::metrics::Service;
use crate::upstream::NotJoined;
use grammar::{Command, Read, quoted};

/// What a peer over a limit is told.
pub(crate) const BUSY: &[u8] = b"BYE (TRYLATER) \"Too many connections, try again later\"\r\n";
const OPENING: Opening = Opening {
    service: Service::Sieve,
    not_served: b"BYE \"Not served from this address\"\r\n",
};

/// Commands that make no sense, before the connection is closed.
const MISTAKES_MAX: u32 = 10;
/// Failed logins, before the connection is closed.
const LOGINS_FAILED_MAX: u32 = 3;
/// What the first failed login costs; each further one costs twice as much.
const LOGIN_DELAY: Duration = Duration::from_secs(2);

/// Speaks with one client.
pub(crate) async fn serve(mail: Mail, extensions: Arc<str>, stream: Stream) {
    let begin = |mail: &Mail, door: Door, stream: &Stream| {
        let now = mail.around.clock.instant();
        Talk {
            door,
            extensions,
            mechanisms: mail.porter.mechanisms(),
            offers_tls: mail.around.tls.available(),
            is_tls: stream.is_tls(),
            is_secure: stream.is_secure(),
            patience: mail.login_timeout,
            deadline: now + mail.login_timeout,
            state: State::Connected,
            input: BytesMut::new(),
            output: BytesMut::new(),
            mistakes: 0,
            failed: 0,
        }
    };
    mail.receive(OPENING, stream, begin).await;
}

/// A session until somebody has logged in.
struct Talk {
    door: Door,
    /// The Sieve extensions that the stores have.
    extensions: Arc<str>,
    mechanisms: Mechanisms,
    offers_tls: bool,
    is_tls: bool,
    is_secure: bool,
    patience: Duration,
    deadline: Instant,
    state: State,
    input: BytesMut,
    output: BytesMut,
    mistakes: u32,
    failed: u32,
}

enum State {
    Connected,
    Waiting,
    Login(Box<Dialogue<Admitted>>),
    Over,
}

impl Talk {
    fn say(&mut self, line: &str) {
        self.output.extend_from_slice(line.as_bytes());
        self.output.extend_from_slice(b"\r\n");
    }

    /// RFC 5804 §1.7
    fn capabilities(&mut self) {
        let names: Vec<&str> = self.offered().map(Mechanism::name).collect();
        let (sasl, extensions) = (names.join(" "), Arc::clone(&self.extensions));
        self.say(&format!(
            "\"IMPLEMENTATION\" \"Roost {}\"",
            env!("CARGO_PKG_VERSION")
        ));
        self.say(&format!("\"SASL\" \"{sasl}\""));
        self.say(&format!("\"SIEVE\" {}", quoted(&extensions)));
        if self.offers_tls && !self.is_tls {
            self.say("\"STARTTLS\"");
        }
        self.say("\"VERSION\" \"1.0\"");
    }

    /// Nothing that reveals a password where somebody could listen.
    fn offered(&self) -> impl Iterator<Item = Mechanism> {
        let is_secure = self.is_secure;
        let mechanisms = self.mechanisms.iter();
        mechanisms.filter(move |mechanism| is_secure || !mechanism.reveals_password())
    }

    async fn command(&mut self, command: Command) -> Turn {
        match command {
            Command::Capability => {
                self.capabilities();
                self.say("OK");
            }
            Command::Noop(None) => self.say("OK"),
            Command::Noop(Some(tag)) => self.say(&format!("OK (TAG {}) \"Done\"", quoted(&tag))),
            Command::Logout => {
                self.say("OK");
                self.state = State::Over;
                return Turn::Close;
            }
            Command::StartTls if self.offers_tls && !self.is_tls => {
                self.say("OK");
                // RFC 5804 §2.2: what was sent behind it in the clear counts for nothing.
                self.input.clear();
                return Turn::StartTls;
            }
            Command::StartTls => return self.mistake("NO \"TLS cannot be started now\""),
            Command::Authenticate { mechanism, initial } => {
                let offered = Mechanism::parse(mechanism.as_bytes());
                let Some(mechanism) = offered.filter(|one| self.offered().any(|own| own == *one))
                else {
                    let word = match self.is_secure {
                        true => "NO \"No such mechanism\"",
                        false => {
                            "NO (ENCRYPT-NEEDED) \"Start TLS first, or choose another mechanism\""
                        }
                    };
                    return self.mistake(word);
                };
                let (dialogue, said) =
                    Dialogue::begin(&self.door, mechanism, initial.as_deref()).await;
                return self.go_on(Box::new(dialogue), said).await;
            }
            Command::Other => return self.mistake("NO \"Authenticate first\""),
        }
        Turn::Continue
    }

    /// RFC 5804 §2.1: challenges and responses are strings.
    async fn go_on(&mut self, dialogue: Box<Dialogue<Admitted>>, said: Said<Admitted>) -> Turn {
        self.state = State::Waiting;
        let failure = match said {
            Said::Continue(challenge) => {
                self.state = State::Login(dialogue);
                self.say(&quoted(&challenge));
                return Turn::Continue;
            }
            Said::Accepted(admitted) => match self.door.join(admitted, "").await {
                Ok(completion) => {
                    self.say(&completion);
                    self.state = State::Over;
                    return Turn::HandOver;
                }
                Err(NotJoined::Refused(_) | NotJoined::Gone) => {
                    self.say("NO \"The scripts cannot be opened\"");
                    return Turn::Continue;
                }
                Err(_) => Failure::Unavailable,
            },
            Said::Failed(failure) => failure,
        };
        match failure {
            Failure::Unavailable => {
                self.say("NO (TRYLATER) \"Not available, try again later\"");
                Turn::Continue
            }
            Failure::Credentials | Failure::Forbidden => {
                self.failed += 1;
                if self.failed >= LOGINS_FAILED_MAX {
                    self.say("BYE \"Too many failed logins\"");
                    self.state = State::Over;
                } else {
                    self.say("NO \"Name or password wrong\"");
                }
                Turn::Wait(LOGIN_DELAY * (1 << self.failed.saturating_sub(1).min(4)))
            }
            _ => self.mistake("NO \"Authentication was cancelled, or makes no sense\""),
        }
    }

    fn mistake(&mut self, word: &str) -> Turn {
        self.mistakes += 1;
        if self.mistakes <= MISTAKES_MAX {
            self.say(word);
            return Turn::Continue;
        }
        self.say("BYE \"Too many mistakes\"");
        self.state = State::Over;
        Turn::Close
    }
}

impl Conversation for Talk {
    type Output = BytesMut;

    async fn step(&mut self, now: Instant) -> Turn {
        if matches!(self.state, State::Over) {
            return Turn::Close;
        }
        if matches!(self.state, State::Connected) {
            self.state = State::Waiting;
            self.capabilities();
            self.say("OK");
            return Turn::Write;
        }
        self.deadline = now + self.patience;
        if let State::Login(_) = self.state {
            let (used, response) = match grammar::response(&self.input) {
                Read::More => return Turn::Read,
                Read::Nonsense => {
                    self.say("BYE \"That is no string\"");
                    self.state = State::Over;
                    return Turn::Close;
                }
                Read::Whole { used, read } => (used, read),
            };
            self.input.advance(used);
            let State::Login(mut dialogue) = std::mem::replace(&mut self.state, State::Waiting)
            else {
                return Turn::Continue;
            };
            let said = dialogue.line(&self.door, &response).await;
            return self.go_on(dialogue, said).await;
        }
        match grammar::command(&self.input) {
            Read::More => Turn::Read,
            Read::Nonsense => {
                self.say("BYE \"That is no command\"");
                self.state = State::Over;
                Turn::Close
            }
            Read::Whole { used, read } => {
                self.input.advance(used);
                self.command(read).await
            }
        }
    }

    fn deadline(&self) -> Instant {
        self.deadline
    }

    fn timeout(&mut self, now: Instant) -> Turn {
        if now < self.deadline {
            return Turn::Read;
        }
        self.say("BYE \"Nothing was said for too long\"");
        self.state = State::Over;
        Turn::Close
    }

    fn drain(&mut self) {
        self.say("BYE (TRYLATER) \"The server stops\"");
        self.state = State::Over;
    }

    fn secured(mut self, _tls: TlsDetails, now: Instant) -> Self {
        (self.is_tls, self.is_secure) = (true, true);
        // RFC 5804 §2.2: capabilities are said again.
        self.state = State::Connected;
        self.deadline = now + self.patience;
        self
    }

    fn rest(&mut self) {
        release_buffer(&mut self.input);
        release_buffer(&mut self.output);
    }

    fn input(&mut self) -> &mut BytesMut {
        &mut self.input
    }

    fn output(&mut self) -> &mut BytesMut {
        &mut self.output
    }
}

//! The server's side: one session for MX, submission and LMTP.
//!
//! ```text
//! Connected ─greeting─▶ Fresh ─EHLO─▶ Idle ─MAIL─▶ Mail(envelope) ─DATA, BDAT─▶ Transfer ─▶ Idle
//!                                      ▲ └─AUTH─▶ Login ┘
//! ```
//! The server around it reads octets into [`Session::input`], calls [`Session::step`] until it says
//! [`Next::Read`], and writes [`Session::output`]:
//!
//! ```text
//! loop match session.step(clock.instant()).await {
//!     Continue   => {}
//!     Write      => write and clear output
//!     Read       => write and clear output, then read into input until deadline(), else timeout()
//!     Wait(time) => sleep, then write and clear output
//!     StartTls   => write and clear output, handshake, session.secured(tls, now)
//!     Close      => write output, close
//! }
//! ```
//! A frame a step: between two steps the server may look at its signals ([`Session::drain`]).

mod backend;
mod config;
mod hello;
mod login;
mod patience;
mod transaction;
mod transfer;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use roost_proto_sasl::Dialogue;

pub use backend::{Backend, Client, Context, Finish, Security, Tls};
pub use config::{BareNewlines, Config, Offer, Role};
use patience::{Patience, Verdict};

use crate::envelope::Envelope;
use crate::frame::{Frame, Framer};
use crate::grammar::command::{Command, Malformed};
use crate::limits::OUTPUT_MARK;
use crate::reply::{self, Reply};
use transfer::Transfer;

/// What the server does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Call [`Session::step`] again; output may wait.
    Continue,
    /// Write the output, then call [`Session::step`] again.
    Write,
    /// Write the output, then read.
    Read,
    /// Wait this long, and only then write the output: the client has earned it.
    Wait(Duration),
    /// Write the output and start TLS.
    StartTls,
    /// Write the output and close.
    Close,
}

/// One connection of a client.
pub struct Session<B: Backend> {
    backend: B,
    config: Arc<Config>,
    client: Client,
    account: Option<B::Account>,
    state: State<B>,
    framer: Framer,
    input: BytesMut,
    output: BytesMut,
    patience: Patience,
    deadline: Instant,
    running: Running,
}

/// Where the session stands.
enum State<B: Backend> {
    /// The greeting is not out.
    Connected,
    /// The client has not introduced itself.
    Fresh,
    /// It has; no transaction is open.
    Idle,
    /// An AUTH exchange.
    Login(Dialogue<B::Account>),
    /// MAIL or a chunk was refused. A pipelining client has sent more of that transaction already,
    /// which is answered and, so many times, not held against it.
    Refused { pipelined: u32 },
    /// A transaction whose message has not begun.
    Mail(Envelope),
    /// A message is coming in.
    Transfer(Transfer<B::Message>),
    /// A BDAT chunk that belongs to no message is coming in; what it is answered with.
    Discard { reply: Reply, then: Box<State<B>> },
}

/// Whether the server wants the session to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Running {
    Yes,
    /// It ends after the message in hand.
    Draining,
    Closed,
}

impl<B: Backend> Session<B> {
    /// A session on a fresh connection; its first [`Session::step`] greets.
    pub fn new(backend: B, config: Arc<Config>, client: Client, now: Instant) -> Self {
        Self {
            deadline: now + config.timeout,
            backend,
            config,
            client,
            account: None,
            state: State::Connected,
            framer: Framer::default(),
            input: BytesMut::new(),
            output: BytesMut::new(),
            patience: Patience::default(),
            running: Running::Yes,
        }
    }

    /// Where the server puts what it reads. It reads only after [`Next::Read`], some kilobytes at a
    /// time: that bounds the buffer.
    pub fn input(&mut self) -> &mut BytesMut {
        &mut self.input
    }

    /// What the server writes, and then clears.
    pub fn output(&mut self) -> &mut BytesMut {
        &mut self.output
    }

    /// The client as it is known so far.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The account that has logged in.
    #[must_use]
    pub fn account(&self) -> Option<&B::Account> {
        self.account.as_ref()
    }

    /// When [`Session::timeout`] wants to be called, if nothing could be read until then.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        match &self.state {
            State::Transfer(transfer) => self.deadline.min(transfer.deadline(self.config.timeout)),
            State::Connected
            | State::Fresh
            | State::Idle
            | State::Refused { .. }
            | State::Login(_)
            | State::Mail(_)
            | State::Discard { .. } => self.deadline,
        }
    }

    /// Handles the next frame of the input, if it is whole.
    pub async fn step(&mut self, now: Instant) -> Next {
        if self.running == Running::Closed {
            return Next::Close;
        }
        if matches!(self.state, State::Connected) {
            return self.greet().await;
        }
        if self.running == Running::Draining && !matches!(self.state, State::Transfer(_)) {
            return self.close(&reply::SHUTTING_DOWN);
        }
        if self.output.len() >= OUTPUT_MARK {
            return Next::Write;
        }
        let Some(frame) = self.framer.next(&mut self.input) else {
            return Next::Read;
        };
        let next = self.frame(frame, now).await;
        self.deadline = now + self.config.timeout;
        next
    }

    /// The deadline has passed.
    pub fn timeout(&mut self, now: Instant) -> Next {
        if now < self.deadline() {
            return Next::Read;
        }
        self.close(&reply::TIMED_OUT)
    }

    /// The server shuts down: the message in hand is still taken, then the session says 421.
    pub fn drain(&mut self) {
        if self.running == Running::Yes {
            self.running = Running::Draining;
        }
    }

    /// TLS is up after [`Next::StartTls`]. RFC 3207 §4.2: both sides forget all that was said before.
    pub fn secured(&mut self, tls: Tls, now: Instant) {
        self.client.security = Security::Tls(tls);
        self.client.hello = None;
        self.account = None;
        self.state = State::Fresh;
        self.framer = Framer::default();
        self.input.clear();
        self.deadline = now + self.config.timeout;
    }

    async fn greet(&mut self) -> Next {
        if let Err(refusal) = self.backend.connect(&self.client).await {
            return self.close(refusal.reply());
        }
        let protocol = match self.config.role {
            Role::Mx | Role::Submission => "ESMTP",
            Role::Lmtp => "LMTP",
        };
        let text = format!("{} {protocol} Roost", self.config.hostname);
        self.say(&Reply::plain(220, "").with_text(text));
        self.state = State::Fresh;
        Next::Write
    }

    async fn frame(&mut self, frame: Frame, now: Instant) -> Next {
        match frame {
            Frame::Line(line) if matches!(self.state, State::Login(_)) => {
                self.login_line(&line).await
            }
            Frame::Line(line) => match Command::parse(&line) {
                Ok(command) if self.lacks_utf8(&line, &command) => match command {
                    Command::Mail(_) => self.refused(&reply::NEEDS_UTF8),
                    _ => self.mistake(&reply::NEEDS_UTF8),
                },
                Ok(command) => self.command(command, now).await,
                Err(Malformed::OtherProtocol) => self.close(&reply::OTHER_PROTOCOL),
                Err(why) => self.mistake(&reply::malformed(why)),
            },
            Frame::LongLine | Frame::BareLine if matches!(self.state, State::Login(_)) => {
                self.login_over(&reply::LOGIN_MALFORMED)
            }
            Frame::LongLine => self.mistake(&reply::LINE_TOO_LONG),
            Frame::BareLine => self.mistake(&reply::BARE_COMMAND),
            Frame::Content(octets) => self.content(octets).await,
            Frame::End(purity) => self.end(purity).await,
        }
    }

    async fn command(&mut self, command: Command, now: Instant) -> Next {
        match command {
            Command::Hello(hello) => self.hello(hello).await,
            Command::Mail(mail) => self.mail(mail).await,
            Command::Rcpt(rcpt) => self.rcpt(rcpt).await,
            Command::Data => self.data(now).await,
            Command::Bdat(bdat) => self.bdat(bdat, now).await,
            Command::Rset => {
                self.reset();
                self.idle_command(&reply::OK)
            }
            Command::Noop => self.idle_command(&reply::OK),
            Command::Help => match self.config.role {
                Role::Lmtp => self.idle_command(&reply::HELP_LMTP),
                Role::Mx | Role::Submission => self.idle_command(&reply::HELP),
            },
            Command::Vrfy(_) => self.idle_command(&reply::CANNOT_VERIFY),
            Command::Expn(_) => self.mistake(&reply::EXPN_OFF),
            Command::Quit => self.close(&reply::BYE),
            Command::StartTls => self.start_tls(),
            Command::Auth(auth) => self.auth(auth).await,
        }
    }

    fn start_tls(&mut self) -> Next {
        if self.client.tls().is_some() {
            return self.mistake(&reply::TLS_RUNS);
        }
        if self.config.starttls == Offer::No {
            return self.mistake(&reply::NO_TLS);
        }
        if !self.input.is_empty() {
            return self.close(&reply::PIPELINED_TLS);
        }
        self.say(&reply::START_TLS);
        Next::StartTls
    }

    /// Forgets a transaction; an introduction stays.
    fn reset(&mut self) {
        self.state = match self.state {
            State::Connected | State::Fresh => State::Fresh,
            State::Idle
            | State::Refused { .. }
            | State::Login(_)
            | State::Mail(_)
            | State::Transfer(_)
            | State::Discard { .. } => State::Idle,
        };
    }

    fn say(&mut self, reply: &Reply) {
        reply.write(&mut self.output);
    }

    fn answer(&mut self, reply: &Reply) -> Next {
        self.say(reply);
        Next::Continue
    }

    fn close(&mut self, reply: &Reply) -> Next {
        self.say(reply);
        self.running = Running::Closed;
        Next::Close
    }

    /// Answers a command that should not have been sent.
    fn mistake(&mut self, reply: &Reply) -> Next {
        match self.patience.mistake() {
            Verdict::Go => self.answer(reply),
            Verdict::Slow(time) => {
                self.say(reply);
                Next::Wait(time)
            }
            Verdict::Stop => self.close(&reply::TOO_MANY_MISTAKES),
        }
    }

    /// Answers a command that has no place in the transaction; not a mistake where a client that
    /// pipelines could not know (RFC 2920 §3.1).
    fn out_of_turn(&mut self, reply: &Reply) -> Next {
        match &mut self.state {
            State::Refused { pipelined } if *pipelined > 0 => {
                *pipelined -= 1;
                self.answer(reply)
            }
            // Its recipients were refused, and those are counted.
            State::Mail(_) => self.answer(reply),
            State::Connected
            | State::Fresh
            | State::Idle
            | State::Refused { .. }
            | State::Login(_)
            | State::Transfer(_)
            | State::Discard { .. } => self.mistake(reply),
        }
    }

    /// The transaction was refused; what the client has pipelined after it comes yet.
    fn refused(&mut self, reply: &Reply) -> Next {
        self.state = State::Refused {
            pipelined: self.recipients_max() + 1,
        };
        self.answer(reply)
    }

    /// Answers a command that brings no mail.
    fn idle_command(&mut self, reply: &Reply) -> Next {
        match self.patience.idle_command() {
            Verdict::Go | Verdict::Slow(_) => self.answer(reply),
            Verdict::Stop => self.close(&reply::TOO_IDLE),
        }
    }
}

//! The server's side of one connection.
//!
//! ```text
//! Connected ─greeting─▶ Authorization ─PASS, AUTH─▶ Transaction ─QUIT─▶ update, over
//!                        │     ▲                     │       ▲
//!                        └AUTH─┴ Login               └LIST, RETR┴ Sending
//! ```
//! The server around it reads octets into [`Session::input`], calls [`Session::step`] until it says
//! [`Next::Read`], and writes [`Session::output`]; see [`Next`]. A session that ends without QUIT, by
//! a time-out, a lost connection or a restart, removes nothing (RFC 1939 §6).

mod authorization;
mod backend;
mod config;
mod sending;
mod transaction;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use roost_proto_sasl::Dialogue;

pub use backend::{Backend, Maildrop};
pub use config::{Config, Security, Stls};
use sending::Sending;
use transaction::Transaction;

use crate::frame::{Frame, Framer};
use crate::grammar::{Command, Malformed};
use crate::limits::{LOGIN_DELAY, LOGINS_FAILED_MAX, MISTAKES_MAX, OUTPUT_MARK};
use crate::reply::{self, Reply};

/// What the server does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Call [`Session::step`] again; output may wait.
    Continue,
    /// Write the output, then call [`Session::step`] again.
    Write,
    /// Write the output, then read until [`Session::deadline`], else [`Session::timeout`].
    Read,
    /// Wait this long, and only then write the output: the client has earned it.
    Wait(Duration),
    /// Write the output, start TLS, then [`Session::secured`].
    StartTls,
    /// Write the output; from then on the connection is the backend's, and what
    /// [`Session::input`] holds goes to where it leads.
    HandOver,
    /// Write the output and close.
    Close,
}

/// One connection of a client.
pub struct Session<B: Backend> {
    backend: B,
    config: Arc<Config>,
    security: Security,
    state: State<B>,
    framer: Framer,
    input: BytesMut,
    output: BytesMut,
    mistakes: u32,
    failed_logins: u32,
    deadline: Instant,
    running: Running,
}

/// Where the session stands.
enum State<B: Backend> {
    /// The greeting is not out.
    Connected,
    /// Nobody has logged in; the name that USER gave.
    Authorization { user: Option<String> },
    /// An AUTH exchange.
    Login(Dialogue<B::Account>),
    /// Somebody has.
    Transaction(Transaction<B>),
    /// A multi-line response is going out.
    Sending(Transaction<B>, Sending<B::Message>),
}

/// Whether the server wants the session to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Running {
    Yes,
    /// It ends after the response in hand.
    Draining,
    Closed,
}

impl<B: Backend> Session<B> {
    /// A session on a fresh connection; its first [`Session::step`] greets.
    pub fn new(backend: B, config: Arc<Config>, security: Security, now: Instant) -> Self {
        Self {
            deadline: now + config.timeout,
            backend,
            config,
            security,
            state: State::Connected,
            framer: Framer::default(),
            input: BytesMut::new(),
            output: BytesMut::new(),
            mistakes: 0,
            failed_logins: 0,
            running: Running::Yes,
        }
    }

    /// Where the server puts what it reads, some kilobytes at a time, after [`Next::Read`].
    pub fn input(&mut self) -> &mut BytesMut {
        &mut self.input
    }

    /// What the server writes, and then clears.
    pub fn output(&mut self) -> &mut BytesMut {
        &mut self.output
    }

    /// The account that has logged in.
    #[must_use]
    pub fn account(&self) -> Option<&B::Account> {
        match &self.state {
            State::Transaction(transaction) | State::Sending(transaction, _) => {
                Some(transaction.account())
            }
            State::Connected | State::Authorization { .. } | State::Login(_) => None,
        }
    }

    /// When [`Session::timeout`] wants to be called, if nothing could be read until then.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Handles the next line of the input, or the next piece of a response.
    pub async fn step(&mut self, now: Instant) -> Next {
        match (self.running, &self.state) {
            (Running::Closed, _) => return Next::Close,
            (_, State::Connected) => {
                self.state = State::Authorization { user: None };
                self.answer(&Reply::ok(reply::GREETING));
                return Next::Write;
            }
            _ if self.output.len() >= OUTPUT_MARK => return Next::Write,
            (_, State::Sending(..)) => {
                self.deadline = now + self.config.timeout;
                return self.send().await;
            }
            // There is no way to say goodbye between two commands (RFC 1939 §3).
            (Running::Draining, _) => return self.close(),
            (Running::Yes, _) => {}
        }
        let Some(frame) = self.framer.next(&mut self.input) else {
            return Next::Read;
        };
        let next = self.frame(frame).await;
        self.deadline = now + self.config.timeout;
        next
    }

    /// The deadline has passed. RFC 1939 §3: close without removing and without saying anything.
    pub fn timeout(&mut self, now: Instant) -> Next {
        match now < self.deadline {
            true => Next::Read,
            false => self.close(),
        }
    }

    /// The server shuts down: the response in hand is still sent, then the connection closed.
    pub fn drain(&mut self) {
        if self.running == Running::Yes {
            self.running = Running::Draining;
        }
    }

    /// TLS is up after [`Next::StartTls`]; all that was said before is forgotten.
    pub fn secured(&mut self, now: Instant) {
        self.security = Security::Tls;
        self.state = State::Authorization { user: None };
        self.framer = Framer::default();
        self.input.clear();
        self.deadline = now + self.config.timeout;
    }

    async fn frame(&mut self, frame: Frame) -> Next {
        match (frame, &self.state) {
            (Frame::Line(line), State::Login(_)) => self.login_line(&line).await,
            (Frame::TooLong, State::Login(_)) => {
                self.state = State::Authorization { user: None };
                self.mistake(&reply::LOGIN_MALFORMED)
            }
            (Frame::TooLong, _) => self.mistake(&reply::LINE_TOO_LONG),
            (Frame::Line(line), _) => match Command::parse(&line) {
                Ok(command) => self.command(command).await,
                Err(Malformed::Keyword) => self.mistake(&reply::UNKNOWN_COMMAND),
                Err(Malformed::Arguments) => self.mistake(&reply::BAD_ARGUMENTS),
                Err(Malformed::TooLong) => self.mistake(&reply::LINE_TOO_LONG),
            },
        }
    }

    /// RFC 1939 §4 and §5: which command is allowed in which state.
    async fn command(&mut self, command: Command) -> Next {
        let authorized = matches!(self.state, State::Transaction(_));
        match command {
            Command::Capa => self.capa(),
            Command::Quit if authorized => self.update().await,
            Command::Quit => {
                self.answer(&Reply::ok(reply::BYE));
                self.close()
            }
            Command::User(name) if !authorized => self.user(name),
            Command::Pass(password) if !authorized => self.pass(&password).await,
            Command::Auth(auth) if !authorized => self.auth(auth).await,
            Command::Stls if !authorized => self.stls(),
            // RFC 6856 §2: messages and their header fields may be UTF-8. They go out as they are
            // with and without it. departs: §2 would have them converted for clients that do not
            // ask; every client in use reads them, and a converted one fails its signature.
            Command::Utf8 if !authorized => self.answer(&Reply::ok("UTF8 it is")),
            Command::Xclient(fields) if !authorized => match self.backend.forwarded(&fields) {
                true => self.answer(&Reply::ok("")),
                false => self.mistake(&reply::NO_PROXY),
            },
            Command::Noop if authorized => self.answer(&Reply::ok("")),
            Command::Stat if authorized => self.stat(),
            Command::List(number) if authorized => self.list(number),
            Command::Uidl(number) if authorized => self.uidl(number),
            Command::Retr(number) if authorized => self.retrieve(number, None).await,
            Command::Top(number, lines) if authorized => self.retrieve(number, Some(lines)).await,
            Command::Dele(number) if authorized => self.dele(number),
            Command::Rset if authorized => self.rset(),
            Command::User(_)
            | Command::Pass(_)
            | Command::Auth(_)
            | Command::Stls
            | Command::Utf8
            | Command::Noop
            | Command::Stat
            | Command::List(_)
            | Command::Uidl(_)
            | Command::Retr(_)
            | Command::Top(..)
            | Command::Dele(_)
            | Command::Rset
            | Command::Xclient(_) => self.mistake(&reply::NOT_NOW),
        }
    }

    fn answer(&mut self, reply: &Reply) -> Next {
        reply.write(&mut self.output);
        Next::Continue
    }

    fn close(&mut self) -> Next {
        self.running = Running::Closed;
        Next::Close
    }

    /// Answers a command that should not have been sent.
    fn mistake(&mut self, reply: &Reply) -> Next {
        self.mistakes += 1;
        if self.mistakes > MISTAKES_MAX {
            self.answer(&reply::TOO_MANY_MISTAKES);
            return self.close();
        }
        self.answer(reply)
    }

    fn login_failed(&mut self, reply: &Reply) -> Next {
        self.failed_logins += 1;
        if self.failed_logins > LOGINS_FAILED_MAX {
            self.answer(&reply::TOO_MANY_LOGINS);
            return self.close();
        }
        self.answer(reply);
        Next::Wait(LOGIN_DELAY * (1 << (self.failed_logins - 1)))
    }
}

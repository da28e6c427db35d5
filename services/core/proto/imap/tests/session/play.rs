//! A connection driven as a server drives it, without one.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use roost_proto_imap::limits::Limits;
use roost_proto_imap::{Connection, Next, Out, Security, Settings, StartTls};
use roost_proto_sasl::Mechanism;

use crate::table::Table;

/// One client of a table.
pub(crate) struct Client {
    connection: Option<Connection<Table>>,
    out: Out,
    now: Instant,
    /// What the server has sent and nobody has looked at.
    pub(crate) sent: Vec<u8>,
    pub(crate) closed: bool,
    /// How long answers had to wait.
    pub(crate) waited: Duration,
    /// The most that ever waited in `Out`.
    pub(crate) high_water: usize,
}

pub(crate) fn settings() -> Settings {
    Settings {
        limits: Limits {
            message_size_max: 100_000,
            ..Limits::default()
        },
        starttls: StartTls::Offered,
        mechanisms: [Mechanism::Plain, Mechanism::ScramSha256]
            .into_iter()
            .collect(),
        server: ("Roost", "0.1.0"),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "an origin; only differences matter"
)]
fn origin() -> Instant {
    Instant::now()
}

impl Client {
    pub(crate) fn new(table: &Table, security: Security) -> Self {
        Self::with(table, security, settings())
    }

    pub(crate) fn with(table: &Table, security: Security, settings: Settings) -> Self {
        let now = origin();
        let mut out = Out::new(settings.limits.out_octets);
        let connection = Connection::new(table.clone(), Arc::new(settings), security, now);
        connection.greet(&mut out);
        let mut client = Self {
            connection: Some(connection),
            out,
            now,
            sent: Vec::new(),
            closed: false,
            waited: Duration::ZERO,
            high_water: 0,
        };
        client.flush();
        client
    }

    /// A client that has logged in and thrown away what it was told.
    pub(crate) fn logged_in(table: &Table) -> Self {
        let mut client = Self::new(table, Security::Tls);
        client.say("x LOGIN alice secret\r\n");
        client.sent.clear();
        client
    }

    pub(crate) fn say(&mut self, text: &str) {
        self.send(text.as_bytes());
    }

    pub(crate) fn send(&mut self, octets: &[u8]) {
        if let Some(connection) = &mut self.connection {
            connection.buffer().extend_from_slice(octets);
        }
        self.run();
    }

    /// Sends, and takes what comes back.
    pub(crate) fn ask(&mut self, text: &str) -> String {
        self.say(text);
        String::from_utf8_lossy(&std::mem::take(&mut self.sent)).into_owned()
    }

    /// Does what a server's loop does until there is nothing to do.
    pub(crate) fn run(&mut self) {
        while !self.closed {
            let Some(connection) = &mut self.connection else {
                return;
            };
            let next = now(connection.advance(self.now, &mut self.out));
            self.high_water = self.high_water.max(self.out.len());
            self.flush();
            match next {
                Next::Read => return,
                Next::Write => {}
                Next::Wait(delay) => {
                    self.waited += delay;
                    self.now += delay;
                }
                Next::StartTls => {
                    let connection = self.connection.take().unwrap();
                    self.connection = Some(connection.after_tls(self.now));
                }
                // Handed over: it is over for this session.
                Next::HandOver | Next::Close => self.closed = true,
            }
        }
    }

    /// Lets time pass as a server with nothing to read does.
    pub(crate) fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(connection) = &mut self.connection
            && !self.closed
            && connection.deadline() <= until
        {
            self.now = self.now.max(connection.deadline());
            self.closed = connection.timeout(self.now, &mut self.out) == Next::Close;
            self.flush();
        }
        self.now = until;
    }

    /// Whether the server's loop would wake up because of a change.
    pub(crate) fn is_woken(&self) -> bool {
        let connection = self.connection.as_ref().unwrap();
        let mut context = Context::from_waker(Waker::noop());
        pin!(connection.changed()).poll(&mut context).is_ready()
    }

    fn flush(&mut self) {
        self.sent.extend(self.out.take_all());
    }
}

/// Runs a future that waits for nothing but its turn.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    for _ in 0..100_000 {
        if let Poll::Ready(value) = future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        {
            return value;
        }
    }
    panic!("the table never waits");
}

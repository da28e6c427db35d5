//! A session behind its frame: what a server drives.
//!
//! ```text
//! let mut connection = Connection::new(…); connection.greet(&mut out);
//! loop {
//!     match connection.advance(now, &mut out).await {
//!         Read     => write all of `out`; then select! {
//!                         read into connection.buffer(), end of stream => stop
//!                         connection.changed()
//!                         until connection.deadline() => connection.timeout(now, &mut out)
//!                     }
//!         Write    => write from `out` until it is not full
//!         Wait(d)  => write all of `out`; sleep d
//!         StartTls => write all of `out`; negotiate; connection = connection.after_tls(now)
//!         HandOver => write all of `out`; whoever the backend connected goes on with connection.buffer()
//!         Close    => write all of `out`; stop
//!     }
//! }
//! ```

use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;

use crate::backend::Backend;
use crate::frame::{Event, Frame, LiteralMode};
use crate::out::Out;
use crate::session::{Admission, Next, Security, Session, Settings};

/// A client's connection, without its socket.
pub struct Connection<B: Backend> {
    frame: Frame,
    session: Session<B>,
    /// How much of the frame's buffer had been seen when the session last ran.
    seen: usize,
    closed: bool,
}

impl<B: Backend> Connection<B> {
    /// A connection that has just been accepted.
    pub fn new(backend: B, settings: Arc<Settings>, security: Security, now: Instant) -> Self {
        Self::with(Session::new(backend, settings, security, now))
    }

    fn with(session: Session<B>) -> Self {
        let frame = Frame::new(session.skip_max());
        Self {
            frame,
            session,
            seen: 0,
            closed: false,
        }
    }

    /// Greets; not after STARTTLS.
    pub fn greet(&self, out: &mut Out) {
        self.session.greet(out);
    }

    /// The connection after TLS has been negotiated: what was pipelined before is forgotten.
    #[must_use]
    pub fn after_tls(self, now: Instant) -> Self {
        Self::with(self.session.after_tls(now))
    }

    /// Where to put octets from the client: append only.
    pub fn buffer(&mut self) -> &mut BytesMut {
        self.frame.buffer()
    }

    /// Handles what has been received, as far as there is room in `out`.
    pub async fn advance(&mut self, now: Instant, out: &mut Out) -> Next {
        if self.closed {
            return Next::Close;
        }
        if self.frame.buffer().len() > self.seen {
            self.session.heard(now);
        }
        let next = self.run(now, out).await;
        self.seen = self.frame.buffer().len();
        self.closed = next == Next::Close;
        next
    }

    async fn run(&mut self, now: Instant, out: &mut Out) -> Next {
        if self.session.is_idling() {
            match self.session.change(now, out).await {
                Next::Read => {}
                other => return other,
            }
        }
        loop {
            if self.session.is_busy() {
                match self.session.resume(out).await {
                    Next::Read => {}
                    other => return other,
                }
            }
            if out.is_full() {
                return Next::Write;
            }
            let next = match self.frame.next_event() {
                Event::More => return Next::Read,
                Event::Command(raw) => self.session.command(now, raw, out).await,
                Event::Refused(refusal) => self.session.refused(&refusal, out),
                Event::Lost(refusal) => self.session.lost(&refusal, out),
                Event::Literal(literal) => match self.session.literal(&literal, out).await {
                    Admission::Granted => {
                        self.frame.accept();
                        Next::Read
                    }
                    Admission::Refused => self.skip(literal.size, literal.mode, out),
                },
            };
            self.frame.skip_at_most(self.session.skip_max());
            if next != Next::Read {
                return next;
            }
        }
    }

    /// Drops a command whose literal has been refused.
    fn skip(&mut self, size: u64, mode: LiteralMode, out: &mut Out) -> Next {
        if mode == LiteralMode::NonSynchronising && !self.frame.can_skip(size) {
            return self.session.too_large(out);
        }
        self.frame.refuse();
        Next::Read
    }

    /// Resolves when an idling client's mailbox may have changed: then [`Connection::advance`]. Never
    /// resolves otherwise. Safe to cancel.
    pub async fn changed(&self) {
        self.session.changed().await;
    }

    /// When [`Connection::timeout`] wants to be called.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.session.deadline()
    }

    /// Does what is due.
    pub fn timeout(&mut self, now: Instant, out: &mut Out) -> Next {
        let next = self.session.timeout(now, out);
        self.closed = next == Next::Close;
        next
    }

    /// Says goodbye because the server stops; between commands.
    pub fn shut_down(&mut self, out: &mut Out) -> Next {
        self.closed = true;
        self.session.shut_down(out)
    }
}

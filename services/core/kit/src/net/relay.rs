//! Two connections joined: what one says, the other hears.
//!
//! A joined pair that is silent holds no buffer: octets are read through one on the stack when they
//! are there, and kept only as far as the other side does not take them. While something is kept,
//! nothing more is read from that side, so that a slow reader costs one stretch at most.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant as TokioInstant, Sleep, sleep};

use super::Stream;

/// Octets moved at a time: four TLS records (RFC 8446 §5.1), so that a large message costs few
/// system calls. Also the most that is kept for a side that does not read.
const STRETCH: usize = 64 * 1024;
/// How many stretches one pair moves before others have their turn.
const TURNS: usize = 8;
/// How long the other side may go on after one side has said its last word, or leave untaken what it
/// is sent, unless [`Relay::patient_for`] says otherwise.
const PATIENCE: Duration = Duration::from_secs(120);

/// How a joined pair came apart.
#[derive(Debug)]
pub enum Severed {
    /// The client hung up first.
    ClientLeft,
    /// The server closed first.
    ServerClosed,
    /// The connection to the client broke.
    ClientBroke(io::Error),
    /// The connection to the server broke.
    ServerBroke(io::Error),
    /// One side took nothing for too long.
    Stalled,
}

impl fmt::Display for Severed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClientLeft => f.write_str("the client hung up"),
            Self::ServerClosed => f.write_str("the server closed"),
            Self::ClientBroke(error) => write!(f, "the client's connection broke: {error}"),
            Self::ServerBroke(error) => write!(f, "the server's connection broke: {error}"),
            Self::Stalled => f.write_str("one side took nothing for too long"),
        }
    }
}

/// What one side has said and the other has not heard yet; outlives a [`Relay::run`] that is dropped.
#[derive(Debug)]
pub struct Relay {
    /// From the client to the server.
    forth: Way,
    /// From the server to the client.
    back: Way,
    patience: Duration,
}

impl Relay {
    /// A pair of which `to_server` and `to_client` were read before; they go first.
    #[must_use]
    pub fn new(to_server: Bytes, to_client: Bytes) -> Self {
        Self {
            forth: Way::new(to_server),
            back: Way::new(to_client),
            patience: PATIENCE,
        }
    }

    /// Another time for which one side may take nothing, or go on after the other has ended.
    #[must_use]
    pub const fn patient_for(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Octets from the client to the server so far.
    #[must_use]
    pub const fn forth(&self) -> u64 {
        self.forth.octets
    }

    /// Octets from the server to the client so far.
    #[must_use]
    pub const fn back(&self) -> u64 {
        self.back.octets
    }

    /// Whether the client has heard everything, and its end was the end of a line: a moment at which
    /// somebody else may say something.
    #[must_use]
    pub fn is_at_line_end(&self) -> bool {
        self.back.kept.is_empty() && self.back.last == b'\n'
    }

    /// Moves octets between the two until one of them ends and the other has heard all of it. Safe to
    /// cancel, and to be called again.
    pub async fn run(&mut self, client: &mut Stream, server: &mut Stream) -> Severed {
        let Self {
            forth,
            back,
            patience,
        } = self;
        let patience = *patience;
        let mut ending: Option<(Severed, Pin<Box<Sleep>>)> = None;
        let mut stalled: Option<Pin<Box<Sleep>>> = None;
        poll_fn(|context| {
            if let Err(fault) = forth.go(context, client, server) {
                return Poll::Ready(fault.of(Severed::ClientBroke, Severed::ServerBroke));
            }
            if let Err(fault) = back.go(context, server, client) {
                return Poll::Ready(fault.of(Severed::ServerBroke, Severed::ClientBroke));
            }
            if ending.is_none() {
                let first = match (forth.state, back.state) {
                    (_, State::Done) => Some(Severed::ServerClosed),
                    (State::Done, _) => Some(Severed::ClientLeft),
                    _ => None,
                };
                ending = first.map(|how| (how, Box::pin(sleep(patience))));
            }
            if let Some((_, limit)) = &mut ending {
                // A server that has closed has said everything; a client may still be answered.
                let over = back.state == State::Done || limit.as_mut().poll(context).is_ready();
                if over && let Some((how, _)) = ending.take() {
                    return Poll::Ready(how);
                }
            }
            match forth.is_stuck() || back.is_stuck() {
                false => stalled = None,
                true => {
                    let limit = stalled.get_or_insert_with(|| Box::pin(sleep(patience)));
                    if std::mem::take(&mut forth.moved) | std::mem::take(&mut back.moved) {
                        limit.as_mut().reset(TokioInstant::now() + patience);
                    }
                    if limit.as_mut().poll(context).is_ready() {
                        return Poll::Ready(Severed::Stalled);
                    }
                }
            }
            Poll::Pending
        })
        .await
    }
}

/// One direction.
#[derive(Debug)]
struct Way {
    state: State,
    /// What was read and not taken yet.
    kept: Bytes,
    /// Whether something was written that may still lie in TLS.
    unflushed: bool,
    octets: u64,
    /// The last octet that was written.
    last: u8,
    /// Whether something moved since it was last looked.
    moved: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// The reader has heard everything and is told that nothing follows.
    Closing,
    Done,
}

/// Which side an error came from.
enum Fault {
    Source(io::Error),
    Target(io::Error),
}

impl Fault {
    fn of(
        self,
        source: impl FnOnce(io::Error) -> Severed,
        target: impl FnOnce(io::Error) -> Severed,
    ) -> Severed {
        match self {
            Self::Source(error) => source(error),
            Self::Target(error) => target(error),
        }
    }
}

impl Way {
    fn new(kept: Bytes) -> Self {
        Self {
            state: State::Open,
            kept,
            unflushed: false,
            octets: 0,
            last: b'\n',
            moved: false,
        }
    }

    /// Whether it waits for the one who reads.
    fn is_stuck(&self) -> bool {
        !self.kept.is_empty() || self.unflushed || self.state == State::Closing
    }

    /// Moves what can be moved now.
    fn go(
        &mut self,
        context: &mut Context<'_>,
        from: &mut Stream,
        to: &mut Stream,
    ) -> Result<(), Fault> {
        for _ in 0..TURNS {
            if self.write_kept(context, to)?.is_pending() {
                return Ok(());
            }
            match self.state {
                State::Done => return Ok(()),
                State::Closing => return self.close(context, to),
                State::Open => {}
            }
            match self.read_on(context, from, to)? {
                Poll::Pending => return self.flush(context, to),
                Poll::Ready(()) => {}
            }
        }
        // Others first, then this one again.
        context.waker().wake_by_ref();
        self.flush(context, to)
    }

    fn write_kept(
        &mut self,
        context: &mut Context<'_>,
        to: &mut Stream,
    ) -> Result<Poll<()>, Fault> {
        while !self.kept.is_empty() {
            match Pin::new(&mut *to).poll_write(context, &self.kept) {
                Poll::Pending => return Ok(Poll::Pending),
                Poll::Ready(Ok(0)) => return Err(Fault::Target(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(count)) => {
                    let written = self.kept.split_to(count);
                    self.wrote(&written);
                }
                Poll::Ready(Err(error)) => return Err(Fault::Target(error)),
            }
        }
        self.kept = Bytes::new();
        Ok(Poll::Ready(()))
    }

    /// Reads a stretch and hands it on; what is not taken is kept.
    fn read_on(
        &mut self,
        context: &mut Context<'_>,
        from: &mut Stream,
        to: &mut Stream,
    ) -> Result<Poll<()>, Fault> {
        let mut octets = [const { MaybeUninit::uninit() }; STRETCH];
        let mut buffer = ReadBuf::uninit(&mut octets);
        match Pin::new(from).poll_read(context, &mut buffer) {
            Poll::Pending => return Ok(Poll::Pending),
            // TLS without its goodbye: many clients just go.
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {}
            Poll::Ready(Err(error)) => return Err(Fault::Source(error)),
            Poll::Ready(Ok(())) => {}
        }
        let read = buffer.filled();
        if read.is_empty() {
            self.state = State::Closing;
            return Ok(Poll::Ready(()));
        }
        let mut taken = 0;
        while let Some(rest) = read.get(taken..).filter(|rest| !rest.is_empty()) {
            match Pin::new(&mut *to).poll_write(context, rest) {
                Poll::Pending => {
                    self.kept = Bytes::copy_from_slice(rest);
                    break;
                }
                Poll::Ready(Ok(0)) => return Err(Fault::Target(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(count)) => {
                    taken += count;
                    self.wrote(rest.get(..count).unwrap_or_default());
                }
                Poll::Ready(Err(error)) => return Err(Fault::Target(error)),
            }
        }
        Ok(Poll::Ready(()))
    }

    fn wrote(&mut self, octets: &[u8]) {
        self.octets += octets.len() as u64;
        self.last = octets.last().copied().unwrap_or(self.last);
        self.unflushed = true;
        self.moved = true;
    }

    fn flush(&mut self, context: &mut Context<'_>, to: &mut Stream) -> Result<(), Fault> {
        if self.unflushed {
            match Pin::new(to).poll_flush(context) {
                Poll::Pending => {}
                Poll::Ready(Ok(())) => self.unflushed = false,
                Poll::Ready(Err(error)) => return Err(Fault::Target(error)),
            }
        }
        Ok(())
    }

    fn close(&mut self, context: &mut Context<'_>, to: &mut Stream) -> Result<(), Fault> {
        match Pin::new(to).poll_shutdown(context) {
            Poll::Pending => Ok(()),
            Poll::Ready(Ok(())) => {
                self.state = State::Done;
                self.unflushed = false;
                Ok(())
            }
            // The other side was faster.
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::NotConnected => {
                self.state = State::Done;
                Ok(())
            }
            Poll::Ready(Err(error)) => Err(Fault::Target(error)),
        }
    }
}

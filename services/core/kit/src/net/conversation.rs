//! A session on a socket: reading, writing, timers, TLS, the drain. The same for every protocol; what
//! is said is the session's business.
//!
//! Memory while a client is silent: no read buffer is held (octets are read through one on the
//! stack), and the session's input and output are empty.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Poll, ready};
use std::time::{Duration, Instant};

use super::{NetError, Stream, TlsDetails};
use crate::clock::Clock;
use crate::fields::Chain;
use crate::tls::Tls;
use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio_util::sync::CancellationToken;

/// Octets read at a time: one TLS record (RFC 8446 §5.1) at most.
const READ_OCTETS: usize = 16 * 1024;

/// How long, and how much, is read after our last words.
const LINGER: Duration = Duration::from_millis(500);
const LINGER_OCTETS: usize = 1 << 20;

/// What the server does next for a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Step again.
    Continue,
    /// Write what waits, then step again.
    Write,
    /// Write what waits, then read.
    Read,
    /// Wait, and only then write what waits.
    Wait(Duration),
    /// Write what waits, then begin TLS.
    StartTls,
    /// Write what waits, then leave the connection to whoever called [`negotiate`].
    HandOver,
    /// Write what waits, then close.
    Close,
}

/// A protocol's session, as the server around it sees it.
pub trait Conversation: Send + Sized {
    /// What waits to be written.
    type Output: Buf + Send;

    /// Does the next thing that the input allows.
    fn step(&mut self, now: Instant) -> impl Future<Output = Turn> + Send;

    /// Resolves when there is something to say though the client is silent; then `step` is called.
    /// Safe to cancel.
    fn news(&mut self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }

    /// When `timeout` wants to be called if nothing was read.
    fn deadline(&self) -> Instant;

    /// The deadline has passed.
    fn timeout(&mut self, now: Instant) -> Turn;

    /// The server shuts down: finish what is in hand and say bye.
    fn drain(&mut self);

    /// TLS is up: the session that goes on.
    #[must_use]
    fn secured(self, tls: TlsDetails, now: Instant) -> Self;

    /// Gives back what is not needed while the client is silent.
    fn rest(&mut self);

    /// Where what is read goes.
    fn input(&mut self) -> &mut BytesMut;

    /// What waits to be written.
    fn output(&mut self) -> &mut Self::Output;
}

/// What a conversation needs of the daemon.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// What time it is.
    pub clock: Clock,
    /// The certificates for STARTTLS.
    pub tls: Tls,
    /// Fires when sessions should end.
    pub draining: CancellationToken,
    /// How long a client may take none of what is sent to it. The protocols' own timeouts begin when
    /// all of it is sent.
    pub write_timeout: Duration,
}

/// How a conversation ended, and how much was said.
#[derive(Debug)]
pub struct Ended {
    /// Why.
    pub how: How,
    /// Octets that the peer sent.
    pub octets_in: u64,
    /// Octets that it was sent.
    pub octets_out: u64,
}

/// How a conversation ended.
#[derive(Debug)]
pub enum How {
    /// The session closed it.
    Closed,
    /// The peer hung up.
    HungUp,
    /// The connection broke.
    Broken(io::Error),
    /// TLS could not be begun.
    NoTls(NetError),
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("closed"),
            Self::HungUp => f.write_str("the client hung up"),
            Self::Broken(error) => write!(f, "the connection broke: {error}"),
            Self::NoTls(error) => write!(f, "{}", Chain(error)),
        }
    }
}

/// What woke a session that waits for its client.
enum Woken {
    Read(usize),
    News,
    Deadline,
    Drain,
}

/// Talks until one side ends it.
pub async fn converse<C: Conversation>(stream: Stream, session: C, around: &Surroundings) -> Ended {
    negotiate(stream, session, around).await.0
}

/// Talks until one side ends it or the session hands the connection over; then both come back, with
/// what the client has sent already in the session's input.
pub async fn negotiate<C: Conversation>(
    stream: Stream,
    session: C,
    around: &Surroundings,
) -> (Ended, Option<(Stream, C)>) {
    let mut line = Line {
        stream: Some(stream),
        octets_in: 0,
        octets_out: 0,
        write_timeout: around.write_timeout,
    };
    let (how, session) = match talk(&mut line, session, around).await {
        Ok(session) => (How::Closed, session),
        Err(how) => (how, None),
    };
    let ended = Ended {
        how,
        octets_in: line.octets_in,
        octets_out: line.octets_out,
    };
    (ended, line.stream.take().zip(session))
}

/// A connection with its counters.
struct Line {
    /// There but while TLS begins.
    stream: Option<Stream>,
    octets_in: u64,
    octets_out: u64,
    write_timeout: Duration,
}

async fn talk<C: Conversation>(
    line: &mut Line,
    mut session: C,
    around: &Surroundings,
) -> Result<Option<C>, How> {
    let mut drained = false;
    let mut turn = Turn::Continue;
    loop {
        if turn == Turn::Continue {
            // In a place of its own: the state of a command that is being handled is large, and most
            // sessions wait most of the time.
            turn = Box::pin(session.step(around.clock.instant())).await;
            continue;
        }
        if let Turn::Wait(time) = turn {
            tokio::time::sleep(time).await;
        }
        line.write(session.output()).await.map_err(How::Broken)?;
        turn = match turn {
            Turn::Continue | Turn::Write | Turn::Wait(_) => Turn::Continue,
            Turn::Close => {
                line.close().await.map_err(How::Broken)?;
                return Ok(None);
            }
            Turn::HandOver => return Ok(Some(session)),
            Turn::StartTls => {
                let details = line.start_tls(&around.tls).await.map_err(How::NoTls)?;
                session = session.secured(details, around.clock.instant());
                Turn::Continue
            }
            Turn::Read => match wait(line, &mut session, around, drained).await {
                Ok(Woken::Read(0)) => return Err(How::HungUp),
                Ok(Woken::Read(_) | Woken::News) => Turn::Continue,
                Ok(Woken::Deadline) => session.timeout(around.clock.instant()),
                Ok(Woken::Drain) => {
                    drained = true;
                    session.drain();
                    Turn::Continue
                }
                // TLS without its goodbye: many clients just go.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Err(How::HungUp);
                }
                Err(error) => return Err(How::Broken(error)),
            },
        }
    }
}

/// Waits for the client, the backend, the clock or the drain.
async fn wait<C: Conversation>(
    line: &mut Line,
    session: &mut C,
    around: &Surroundings,
    drained: bool,
) -> io::Result<Woken> {
    let patience = session
        .deadline()
        .saturating_duration_since(around.clock.instant());
    session.rest();
    let mut read = BytesMut::new();
    // Cancel-safe: octets that were read are in `read` before the read completes, `news` and the
    // token have no state.
    // What was sent in time counts, even where we come late to read it.
    let woken = tokio::select! {
        biased;
        () = around.draining.cancelled(), if !drained => Woken::Drain,
        read = line.read(&mut read) => Woken::Read(read?),
        () = session.news() => Woken::News,
        () = tokio::time::sleep(patience) => Woken::Deadline,
    };
    session.input().extend_from_slice(&read);
    Ok(woken)
}

/// Gives an empty buffer back, unless room was made in it for something large.
pub fn release_buffer(buffer: &mut BytesMut) {
    if buffer.is_empty() && buffer.capacity() <= READ_OCTETS {
        *buffer = BytesMut::new();
    }
}

impl Line {
    fn stream(&mut self) -> io::Result<&mut Stream> {
        self.stream
            .as_mut()
            .ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Reads what is there, through a buffer on the stack. 0 is the end.
    async fn read(&mut self, into: &mut BytesMut) -> io::Result<usize> {
        let stream = self.stream()?;
        let count = poll_fn(|context| {
            let mut octets = [MaybeUninit::uninit(); READ_OCTETS];
            let mut buffer = ReadBuf::uninit(&mut octets);
            ready!(Pin::new(&mut *stream).poll_read(context, &mut buffer))?;
            into.extend_from_slice(buffer.filled());
            Poll::Ready(io::Result::Ok(buffer.filled().len()))
        })
        .await?;
        self.octets_in += count as u64;
        Ok(count)
    }

    /// Writes everything that waits.
    async fn write(&mut self, output: &mut impl Buf) -> io::Result<()> {
        if !output.has_remaining() {
            return Ok(());
        }
        let patience = self.write_timeout;
        while output.has_remaining() {
            let count = patiently(patience, self.stream()?.write_buf(output)).await?;
            if count == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.octets_out += count as u64;
        }
        patiently(patience, self.stream()?.flush()).await
    }

    /// Begins TLS. What was read before is the session's to forget.
    async fn start_tls(&mut self, tls: &Tls) -> Result<TlsDetails, NetError> {
        let stream = self.stream.take().ok_or(NetError::TlsUnavailable)?;
        let stream = stream.upgrade(tls).await?;
        let details = stream.tls().ok_or(NetError::TlsUnavailable);
        self.stream = Some(stream);
        details
    }

    /// Says that nothing follows, which for TLS is its own message, so that the peer can tell a
    /// whole answer from a cut one.
    async fn close(&mut self) -> io::Result<()> {
        let patience = self.write_timeout;
        let stream = self.stream()?;
        let closing = poll_fn(|context| Pin::new(&mut *stream).poll_shutdown(context));
        match patiently(patience, closing).await {
            Err(error) if error.kind() != io::ErrorKind::NotConnected => Err(error),
            Ok(()) | Err(_) => {
                self.linger().await;
                Ok(())
            }
        }
    }

    /// Reads on for a moment. A socket that is closed while there is something to read resets the
    /// connection, and the peer may never see our last words.
    async fn linger(&mut self) {
        let mut thrown_away = BytesMut::new();
        let reading = async {
            let mut left = LINGER_OCTETS;
            while let Ok(count @ 1..) = self.read(&mut thrown_away).await {
                thrown_away.clear();
                left = left.saturating_sub(count);
                if left == 0 {
                    return;
                }
            }
        };
        // A peer that does not close in time has had its chance.
        drop(tokio::time::timeout(LINGER, reading).await);
    }
}

async fn patiently<T>(
    patience: Duration,
    writing: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    tokio::time::timeout(patience, writing)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

//! A client's connection as the HTTP library sees it: counted, without ambiguous requests, and not
//! for ever.

use std::future::Future;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use roost_kit::net::{Peer, Stream};
use roost_login::SessionId;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::framing::Framing;
use super::limits::{LINGER_TIME, WRITE_PATIENCE};

/// NUL stands nowhere in a head or before a chunk, and with an empty line behind it the library looks:
/// it answers 400, after what it has to answer before, and closes.
const POISON: &[u8] = b"\0\r\n\r\n";
/// Octets thrown away at a time.
const DISCARDED: usize = 16 * 1024;
/// How often, before others have their turn.
const DISCARDS: usize = 16;

/// What is known of one connection, by all of its requests.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) id: SessionId,
    pub(super) peer: Peer,
    /// Whether it speaks TLS.
    pub(super) secure: bool,
    /// The client speaks another protocol from now on, whose octets are its own business.
    pub(super) upgraded: AtomicBool,
    /// Something was refused.
    pub(super) refused: AtomicBool,
    pub(super) requests: AtomicU64,
    /// Requests that are being answered.
    pub(super) running: AtomicUsize,
    pub(super) octets_in: AtomicU64,
    pub(super) octets_out: AtomicU64,
}

impl Line {
    pub(super) fn new(stream: &Stream) -> Self {
        Self {
            id: SessionId::random(),
            peer: stream.peer(),
            secure: stream.is_tls(),
            upgraded: AtomicBool::new(false),
            refused: AtomicBool::new(false),
            requests: AtomicU64::new(0),
            running: AtomicUsize::new(0),
            octets_in: AtomicU64::new(0),
            octets_out: AtomicU64::new(0),
        }
    }

    /// Something that grows with everything that happens.
    pub(super) fn activity(&self) -> u64 {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        count(&self.octets_in)
            .wrapping_add(count(&self.octets_out))
            .wrapping_add(count(&self.requests))
    }
}

/// The connection.
#[derive(Debug)]
pub(super) struct Guard {
    stream: Stream,
    line: Arc<Line>,
    /// Nothing where frames do the framing (HTTP/2).
    framing: Option<Framing>,
    /// Running while the client takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
    /// What is read in the place of what was refused.
    poison: &'static [u8],
    /// Running while what a client still sends is thrown away.
    lingering: Option<Pin<Box<Sleep>>>,
}

impl Guard {
    pub(super) fn new(stream: Stream, line: Arc<Line>) -> Self {
        let framing = (!stream.speaks_http2()).then(Framing::default);
        Self {
            stream,
            line,
            framing,
            stalled: None,
            lingering: None,
            poison: &[],
        }
    }

    /// Reads as what nobody can take for a request; then there is nothing more.
    fn poison(&mut self, buffer: &mut ReadBuf<'_>) {
        let (now, later) = self
            .poison
            .split_at(buffer.remaining().min(self.poison.len()));
        buffer.put_slice(now);
        self.poison = later;
    }

    /// Throws away what comes until the client has closed too, but not for long. Were the connection
    /// closed over octets that nobody has read, the client would be told to forget the answer
    /// (RFC 9112 §9.6).
    fn linger(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let limit = self
            .lingering
            .get_or_insert_with(|| Box::pin(sleep(LINGER_TIME)));
        if limit.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        let mut octets = [MaybeUninit::uninit(); DISCARDED];
        for _ in 0..DISCARDS {
            let mut buffer = ReadBuf::uninit(&mut octets);
            match ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {}
                Ok(()) | Err(_) => return Poll::Ready(()),
            }
        }
        // Others first, then this one again.
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// Ends a wait for the client that has taken too long.
    fn patiently<T>(
        &mut self,
        context: &mut Context<'_>,
        polled: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.stalled = None;
            return polled;
        }
        let limit = self
            .stalled
            .get_or_insert_with(|| Box::pin(sleep(WRITE_PATIENCE)));
        ready!(limit.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Guard {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.line.refused.load(Ordering::Relaxed) {
            this.poison(buffer);
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(context, buffer))?;
        let octets = buffer.filled().get(before..).unwrap_or_default();
        let count = octets.len() as u64;
        this.line.octets_in.fetch_add(count, Ordering::Relaxed);
        let Some(framing) = &mut this.framing else {
            return Poll::Ready(Ok(()));
        };
        if this.line.upgraded.load(Ordering::Relaxed) {
            return Poll::Ready(Ok(()));
        }
        if let Err(ambiguous) = framing.check(octets) {
            this.line.refused.store(true, Ordering::Relaxed);
            buffer.set_filled(before + ambiguous.before);
            this.poison = POISON;
            this.poison(buffer);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Guard {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, octets);
        let count = ready!(self.patiently(context, polled))?;
        self.line
            .octets_out
            .fetch_add(count as u64, Ordering::Relaxed);
        Poll::Ready(Ok(count))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        let count = ready!(self.patiently(context, polled))?;
        self.line
            .octets_out
            .fetch_add(count as u64, Ordering::Relaxed);
        Poll::Ready(Ok(count))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(context);
        self.patiently(context, polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingering.is_none() {
            let polled = Pin::new(&mut self.stream).poll_shutdown(context);
            ready!(self.patiently(context, polled))?;
        }
        match self.line.upgraded.load(Ordering::Relaxed) {
            true => Poll::Ready(Ok(())),
            false => self.linger(context).map(Ok),
        }
    }
}

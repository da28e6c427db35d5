//! Streams of lines.

use std::io;
use std::time::Duration;

use roost_journal::AppendError;
use roost_kit::fields::Chain;
use roost_kit::net::{Peer, Stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

use super::{Desk, source};
use crate::store::intake::BATCH_BYTES;
use crate::store::{Batch, Line, Source, Transport};
use crate::syslog::{Framer, Taken};

/// What is read at a time: at first, and from a sender that keeps it full.
const READ_FIRST: usize = 4 << 10;
const READ_MAX: usize = 128 << 10;
/// When the daemon drains, a stream ends as soon as nothing has come for so long: what a sender has
/// handed over is read.
const QUIET: Duration = Duration::from_millis(250);

/// Receives over TCP.
pub(crate) async fn serve_tcp(desk: Desk, stream: Stream) {
    let peer = stream.peer();
    if desk.admits(peer) {
        receive(desk, stream, source(Transport::Tcp, peer)).await;
    } else {
        turn_away(peer);
    }
}

/// Receives over TLS.
pub(crate) async fn serve_tls(desk: Desk, acceptor: Option<TlsAcceptor>, stream: Stream) {
    let peer = stream.peer();
    if !desk.admits(peer) {
        turn_away(peer);
        return;
    }
    let Some(acceptor) = acceptor else {
        tracing::warn!(%peer, "no certificate for syslog over TLS");
        return;
    };
    match Box::pin(stream.upgrade_by(acceptor)).await {
        Ok(stream) => receive(desk, stream, source(Transport::Tls, peer)).await,
        Err(error) => tracing::info!(%peer, error = %Chain(&error), "no session"),
    }
}

fn turn_away(peer: Peer) {
    tracing::info!(%peer, "may not send (see logger.allow)");
}

async fn receive(desk: Desk, mut stream: Stream, source: Source) {
    let peer = stream.peer();
    let mut receiving = Receiving {
        under_way: desk.intake.stream(),
        framer: Framer::new(desk.line_max),
        desk,
        source,
        buffer: Vec::new(),
        lines: 0,
    };
    let ended = receiving.run(&mut stream).await;
    let lines = receiving.lines;
    match ended {
        Ok(()) => tracing::debug!(%peer, lines, "stream ended"),
        Err(Broken::Peer(error)) => tracing::info!(%peer, lines, %error, "stream broke"),
        Err(Broken::Store(error)) => {
            tracing::error!(%peer, lines, error = %Chain(&error), "lines are not kept");
        }
    }
}

struct Receiving {
    desk: Desk,
    source: Source,
    framer: Framer,
    under_way: crate::store::intake::Stream,
    /// What is read and not yet a line.
    buffer: Vec<u8>,
    lines: u64,
}

#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error(transparent)]
    Peer(#[from] io::Error),
    #[error(transparent)]
    Store(#[from] AppendError),
}

impl Receiving {
    /// Until the sender has shut its side down, or the daemon drains; all lines are durable then.
    async fn run(&mut self, stream: &mut Stream) -> Result<(), Broken> {
        let mut want = READ_FIRST;
        loop {
            let read = self.read(stream, want).await;
            match read {
                Ok(0) => break,
                Ok(count) if count == want => want = (want * 2).min(READ_MAX),
                Ok(_) => {}
                Err(error) => {
                    // What came before is kept; the half of a line is not.
                    self.under_way.settle().await?;
                    return Err(error.into());
                }
            }
            self.take_lines().await?;
            if self.buffer.is_empty() && self.buffer.capacity() > READ_MAX {
                self.buffer = Vec::new();
            }
        }
        if let Some(taken) = self.framer.last(&self.buffer) {
            let mut batch = Batch::default();
            let now = self.desk.now();
            push(&self.desk, &mut batch, taken, self.source, now);
            self.lines += batch.lines();
            self.under_way.put(batch).await?;
        }
        self.under_way.settle().await?;
        // Who does not wait for it may be gone.
        if let Err(error) = stream.shutdown().await {
            tracing::debug!(%error, "the sender does not hear our end");
        }
        Ok(())
    }

    async fn read(&mut self, stream: &mut Stream, want: usize) -> io::Result<usize> {
        let filled = self.buffer.len();
        self.buffer.resize(filled + want, 0);
        let room = self.buffer.get_mut(filled..).unwrap_or_default();
        let read = tokio::select! {
            // Cancel-safe: what a read that is dropped had read would be lost, but it has read nothing
            // when the other side is taken.
            biased;
            read = stream.read(room) => read,
            () = self.desk.draining.cancelled() => Ok(usize::MAX),
        };
        let read = match read {
            Ok(usize::MAX) => match tokio::time::timeout(QUIET, stream.read(room)).await {
                Ok(read) => read,
                Err(_quiet) => Ok(0),
            },
            read => read,
        };
        self.buffer
            .truncate(filled + read.as_ref().copied().unwrap_or(0));
        read
    }

    /// Hands in the lines that are whole.
    async fn take_lines(&mut self) -> Result<(), Broken> {
        let now = self.desk.now();
        let mut batch = Batch::default();
        let mut done = 0;
        loop {
            let rest = self.buffer.get(done..).unwrap_or_default();
            let (octets, taken) = self.framer.take(rest);
            done += octets;
            if let Some(taken) = taken {
                push(&self.desk, &mut batch, taken, self.source, now);
            }
            if octets == 0 {
                break;
            }
            if batch.size() >= BATCH_BYTES {
                self.put(std::mem::take(&mut batch)).await?;
            }
        }
        self.buffer.drain(..done);
        self.put(batch).await
    }

    async fn put(&mut self, batch: Batch) -> Result<(), Broken> {
        let lines = batch.lines();
        self.lines += lines;
        self.desk.counts.received(self.source.transport, lines);
        self.under_way.put(batch).await?;
        Ok(())
    }
}

fn push(desk: &Desk, batch: &mut Batch, taken: Taken<'_>, source: Source, now: i64) {
    let line = Line {
        source,
        received: now,
        is_cut: taken.is_cut,
        octets: taken.line,
    };
    desk.push(batch, line);
}

//! A connection that reads lines.

use std::net::SocketAddr;

use anyhow::{Context, bail, ensure};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// Octets read at a time, and more than any reply has.
const BUFFER: usize = 16 * 1024;

/// A connection that reads lines.
#[derive(Debug)]
pub(crate) struct Line<S = TcpStream> {
    stream: S,
    buffer: Vec<u8>,
    /// What of the buffer has not been looked at.
    from: usize,
    until: usize,
}

impl Line {
    /// Connects.
    pub(crate) async fn connect(to: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(to)
            .await
            .with_context(|| format!("cannot connect to {to}"))?;
        stream.set_nodelay(true)?;
        Ok(Self::over(stream))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Line<S> {
    /// Reads lines from `stream`.
    pub(crate) fn over(stream: S) -> Self {
        Self {
            stream,
            buffer: vec![0; BUFFER],
            from: 0,
            until: 0,
        }
    }

    /// The connection itself; what was read ahead is forgotten.
    pub(crate) fn into_stream(self) -> S {
        self.stream
    }

    /// Sends octets.
    pub(crate) async fn send(&mut self, octets: &[u8]) -> anyhow::Result<()> {
        self.stream.write_all(octets).await?;
        self.stream.flush().await?;
        Ok(())
    }

    /// Reads `count` replies of SMTP or LMTP; each must have the code's first digit `good`.
    pub(crate) async fn replies(&mut self, mut count: usize, good: &[u8]) -> anyhow::Result<()> {
        let mut turn = 0;
        while count > 0 {
            let line = self.next().await?;
            // RFC 5321 §4.2.1: a hyphen after the code says that more lines follow.
            if line.get(3) == Some(&b'-') {
                continue;
            }
            let wanted = good.get(turn).or(good.last());
            if line.first() != wanted {
                bail!("refused: {}", String::from_utf8_lossy(line));
            }
            turn += 1;
            count -= 1;
        }
        Ok(())
    }

    /// Reads lines until one begins with `tag`; the rest of it must begin with `OK`, or, for a tag
    /// of `+`, may be anything.
    pub(crate) async fn tagged(&mut self, tag: &[u8]) -> anyhow::Result<()> {
        loop {
            let line = self.next().await?;
            let Some(rest) = line.strip_prefix(tag) else {
                continue;
            };
            ensure!(
                tag == b"+" || rest.starts_with(b" OK"),
                "refused: {}",
                String::from_utf8_lossy(line)
            );
            return Ok(());
        }
    }

    /// The next line, without its end.
    async fn next(&mut self) -> anyhow::Result<&[u8]> {
        loop {
            let unread = self.buffer.get(self.from..self.until).unwrap_or_default();
            if let Some(end) = unread.iter().position(|octet| *octet == b'\n') {
                let line = self.from..self.from + end;
                self.from += end + 1;
                let line = self.buffer.get(line).unwrap_or_default();
                return Ok(line.strip_suffix(b"\r").unwrap_or(line));
            }
            self.buffer.copy_within(self.from..self.until, 0);
            self.until -= self.from;
            self.from = 0;
            let room = self.buffer.get_mut(self.until..).unwrap_or_default();
            ensure!(!room.is_empty(), "the server's line has no end");
            let count = self.stream.read(room).await?;
            ensure!(count > 0, "the server hung up");
            self.until += count;
        }
    }
}

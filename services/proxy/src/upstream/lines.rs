//! A store's answers, line by line.

use std::io;

use bytes::{Bytes, BytesMut};
use roost_kit::net::Stream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::NotJoined;

/// Longest line that is read: a capability list has about 500 octets.
const LINE_MAX: usize = 8 * 1024;

/// Reads lines from a stream.
pub(super) struct Lines<'a> {
    stream: &'a mut Stream,
    buffer: BytesMut,
}

impl<'a> Lines<'a> {
    pub(super) fn new(stream: &'a mut Stream) -> Self {
        Self {
            stream,
            buffer: BytesMut::new(),
        }
    }

    /// Says all that can be said in one flight, and hears a greeting that begins with `good`.
    pub(super) async fn begin(
        stream: &'a mut Stream,
        question: &str,
        good: &str,
    ) -> Result<Self, NotJoined> {
        let mut lines = Self::new(stream);
        lines.say(question.as_bytes()).await?;
        let greeting = lines.next().await?;
        match greeting.starts_with(good) {
            true => Ok(lines),
            false => Err(NotJoined::Busy(greeting)),
        }
    }

    /// Says something.
    pub(super) async fn say(&mut self, octets: &[u8]) -> Result<(), NotJoined> {
        self.stream.write_all(octets).await?;
        Ok(self.stream.flush().await?)
    }

    /// The next line, without its end.
    pub(super) async fn next(&mut self) -> Result<String, NotJoined> {
        loop {
            if let Some(end) = self.buffer.iter().position(|octet| *octet == b'\n') {
                let line = self.buffer.split_to(end + 1);
                let line = line.strip_suffix(b"\r\n").unwrap_or(&line);
                return String::from_utf8(line.to_vec())
                    .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error).into());
            }
            if self.buffer.len() > LINE_MAX {
                return Err(io::Error::from(io::ErrorKind::InvalidData).into());
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
        }
    }

    /// What was read beyond the last line.
    pub(super) fn rest(self) -> Bytes {
        self.buffer.freeze()
    }
}

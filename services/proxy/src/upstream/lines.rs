//! A store's answers, line by line.

use std::io;

use bytes::{Bytes, BytesMut};
use roost_kit::net::Stream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

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

    /// Says something.
    pub(super) async fn say(&mut self, octets: &[u8]) -> io::Result<()> {
        self.stream.write_all(octets).await?;
        self.stream.flush().await
    }

    /// The next line, without its end.
    pub(super) async fn next(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.buffer.iter().position(|octet| *octet == b'\n') {
                let line = self.buffer.split_to(end + 1);
                let line = line.strip_suffix(b"\r\n").unwrap_or(&line);
                return String::from_utf8(line.to_vec())
                    .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error));
            }
            if self.buffer.len() > LINE_MAX {
                return Err(io::ErrorKind::InvalidData.into());
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// What was read beyond the last line.
    pub(super) fn rest(self) -> Bytes {
        self.buffer.freeze()
    }
}

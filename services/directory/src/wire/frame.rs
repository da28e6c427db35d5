//! Bytes → whole messages. The only code that buffers what a peer sends.

use bytes::{Bytes, BytesMut};

use super::ber::{self, Malformed};

/// Why the stream of a peer cannot be followed any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A message above the limit; it is refused before its bytes are read.
    #[error("a message of {size} octets exceeds the limit of {limit}")]
    TooLarge {
        /// What the peer announced.
        size: u64,
        /// What is allowed on this connection.
        limit: u64,
    },
    /// Not the beginning of an LDAPMessage.
    #[error("this is not an LDAP message")]
    NotLdap,
    /// A length that LDAP forbids.
    #[error("{0}")]
    Malformed(Malformed),
}

/// Cuts what arrives into messages.
#[derive(Debug)]
pub struct Framer {
    buffer: BytesMut,
    limit: u64,
}

impl Framer {
    /// A framer that refuses messages above `limit` octets.
    #[must_use]
    pub fn new(limit: u64) -> Self {
        Self {
            buffer: BytesMut::new(),
            limit,
        }
    }

    /// Changes the limit: an authenticated client may send more.
    pub fn set_limit(&mut self, limit: u64) {
        self.limit = limit;
    }

    /// Where to read into. No more than one message above the limit gathers here as long as the
    /// caller empties [`Framer::message`] before it reads again.
    pub fn buffer(&mut self) -> &mut BytesMut {
        self.buffer.reserve(READ_SIZE);
        &mut self.buffer
    }

    /// Whether bytes of an unfinished message are here. Before a TLS handshake there must be
    /// none, or they would be taken for protected ones.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// The next whole message.
    pub fn message(&mut self) -> Result<Option<Bytes>, FrameError> {
        match self.buffer.first() {
            None => return Ok(None),
            Some(&ber::SEQUENCE) => {}
            Some(_) => return Err(FrameError::NotLdap),
        }
        let Some(header) = ber::header(&self.buffer).map_err(FrameError::Malformed)? else {
            return Ok(None);
        };
        let size = header.content.saturating_add(header.size as u64);
        if size > self.limit {
            return Err(FrameError::TooLarge {
                size,
                limit: self.limit,
            });
        }
        let whole = usize::try_from(size).map_err(|_| FrameError::NotLdap)?;
        if self.buffer.len() < whole {
            return Ok(None);
        }
        Ok(Some(self.buffer.split_to(whole).freeze()))
    }
}

/// Octets asked of the socket at a time.
const READ_SIZE: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_out_whole_however_they_arrive() {
        let stream = [0x30, 3, 2, 1, 5, 0x30, 0x81, 1, 9];
        let mut framer = Framer::new(100);
        let mut out = Vec::new();
        for byte in stream {
            framer.buffer().extend_from_slice(&[byte]);
            while let Some(message) = framer.message().unwrap() {
                out.push(message.to_vec());
            }
        }
        assert_eq!(out, [vec![0x30, 3, 2, 1, 5], vec![0x30, 0x81, 1, 9]]);
        assert!(framer.is_empty());
    }

    #[test]
    fn an_oversized_message_is_refused_by_its_header_alone() {
        let mut framer = Framer::new(100);
        framer
            .buffer()
            .extend_from_slice(&[0x30, 0x84, 0x7f, 0xff, 0xff, 0xff]);
        assert_eq!(
            framer.message(),
            Err(FrameError::TooLarge {
                size: 0x8000_0005,
                limit: 100
            })
        );
        let mut framer = Framer::new(6);
        framer.buffer().extend_from_slice(&[0x30, 4, 0, 0, 0, 0]);
        assert!(matches!(framer.message(), Ok(Some(_))));
        framer.buffer().extend_from_slice(&[0x30, 5]);
        assert_eq!(
            framer.message(),
            Err(FrameError::TooLarge { size: 7, limit: 6 })
        );
    }

    #[test]
    fn another_protocol_is_refused_at_its_first_octet() {
        let mut framer = Framer::new(100);
        framer.buffer().extend_from_slice(b"GET / HTTP/1.1\r\n");
        assert_eq!(framer.message(), Err(FrameError::NotLdap));
    }
}

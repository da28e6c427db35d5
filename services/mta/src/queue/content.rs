//! How contents are read.

use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::message::Content;
use super::spool::Reading;
use super::{Queue, QueueError, QueueId, blocking};
use crate::limits::PIECE;

/// Where the content of one message comes from, as often as it is needed.
#[derive(Debug, Clone)]
pub struct Source {
    queue: Arc<Queue>,
    id: QueueId,
}

impl Source {
    /// The content of the message `id`.
    #[must_use]
    pub fn new(queue: Arc<Queue>, id: QueueId) -> Self {
        Self { queue, id }
    }

    /// Begins to read it.
    ///
    /// # Errors
    /// As [`Queue::content`].
    pub async fn open(&self) -> Result<ContentReader, QueueError> {
        self.queue.content(self.id).await
    }
}

/// Reads a content piece by piece, and proves at the end that it is what was accepted.
#[derive(Debug)]
pub struct ContentReader {
    origin: Origin,
    offset: u64,
}

#[derive(Debug)]
enum Origin {
    Memory(Bytes),
    File {
        reading: Arc<Reading>,
        expected: Content,
        hasher: Box<blake3::Hasher>,
    },
}

impl ContentReader {
    pub(super) fn memory(bytes: Bytes) -> Self {
        Self {
            origin: Origin::Memory(bytes),
            offset: 0,
        }
    }

    pub(super) fn file(reading: Reading, expected: Content) -> Self {
        Self {
            origin: Origin::File {
                reading: Arc::new(reading),
                expected,
                hasher: Box::default(),
            },
            offset: 0,
        }
    }

    /// The next bytes; nothing at the end.
    ///
    /// # Errors
    /// If the file cannot be read, or if, at its end, it is not what was accepted: whoever sends
    /// it must not complete the transaction then.
    pub async fn piece(&mut self) -> io::Result<Option<Bytes>> {
        let piece = match &mut self.origin {
            Origin::Memory(bytes) => bytes.split_to(bytes.len().min(PIECE)),
            Origin::File {
                reading,
                expected,
                hasher,
            } => {
                let (reading, offset) = (Arc::clone(reading), self.offset);
                let piece = blocking(move || reading.piece(offset)).await?;
                hasher.update(&piece);
                if piece.is_empty() && *hasher.finalize().as_bytes() != expected.digest {
                    let problem = "the content's digest is not that of what was accepted";
                    return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
                }
                piece
            }
        };
        self.offset += piece.len() as u64;
        Ok((!piece.is_empty()).then_some(piece))
    }

    /// The first `wanted` bytes, or all if there are fewer.
    ///
    /// # Errors
    /// As [`ContentReader::piece`].
    pub async fn beginning(mut self, wanted: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        while (bytes.len() as u64) < wanted {
            match self.piece().await? {
                Some(piece) => bytes.extend_from_slice(&piece),
                None => break,
            }
        }
        bytes.truncate(usize::try_from(wanted).unwrap_or(usize::MAX));
        Ok(bytes)
    }
}

//! How contents are read.

use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::blocking;
use super::message::Content;
use super::spool::Reading;
use crate::limits::PIECE;

/// Reads a content piece by piece, and proves at the end that it is what was accepted.
#[derive(Debug)]
pub struct ContentReader {
    source: Source,
    offset: u64,
}

#[derive(Debug)]
enum Source {
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
            source: Source::Memory(bytes),
            offset: 0,
        }
    }

    pub(super) fn file(reading: Reading, expected: Content) -> Self {
        Self {
            source: Source::File {
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
        let piece = match &mut self.source {
            Source::Memory(bytes) => bytes.split_to(bytes.len().min(PIECE)),
            Source::File {
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

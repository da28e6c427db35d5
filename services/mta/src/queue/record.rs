//! What the queue writes to its journal.
//!
//! The journal's `stream` is the queue id. Kinds and versions are for ever: a change of shape gets
//! a new version, and the old one stays readable.

use serde::{Deserialize, Serialize};

use super::message::{Attempt, Message};

/// One change of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// A message entered the queue, or was carried over from an old segment of the journal.
    Message {
        /// Its state.
        message: Box<Message>,
        /// Its content; nothing where it is in a file that is already durable.
        content: Option<bytes::Bytes>,
    },
    /// Recipients were tried.
    Attempted(Vec<Attempt>),
    /// An administrator keeps it back.
    Held,
    /// And lets it go again.
    Released,
    /// An administrator removed it.
    Deleted,
}

/// Kinds in the journal.
mod kind {
    pub(super) const MESSAGE: u16 = 1;
    pub(super) const ATTEMPTED: u16 = 2;
    pub(super) const HELD: u16 = 3;
    pub(super) const RELEASED: u16 = 4;
    pub(super) const DELETED: u16 = 5;
}

/// The version that this program writes, and the newest that it reads.
pub const VERSION: u8 = 1;

/// The kinds that this program knows.
pub const KINDS: std::ops::RangeInclusive<u16> = kind::MESSAGE..=kind::DELETED;

/// A record that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// Written by a newer program.
    #[error("record of kind {kind}, version {version}: written by a newer roost-mta")]
    Newer {
        /// Its kind.
        kind: u16,
        /// Its version.
        version: u8,
    },
    /// Damaged although its checksum is right.
    #[error("record of kind {kind} does not decode")]
    Malformed {
        /// Its kind.
        kind: u16,
        /// What the decoder says.
        #[source]
        source: postcard::Error,
    },
}

/// What precedes the content in a message's record.
#[derive(Serialize, Deserialize)]
struct Head {
    message: Message,
    inline: bool,
}

impl Record {
    /// Its kind in the journal.
    #[must_use]
    pub fn kind(&self) -> u16 {
        match self {
            Self::Message { .. } => kind::MESSAGE,
            Self::Attempted(_) => kind::ATTEMPTED,
            Self::Held => kind::HELD,
            Self::Released => kind::RELEASED,
            Self::Deleted => kind::DELETED,
        }
    }

    /// Its payload.
    ///
    /// # Errors
    /// Never in practice: the types have no shape that postcard refuses.
    pub fn encode(&self) -> Result<Vec<u8>, postcard::Error> {
        match self {
            Self::Message { message, content } => {
                let head = Head {
                    message: (**message).clone(),
                    inline: content.is_some(),
                };
                let mut bytes = postcard::to_stdvec(&head)?;
                bytes.extend_from_slice(content.as_deref().unwrap_or_default());
                Ok(bytes)
            }
            Self::Attempted(attempts) => postcard::to_stdvec(attempts),
            Self::Held | Self::Released | Self::Deleted => Ok(Vec::new()),
        }
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// If it is newer than this program, or damaged.
    pub fn decode(kind: u16, version: u8, payload: &[u8]) -> Result<Self, Unreadable> {
        if version != VERSION {
            return Err(Unreadable::Newer { kind, version });
        }
        let malformed = |source| Unreadable::Malformed { kind, source };
        match kind {
            kind::MESSAGE => {
                let (head, content) =
                    postcard::take_from_bytes::<Head>(payload).map_err(malformed)?;
                Ok(Self::Message {
                    message: Box::new(head.message),
                    content: head.inline.then(|| bytes::Bytes::copy_from_slice(content)),
                })
            }
            kind::ATTEMPTED => {
                let attempts = postcard::from_bytes(payload).map_err(malformed)?;
                Ok(Self::Attempted(attempts))
            }
            kind::HELD => Ok(Self::Held),
            kind::RELEASED => Ok(Self::Released),
            kind::DELETED => Ok(Self::Deleted),
            _ => Err(Unreadable::Newer { kind, version }),
        }
    }
}

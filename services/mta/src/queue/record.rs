//! What the queue writes to its journal.
//!
//! The journal's `stream` is the queue id. Kinds and versions are for ever: a change of shape gets
//! a new version, and the old one stays readable.

use bytes::Bytes;
use roost_journal::{Draft, Kind};
use serde::{Deserialize, Serialize};

use super::QueueId;
use super::message::{Attempt, Message};

/// One change of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// A message entered the queue, or was carried over from an old segment of the journal.
    Message {
        /// Its state.
        message: Box<Message>,
        /// Its content; nothing where it is in a file that is already durable.
        content: Option<Bytes>,
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

const MESSAGE: u16 = 1;
const ATTEMPTED: u16 = 2;
const HELD: u16 = 3;
const RELEASED: u16 = 4;
const DELETED: u16 = 5;

/// The version that this program writes, and the newest that it reads.
const VERSION: u8 = 1;

/// The kinds that this program knows, for [`roost_journal::Config`].
pub const KINDS: &[Kind] = &[
    known(MESSAGE),
    known(ATTEMPTED),
    known(HELD),
    known(RELEASED),
    known(DELETED),
];

const fn known(number: u16) -> Kind {
    Kind {
        number,
        version_max: VERSION,
    }
}

/// A record whose checksum is right and that yet does not decode.
#[derive(Debug, thiserror::Error)]
#[error("the record of kind {kind}, version {version} for message {id} does not decode")]
pub struct Unreadable {
    id: QueueId,
    kind: u16,
    version: u8,
    #[source]
    source: Option<postcard::Error>,
}

/// What precedes the content in a message's record.
#[derive(Serialize)]
struct HeadOut<'a> {
    message: &'a Message,
    inline: bool,
}

#[derive(Deserialize)]
struct HeadIn {
    message: Message,
    inline: bool,
}

impl Record {
    /// The record as the journal takes it.
    ///
    /// # Errors
    /// Never in practice: the types have no shape that postcard refuses.
    pub fn draft(&self, id: QueueId) -> Result<Draft, postcard::Error> {
        let (kind, payload) = match self {
            Self::Message { message, content } => {
                let inline = content.is_some();
                let mut bytes = postcard::to_stdvec(&HeadOut { message, inline })?;
                bytes.extend_from_slice(content.as_deref().unwrap_or_default());
                (MESSAGE, bytes)
            }
            Self::Attempted(attempts) => (ATTEMPTED, postcard::to_stdvec(attempts)?),
            Self::Held => (HELD, Vec::new()),
            Self::Released => (RELEASED, Vec::new()),
            Self::Deleted => (DELETED, Vec::new()),
        };
        Ok(Draft {
            kind,
            version: VERSION,
            stream: id.0,
            payload: Bytes::from(payload),
        })
    }

    /// Reads what the journal kept.
    ///
    /// # Errors
    /// If it does not decode.
    pub fn read(record: &roost_journal::Record) -> Result<(QueueId, Self), Unreadable> {
        let id = QueueId(record.stream);
        let unreadable = |source| Unreadable {
            id,
            kind: record.kind,
            version: record.version,
            source,
        };
        if record.version != VERSION {
            return Err(unreadable(None));
        }
        let malformed = |source| unreadable(Some(source));
        let read = match record.kind {
            MESSAGE => {
                let (head, content) =
                    postcard::take_from_bytes::<HeadIn>(&record.payload).map_err(malformed)?;
                Self::Message {
                    message: Box::new(head.message),
                    content: head.inline.then(|| record.payload.slice_ref(content)),
                }
            }
            ATTEMPTED => Self::Attempted(postcard::from_bytes(&record.payload).map_err(malformed)?),
            HELD => Self::Held,
            RELEASED => Self::Released,
            DELETED => Self::Deleted,
            _ => return Err(unreadable(None)),
        };
        Ok((id, read))
    }
}

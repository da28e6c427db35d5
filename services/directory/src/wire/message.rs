//! The envelope of every request: message id, operation, controls (RFC 4511 §4.1.1).

use super::ber::{self, Malformed, Reader};
use super::request::Request;

/// The number that ties answers to a request; 0 is the server's own (unsolicited) voice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId(pub i32);

/// A request with its envelope.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Ties answers to it.
    pub id: MessageId,
    /// What is asked.
    pub request: Request,
    /// How it is modified.
    pub controls: Vec<Control>,
}

/// A control as it came or goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// Its object identifier.
    pub oid: String,
    /// Whether the operation must fail when the control cannot be honoured.
    pub critical: bool,
    /// Its value, if it has one.
    pub value: Option<Vec<u8>>,
}

impl Control {
    /// A control of an answer.
    #[must_use]
    pub fn answer(oid: &str, value: Vec<u8>) -> Self {
        Self {
            oid: oid.to_owned(),
            critical: false,
            value: Some(value),
        }
    }
}

/// Why a message could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The envelope is broken: answer with a notice of disconnection, and close (RFC 4511
    /// §4.1.1).
    #[error("{0}")]
    Fatal(Malformed),
    /// The operation is known and its content is not: it is answered with protocolError.
    #[error("{cause}")]
    Operation {
        /// Whom to answer.
        id: MessageId,
        /// The identifier of the operation.
        tag: ber::Tag,
        /// What is wrong with it.
        cause: Malformed,
    },
}

/// Reads one whole message.
pub fn decode(bytes: &[u8]) -> Result<Message, Unreadable> {
    let mut outer = Reader::new(bytes);
    let mut reader = outer
        .enter(ber::SEQUENCE, "an LDAPMessage")
        .map_err(Unreadable::Fatal)?;
    let id = message_id(reader.integer("a messageID").map_err(Unreadable::Fatal)?)
        .ok_or(Unreadable::Fatal(Malformed::Number))?;
    let (tag, content) = reader.element().map_err(Unreadable::Fatal)?;
    if !Request::is_request(tag) {
        return Err(Unreadable::Fatal(Malformed::Expected("a request")));
    }
    let body = || -> Result<Message, Malformed> {
        Ok(Message {
            id,
            request: Request::decode(tag, content)?,
            controls: controls(reader)?,
        })
    };
    body().map_err(|cause| Unreadable::Operation { id, tag, cause })
}

/// A message id as a peer may use it.
pub(super) fn message_id(value: i64) -> Option<MessageId> {
    i32::try_from(value)
        .ok()
        .filter(|id| *id >= 0)
        .map(MessageId)
}

fn controls(mut reader: Reader<'_>) -> Result<Vec<Control>, Malformed> {
    let mut controls = Vec::new();
    if let Some(content) = reader.optional(ber::context_constructed(0))? {
        let mut list = Reader::new(content);
        while !list.is_empty() {
            let mut control = list.enter(ber::SEQUENCE, "a control")?;
            let oid = control.text("a control's OID")?;
            let critical = control
                .optional(ber::BOOLEAN)?
                .map(ber::boolean)
                .transpose()?;
            let value = control.optional(ber::OCTET_STRING)?.map(<[u8]>::to_vec);
            controls.push(Control {
                oid,
                critical: critical.unwrap_or(false),
                value,
            });
        }
    }
    Ok(controls)
}

/// Writes the controls of a message, if there are any.
pub(super) fn write_controls(writer: &mut ber::Writer, controls: &[Control]) {
    if controls.is_empty() {
        return;
    }
    writer.constructed(ber::context_constructed(0), |writer| {
        for control in controls {
            writer.constructed(ber::SEQUENCE, |writer| {
                writer.octets(control.oid.as_bytes());
                if control.critical {
                    writer.boolean(true);
                }
                if let Some(value) = &control.value {
                    writer.octets(value);
                }
            });
        }
    });
}

//! A message that is coming in, with what final delivery puts on top of it.
//!
//! The rest is stored octet for octet. `Delivered-To` and the `for` clause name the recipient only
//! where there is one: all recipients of a message share one file, and a blind copy stays blind.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use jiff::Timestamp;
use roost_proto_smtp::session::Context;
use roost_proto_smtp::trace::{self, Received};
use roost_proto_smtp::{Domain, Envelope, Refusal};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Octets for which room is made when the client does not say how many come.
const FIRST_OCTETS: u64 = 16 * 1024;

/// Room is taken from the common memory in pieces of so many octets.
const ROOM_STEP: usize = 64 * 1024;

/// The memory that all incoming messages share.
#[derive(Debug, Clone)]
pub(crate) struct Room(Arc<Semaphore>);

impl Room {
    /// Room for so many octets.
    pub(crate) fn new(octets: usize) -> Self {
        Self(Arc::new(Semaphore::new((octets / ROOM_STEP).max(1))))
    }
}

/// A message that is coming in.
#[derive(Debug)]
pub(crate) struct Incoming {
    /// Under which name it is in logs and in its Received field.
    pub(crate) id: String,
    octets: BytesMut,
    room: Room,
    taken: Vec<OwnedSemaphorePermit>,
}

impl Incoming {
    /// Begins with the trace fields (RFC 5321 §4.4).
    pub(crate) fn begin<A>(
        id: String,
        node: &Domain,
        at: Context<'_, A>,
        envelope: &Envelope,
        now: Timestamp,
        room: Room,
    ) -> Self {
        let only = match envelope.recipients.as_slice() {
            [only] => Some(&only.address),
            _ => None,
        };
        let delivered_to = only.map(|address| format!("Delivered-To: {address}\r\n"));
        let received = Received {
            client: at.client,
            by: node,
            with: at.with(envelope),
            id: &id,
            recipient: only,
            at: now,
        };
        let fields = format!(
            "{}{}{received}",
            trace::return_path(&envelope.sender),
            delivered_to.unwrap_or_default(),
        );
        let expected = envelope.parameters.size.unwrap_or(FIRST_OCTETS);
        // A client that announces much and sends little must not cost much.
        let expected = usize::try_from(expected.min(ROOM_STEP as u64)).unwrap_or(ROOM_STEP);
        let mut octets = BytesMut::with_capacity(fields.len() + expected);
        octets.put_slice(fields.as_bytes());
        Self {
            id,
            octets,
            room,
            taken: Vec::new(),
        }
    }

    /// Adds octets, if the memory allows.
    pub(crate) fn push(&mut self, octets: &[u8]) -> Result<(), Refusal> {
        while self.taken.len() * ROOM_STEP < self.octets.len() + octets.len() {
            match Arc::clone(&self.room.0).try_acquire_owned() {
                Ok(room) => self.taken.push(room),
                Err(_) => return Err(Refusal::no_space()),
            }
        }
        self.octets.put_slice(octets);
        Ok(())
    }

    /// The whole message. The room is given back with the returned permits.
    pub(crate) fn finish(self) -> (Bytes, Vec<OwnedSemaphorePermit>) {
        (self.octets.freeze(), self.taken)
    }
}

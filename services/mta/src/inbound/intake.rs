//! A message that is coming in: in memory while it is small, then in its file.

use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::fixup::{self, Submitted};
use crate::limits::{INLINE_MAX, PIECE};
use crate::queue::message::Content;
use crate::queue::spool::Writing;
use crate::queue::{Place, Queue, QueueId};
use crate::trace::Trace;

/// A message that is coming in. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub struct Intake {
    queue: Arc<Queue>,
    id: QueueId,
    /// The trace field that goes on top.
    received: String,
    /// What a submission server adds below it.
    submitted: Option<Submitted>,
    buffer: BytesMut,
    file: Option<(Writing, Trace)>,
    eight_bit: bool,
}

/// A message that is complete, and not yet acknowledged.
#[derive(Debug)]
pub(super) struct Complete {
    pub(super) place: Place,
    pub(super) content: Content,
    pub(super) trace: Trace,
    pub(super) eight_bit: bool,
}

impl Intake {
    pub(super) fn new(
        queue: Arc<Queue>,
        id: QueueId,
        received: String,
        submitted: Option<Submitted>,
    ) -> Self {
        Self {
            queue,
            id,
            received,
            submitted,
            buffer: BytesMut::new(),
            file: None,
            eight_bit: false,
        }
    }

    pub(super) fn id(&self) -> QueueId {
        self.id
    }

    /// Takes the next octets.
    pub(super) async fn push(&mut self, octets: &Bytes) -> io::Result<()> {
        self.eight_bit |= !octets.is_ascii();
        self.buffer.extend_from_slice(octets);
        let full = match self.file {
            None => self.buffer.len() > INLINE_MAX,
            Some(_) => self.buffer.len() >= PIECE,
        };
        match full {
            true => self.write_out().await,
            false => Ok(()),
        }
    }

    /// The fields that go on top, and what those below say about the way it took.
    fn head(&self) -> (String, Trace) {
        let mut head = self.received.clone();
        if let Some(submitted) = &self.submitted {
            head.push_str(&fixup::missing(&self.buffer, submitted));
        }
        let mut trace = Trace::read(&self.buffer);
        if trace.message_id.is_none() {
            // The one that was just added.
            trace.message_id = Trace::read(head.as_bytes()).message_id;
        }
        (head, trace)
    }

    async fn write_out(&mut self) -> io::Result<()> {
        let (head, file) = match self.file.take() {
            Some((writing, trace)) => (String::new(), Ok((writing, trace))),
            None => {
                let (head, trace) = self.head();
                (head, Err(trace))
            }
        };
        let piece = self.buffer.split().freeze();
        let (spool, id) = (self.queue.spool().clone(), self.id);
        let written = tokio::task::spawn_blocking(move || {
            let (mut writing, trace) = match file {
                Ok(open) => open,
                Err(trace) => (spool.create(id)?, trace),
            };
            writing.push(head.as_bytes())?;
            writing.push(&piece)?;
            io::Result::Ok((writing, trace))
        });
        self.file = Some(written.await.map_err(io::Error::other)??);
        Ok(())
    }

    /// That was all: a large message is durable after this.
    pub(super) async fn complete(mut self) -> io::Result<Complete> {
        if self.file.is_none() {
            let (head, trace) = self.head();
            let mut bytes = BytesMut::with_capacity(head.len() + self.buffer.len());
            bytes.extend_from_slice(head.as_bytes());
            bytes.extend_from_slice(&self.buffer);
            let bytes = bytes.freeze();
            return Ok(Complete {
                content: Content::of(&bytes),
                place: Place::Memory(bytes),
                trace,
                eight_bit: self.eight_bit,
            });
        }
        self.write_out().await?;
        let Some((writing, trace)) = self.file.take() else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let finished = tokio::task::spawn_blocking(move || writing.finish());
        Ok(Complete {
            content: finished.await.map_err(io::Error::other)??,
            place: Place::File,
            trace,
            eight_bit: self.eight_bit,
        })
    }
}

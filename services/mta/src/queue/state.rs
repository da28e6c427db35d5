//! The map that the journal's records make: which messages are queued and how far they are.
//!
//! Pure and idempotent: applying a record twice is the same as once, and a record about a message
//! that is gone does nothing. Replay and the running daemon use the same function.

use std::collections::HashMap;
use std::sync::Arc;

use super::QueueId;
use super::message::Message;
use super::record::Record;

/// The queued messages.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct State {
    messages: HashMap<QueueId, Arc<Message>>,
}

/// What a record did to its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It entered the queue.
    Entered,
    /// It has changed and stays.
    Changed,
    /// It left the queue.
    Left,
    /// Nothing: it is not queued.
    Nothing,
}

impl State {
    /// Takes in one record. A notice also marks the message that it is about, which may leave the
    /// queue by that: its id is returned too.
    pub fn apply(&mut self, id: QueueId, record: &Record) -> (Change, Option<QueueId>) {
        match record {
            Record::Message { message, .. } => {
                let about = message.notice_of.as_ref();
                let left = about.and_then(|notice| {
                    let told = self.change(notice.id, |original| original.notified(notice));
                    (told == Change::Left).then_some(notice.id)
                });
                let before = self.messages.insert(id, Arc::new((**message).clone()));
                let change = match before {
                    Some(_) => self.settle(id),
                    None => match self.settle(id) {
                        Change::Changed => Change::Entered,
                        other => other,
                    },
                };
                (change, left)
            }
            Record::Attempted(attempts) => {
                let change = self.change(id, |message| {
                    for attempt in attempts {
                        message.attempted(attempt);
                    }
                });
                (change, None)
            }
            Record::Held => (self.change(id, |message| message.held = true), None),
            Record::Released => (self.change(id, |message| message.held = false), None),
            Record::Deleted => match self.messages.remove(&id) {
                Some(_) => (Change::Left, None),
                None => (Change::Nothing, None),
            },
        }
    }

    fn change(&mut self, id: QueueId, change: impl FnOnce(&mut Message)) -> Change {
        let Some(message) = self.messages.get_mut(&id) else {
            return Change::Nothing;
        };
        change(Arc::make_mut(message));
        self.settle(id)
    }

    /// Lets go of a message that has nothing left to do.
    fn settle(&mut self, id: QueueId) -> Change {
        match self.messages.get(&id) {
            None => Change::Nothing,
            Some(message) if message.is_finished() => {
                self.messages.remove(&id);
                Change::Left
            }
            Some(_) => Change::Changed,
        }
    }

    /// Takes back a message whose record was refused.
    pub fn forget(&mut self, id: QueueId) {
        self.messages.remove(&id);
    }

    /// A message.
    #[must_use]
    pub fn get(&self, id: QueueId) -> Option<&Arc<Message>> {
        self.messages.get(&id)
    }

    /// All messages, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (QueueId, &Arc<Message>)> {
        self.messages.iter().map(|(id, message)| (*id, message))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }
}

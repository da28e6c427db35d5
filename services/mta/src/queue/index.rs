//! The queue's memory: the messages, where their records and contents are.

use std::collections::HashMap;

use roost_journal::Sequence;

use super::checkpoint::Mark;
use super::record::Record;
use super::state::{Change, State};
use super::{Place, QueueId, QueueIds};

/// What is known about all messages; behind the queue's lock.
#[derive(Debug)]
pub(super) struct Index {
    pub(super) state: State,
    pub(super) homes: HashMap<QueueId, Home>,
    /// Bytes of the contents that are in memory.
    pub(super) memory: usize,
    pub(super) ids: QueueIds,
    pub(super) checkpoint: Mark,
}

/// Where the newest whole record of a message and its content are.
#[derive(Debug, Clone)]
pub(super) struct Home {
    pub(super) base: Sequence,
    pub(super) place: Place,
}

impl Index {
    /// Applies a message's own record; returns the original of a notice if that has left.
    pub(super) fn enter(
        &mut self,
        id: QueueId,
        record: &Record,
        place: Place,
        base: Sequence,
    ) -> Option<QueueId> {
        if let Place::Memory(bytes) = &place {
            self.memory += bytes.len();
        }
        self.ids.seen(id);
        self.homes.insert(id, Home { base, place });
        let (change, left) = self.state.apply(id, record);
        if change == Change::Left {
            self.leave(id);
        }
        if let Some(original) = left {
            self.leave(original);
        }
        left
    }

    pub(super) fn apply(&mut self, id: QueueId, record: &Record) -> Change {
        let (change, _) = self.state.apply(id, record);
        if change == Change::Left {
            self.leave(id);
        }
        change
    }

    /// Takes back a message whose record was refused.
    pub(super) fn forget(&mut self, id: QueueId) {
        self.state.forget(id);
        self.leave(id);
    }

    fn leave(&mut self, id: QueueId) {
        if let Some(home) = self.homes.remove(&id) {
            self.forget_bytes(&home.place);
        }
    }

    /// The content is in its file now; false if the message is gone.
    pub(super) fn moved(&mut self, id: QueueId) -> bool {
        let Some(home) = self.homes.get_mut(&id) else {
            return false;
        };
        let before = std::mem::replace(&mut home.place, Place::File);
        self.forget_bytes(&before);
        true
    }

    fn forget_bytes(&mut self, place: &Place) {
        if let Place::Memory(bytes) = place {
            self.memory = self.memory.saturating_sub(bytes.len());
        }
    }
}

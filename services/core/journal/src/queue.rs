//! What waits to be written, in order, and whether more may come.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::error::AppendError;
use crate::format::{Draft, Sequence};
use crate::journal::{Durable, Epoch, Permit};

/// Told once, on the writer's thread, in order.
pub(crate) type Completion = Box<dyn FnOnce(Result<Durable, AppendError>) + Send>;

/// The records of one append.
pub(crate) struct Group {
    pub(crate) records: Vec<Draft>,
    pub(crate) first: Sequence,
    pub(crate) time: i64,
    pub(crate) bytes: u64,
    pub(crate) done: Completion,
    /// Gives its bytes back when the group is dropped.
    pub(crate) _permit: Permit,
}

pub(crate) struct Queue {
    state: Mutex<State>,
    wake: Condvar,
}

struct State {
    groups: Vec<Group>,
    bytes: u64,
    next: Sequence,
    epoch: Epoch,
    mode: Mode,
    /// How many groups the writer waits for; it is not woken before.
    wanted: usize,
}

enum Mode {
    Open,
    Refusing(Arc<io::Error>),
    Failed(Arc<io::Error>),
    Closing,
}

impl Queue {
    pub(crate) fn new(next: Sequence) -> Self {
        Self {
            state: Mutex::new(State {
                groups: Vec::new(),
                bytes: 0,
                next,
                epoch: Epoch::default(),
                mode: Mode::Open,
                wanted: 1,
            }),
            wake: Condvar::new(),
        }
    }

    /// Queues an append and gives its records their numbers.
    pub(crate) fn push(
        &self,
        basis: Option<Epoch>,
        mut group: Group,
        directory: &Path,
    ) -> Result<Sequence, AppendError> {
        let mut state = self.state.lock();
        state.check(directory)?;
        if basis.is_some_and(|basis| basis != state.epoch) {
            return Err(AppendError::Superseded);
        }
        let first = state.next;
        group.first = first;
        state.next = first.plus(group.records.len() as u64);
        state.bytes += group.bytes;
        state.groups.push(group);
        if state.groups.len() >= state.wanted {
            self.wake.notify_one();
        }
        Ok(first)
    }

    /// Everything queued; waits for something, and then, no longer than `gather`, until
    /// `returning` more than what is there have come. `None` once closed and empty.
    pub(crate) fn take(&self, returning: usize, gather: Duration) -> Option<Vec<Group>> {
        let mut state = self.state.lock();
        let target = state.groups.len() + returning;
        while state.groups.is_empty() {
            if matches!(state.mode, Mode::Closing | Mode::Failed(_)) {
                return None;
            }
            state.wanted = 1;
            self.wake.wait(&mut state);
        }
        if state.groups.len() < target && matches!(state.mode, Mode::Open) {
            state.wanted = target;
            // Woken early only by `close`; then what is there is written at once.
            self.wake.wait_for(&mut state, gather);
        }
        state.wanted = 1;
        state.bytes = 0;
        Some(std::mem::take(&mut state.groups))
    }

    /// Takes the numbers from `from` on back, and everything queued with them.
    pub(crate) fn refuse(&self, from: Sequence, cause: Arc<io::Error>) -> Vec<Group> {
        let mut state = self.state.lock();
        state.next = from;
        state.epoch = state.epoch.next();
        if !matches!(state.mode, Mode::Closing) {
            state.mode = Mode::Refusing(cause);
        }
        state.bytes = 0;
        std::mem::take(&mut state.groups)
    }

    /// Ends a refusal.
    pub(crate) fn reopen(&self) {
        let mut state = self.state.lock();
        if matches!(state.mode, Mode::Refusing(_)) {
            state.mode = Mode::Open;
        }
    }

    /// For good.
    pub(crate) fn fail(&self, cause: Arc<io::Error>) -> Vec<Group> {
        let mut state = self.state.lock();
        state.epoch = state.epoch.next();
        state.mode = Mode::Failed(cause);
        state.bytes = 0;
        std::mem::take(&mut state.groups)
    }

    /// Nothing more is accepted; what is queued is still written.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        if !matches!(state.mode, Mode::Failed(_)) {
            state.mode = Mode::Closing;
        }
        self.wake.notify_all();
    }

    pub(crate) fn check(&self, directory: &Path) -> Result<(), AppendError> {
        self.state.lock().check(directory)
    }

    pub(crate) fn has_failed(&self) -> bool {
        matches!(self.state.lock().mode, Mode::Failed(_))
    }

    pub(crate) fn epoch(&self) -> Epoch {
        self.state.lock().epoch
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.state.lock().bytes
    }
}

impl State {
    fn check(&self, directory: &Path) -> Result<(), AppendError> {
        match &self.mode {
            Mode::Open => Ok(()),
            Mode::Refusing(source) => Err(AppendError::NoSpace {
                directory: directory.to_owned(),
                source: source.clone(),
            }),
            Mode::Failed(source) => Err(AppendError::Failed {
                source: source.clone(),
            }),
            Mode::Closing => Err(AppendError::Closed),
        }
    }
}

//! The mailboxes in memory. One that nobody uses stays for a while, within bounds.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::OnceCell;

use crate::core::Core;
use crate::id::AccountId;

/// A mailbox that is in memory, or on its way there.
pub(crate) type Cell = Arc<OnceCell<Arc<Core>>>;

#[derive(Debug)]
pub(crate) struct Registry {
    cells: Mutex<HashMap<AccountId, Cell>>,
    /// Counts requests: the clock by which the least recently used is found.
    counter: AtomicU64,
    mailboxes_max: usize,
    entries_max: usize,
}

impl Registry {
    pub(crate) fn new(mailboxes_max: usize, entries_max: usize) -> Self {
        Self {
            cells: Mutex::default(),
            counter: AtomicU64::new(0),
            mailboxes_max,
            entries_max,
        }
    }

    /// The place of an account's mailbox.
    pub(crate) fn cell(&self, account: AccountId) -> Cell {
        let mut cells = self.cells.lock();
        if let Some(cell) = cells.get(&account) {
            if let Some(core) = cell.get() {
                core.touch(&self.counter);
            }
            return cell.clone();
        }
        if cells.len() > 2 * self.mailboxes_max {
            self.evict(&mut cells);
        }
        cells.entry(account).or_default().clone()
    }

    /// Takes in a mailbox that a start has found in the journal.
    pub(crate) fn adopt(&self, core: Arc<Core>) {
        core.touch(&self.counter);
        let account = core.account;
        let cell = Arc::new(OnceCell::new_with(Some(core)));
        self.cells.lock().insert(account, cell);
    }

    /// An account's mailbox, if it is in memory.
    pub(crate) fn peek(&self, account: AccountId) -> Option<Arc<Core>> {
        self.cells.lock().get(&account)?.get().cloned()
    }

    /// Forgets a place, so that the next who asks begins anew.
    pub(crate) fn forget(&self, account: AccountId, cell: &Cell) {
        let mut cells = self.cells.lock();
        if cells
            .get(&account)
            .is_some_and(|held| Arc::ptr_eq(held, cell))
        {
            cells.remove(&account);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.cells.lock().len()
    }

    /// Lets go what is beyond the bounds.
    pub(crate) fn trim(&self) {
        self.evict(&mut self.cells.lock());
    }

    fn evict(&self, cells: &mut HashMap<AccountId, Cell>) {
        let mut idle: Vec<(u64, AccountId, usize)> = cells
            .iter()
            .filter_map(|(account, cell)| {
                let core = cell.get()?;
                // Under the lock of the map nobody can become a user of either.
                let unused = Arc::strong_count(cell) == 1 && Arc::strong_count(core) == 1;
                (unused && core.is_idle()).then(|| {
                    let entries = core.published().state.loaded_entries();
                    (core.used.load(Ordering::Relaxed), *account, entries)
                })
            })
            .collect();
        // The most recently used first.
        idle.sort_unstable_by(|one, other| other.cmp(one));
        let mut entries = 0;
        for (place, (_, account, own)) in idle.iter().enumerate() {
            entries += own;
            if place >= self.mailboxes_max || entries > self.entries_max {
                cells.remove(account);
            }
        }
        cells.retain(|_, cell| cell.get().is_some() || Arc::strong_count(cell) > 1);
        if cells.capacity() > 4 * (cells.len() + self.mailboxes_max) {
            cells.shrink_to_fit();
        }
    }
}

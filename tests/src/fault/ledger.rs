//! What senders were told: the record against which mailboxes are checked.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard};

use super::letter::{Digest, Letter};
use super::mail::{Said, Way};

/// A message for one person.
#[derive(Debug, Clone)]
pub struct Entry {
    /// How it was handed over.
    pub way: Way,
    /// The round in which it was.
    pub round: u32,
    /// What was said.
    pub said: Said,
    /// Copies found when all was quiet, once that was so.
    pub settled: Option<usize>,
}

/// A message's token and whose copy it is.
pub type Key = (String, usize);

/// The record of all senders.
#[derive(Debug, Default)]
pub struct Ledger {
    entries: Mutex<BTreeMap<Key, Entry>>,
    digests: Mutex<HashMap<String, Digest>>,
}

impl Ledger {
    /// Remembers how a message reads; before it is sent.
    pub fn wrote(&self, letter: &Letter) {
        lock(&self.digests).insert(letter.token.clone(), letter.digest());
    }

    /// How a message must read; `None` where nobody sent it.
    pub fn digest(&self, token: &str) -> Option<Digest> {
        lock(&self.digests).get(token).copied()
    }

    /// Remembers what was said to a message's sender.
    pub fn note(&self, key: Key, way: Way, round: u32, said: Said) {
        let entry = Entry {
            way,
            round,
            said,
            settled: None,
        };
        lock(&self.entries).insert(key, entry);
    }

    /// All of it.
    pub fn entries(&self) -> MutexGuard<'_, BTreeMap<Key, Entry>> {
        lock(&self.entries)
    }

    /// How many hand-overs were acknowledged.
    pub fn accepted(&self, way: Way) -> usize {
        let accepted = |entry: &&Entry| entry.way == way && matches!(entry.said, Said::Accepted(_));
        lock(&self.entries).values().filter(accepted).count()
    }
}

/// A thread that panicked has ended the run anyway.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}

//! Decoded entries and recent lookups, bounded, and never older than the last acknowledged change.
//!
//! A reader notes the generation before it reads and keeps what it read only if no change was
//! committed meanwhile; a writer removes what it changed before it acknowledges.

use std::collections::BTreeSet;
use std::sync::Arc;

use moka::sync::Cache as Moka;
use parking_lot::Mutex;

use super::Found;
use super::index::Key;
use crate::dn::DnKey;
use crate::limits::ENTRY_CACHE_SIZE;

/// Lookups remembered: about 200 octets each.
const LOOKUPS: u64 = 100_000;

/// Only lookups that are about one entry are remembered.
pub(super) const LOOKUP_ENTRIES: usize = 4;

#[derive(Debug)]
pub(super) struct Cache {
    entries: Moka<DnKey, Arc<Found>>,
    lookups: Moka<Key, Arc<[DnKey]>>,
    generation: Mutex<u64>,
}

/// What a transaction changed.
#[derive(Debug, Default)]
pub(super) struct Changed {
    pub(super) names: BTreeSet<DnKey>,
    pub(super) keys: BTreeSet<Key>,
    /// Names moved: anything may have changed.
    pub(super) everything: bool,
}

impl Cache {
    pub(super) fn new() -> Self {
        Self {
            entries: Moka::builder()
                .max_capacity(ENTRY_CACHE_SIZE)
                .weigher(|_, found: &Arc<Found>| {
                    u32::try_from(found.entry.size()).unwrap_or(u32::MAX)
                })
                .build(),
            lookups: Moka::new(LOOKUPS),
            generation: Mutex::new(0),
        }
    }

    pub(super) fn generation(&self) -> u64 {
        *self.generation.lock()
    }

    pub(super) fn entry(&self, key: &DnKey) -> Option<Arc<Found>> {
        self.entries.get(key)
    }

    pub(super) fn lookup(&self, key: &Key) -> Option<Arc<[DnKey]>> {
        self.lookups.get(key)
    }

    pub(super) fn keep_entry(&self, seen: u64, found: &Arc<Found>) {
        let generation = self.generation.lock();
        if *generation == seen {
            self.entries.insert(found.key.clone(), Arc::clone(found));
        }
    }

    pub(super) fn keep_lookup(&self, seen: u64, key: Key, names: Arc<[DnKey]>) {
        let generation = self.generation.lock();
        if *generation == seen && names.len() <= LOOKUP_ENTRIES {
            self.lookups.insert(key, names);
        }
    }

    /// Forgets what a committed transaction changed.
    pub(super) fn forget(&self, changed: &Changed) {
        let mut generation = self.generation.lock();
        *generation += 1;
        if changed.everything {
            self.entries.invalidate_all();
            self.lookups.invalidate_all();
        }
        for name in &changed.names {
            self.entries.invalidate(name);
        }
        for key in &changed.keys {
            self.lookups.invalidate(key);
        }
    }
}

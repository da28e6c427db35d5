//! Contents that are, or are about to be, in the journal, but not in files and SQL yet: they are
//! read from here. Bounded by the room for unapplied bytes that every change takes before it is
//! enqueued.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::id::BlobDigest;
use crate::op::BlobRecord;

/// The contents; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Overlay(Arc<Mutex<HashMap<BlobDigest, Held>>>);

#[derive(Debug)]
struct Held {
    record: Arc<BlobRecord>,
    pins: usize,
}

/// Keeps a content in the overlay, and its file from being collected.
#[derive(Debug)]
pub(crate) struct Pin {
    overlay: Overlay,
    record: Arc<BlobRecord>,
}

impl Overlay {
    pub(crate) fn pin(&self, record: BlobRecord) -> Pin {
        let mut held = self.0.lock();
        let digest = record.digest;
        let entry = held.entry(digest).or_insert_with(|| Held {
            record: Arc::new(record.clone()),
            pins: 0,
        });
        entry.pins += 1;
        // The same content may be in a file already for one, and in the journal for another.
        if entry.record.body.is_none() && record.body.is_some() {
            entry.record = Arc::new(record.clone());
        }
        drop(held);
        Pin {
            overlay: self.clone(),
            record: Arc::new(record),
        }
    }

    pub(crate) fn body(&self, digest: BlobDigest) -> Option<Bytes> {
        self.0.lock().get(&digest)?.record.body.clone()
    }

    pub(crate) fn structure(&self, digest: BlobDigest) -> Option<Bytes> {
        let held = self.0.lock();
        Some(held.get(&digest)?.record.structure.clone())
    }

    pub(crate) fn holds(&self, digest: BlobDigest) -> bool {
        self.0.lock().contains_key(&digest)
    }

    /// Runs `act` if nobody has the content pinned, and lets nobody pin it meanwhile.
    pub(crate) fn unless_pinned<T>(
        &self,
        digest: BlobDigest,
        act: impl FnOnce() -> T,
    ) -> Option<T> {
        let held = self.0.lock();
        (!held.contains_key(&digest)).then(act)
    }
}

impl Pin {
    pub(crate) fn record(&self) -> &Arc<BlobRecord> {
        &self.record
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut held = self.overlay.0.lock();
        let digest = self.record.digest;
        if let Some(entry) = held.get_mut(&digest) {
            entry.pins -= 1;
            if entry.pins == 0 {
                held.remove(&digest);
            }
        }
        // A burst must not keep its table for ever.
        if held.is_empty() && held.capacity() > 4096 {
            held.shrink_to_fit();
        }
    }
}

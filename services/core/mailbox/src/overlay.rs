//! Contents that are, or are about to be, in the journal, but not in files and SQL yet: they are
//! read from here. Those of changes that are made now are in memory, bounded by the room for
//! unapplied bytes that every change takes before it is enqueued; those that a start has found in
//! the journal are read from there when they are needed.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use roost_journal::Locator;
use roost_kit::disk::{Disk, DiskHandle};

use crate::error::Error;
use crate::id::BlobDigest;
use crate::op::BlobRecord;

/// The contents; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Overlay {
    held: Arc<Mutex<HashMap<BlobDigest, Held>>>,
    disk: DiskHandle,
}

#[derive(Debug)]
struct Held {
    kept: Kept,
    pins: usize,
}

/// Where the record of a content is.
#[derive(Debug, Clone)]
pub(crate) enum Kept {
    Memory(Arc<BlobRecord>),
    /// The body is in the record, or in a durable file.
    Journal(Locator, Inline),
}

/// Whether a body travels in its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Inline {
    Yes,
    No,
}

/// Keeps a content in the overlay, and its file from being collected.
#[derive(Debug)]
pub(crate) struct Pin {
    overlay: Overlay,
    digest: BlobDigest,
    size: u64,
    kept: Kept,
}

impl Kept {
    /// Whether the body travels in the record.
    pub(crate) fn has_body(&self) -> bool {
        match self {
            Self::Memory(record) => record.body.is_some(),
            Self::Journal(_, inline) => *inline == Inline::Yes,
        }
    }

    /// Blocks where it is in the journal.
    pub(crate) fn read(&self, disk: &dyn Disk) -> Result<Arc<BlobRecord>, Error> {
        match self {
            Self::Memory(record) => Ok(record.clone()),
            Self::Journal(locator, _) => {
                let record = locator.read(disk)?;
                BlobRecord::decode(&record).map(Arc::new)
            }
        }
    }
}

impl Overlay {
    pub(crate) fn new(disk: DiskHandle) -> Self {
        Self {
            held: Arc::default(),
            disk,
        }
    }

    pub(crate) fn pin(&self, record: BlobRecord) -> Pin {
        let (digest, size) = (record.digest, record.size);
        self.keep(digest, size, Kept::Memory(Arc::new(record)))
    }

    /// Pins a content that is in the journal.
    pub(crate) fn pin_in_journal(&self, record: &BlobRecord, locator: Locator) -> Pin {
        let inline = match record.body {
            Some(_) => Inline::Yes,
            None => Inline::No,
        };
        self.keep(record.digest, record.size, Kept::Journal(locator, inline))
    }

    fn keep(&self, digest: BlobDigest, size: u64, kept: Kept) -> Pin {
        let mut held = self.held.lock();
        let entry = held.entry(digest).or_insert_with(|| Held {
            kept: kept.clone(),
            pins: 0,
        });
        entry.pins += 1;
        // The same content may be in a file already for one, and in the journal for another.
        if !entry.kept.has_body() && kept.has_body() {
            entry.kept = kept.clone();
        }
        drop(held);
        Pin {
            overlay: self.clone(),
            digest,
            size,
            kept,
        }
    }

    /// The record of a content, if it is held here.
    pub(crate) async fn record(
        &self,
        digest: BlobDigest,
    ) -> Result<Option<Arc<BlobRecord>>, Error> {
        let kept = match self.held.lock().get(&digest) {
            Some(held) => held.kept.clone(),
            None => return Ok(None),
        };
        if let Kept::Memory(record) = kept {
            return Ok(Some(record));
        }
        let disk = self.disk.clone();
        let read = tokio::task::spawn_blocking(move || kept.read(disk.as_ref())).await;
        match read {
            Ok(Ok(record)) => Ok(Some(record)),
            // It was applied meanwhile, and its segment is used for something else.
            Ok(Err(_)) if !self.holds(digest) => Ok(None),
            Ok(Err(error)) => Err(error),
            Err(error) => Err(Error::unavailable("a message cannot be read", error)),
        }
    }

    pub(crate) fn holds(&self, digest: BlobDigest) -> bool {
        self.held.lock().contains_key(&digest)
    }

    /// Runs `act` if nobody has the content pinned, and lets nobody pin it meanwhile.
    pub(crate) fn unless_pinned<T>(
        &self,
        digest: BlobDigest,
        act: impl FnOnce() -> T,
    ) -> Option<T> {
        let held = self.held.lock();
        (!held.contains_key(&digest)).then(act)
    }
}

impl Pin {
    pub(crate) fn digest(&self) -> BlobDigest {
        self.digest
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    pub(crate) fn kept(&self) -> &Kept {
        &self.kept
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut held = self.overlay.held.lock();
        if let Some(entry) = held.get_mut(&self.digest) {
            entry.pins -= 1;
            if entry.pins == 0 {
                held.remove(&self.digest);
            }
        }
        // A burst must not keep its table for ever.
        if held.is_empty() && held.capacity() > 4096 {
            held.shrink_to_fit();
        }
    }
}

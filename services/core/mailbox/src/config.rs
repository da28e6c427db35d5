//! The settings of a store, and its limits.

use std::path::PathBuf;
use std::time::Duration;

/// Where a store lives and what it may use.
#[derive(Debug, Clone)]
pub struct Config {
    /// The store's directory: `journal/`, `blobs/`, `meta/` are made in it.
    pub directory: PathBuf,
    /// The size of a journal segment.
    pub segment_bytes: u64,
    /// How long a commit may wait for others to join it.
    pub gather: Duration,
    /// At most this long between two checkpoints, if anything changed.
    pub checkpoint_interval: Duration,
    /// At most about this many bytes of journal are replayed after a crash.
    pub checkpoint_bytes: u64,
    /// Bodies up to this size travel in the journal; larger ones are synced as files first.
    pub inline_bytes_max: usize,
    /// How much that is durable, but not in SQL and files yet, is kept in memory. Past it, changes
    /// wait.
    pub unapplied_bytes_max: u32,
    /// How many mailboxes nobody uses stay in memory.
    pub idle_mailboxes_max: usize,
    /// How many entries (about 100 bytes each) the folders of mailboxes nobody uses may keep in
    /// memory, together.
    pub idle_entries_max: usize,
    /// How long the file of a message that nobody has any more is kept, so that whoever still
    /// looks at it can read on.
    pub blob_grace: Duration,
    /// How long after a failure SQL and files, or another segment of the journal, are tried again.
    pub retry: Duration,
    /// Changes are refused while the file system has less than this left.
    pub space_reserve: u64,
    /// Connections for reading metadata.
    pub readers: u32,
}

impl Config {
    /// The usual settings for a store in `directory`.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            segment_bytes: 64 << 20,
            gather: Duration::from_millis(2),
            checkpoint_interval: Duration::from_secs(60),
            checkpoint_bytes: 256 << 20,
            inline_bytes_max: 128 << 10,
            unapplied_bytes_max: 8 << 20,
            idle_mailboxes_max: 256,
            idle_entries_max: 200_000,
            blob_grace: Duration::from_secs(3600),
            retry: Duration::from_secs(1),
            space_reserve: 64 << 20,
            readers: 3,
        }
    }
}

/// Limits that no setting moves.
pub(crate) mod limits {
    /// Folders of a mailbox.
    pub(crate) const FOLDERS: usize = 10_000;
    /// Subscriptions that deleted folders have left; one more is not kept.
    pub(crate) const SUBSCRIPTIONS: usize = 10_000;
    /// Levels of folders below the root.
    pub(crate) const FOLDER_DEPTH: usize = 64;
    /// Bytes of a folder's name.
    pub(crate) const NAME_BYTES: usize = 255;
    /// Keywords and tags of a mailbox.
    pub(crate) const KEYWORDS: usize = 2_000;
    /// Bytes of a keyword.
    pub(crate) const KEYWORD_BYTES: usize = 255;
    /// Bytes of a folder's or an item's opaque metadata.
    pub(crate) const METADATA_BYTES: usize = 1 << 20;
    /// Items that one record of the journal names; larger operations are several records.
    pub(crate) const ITEMS_A_RECORD: usize = 100_000;
    /// Change notices that a subscriber may be behind before it is told to resync.
    pub(crate) const FEED: usize = 64;
}

//! A disk in memory that forgets what was not synced, tears what was being written, fills up and
//! fails, all from a plan and a seed.
//!
//! | what can happen | how |
//! |---|---|
//! | a write is torn at any byte, or sector by sector | a crash with [`Loss::Random`] |
//! | unsynced writes are lost, or reach the disk in another order | the same: each for itself |
//! | a name (made, renamed, removed) needs its directory's sync | names are kept apart from contents; of each directory a prefix of its changes survives |
//! | a rename survives without the data | the name's change survives, the file's writes do not |
//! | EIO, ENOSPC at any call | [`FaultKind::Error`], [`FaultKind::Full`] |
//! | a sync fails once and then "succeeds" | [`FaultKind::Error`] at a sync: what it covered is seen until the crash and gone after it |
//! | the disk dies, or stays full | [`FaultKind::Dead`], [`FaultKind::StaysFull`] until [`SimDisk::heal`] |
//! | the process dies, the machine does not | [`FaultKind::Kill`], then [`SimDisk::restarted`] |
//! | syncs do nothing | [`SimDisk::lie_about_syncs`]: for proving that a test would notice |
//!
//! Every call that changes something has a number, counted from 0; reading never fails.

mod content;
mod disk;
mod names;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use content::{Dice, overwrite};
use disk::State;

/// The simulated disk; clones are the same disk.
#[derive(Debug, Clone, Default)]
pub struct SimDisk(Arc<Mutex<State>>);

/// What survives of unsynced writes at a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// All of it is lost.
    Everything,
    /// Nothing is lost: a process died, not the machine.
    Nothing,
    /// Each write for itself: lost, whole, torn at some byte, or sector by sector; by this seed.
    Random(u64),
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// The machine stops during the call; nothing works any more.
    PowerCut,
    /// The process dies during the call: a write may be in the page cache in part. Nothing works
    /// any more.
    Kill,
    /// This one call fails with EIO. A write has reached the page cache in part; of a sync, what
    /// it covered will be gone although it is still seen.
    Error,
    /// This one call fails with ENOSPC; otherwise as [`FaultKind::Error`].
    Full,
    /// This and every later call fails with EIO.
    Dead,
    /// This and every later call fails with ENOSPC, but removing; until [`SimDisk::heal`].
    StaysFull,
}

impl FaultKind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::PowerCut,
        Self::Kill,
        Self::Error,
        Self::Full,
        Self::Dead,
        Self::StaysFull,
    ];
}

/// A call that changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Call {
    /// A file or directory is made.
    Create,
    /// Bytes are written, or a length is set.
    Write,
    /// A name is changed.
    Rename,
    /// A name is removed.
    Remove,
    /// A file's content is synced.
    Sync,
    /// A directory's names are synced.
    SyncDirectory,
    /// A whole file system is synced.
    SyncFileSystem,
}

/// A call that a fault has hit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// What was called.
    pub call: Call,
    /// On which file or directory.
    pub path: PathBuf,
}

/// Told of each file system that was synced, with the path that was named.
pub type Watcher = Arc<dyn Fn(&Path) + Send + Sync>;

impl SimDisk {
    /// An empty disk.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The call with this number, counted from 0, meets this fault.
    pub fn plan(&self, call: u64, kind: FaultKind) {
        self.0.lock().plan = Some((call, kind));
    }

    /// From the call with this number on, counted from 0, nothing works any more.
    pub fn crash_at(&self, call: u64) {
        self.plan(call, FaultKind::PowerCut);
    }

    /// What the planned fault has hit; `None` if its call did not come.
    #[must_use]
    pub fn hit(&self) -> Option<Hit> {
        self.0.lock().hit.clone()
    }

    /// Ends a fault that lasts.
    pub fn heal(&self) {
        self.0.lock().plan = None;
    }

    /// How many calls that change something there were.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.0.lock().calls
    }

    /// The next sync of a file whose name begins so fails.
    pub fn fail_sync(&self, name: &'static str) {
        self.0.lock().fail_sync = Some(name);
    }

    /// Limits the sum of all files' lengths.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.0.lock().capacity = bytes;
    }

    /// From now on syncs say that they have done what they have not.
    pub fn lie_about_syncs(&self) {
        self.0.lock().lying = true;
    }

    /// Tells `watcher` of each sync of a file system that has succeeded.
    pub fn watch(&self, watcher: Watcher) {
        self.0.lock().watcher = Some(disk::Watched(watcher));
    }

    /// The disk as the next process finds it when this one has died: all is seen as it was, and
    /// what was not synced is still not.
    #[must_use]
    pub fn restarted(&self) -> Self {
        let state = self.0.lock();
        Self(Arc::new(Mutex::new(State {
            tree: state.tree.clone(),
            files: state.files.clone(),
            lying: state.lying,
            ..State::default()
        })))
    }

    /// The disk as a machine finds it after a crash now.
    #[must_use]
    pub fn after_crash(&self, loss: Loss) -> Self {
        let state = self.0.lock();
        let mut dice = Dice::new(loss);
        let tree = state.tree.after_crash(&mut dice);
        let files = state
            .files
            .iter()
            .map(|file| file.after_crash(&mut dice))
            .collect();
        Self(Arc::new(Mutex::new(State {
            tree,
            files,
            lying: state.lying,
            ..State::default()
        })))
    }

    /// Changes bytes behind everybody's back, as a failing medium does.
    pub fn corrupt(&self, path: &Path, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.0.lock();
        let id = state.tree.find(path)?;
        let file = state.file(id)?;
        overwrite(&mut file.seen, offset, bytes);
        overwrite(&mut file.durable, offset, bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests;

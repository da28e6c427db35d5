//! What can go wrong, by what the caller does about it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::format::Sequence;

/// Why an append was not made durable.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// The records can never fit. The caller's fault.
    #[error("{bytes} bytes of records are too much for one append (the most is {max})")]
    TooLarge {
        /// What was asked.
        bytes: u64,
        /// What fits.
        max: u64,
    },
    /// There is no room for another segment. Passes when space returns; reading goes on.
    #[error("no space for another journal segment in {}", directory.display())]
    NoSpace {
        /// Where room is needed.
        directory: PathBuf,
        /// What the file system said.
        source: Arc<io::Error>,
    },
    /// Earlier appends were refused since the caller looked: its view must be taken anew.
    #[error("an earlier journal append was refused meanwhile")]
    Superseded,
    /// A write or sync failed; nothing is appended until a restart has read what is really there.
    #[error("the journal stopped after a failed write (restart to recover)")]
    Failed {
        /// The first failure.
        source: Arc<io::Error>,
    },
    /// The journal has been closed.
    #[error("the journal is closed")]
    Closed,
}

impl AppendError {
    /// Whether the same append may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::NoSpace { .. } | Self::Superseded | Self::Failed { .. } | Self::Closed => true,
            Self::TooLarge { .. } => false,
        }
    }
}

/// Why a journal cannot be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The operating system refused.
    #[error("cannot {what} {}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A newer program wrote records that this one does not know. Nothing has been changed.
    #[error(
        "journal segment {} holds record {sequence} of kind {kind} version {version}, which this \
         program does not know (it was written by a newer one)",
        path.display()
    )]
    UnknownKind {
        /// The segment.
        path: PathBuf,
        /// The record.
        sequence: Sequence,
        /// Its kind.
        kind: u16,
        /// Its version.
        version: u8,
    },
    /// A newer program wrote the segment. Nothing has been changed.
    #[error("journal segment {} has format {found}, which this program does not know", path.display())]
    UnknownFormat {
        /// The segment.
        path: PathBuf,
        /// Its format version.
        found: u32,
    },
    /// Records were asked that retention has dropped already.
    #[error("the journal begins at record {first}, but record {wanted} was asked")]
    Released {
        /// The oldest record there is.
        first: Sequence,
        /// The record wanted.
        wanted: Sequence,
    },
    /// The settings make no sense.
    #[error("{0}")]
    Config(&'static str),
}

/// Names the operation and the file on an I/O result.
pub(crate) trait Doing<T> {
    fn doing(self, what: &'static str, path: &Path) -> Result<T, OpenError>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, what: &'static str, path: &Path) -> Result<T, OpenError> {
        self.map_err(|source| OpenError::Io {
            what,
            path: path.to_owned(),
            source,
        })
    }
}

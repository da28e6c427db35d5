//! Errors that say which call failed on which file.

use std::io;
use std::path::{Path, PathBuf};

/// What a disk refused: inside an [`io::Error`] of the same kind, so that its text tells a person
/// where to look.
#[derive(Debug, thiserror::Error)]
#[error("{call} {}: {cause}", path.display())]
pub struct DiskError {
    /// The system call, by its name in the manual.
    pub call: &'static str,
    /// On which file or directory.
    pub path: PathBuf,
    /// What the operating system said.
    cause: io::Error,
}

/// Names the call and the file on a result.
pub(super) trait Calling<T> {
    fn calling(self, call: &'static str, path: &Path) -> io::Result<T>;
}

impl<T> Calling<T> for io::Result<T> {
    fn calling(self, call: &'static str, path: &Path) -> io::Result<T> {
        self.map_err(|cause| {
            let path = path.to_owned();
            io::Error::new(cause.kind(), DiskError { call, path, cause })
        })
    }
}

/// Whether there was no room: that passes, unlike a disk that fails.
#[must_use]
pub fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

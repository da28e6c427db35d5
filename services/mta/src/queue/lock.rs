//! One process at a time uses a queue: two would deliver everything twice.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The name of the file that is locked.
const FILE: &str = "lock";

/// Held as long as the queue is used; the kernel gives it up when the process ends, however.
#[derive(Debug)]
pub struct QueueLock {
    _file: File,
}

/// Why the queue cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody uses it.
    #[error(
        "another process uses the queue in {} (it holds {FILE}); stop it first, or set mta.state to \
         a folder of its own",
        directory.display()
    )]
    Taken {
        /// The queue's folder.
        directory: PathBuf,
    },
    /// The file cannot be made or locked.
    #[error("cannot lock {}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl QueueLock {
    /// Locks the queue in `directory`, which is made if it is missing.
    ///
    /// # Errors
    /// If another process has it, or it cannot be written to.
    pub fn take(directory: &Path) -> Result<Self, LockError> {
        let path = directory.join(FILE);
        let opened = std::fs::create_dir_all(directory).and_then(|()| {
            File::options()
                .create(true)
                .truncate(false)
                .write(true)
                .open(&path)
        });
        let unusable = |source| LockError::Unusable {
            path: path.clone(),
            source,
        };
        let file = opened.map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LockError::Taken {
                directory: directory.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(unusable(source)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_has_one_user_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let queue = folder.path().join("queue");
        let first = QueueLock::take(&queue).unwrap();
        let refused = QueueLock::take(&queue).unwrap_err();
        assert!(refused.to_string().starts_with("another process uses"));
        drop(first);
        QueueLock::take(&queue).unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = QueueLock::take(&file).unwrap_err();
        assert!(error.to_string().contains("file/lock"), "{error}");
    }
}

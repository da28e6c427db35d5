//! The disk. Everything whose loss would be lost mail is written through this seam, so that a
//! test can put a disk under it that tears, reorders, fills up and fails.
//!
//! The operations are blocking: callers own a thread for them.

use std::fmt::Debug;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

mod real;
mod trouble;

pub use real::RealDisk;
pub use trouble::{DiskError, is_full};

/// A shared handle on a disk.
pub type DiskHandle = Arc<dyn Disk>;

/// Directory-level operations.
pub trait Disk: Debug + Send + Sync + 'static {
    /// Creates a new file for reading and writing; an existing one is an error. The name is
    /// durable only after [`Disk::sync_directory`].
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Opens an existing file for reading and writing.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Opens an existing file for reading only.
    fn open_read_only(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Renames within one file system, replacing `to`. Durable after [`Disk::sync_directory`].
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file. Durable after [`Disk::sync_directory`].
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Creates a directory and its missing parents, durably.
    fn create_directories(&self, path: &Path) -> io::Result<()>;

    /// The names in a directory, sorted.
    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>>;

    /// Whether the path names anything.
    fn exists(&self, path: &Path) -> io::Result<bool>;

    /// Makes names created, renamed or removed in `directory` durable.
    fn sync_directory(&self, directory: &Path) -> io::Result<()>;

    /// The file system that holds `path`, an existing directory, to be made durable as a whole.
    fn file_system(&self, path: &Path) -> io::Result<Box<dyn FileSystem>>;

    /// Space on the file system that holds `path`.
    fn space(&self, path: &Path) -> io::Result<Space>;

    /// A whole file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let file = self.open_read_only(path)?;
        let length = usize::try_from(file.length()?).map_err(io::Error::other)?;
        let mut bytes = vec![0; length];
        file.read_exact_at(&mut bytes, 0)?;
        Ok(bytes)
    }

    /// Writes a new file, or replaces one, so that after any crash either the old or the new
    /// content is there whole: write `path` with `.tmp` added, sync, rename, sync the directory.
    fn write_atomically(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let directory = path
            .parent()
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no parent directory"))?;
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(".tmp");
        let temporary = PathBuf::from(temporary);
        if self.exists(&temporary)? {
            self.remove(&temporary)?;
        }
        let file = self.create(&temporary)?;
        file.write_all_at(bytes, 0)?;
        file.sync_data()?;
        self.rename(&temporary, path)?;
        self.sync_directory(directory)
    }
}

/// A file system, held open: a write that failed since then is told to each holder at its next sync,
/// even if somebody else has synced meanwhile and was told.
pub trait FileSystem: Debug + Send + Sync {
    /// Makes everything written to it so far durable. An error is one as for
    /// [`DiskFile::sync_data`].
    fn sync(&self) -> io::Result<()>;
}

/// An open file; positions are explicit, so that one handle serves many threads.
pub trait DiskFile: Debug + Send + Sync {
    /// Reads at most `buffer.len()` bytes; 0 means the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all of `bytes`; durable only after [`DiskFile::sync_data`].
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Makes the content, and the length needed to read it back, durable.
    ///
    /// After an error the pages may be gone although a later call succeeds: the caller must not
    /// go on as if they were written.
    fn sync_data(&self) -> io::Result<()>;

    /// Cuts or extends the file.
    fn set_length(&self, length: u64) -> io::Result<()>;

    /// The length in bytes.
    fn length(&self) -> io::Result<u64>;

    /// Fills `buffer`, or fails with [`io::ErrorKind::UnexpectedEof`].
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let mut done = 0;
        while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.read_at(rest, offset + done as u64) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Space on a file system, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// What an unprivileged process may still write.
    pub available: u64,
    /// The size of the file system.
    pub total: u64,
}

//! Blob files: immutable, named by digest, one for each content of the store.
//!
//! departs: one level of 256 directories (`blobs/ab/<hex>`) where the plan had two of 65,536 in
//! all. A new store's messages would each have made a directory of their own, at the cost of a
//! block and two more writes; with one level a million messages are 4,000 a directory, which
//! hashed directories do not notice.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use roost_kit::disk::DiskHandle;

use crate::error::Error;
use crate::id::BlobDigest;

/// The files; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Blobs(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    disk: DiskHandle,
    directory: PathBuf,
}

impl Blobs {
    /// Directories are made when the first file comes.
    pub(crate) fn open(directory: PathBuf, disk: DiskHandle) -> io::Result<Self> {
        disk.create_directories(&directory)?;
        Ok(Self(Arc::new(Inner { disk, directory })))
    }

    pub(crate) fn path(&self, digest: BlobDigest) -> PathBuf {
        let hex = digest.to_string();
        let mut path = self.0.directory.clone();
        path.push(hex.get(..2).unwrap_or_default());
        path.push(&hex);
        path
    }

    /// Writes a file that the journal can write again, so not durably. What a crash left of an
    /// earlier try has the same bytes at the same places, so it is written over.
    pub(crate) fn write(&self, digest: BlobDigest, body: &[u8]) -> io::Result<()> {
        let path = self.path(digest);
        let disk = &self.0.disk;
        let file = match disk.create(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => disk.open(&path)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.make_directory(&path)?;
                disk.create(&path)?
            }
            other => other?,
        };
        file.write_all_at(body, 0)
    }

    fn make_directory(&self, file: &Path) -> io::Result<()> {
        match file.parent() {
            Some(directory) => self.0.disk.create_directories(directory),
            None => Ok(()),
        }
    }

    /// Writes a file durably, unless it is there.
    pub(crate) async fn write_durably(&self, digest: BlobDigest, body: Bytes) -> Result<(), Error> {
        let blobs = self.clone();
        blocking(move || {
            let path = blobs.path(digest);
            if blobs.0.disk.exists(&path)? {
                return Ok(());
            }
            blobs.make_directory(&path)?;
            blobs.0.disk.write_atomically(&path, &body)
        })
        .await
        .map_err(|error| match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::NoSpace,
            _ => Error::unavailable("a message cannot be written", error),
        })
    }

    pub(crate) fn remove(&self, digest: BlobDigest) -> io::Result<()> {
        match self.0.disk.remove(&self.path(digest)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Makes all files durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.0.disk.sync_file_system(&self.0.directory)
    }

    /// The whole of a content, checked against its digest.
    pub(crate) async fn load(&self, digest: BlobDigest) -> Result<Bytes, Error> {
        let blobs = self.clone();
        let read = blocking(move || {
            let bytes = blobs.0.disk.read(&blobs.path(digest))?;
            if BlobDigest::of(&bytes) == digest {
                return Ok(Bytes::from(bytes));
            }
            Err(io::ErrorKind::InvalidData.into())
        });
        read.await.map_err(|error| self.unreadable(digest, error))
    }

    /// These octets of a content; fewer where it ends before.
    pub(crate) async fn load_range(
        &self,
        digest: BlobDigest,
        range: Range<u64>,
    ) -> Result<Bytes, Error> {
        let blobs = self.clone();
        let read = blocking(move || {
            let file = blobs.0.disk.open_read_only(&blobs.path(digest))?;
            let end = range.end.min(file.length()?);
            let length = end.saturating_sub(range.start);
            let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
            file.read_exact_at(&mut bytes, range.start)?;
            Ok(Bytes::from(bytes))
        });
        read.await.map_err(|error| self.unreadable(digest, error))
    }

    fn unreadable(&self, digest: BlobDigest, error: io::Error) -> Error {
        let path = self.path(digest);
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                tracing::error!(path = %path.display(), %error, "a message is damaged or missing");
                Error::Corrupt { digest, path }
            }
            _ => Error::unavailable("a message cannot be read", error),
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
}

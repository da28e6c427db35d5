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
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use roost_kit::disk::{DiskHandle, FileSystem, is_full};

use crate::error::Error;
use crate::id::BlobDigest;

/// Whether a file holds what its name says; with its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whole {
    Yes(u64),
    No(u64),
}

/// How the name of a file ends that is being written.
pub(crate) const UNFINISHED: &str = ".tmp";

/// The files; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Blobs(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    disk: DiskHandle,
    directory: PathBuf,
    file_system: Box<dyn FileSystem>,
    /// Files being written durably so far: part of their names, so that two writers of one content
    /// do not share a file.
    writing: AtomicU64,
}

impl Blobs {
    /// Directories are made when the first file comes.
    pub(crate) fn open(directory: PathBuf, disk: DiskHandle) -> io::Result<Self> {
        disk.create_directories(&directory)?;
        Ok(Self(Arc::new(Inner {
            file_system: disk.file_system(&directory)?,
            disk,
            directory,
            writing: AtomicU64::new(0),
        })))
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

    /// Writes a file durably. One that is there already is replaced: it may be torn, or seen only
    /// until the power goes, by a process that died or a sync that failed before.
    pub(crate) async fn write_durably(&self, digest: BlobDigest, body: Bytes) -> Result<(), Error> {
        let blobs = self.clone();
        blocking(move || {
            let path = blobs.path(digest);
            blobs.make_directory(&path)?;
            blobs.replace(&path, &body)
        })
        .await
        .map_err(|error| match is_full(&error) {
            true => Error::NoSpace,
            false => Error::unavailable("a message cannot be written", error),
        })
    }

    /// Writes beside `path` and moves it there, all durably.
    pub(crate) fn replace(&self, path: &Path, body: &[u8]) -> io::Result<()> {
        let disk = &self.0.disk;
        let mut beside = path.as_os_str().to_owned();
        let number = self.0.writing.fetch_add(1, Ordering::Relaxed);
        beside.push(format!(".{number}{UNFINISHED}"));
        let beside = PathBuf::from(beside);
        if disk.exists(&beside)? {
            // Of a process that died.
            disk.remove(&beside)?;
        }
        let file = disk.create(&beside)?;
        let moved = file
            .write_all_at(body, 0)
            .and_then(|()| file.sync_data())
            .and_then(|()| disk.rename(&beside, path));
        if let Err(error) = moved {
            // Whatever is left takes room, and has another name at the next try.
            if let Err(error) = disk.remove(&beside) {
                tracing::warn!(path = %beside.display(), %error, "an unfinished file stays");
            }
            return Err(error);
        }
        disk.sync_directory(path.parent().unwrap_or(path))
    }

    pub(crate) fn remove(&self, digest: BlobDigest) -> io::Result<()> {
        match self.0.disk.remove(&self.path(digest)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Makes all files durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.0.file_system.sync()
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

    /// Reads a file through, in pieces.
    pub(crate) async fn examine(&self, digest: BlobDigest) -> io::Result<Whole> {
        const PIECE: usize = 1 << 18;
        let blobs = self.clone();
        blocking(move || {
            let file = blobs.0.disk.open_read_only(&blobs.path(digest))?;
            let mut hasher = blake3::Hasher::new();
            let mut piece = vec![0; PIECE];
            let mut at = 0;
            loop {
                let count = file.read_at(&mut piece, at)?;
                if count == 0 {
                    break;
                }
                hasher.update(piece.get(..count).unwrap_or_default());
                at += count as u64;
            }
            Ok(match hasher.finalize().as_bytes() == digest.bytes() {
                true => Whole::Yes(at),
                false => Whole::No(at),
            })
        })
        .await
    }

    /// The directories that hold the files.
    pub(crate) async fn folders(&self) -> io::Result<Vec<PathBuf>> {
        self.list(self.0.directory.clone()).await
    }

    /// The files in one of them.
    pub(crate) async fn names(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        self.list(folder.to_owned()).await
    }

    async fn list(&self, folder: PathBuf) -> io::Result<Vec<PathBuf>> {
        let blobs = self.clone();
        blocking(move || {
            let names = blobs.0.disk.list(&folder)?;
            Ok(names.iter().map(|name| folder.join(name)).collect())
        })
        .await
    }

    /// Where files go that nobody refers to, or that hold something else than they should.
    fn lost_and_found(&self) -> io::Result<PathBuf> {
        let aside = self.0.directory.with_file_name("lost+found");
        self.0.disk.create_directories(&aside)?;
        Ok(aside)
    }

    /// Moves a file to `lost+found/`; answers its new place.
    pub(crate) fn set_aside(&self, path: &Path) -> io::Result<PathBuf> {
        let aside = self.lost_and_found()?;
        let name = path.file_name().unwrap_or_default();
        let mut place = aside.join(name);
        let mut number = 0;
        while self.0.disk.exists(&place)? {
            number += 1;
            let mut other = name.to_owned();
            other.push(format!(".{number}"));
            place = aside.join(other);
        }
        self.bring_back(path, &place)?;
        Ok(place)
    }

    /// Moves a file, durably.
    pub(crate) fn bring_back(&self, from: &Path, to: &Path) -> io::Result<()> {
        let disk = &self.0.disk;
        disk.rename(from, to)?;
        disk.sync_directory(to.parent().unwrap_or(to))?;
        disk.sync_directory(from.parent().unwrap_or(from))
    }

    /// Puts a copy of a content into `lost+found/`.
    pub(crate) async fn keep_copy(&self, digest: BlobDigest, body: Bytes) -> io::Result<PathBuf> {
        let blobs = self.clone();
        blocking(move || {
            let place = blobs.lost_and_found()?.join(format!("{digest}.eml"));
            blobs.0.disk.write_atomically(&place, &body)?;
            Ok(place)
        })
        .await
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

//! Message contents in files: those too large for the journal, and those that wait longer than
//! the journal's segments live.
//!
//! `messages/<last digit of the id>/<id>` holds the message as it is sent on, readable with any
//! tool. A file without an entry in the journal was never acknowledged and is removed at start.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use roost_kit::disk::{DiskFile, DiskHandle, FileSystem};

use super::QueueId;
use super::message::Content;
use crate::limits::PIECE;

/// The folder of contents. All operations block: call them on a thread for that.
#[derive(Debug, Clone)]
pub struct Spool {
    disk: DiskHandle,
    root: PathBuf,
    file_system: Arc<dyn FileSystem>,
}

impl Spool {
    /// The spool in `root`, which is made if it is missing.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn new(disk: DiskHandle, root: PathBuf) -> io::Result<Self> {
        disk.create_directories(&root)?;
        Ok(Self {
            file_system: disk.file_system(&root)?.into(),
            disk,
            root,
        })
    }

    /// Where a message's content lies.
    #[must_use]
    pub fn path(&self, id: QueueId) -> PathBuf {
        self.folder(id).join(id.to_string())
    }

    fn folder(&self, id: QueueId) -> PathBuf {
        // The last digit is the fastest changing one, so that folders fill evenly.
        let name = id.to_string();
        let digit = name.chars().next_back().unwrap_or('0');
        self.root.join(digit.to_string())
    }

    /// Starts a file; what an interrupted run left under the name goes.
    pub fn create(&self, id: QueueId) -> io::Result<Writing> {
        let folder = self.folder(id);
        if !self.disk.exists(&folder)? {
            self.disk.create_directories(&folder)?;
        }
        let path = self.path(id);
        if self.disk.exists(&path)? {
            self.disk.remove(&path)?;
        }
        Ok(Writing {
            file: self.disk.create(&path)?,
            disk: self.disk.clone(),
            folder,
            path: Some(path),
            hasher: Box::default(),
            length: 0,
            buffer: Vec::new(),
        })
    }

    /// Writes a content that the journal holds too, without making it durable yet.
    pub fn write(&self, id: QueueId, content: &[u8]) -> io::Result<()> {
        let mut writing = self.create(id)?;
        writing.push(content)?;
        writing.close().map(|_| ())
    }

    /// Makes all contents durable that were written so far.
    pub fn sync(&self) -> io::Result<()> {
        self.file_system.sync()
    }

    /// Opens a message's content.
    pub fn open(&self, id: QueueId, content: Content) -> io::Result<Reading> {
        let path = self.path(id);
        let file = self.disk.open_read_only(&path)?;
        let length = file.length()?;
        if length != content.length {
            let problem = format!(
                "{} has {length} bytes instead of {}",
                path.display(),
                content.length
            );
            return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
        }
        Ok(Reading { file, length })
    }

    /// Removes a message's content, if there is a file of it.
    pub fn remove(&self, id: QueueId) -> io::Result<()> {
        let path = self.path(id);
        match self.disk.remove(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// The ids of all files.
    pub fn list(&self) -> io::Result<Vec<QueueId>> {
        let mut ids = Vec::new();
        for folder in self.disk.list(&self.root)? {
            let folder = self.root.join(folder);
            for name in self.disk.list(&folder)? {
                let id: Option<QueueId> = name
                    .file_name()
                    .and_then(|name| name.to_str()?.parse().ok());
                ids.extend(id);
            }
        }
        Ok(ids)
    }

    /// Where the files are.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }
}

/// A content that is being written. Dropped before [`Writing::finish`] it leaves no file.
#[derive(Debug)]
pub struct Writing {
    disk: DiskHandle,
    file: Box<dyn DiskFile>,
    folder: PathBuf,
    path: Option<PathBuf>,
    hasher: Box<blake3::Hasher>,
    length: u64,
    buffer: Vec<u8>,
}

impl Writing {
    /// Appends `bytes`.
    pub fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= PIECE {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_all_at(&self.buffer, self.length)?;
        self.length += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Makes the file and its name durable.
    pub fn finish(mut self) -> io::Result<Content> {
        self.flush()?;
        self.file.sync_data()?;
        self.disk.sync_directory(&self.folder)?;
        self.close()
    }

    /// Keeps the file without making it durable.
    fn close(mut self) -> io::Result<Content> {
        self.flush()?;
        self.path = None;
        Ok(Content {
            length: self.length,
            digest: *self.hasher.finalize().as_bytes(),
        })
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let Some(path) = self.path.take() else {
            return;
        };
        if let Err(error) = self.disk.remove(&path) {
            tracing::warn!(path = %path.display(), %error, "an unfinished message stays until the next start");
        }
    }
}

/// An open content.
#[derive(Debug)]
pub struct Reading {
    file: Box<dyn DiskFile>,
    length: u64,
}

impl Reading {
    /// The bytes at `offset`, at most [`PIECE`] of them; none at the end.
    pub fn piece(&self, offset: u64) -> io::Result<Bytes> {
        let left = self.length.saturating_sub(offset);
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(PIECE);
        let mut buffer = vec![0; wanted];
        self.file.read_exact_at(&mut buffer, offset)?;
        Ok(Bytes::from(buffer))
    }
}

//! A simulated disk seen from a real folder: the store keeps SQLite's files in a folder of its own
//! for every run, and everything else at the same place of the simulated disk.

use std::io;
use std::path::{Path, PathBuf};

use roost_journal::sim_disk::SimDisk;
use roost_kit::disk::{Disk, DiskFile, FileSystem, Space};

/// Where the store is on the simulated disk.
const ROOT: &str = "/store";

/// The disk, and the folder that stands for [`ROOT`].
#[derive(Debug)]
pub(super) struct Rooted {
    pub(super) disk: SimDisk,
    pub(super) folder: PathBuf,
}

impl Rooted {
    fn place(&self, path: &Path) -> PathBuf {
        match path.strip_prefix(&self.folder) {
            Ok(rest) if rest.as_os_str().is_empty() => PathBuf::from(ROOT),
            Ok(rest) => Path::new(ROOT).join(rest),
            Err(_) => path.to_owned(),
        }
    }
}

impl Disk for Rooted {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.disk.create(&self.place(path))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.disk.open(&self.place(path))
    }

    fn open_read_only(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.disk.open_read_only(&self.place(path))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(&self.place(from), &self.place(to))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(&self.place(path))
    }

    fn create_directories(&self, path: &Path) -> io::Result<()> {
        self.disk.create_directories(&self.place(path))
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        self.disk.list(&self.place(directory))
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        self.disk.exists(&self.place(path))
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        self.disk.sync_directory(&self.place(directory))
    }

    fn file_system(&self, path: &Path) -> io::Result<Box<dyn FileSystem>> {
        self.disk.file_system(&self.place(path))
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        self.disk.space(&self.place(path))
    }
}

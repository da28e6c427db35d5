//! The disk that daemons run on.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::trouble::Calling as _;
use super::{Disk, DiskFile, FileSystem, Space};

/// The operating system's file systems. Files are made for their owner alone (mode 0600, 0700).
#[derive(Debug, Clone, Copy, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .calling("open", path)?;
        Ok(RealFile::boxed(file, path))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(true).open(path);
        Ok(RealFile::boxed(file.calling("open", path)?, path))
    }

    fn open_read_only(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = File::open(path).calling("open", path)?;
        Ok(RealFile::boxed(file, path))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that renames"
    )]
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to).calling("rename", from)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path).calling("unlink", path)
    }

    fn create_directories(&self, path: &Path) -> io::Result<()> {
        let mut missing = Vec::new();
        let mut at = Some(path);
        while let Some(directory) = at.filter(|directory| !directory.as_os_str().is_empty()) {
            if directory.is_dir() {
                break;
            }
            missing.push(directory);
            at = directory.parent();
        }
        for directory in missing.into_iter().rev() {
            match fs::DirBuilder::new().mode(0o700).create(directory) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).calling("mkdir", directory),
            }
            if let Some(parent) = directory.parent() {
                let parent = if parent.as_os_str().is_empty() {
                    Path::new(".")
                } else {
                    parent
                };
                self.sync_directory(parent)?;
            }
        }
        Ok(())
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        let mut names = fs::read_dir(directory)
            .calling("opendir", directory)?
            .map(|entry| entry.map(|entry| PathBuf::from(entry.file_name())))
            .collect::<io::Result<Vec<_>>>()
            .calling("readdir", directory)?;
        names.sort();
        Ok(names)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        path.try_exists().calling("stat", path)
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        File::open(directory)
            .calling("open", directory)?
            .sync_all()
            .calling("fsync", directory)
    }

    fn file_system(&self, path: &Path) -> io::Result<Box<dyn FileSystem>> {
        let file = File::open(path).calling("open", path)?;
        Ok(RealFile::boxed(file, path))
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        let stat = nix::sys::statvfs::statvfs(path).map_err(io::Error::from);
        let stat = stat.calling("statvfs", path)?;
        Ok(Space {
            available: stat.blocks_available() * stat.fragment_size(),
            total: stat.blocks() * stat.fragment_size(),
        })
    }
}

#[derive(Debug)]
struct RealFile {
    file: File,
    /// As it was when it was opened.
    path: Box<Path>,
}

impl RealFile {
    fn boxed(file: File, path: &Path) -> Box<Self> {
        let path = path.into();
        Box::new(Self { file, path })
    }
}

impl FileSystem for RealFile {
    fn sync(&self) -> io::Result<()> {
        let synced = nix::unistd::syncfs(&self.file).map_err(io::Error::from);
        synced.calling("syncfs", &self.path)
    }
}

impl DiskFile for RealFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file
            .read_at(buffer, offset)
            .calling("pread", &self.path)
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file
            .write_all_at(bytes, offset)
            .calling("pwrite", &self.path)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data().calling("fdatasync", &self.path)
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.file.set_len(length).calling("ftruncate", &self.path)
    }

    fn length(&self) -> io::Result<u64> {
        let metadata = self.file.metadata().calling("fstat", &self.path)?;
        Ok(metadata.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_atomic_write_replaces_the_whole_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/file");
        RealDisk.create_directories(path.parent().unwrap()).unwrap();
        RealDisk.write_atomically(&path, b"first, longer").unwrap();
        RealDisk.write_atomically(&path, b"second").unwrap();
        assert_eq!(RealDisk.read(&path).unwrap(), b"second");
        assert_eq!(
            RealDisk.list(path.parent().unwrap()).unwrap(),
            [PathBuf::from("file")]
        );
    }

    #[test]
    fn an_error_names_the_call_and_the_file_and_keeps_its_kind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("absent");
        let error = RealDisk.open(&path).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        let text = error.to_string();
        assert!(text.starts_with("open /"), "{text}");
        assert!(text.contains("absent: No such file"), "{text}");
    }

    #[test]
    fn space_is_told_for_any_path_on_the_file_system() {
        let folder = tempfile::tempdir().unwrap();
        let space = RealDisk.space(folder.path()).unwrap();
        assert!(space.available <= space.total && space.total > 0);
    }
}

//! The volumes that hold state.

use std::path::{Path, PathBuf};

use nix::sys::statvfs::statvfs;

/// A file system that some daemon keeps its state on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// Its place in the table of volumes, from 1.
    pub index: u32,
    /// The folder of the daemon.
    pub folder: PathBuf,
    /// What it is for, such as `store`.
    pub purpose: &'static str,
    /// Octets in all.
    pub size: u64,
    /// Octets that a daemon may still write.
    pub free: u64,
    /// Files in all; 0 where the file system has no such limit.
    pub files: u64,
    /// Files that may still be made.
    pub files_free: u64,
}

impl Volume {
    /// Looks at a folder; nothing where it is not there.
    #[must_use]
    pub fn look(index: u32, purpose: &'static str, folder: &Path) -> Option<Self> {
        let found = statvfs(folder).ok()?;
        let block = found.fragment_size();
        Some(Self {
            index,
            folder: folder.to_owned(),
            purpose,
            size: found.blocks().saturating_mul(block),
            free: found.blocks_available().saturating_mul(block),
            files: found.files(),
            files_free: found.files_available(),
        })
    }

    /// How much is free, of octets or of files, whichever is scarcer; in percent, rounded down.
    #[must_use]
    pub fn free_percent(&self) -> u8 {
        let percent = |free: u64, all: u64| match all {
            0 => 100,
            all => u8::try_from(free.saturating_mul(100) / all).unwrap_or(100),
        };
        percent(self.free, self.size).min(percent(self.files_free, self.files))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scarcer_of_octets_and_files_counts() {
        let volume = Volume {
            index: 1,
            folder: "/".into(),
            purpose: "store",
            size: 1000,
            free: 900,
            files: 100,
            files_free: 7,
        };
        assert_eq!(volume.free_percent(), 7);
        assert_eq!(Volume { files: 0, ..volume }.free_percent(), 90);
    }

    #[test]
    fn a_folder_that_is_not_there_is_no_volume() {
        assert_eq!(Volume::look(1, "store", Path::new("/does/not/exist")), None);
        assert!(Volume::look(1, "store", Path::new("/")).is_some());
    }
}

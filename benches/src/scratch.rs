//! The folder that all servers write into.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::statfs::{self, TMPFS_MAGIC};

use crate::Common;

/// Files that may be open: 10,000 sessions, and two descriptors for some of the peers' each.
const FILES: u64 = 65_536;

/// A folder of our own on the disk that is measured.
#[derive(Debug)]
pub(crate) struct Scratch {
    folder: PathBuf,
    keep: bool,
}

impl Scratch {
    /// Makes the folder, empty.
    pub(crate) fn new(common: &Common, name: &str) -> anyhow::Result<Self> {
        ensure!(
            nix::unistd::geteuid().is_root(),
            "Dovecot and Postfix have to be started by root: run it as root"
        );
        raise_file_limit()?;
        let folder = match &common.dir {
            Some(folder) => folder.join(format!("roost-{name}")),
            None => beside_us()?.join(name),
        };
        if folder.exists() {
            fs::remove_dir_all(&folder)
                .with_context(|| format!("cannot empty {}", folder.display()))?;
        }
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let folder = folder.canonicalize()?;
        let kind = statfs::statfs(&folder).context("cannot look at the file system")?;
        if kind.filesystem_type() == TMPFS_MAGIC {
            eprintln!(
                "warning: {} is in memory: a sync costs nothing there, so the figures say nothing \
                 of a disk (choose another with --dir)",
                folder.display()
            );
        }
        let_others_through(&folder)?;
        Ok(Self {
            folder,
            keep: common.keep,
        })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.keep {
            eprintln!("kept: {}", self.folder.display());
        } else if let Err(error) = fs::remove_dir_all(&self.folder) {
            eprintln!("cannot remove {}: {error}", self.folder.display());
        }
    }
}

fn beside_us() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("cannot find this program's folder")?;
    let folder = own.parent().context("this program is in no folder")?;
    Ok(folder.join("bench"))
}

/// The peers' daemons run as users of their own and have to be able to walk to their folders.
fn let_others_through(folder: &Path) -> anyhow::Result<()> {
    for path in folder.ancestors().filter(|path| path.parent().is_some()) {
        let mode = fs::metadata(path)?.permissions().mode();
        if mode & 0o001 != 0 {
            continue;
        }
        ensure!(
            path.starts_with(folder),
            "other users cannot walk through {} (choose another folder with --dir)",
            path.display()
        );
        fs::set_permissions(path, fs::Permissions::from_mode(mode | 0o111))?;
    }
    Ok(())
}

/// Raises the limit for us and for all that we start. Not every root may raise the hard one.
fn raise_file_limit() -> anyhow::Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let wanted = FILES.max(soft);
    if setrlimit(Resource::RLIMIT_NOFILE, wanted, hard.max(wanted)).is_err() {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)
            .context("cannot raise the number of open files (ulimit -n)")?;
    }
    Ok(())
}

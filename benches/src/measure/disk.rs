//! Flush requests of the disk that a folder is on.

use std::fs;
use std::os::linux::fs::MetadataExt;
use std::path::Path;

use anyhow::Context;
use nix::sys::stat::{major, minor};

/// The block device that a folder is on. The kernel counts the flushes of everybody: other work on
/// the disk shows in the figures.
#[derive(Debug, Clone)]
pub(crate) struct Disk {
    /// Major and minor number as `/proc/diskstats` writes them; nothing where the folder is on no
    /// block device.
    device: Option<(u64, u64)>,
}

/// The field of `/proc/diskstats` that counts completed flush requests (Linux 5.5 on), from 0.
const FLUSHES: usize = 18;

impl Disk {
    /// The disk under `folder`.
    pub(crate) fn under(folder: &Path) -> anyhow::Result<Self> {
        let device = fs::metadata(folder)
            .with_context(|| format!("cannot look at {}", folder.display()))?
            .st_dev();
        let numbers = (major(device), minor(device));
        Ok(Self {
            device: whole_disk(numbers).filter(|numbers| count(*numbers).is_some()),
        })
    }

    /// Flush requests since the machine started.
    pub(crate) fn flushes(&self) -> Option<u64> {
        count(self.device?)
    }
}

/// Flushes are counted for the disk, not for its partitions.
fn whole_disk((major, minor): (u64, u64)) -> Option<(u64, u64)> {
    let at = fs::canonicalize(format!("/sys/dev/block/{major}:{minor}")).ok()?;
    if !at.join("partition").exists() {
        return Some((major, minor));
    }
    let numbers = fs::read_to_string(at.parent()?.join("dev")).ok()?;
    let (major, minor) = numbers.trim().split_once(':')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn count((major, minor): (u64, u64)) -> Option<u64> {
    let table = fs::read_to_string("/proc/diskstats").ok()?;
    table.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
        (number(0)? == major && number(1)? == minor).then(|| number(FLUSHES))?
    })
}

//! An ext4 file system from a folder, the same octets for the same folder.
//!
//! mke2fs copies the times at which the kernel last changed a file, which nobody can set: they are
//! overwritten in the inodes afterwards. That breaks the inodes' checksums, so those are switched on
//! last.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

use anyhow::{Context, bail};

use super::disk::ROOT_FS;
use crate::run::Run;

const SUPERBLOCK: u64 = 1024;
/// Where an inode keeps when it was last read and last changed, and the fine parts of its times.
const TIMES: [u64; 2] = [0x08, 0x0c];
const FINE: [u64; 4] = [0x84, 0x88, 0x8c, 0x94];
/// Where it keeps when it was made.
const MADE: u64 = 0x90;

/// Makes it.
pub(super) fn make(root: &Path, image: &Path, size: u64, epoch: i64) -> anyhow::Result<()> {
    File::create(image)?.set_len(size)?;
    Run::new("mke2fs")
        .env("E2FSPROGS_FAKE_TIME", epoch.to_string())
        .args(["-q", "-F", "-t", "ext4", "-L", "roost-root", "-U", ROOT_FS])
        .args(["-O", "^metadata_csum", "-I", "256", "-m", "1"])
        .args([
            "-E",
            &format!("hash_seed={ROOT_FS},lazy_itable_init=0,nodiscard"),
            "-d",
        ])
        .args([root, image])
        .done()?;
    let epoch = u32::try_from(epoch).context("a time past 2106")?;
    settle_times(image, epoch)?;
    Run::new("tune2fs")
        .env("E2FSPROGS_FAKE_TIME", epoch.to_string())
        .args(["-O", "metadata_csum"])
        .arg(image)
        .done()?;
    // tune2fs asks for a check after switching checksums on; only what it says matters.
    let checked = Run::new("e2fsck")
        .env("E2FSPROGS_FAKE_TIME", epoch.to_string())
        .args(["-f", "-y"])
        .arg(image)
        .done();
    if let Err(first) = checked {
        Run::new("e2fsck")
            .args(["-f", "-n"])
            .arg(image)
            .done()
            .context(first)?;
    }
    Ok(())
}

/// Gives every inode in use the same times of change, reading and making.
fn settle_times(image: &Path, epoch: u32) -> anyhow::Result<()> {
    let disk = OpenOptions::new().read(true).write(true).open(image)?;
    let field = |at: u64| read_u32(&disk, SUPERBLOCK + at);
    let inodes = u64::from(field(0x00)?);
    let block = 1024_u64 << field(0x18)?;
    let per_group = u64::from(field(0x28)?);
    let size = u64::from(field(0x58)? & 0xffff);
    let is_64 = field(0x60)? & 0x80 != 0;
    let descriptor = if is_64 {
        u64::from(field(0xfc)? >> 16)
    } else {
        32
    };
    if size < 256 || per_group == 0 {
        bail!("mke2fs made inodes of {size} octets");
    }
    let descriptors = if block == 1024 { 2048 } else { block };
    for group in 0..inodes.div_ceil(per_group) {
        let at = descriptors + group * descriptor;
        let mut table = u64::from(read_u32(&disk, at + 0x08)?);
        if is_64 && descriptor >= 64 {
            table |= u64::from(read_u32(&disk, at + 0x28)?) << 32;
        }
        for inode in 0..per_group {
            let at = table * block + inode * size;
            let is_used = read_u32(&disk, at)? & 0xffff != 0;
            if !is_used {
                continue;
            }
            for time in TIMES.into_iter().chain([MADE]) {
                disk.write_all_at(&epoch.to_le_bytes(), at + time)?;
            }
            for fine in FINE {
                disk.write_all_at(&[0; 4], at + fine)?;
            }
        }
    }
    Ok(disk.sync_all()?)
}

fn read_u32(disk: &File, at: u64) -> anyhow::Result<u32> {
    let mut octets = [0; 4];
    disk.read_exact_at(&mut octets, at)?;
    Ok(u32::from_le_bytes(octets))
}

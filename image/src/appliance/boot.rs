//! What firmware starts: GRUB in both its forms, put in place without any tool that wants a device.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::run::Run;

const SECTOR: usize = 512;
/// Where boot.img keeps the number of the sector that it loads (GRUB_BOOT_MACHINE_KERNEL_SECTOR).
const KERNEL_SECTOR: usize = 0x5c;
/// Where the first sector of the core keeps the list of the others: start, count, segment.
const BLOCK_LIST: usize = SECTOR - 12;
/// The segment at which GRUB loads the rest of itself.
const SEGMENT: u16 = 0x820;
/// boot.img's code ends where the partition table begins.
const CODE_LENGTH: usize = 440;

const CONFIG: &str = "search --no-floppy --label roost-root --set=root\n\
                      set prefix=($root)/boot/grub\n\
                      configfile $prefix/grub.cfg\n";
const MODULES: [&str; 14] = [
    "part_gpt",
    "ext2",
    "fat",
    "search",
    "search_label",
    "configfile",
    "normal",
    "linux",
    "echo",
    "serial",
    "terminal",
    "minicmd",
    "boot",
    "test",
];

/// The loader for UEFI.
pub(super) fn efi(work: &Path) -> anyhow::Result<PathBuf> {
    image("x86_64-efi", &["all_video", "efi_gop"], work)
}

/// The first sector of the disk's code, and what goes into the BIOS boot partition that begins at
/// `sector`.
pub(super) fn bios(work: &Path, sector: u64) -> anyhow::Result<(Vec<u8>, Vec<u8>)> {
    let core = image("i386-pc", &["biosdisk"], work)?;
    let boot = fs::read("/usr/lib/grub/i386-pc/boot.img").context("no GRUB for BIOS here")?;
    patch(boot, fs::read(core)?, sector)
}

fn image(platform: &str, modules: &[&str], work: &Path) -> anyhow::Result<PathBuf> {
    let config = work.join("grub-early.cfg");
    fs::write(&config, CONFIG)?;
    let out = work.join(format!("grub-{platform}"));
    Run::new("grub-mkimage")
        .args(["-O", platform, "-p", "/boot/grub", "-o"])
        .arg(&out)
        .arg("-c")
        .arg(&config)
        .args(MODULES)
        .args(modules)
        .done()?;
    Ok(out)
}

/// Tells both parts where they lie, as grub-bios-setup does.
fn patch(mut boot: Vec<u8>, mut core: Vec<u8>, sector: u64) -> anyhow::Result<(Vec<u8>, Vec<u8>)> {
    let rest = core.len().div_ceil(SECTOR).saturating_sub(1);
    let Ok(rest) = u16::try_from(rest) else {
        bail!("GRUB's core is too large");
    };
    put(&mut boot, KERNEL_SECTOR, &sector.to_le_bytes())?;
    put(&mut core, BLOCK_LIST, &(sector + 1).to_le_bytes())?;
    put(&mut core, BLOCK_LIST + 8, &rest.to_le_bytes())?;
    put(&mut core, BLOCK_LIST + 10, &SEGMENT.to_le_bytes())?;
    boot.truncate(CODE_LENGTH);
    Ok((boot, core))
}

fn put(into: &mut [u8], at: usize, octets: &[u8]) -> anyhow::Result<()> {
    let place = into.get_mut(at..at + octets.len());
    place
        .context("GRUB's image is too small")?
        .copy_from_slice(octets);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_parts_know_where_they_lie() {
        let (boot, core) = patch(vec![0; 512], vec![7; 1300], 2048).unwrap();
        assert_eq!(boot.len(), CODE_LENGTH);
        assert_eq!(boot[0x5c..0x64], 2048_u64.to_le_bytes());
        assert_eq!(core[500..508], 2049_u64.to_le_bytes());
        assert_eq!(core[508..510], 2_u16.to_le_bytes());
        assert_eq!(core[510..512], [0x20, 0x08]);
        assert!(patch(vec![0; 10], vec![7; 1300], 2048).is_err());
    }
}

//! The disk: a GPT with a place for GRUB on BIOS, the EFI system partition, and the root file system.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::recipe::Recipe;
use super::{boot, ext4};
use crate::run::Run;
use crate::source::Source;
use crate::steps::step;

const MIB: u64 = 1 << 20;
/// MiB: where each part begins, and how large it is.
const BIOS_AT: u64 = 1;
const ESP_AT: u64 = 2;
const ESP_SIZE: u64 = 64;
const ROOT_AT: u64 = ESP_AT + ESP_SIZE;

const DISK_ID: &str = "5F0B6E1C-52A1-4C0F-9C8E-A30B0A57D001";
const BIOS_ID: &str = "5F0B6E1C-52A1-4C0F-9C8E-A30B0A57D002";
const ESP_ID: &str = "5F0B6E1C-52A1-4C0F-9C8E-A30B0A57D003";
const ROOT_ID: &str = "5F0B6E1C-52A1-4C0F-9C8E-A30B0A57D004";
/// The root file system's own number.
pub(super) const ROOT_FS: &str = "5f0b6e1c-52a1-4c0f-9c8e-a30b0a57d005";
/// The types of systemd's discoverable partitions.
const BIOS_TYPE: &str = "21686148-6449-6E6F-744E-656564454649";
const ESP_TYPE: &str = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B";
const ROOT_TYPE: &str = "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709";

/// Puts the disk together in `work`.
pub(super) fn make(
    recipe: &Recipe,
    source: &Source,
    root: &Path,
    work: &Path,
) -> anyhow::Result<PathBuf> {
    let raw = work.join("disk.raw");
    let file_system = work.join("root.ext4");
    step("root file system (ext4)", || {
        ext4::make(root, &file_system, recipe.root_size * MIB, source.epoch)
    })?;
    let esp = work.join("esp.fat");
    step("EFI system partition", || make_esp(source, work, &esp))?;
    step("disk", || {
        File::create(&raw)?.set_len(recipe.disk_size * MIB)?;
        partition(recipe, &raw)?;
        let (first, core) = boot::bios(work, BIOS_AT * MIB / 512)?;
        let mut disk = OpenOptions::new().write(true).open(&raw)?;
        disk.write_all(&first)?;
        disk.seek(SeekFrom::Start(BIOS_AT * MIB))?;
        disk.write_all(&core)?;
        copy(&esp, &mut disk, ESP_AT * MIB)?;
        copy(&file_system, &mut disk, ROOT_AT * MIB)?;
        Ok(disk.sync_all()?)
    })?;
    fs::remove_file(file_system)?;
    Ok(raw)
}

fn partition(recipe: &Recipe, raw: &Path) -> anyhow::Result<()> {
    let script = format!(
        "label: gpt\nlabel-id: {DISK_ID}\nunit: sectors\nfirst-lba: 2048\n\
         start={bios}, size=2048, type={BIOS_TYPE}, uuid={BIOS_ID}, name=bios\n\
         start={esp}, size={esp_size}, type={ESP_TYPE}, uuid={ESP_ID}, name=esp\n\
         start={root}, size={root_size}, type={ROOT_TYPE}, uuid={ROOT_ID}, name=root\n",
        bios = BIOS_AT * 2048,
        esp = ESP_AT * 2048,
        esp_size = ESP_SIZE * 2048,
        root = ROOT_AT * 2048,
        root_size = recipe.root_size * 2048,
    );
    Run::new("sfdisk")
        .arg("--quiet")
        .arg(raw)
        .input(script)
        .done()
}

fn make_esp(source: &Source, work: &Path, esp: &Path) -> anyhow::Result<()> {
    let loader = boot::efi(work)?;
    let at = source.epoch.to_string();
    Run::new("touch")
        .args(["-d", &format!("@{at}")])
        .arg(&loader)
        .done()?;
    File::create(esp)?.set_len(ESP_SIZE * MIB)?;
    Run::new("mkfs.vfat")
        .args([
            "--invariant",
            "-F",
            "32",
            "-n",
            "ROOST-EFI",
            "-i",
            "A30B0A57",
        ])
        .arg(esp)
        .done()?;
    for arguments in [["mmd", "::/EFI"], ["mmd", "::/EFI/BOOT"]] {
        let [program, folder] = arguments;
        Run::new(program)
            .env("SOURCE_DATE_EPOCH", &at)
            .arg("-i")
            .arg(esp)
            .arg(folder)
            .done()?;
    }
    Run::new("mcopy")
        .env("SOURCE_DATE_EPOCH", &at)
        .args(["-m", "-i"])
        .arg(esp)
        .arg(loader)
        .arg("::/EFI/BOOT/BOOTX64.EFI")
        .done()
}

/// Copies a part into the disk and leaves holes where there is nothing.
fn copy(from: &Path, disk: &mut File, at: u64) -> anyhow::Result<()> {
    let mut from = File::open(from)?;
    let mut octets = vec![0; 64 << 10];
    let mut place = at;
    loop {
        let read = from.read(&mut octets)?;
        let Some(part) = octets.get(..read).filter(|part| !part.is_empty()) else {
            return Ok(());
        };
        if part.iter().any(|octet| *octet != 0) {
            disk.seek(SeekFrom::Start(place))?;
            disk.write_all(part)?;
        }
        place += read as u64;
    }
}

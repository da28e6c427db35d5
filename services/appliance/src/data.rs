//! The data disk: everything that must outlive the system disk lies on it, mail, queue, directory, and
//! the node's configuration with its secrets. So it can be moved to another machine, whole.
//!
//! Only a disk that is blank from its first to its last sampled octet is ever formatted, and only when
//! it is the single candidate. A disk that belongs to another installation is not used before somebody
//! at the console says so. Without a data disk nothing starts, and the console says why.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use anyhow::{Context, bail};
use serde::Deserialize;

use crate::{state, system};

const LABEL: &str = "roost-data";
/// Where the disk is mounted, and `/etc/roost` as part of it.
const MOUNT: &str = "/var/lib/roost";
const SETTINGS: &str = "/var/lib/roost/.settings";
const ETC: &str = "/etc/roost";
/// On the system disk: the data disk that belongs to this system.
const REMEMBERED: &str = "/var/lib/roost-appliance/data-disk";
/// Written by the console when somebody says that another installation's disk is to be used.
pub(crate) const ADOPT: &str = "/var/lib/roost-appliance/adopt";
/// A smaller disk holds no mail server.
const SIZE_MIN: u64 = 1 << 30;
/// How much at both ends, and at places between, must be zero on a blank disk.
const SAMPLE: usize = 4 << 20;
const SAMPLES_BETWEEN: u64 = 16;

/// One disk as `lsblk --json --bytes` tells it.
#[derive(Debug, Clone, Deserialize)]
struct Disk {
    path: String,
    size: u64,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    fstype: Option<String>,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    ro: bool,
    #[serde(default)]
    children: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Listing {
    blockdevices: Vec<Disk>,
}

/// What there is to do.
#[derive(Debug, PartialEq, Eq)]
enum Choice<'a> {
    Use(&'a str),
    Format(&'a str),
    /// Nothing, because of this.
    Nothing(String),
}

/// Mounts the data disk, made first if there is only a blank one.
pub(crate) fn run() -> anyhow::Result<()> {
    if is_mounted(MOUNT) {
        return state::problem("data", None);
    }
    let disks = disks()?;
    let blank = |disk: &Disk| is_blank(Path::new(&disk.path), disk.size).unwrap_or(false);
    match choose(&disks, &blank) {
        Choice::Nothing(why) => {
            state::problem("data", Some(&why))?;
            bail!("{why}");
        }
        Choice::Use(disk) => mount(disk),
        Choice::Format(disk) => {
            system::say(&format!(
                "{disk} is blank: making the data file system on it"
            ));
            system::run("mkfs.ext4", &["-q", "-L", LABEL, "-m", "1", disk])?;
            mount(disk)
        }
    }
}

fn disks() -> anyhow::Result<Vec<Disk>> {
    let fields = "PATH,SIZE,TYPE,FSTYPE,LABEL,RO";
    let text = system::run("lsblk", &["--json", "--bytes", "--tree", "-o", fields])?;
    let listing: Listing = serde_json::from_str(&text).context("lsblk said something else")?;
    Ok(listing.blockdevices)
}

fn choose<'a>(disks: &'a [Disk], is_blank: &dyn Fn(&Disk) -> bool) -> Choice<'a> {
    let whole: Vec<&Disk> = disks.iter().filter(|disk| disk.kind == "disk").collect();
    let ours: Vec<&&Disk> = whole
        .iter()
        .filter(|disk| disk.label.as_deref() == Some(LABEL))
        .collect();
    match ours.as_slice() {
        [one] => return Choice::Use(&one.path),
        [] => {}
        several => {
            let names: Vec<&str> = several.iter().map(|disk| disk.path.as_str()).collect();
            return Choice::Nothing(format!(
                "There are several data disks ({}). Detach all but the right one.",
                names.join(", ")
            ));
        }
    }
    let empty: Vec<&&Disk> = whole
        .iter()
        .filter(|disk| disk.children.is_empty() && disk.fstype.is_none() && !disk.ro)
        .filter(|disk| disk.size >= SIZE_MIN && is_blank(disk))
        .collect();
    match empty.as_slice() {
        [one] => Choice::Format(&one.path),
        [] => Choice::Nothing(
            "There is no data disk. Attach an empty disk (10 GB or more), or the one that holds the \
             mail; it is found within a minute. A disk that holds anything else is never touched."
                .to_owned(),
        ),
        several => {
            let names: Vec<&str> = several.iter().map(|disk| disk.path.as_str()).collect();
            Choice::Nothing(format!(
                "There are several empty disks ({}). Detach all but the one for mail.",
                names.join(", ")
            ))
        }
    }
}

/// Whether a disk holds only zeros, as far as samples tell.
fn is_blank(path: &Path, size: u64) -> anyhow::Result<bool> {
    let mut disk = File::open(path)?;
    let last = size.saturating_sub(SAMPLE as u64);
    let mut octets = vec![0; SAMPLE];
    for sample in 0..=SAMPLES_BETWEEN {
        let at = last / SAMPLES_BETWEEN * sample;
        disk.seek(SeekFrom::Start(at))?;
        let read = disk.read(&mut octets)?;
        if octets.iter().take(read).any(|octet| *octet != 0) {
            return Ok(false);
        }
    }
    disk.seek(SeekFrom::Start(last))?;
    let read = disk.read(&mut octets)?;
    Ok(octets.iter().take(read).all(|octet| *octet == 0))
}

fn mount(disk: &str) -> anyhow::Result<()> {
    let uuid = system::run("blkid", &["-p", "-s", "UUID", "-o", "value", disk])?;
    let uuid = uuid.trim();
    if let Err(why) = check_owner(uuid) {
        state::problem("data", Some(&format!("{why:#}")))?;
        return Err(why);
    }
    // A system that lost its power may have left the journal to be replayed; mounting does that. What
    // is worse is repaired only as far as nothing is guessed.
    let checked = system::output("e2fsck", &["-p", disk])?;
    if checked.status.code().is_none_or(|code| code > 2) {
        let why = format!(
            "The file system on {disk} needs a person: e2fsck -f {disk} in a shell. Nothing was started."
        );
        state::problem("data", Some(&why))?;
        bail!("{why}");
    }
    fs::create_dir_all(MOUNT)?;
    system::run(
        "mount",
        &["-t", "ext4", "-o", "nosuid,nodev,noexec", disk, MOUNT],
    )?;
    system::run("resize2fs", &[disk])?;
    fs::create_dir_all(SETTINGS)?;
    fs::create_dir_all(ETC)?;
    system::run("mount", &["--bind", SETTINGS, ETC])?;
    system::write(Path::new(REMEMBERED), &format!("{uuid}\n"), 0o644)?;
    if Path::new(ADOPT).exists() {
        fs::remove_file(ADOPT)?;
    }
    // systemd looked for /etc/roost before it was here.
    system::run("systemd-tmpfiles", &["--create", "roost.conf"])?;
    state::problem("data", None)
}

/// A system uses the data disk that it knows, or a first one.
fn check_owner(uuid: &str) -> anyhow::Result<()> {
    let known = system::read(Path::new(REMEMBERED));
    let adopted = Path::new(ADOPT).exists();
    match known.as_deref().map(str::trim) {
        Some(known) if known != uuid && !adopted => bail!(
            "The data disk belongs to another installation ({uuid}, not {known}). Attach the right \
             one, or choose \"use this data disk\" below."
        ),
        _ => Ok(()),
    }
}

/// Lets the file system fill a disk that has grown; repeats the search where there was none.
pub(crate) fn grow() -> anyhow::Result<()> {
    for entry in fs::read_dir("/sys/class/scsi_device")
        .into_iter()
        .flatten()
        .flatten()
    {
        // The kernel learns of the new size; other kinds of disks tell it themselves.
        drop(fs::write(entry.path().join("device/rescan"), "1"));
    }
    if !is_mounted(MOUNT) {
        run()?;
        let start = ["--no-block", "start", "appliance-configure.service"];
        return system::run("systemctl", &start).map(drop);
    }
    let device = system::run("findmnt", &["-n", "-o", "SOURCE", MOUNT])?;
    system::run("resize2fs", &[device.trim()]).map(drop)
}

/// Whether the data disk is there.
pub(crate) fn is_ready() -> bool {
    is_mounted(MOUNT)
}

fn is_mounted(path: &str) -> bool {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    mounts
        .lines()
        .any(|line| line.split(' ').nth(1) == Some(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disks(lines: &str) -> Vec<Disk> {
        serde_json::from_str(lines).unwrap()
    }

    const SYSTEM: &str = r#"{"path":"/dev/vda","size":8589934592,"type":"disk","children":[{}]}"#;

    #[test]
    fn only_a_single_blank_disk_is_formatted() {
        let blank = r#"{"path":"/dev/vdb","size":42949672960,"type":"disk"}"#;
        let other = r#"{"path":"/dev/vdc","size":42949672960,"type":"disk"}"#;
        let one = disks(&format!("[{SYSTEM},{blank}]"));
        assert_eq!(choose(&one, &|_| true), Choice::Format("/dev/vdb"));
        assert!(matches!(choose(&one, &|_| false), Choice::Nothing(_)));
        let two = disks(&format!("[{SYSTEM},{blank},{other}]"));
        assert!(matches!(choose(&two, &|_| true), Choice::Nothing(_)));
    }

    #[test]
    fn what_holds_anything_is_never_formatted() {
        for held in [
            r#"{"path":"/dev/vdb","size":42949672960,"type":"disk","fstype":"xfs"}"#,
            r#"{"path":"/dev/vdb","size":42949672960,"type":"disk","children":[{}]}"#,
            r#"{"path":"/dev/vdb","size":42949672960,"type":"disk","ro":true}"#,
            r#"{"path":"/dev/vdb","size":1000000,"type":"disk"}"#,
            r#"{"path":"/dev/sr0","size":42949672960,"type":"rom"}"#,
        ] {
            let all = disks(&format!("[{SYSTEM},{held}]"));
            assert!(
                matches!(choose(&all, &|_| true), Choice::Nothing(_)),
                "{held}"
            );
        }
    }

    #[test]
    fn our_disk_wins_over_a_blank_one() {
        let ours = r#"{"path":"/dev/vdb","size":42949672960,"type":"disk","fstype":"ext4","label":"roost-data"}"#;
        let blank = r#"{"path":"/dev/vdc","size":42949672960,"type":"disk"}"#;
        let all = disks(&format!("[{SYSTEM},{blank},{ours}]"));
        assert_eq!(choose(&all, &|_| true), Choice::Use("/dev/vdb"));
    }

    #[test]
    fn one_octet_anywhere_near_the_ends_makes_a_disk_not_blank() {
        use std::io::Write;
        let file = tempfile::NamedTempFile::new().unwrap();
        let size = 64 << 20;
        file.as_file().set_len(size).unwrap();
        assert!(is_blank(file.path(), size).unwrap());
        for at in [0, 510, size - 1] {
            let mut disk = file.reopen().unwrap();
            disk.seek(SeekFrom::Start(at)).unwrap();
            disk.write_all(&[1]).unwrap();
            assert!(!is_blank(file.path(), size).unwrap(), "{at}");
            disk.seek(SeekFrom::Start(at)).unwrap();
            disk.write_all(&[0]).unwrap();
        }
    }
}

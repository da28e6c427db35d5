//! A real disk that fails: ext4 on a loop device, whose file nbdfuse shows and nbdkit serves.
//!
//!     ext4 ─ loop device ─ nbdfuse ─ nbdkit [cache=writeback] ─ backing file
//!
//! What ext4 has not flushed is in nbdkit's cache; killing nbdkit is a power cut. nbdkit's error
//! filter fails writes: above the cache at once, below it when a flush brings the cache to the file.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::wait::until;
use crate::{Run, wait_for};

const PATIENCE: Duration = Duration::from_secs(30);
const BLOCK: usize = 4096;

/// Which requests fail while the trigger is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failing {
    /// None: the disk only loses its power.
    Nothing,
    /// Writes, at once.
    Writes,
    /// Flushes: what they should write is not taken.
    Flushes,
}

/// A disk and its mount point.
#[derive(Debug)]
pub struct Disk {
    folder: PathBuf,
    nbdkit: Option<Child>,
    nbdfuse: Option<Child>,
    device: Option<String>,
    mounted: bool,
    /// Counts what the canary says.
    generation: u32,
}

impl Disk {
    /// Why such disks cannot be had here, if so.
    pub fn missing() -> Option<String> {
        if !nix::unistd::geteuid().is_root() {
            return Some("mounting needs root".to_owned());
        }
        for program in [
            "nbdkit",
            "nbdfuse",
            "fusermount3",
            "losetup",
            "mkfs.ext4",
            "setpriv",
        ] {
            let found = ["/usr/bin", "/usr/sbin", "/bin", "/sbin"]
                .iter()
                .any(|folder| Path::new(folder).join(program).exists());
            if !found {
                return Some(format!(
                    "{program} is missing (scripts/setup fault installs it)"
                ));
            }
        }
        for device in ["/dev/fuse", "/dev/loop-control"] {
            if !Path::new(device).exists() {
                return Some(format!("{device} is missing"));
            }
        }
        None
    }

    /// A new disk of `mib` MiB with an empty file system, its files in `folder`. Not plugged in.
    pub fn new(folder: &Path, mib: u64) -> Self {
        for name in ["fuse", "mount", "tmp"] {
            fs::create_dir_all(folder.join(name)).unwrap();
        }
        let this = Self {
            folder: folder.to_owned(),
            nbdkit: None,
            nbdfuse: None,
            device: None,
            mounted: false,
            generation: 0,
        };
        File::create(this.backing())
            .unwrap()
            .set_len(mib << 20)
            .unwrap();
        Run::new("mkfs.ext4")
            .args(["-q", "-F"])
            .arg(this.backing())
            .ok();
        this
    }

    fn backing(&self) -> PathBuf {
        self.folder.join("backing")
    }

    /// Where it is mounted.
    pub fn mount_point(&self) -> PathBuf {
        self.folder.join("mount")
    }

    fn trigger(&self) -> PathBuf {
        self.folder.join("trigger")
    }

    /// Plugs it in and mounts it.
    pub fn plug(&mut self, failing: Failing) {
        self.connect(failing);
        self.set_canary();
    }

    /// The same; ext4 replays its journal where it must.
    fn connect(&mut self, failing: Failing) {
        let socket = self.folder.join("nbd");
        let shown = self.folder.join("fuse/disk");
        // nbdkit makes its socket anew.
        drop(fs::remove_file(&socket));
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_path())
            .unwrap();
        let mut nbdkit = Command::new("nbdkit");
        nbdkit.args(["-f", "--exit-with-parent", "-U"]).arg(&socket);
        nbdkit.args(match failing {
            Failing::Nothing => &["--filter=cache"][..],
            Failing::Writes => &["--filter=error", "--filter=cache"],
            Failing::Flushes => &["--filter=cache", "--filter=error"],
        });
        nbdkit
            .arg("file")
            .arg(self.backing())
            .arg("cache=writeback");
        if failing != Failing::Nothing {
            let trigger = self.trigger();
            let trigger = trigger.display();
            nbdkit.args(["error=EIO", "error-pwrite-rate=100%"]);
            nbdkit.arg(format!("error-pwrite-file={trigger}"));
        }
        nbdkit.env("TMPDIR", self.folder.join("tmp"));
        self.nbdkit = Some(spawn(nbdkit, &log));
        wait_for("nbdkit's socket", PATIENCE, || {
            socket.exists().then_some(())
        });
        let mut nbdfuse = Command::new("setpriv");
        nbdfuse.args(["--pdeathsig", "KILL", "nbdfuse"]).arg(&shown);
        nbdfuse.arg("--unix").arg(&socket);
        self.nbdfuse = Some(spawn(nbdfuse, &log));
        wait_for("nbdfuse's file", PATIENCE, || shown.exists().then_some(()));
        let device = Run::new("losetup")
            .args(["--find", "--show"])
            .arg(&shown)
            .ok_text();
        let device = device.trim().to_owned();
        Run::new("mount").arg(&device).arg(self.mount_point()).ok();
        self.mounted = true;
        // From now on the device goes with the mount.
        Run::new("losetup").args(["--detach", &device]).ok();
        self.device = Some(device);
    }

    /// Writes something that is synced, to be written over without a sync at the cut.
    fn set_canary(&mut self) {
        self.generation += 1;
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.canary())
            .unwrap();
        file.write_all_at(&[b'o'; BLOCK], 0).unwrap();
        file.write_all_at(&self.generation.to_be_bytes(), 0)
            .unwrap();
        file.sync_all().unwrap();
    }

    fn canary(&self) -> PathBuf {
        self.mount_point().join("canary")
    }

    /// The power goes: what was not flushed is gone. Says whether the disk is gone for whoever reads
    /// from it now.
    pub fn cut(&mut self) -> bool {
        let canary = File::options().write(true).open(self.canary());
        // A disk that fails may have made its file system read-only before.
        if let Ok(canary) = canary {
            drop(canary.write_all_at(&[b'n'; BLOCK], 0));
        }
        let mut nbdkit = self.nbdkit.take().unwrap();
        nbdkit.kill().unwrap();
        nbdkit.wait().unwrap();
        let device = self.device.clone().unwrap_or_default();
        let read = Run::new("dd")
            .arg(format!("if={device}"))
            .args([
                "of=/dev/null",
                "bs=4096",
                "count=1",
                "iflag=direct",
                "status=none",
            ])
            .finish();
        !read.success()
    }

    /// Whether the cut lost what was not flushed. After the next [`Disk::plug`].
    fn canary_says(&self) -> Option<u8> {
        let mut block = [0; BLOCK];
        File::open(self.canary())
            .ok()?
            .read_exact(&mut block)
            .ok()?;
        block.last().copied()
    }

    /// Whether the file system was left in the middle of something.
    pub fn needs_recovery(&self) -> bool {
        let header = Run::new("dumpe2fs").arg("-h").arg(self.backing()).finish();
        header.stdout().contains("needs_recovery")
    }

    /// Unplugs it and plugs it in again. Says whether the cut before has lost what was not flushed:
    /// the file system was unclean, and what was written without a sync is not there.
    pub fn replug(&mut self, failing: Failing) -> bool {
        self.unplug();
        let unclean = self.needs_recovery();
        self.connect(failing);
        let lost = self.canary_says() == Some(b'o');
        self.set_canary();
        unclean && lost
    }

    /// From now on what fails does so.
    pub fn fail(&self) {
        File::create(self.trigger())
            .unwrap()
            .write_all(b"x")
            .unwrap();
    }

    /// It works again.
    pub fn heal(&self) {
        drop(fs::remove_file(self.trigger()));
    }

    /// How many requests were failed so far.
    pub fn failures(&self) -> usize {
        let log = fs::read_to_string(self.log_path()).unwrap_or_default();
        log.matches("injecting EIO").count()
    }

    fn log_path(&self) -> PathBuf {
        self.folder.join("disk.log")
    }

    /// Unmounts it and lets everything below go. Whoever has files open there must have ended.
    pub fn unplug(&mut self) {
        self.heal();
        if std::mem::take(&mut self.mounted) {
            let point = self.mount_point();
            let done = until(PATIENCE, || {
                Run::new("umount")
                    .arg(&point)
                    .finish()
                    .success()
                    .then_some(())
            });
            if done.is_none() {
                println!("{} is still in use: unmounted lazily", point.display());
                Run::new("umount").arg("--lazy").arg(&point).finish();
            }
        }
        if let Some(device) = self.device.take() {
            let free = || {
                let list = Run::new("losetup")
                    .args(["--list", "--noheadings", "--output", "NAME"])
                    .finish();
                (!list.stdout().lines().any(|line| line.trim() == device)).then_some(())
            };
            if until(PATIENCE, free).is_none() {
                println!("{device} is not let go");
            }
        }
        Run::new("fusermount3")
            .args(["-u", "-z", "-q"])
            .arg(self.folder.join("fuse"))
            .finish();
        for child in [self.nbdfuse.take(), self.nbdkit.take()]
            .into_iter()
            .flatten()
        {
            end(child);
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.unplug();
    }
}

fn spawn(mut command: Command, log: &File) -> Child {
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log.try_clone().unwrap());
    let shown = format!("{command:?}");
    command
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {shown}: {error}"))
}

fn end(mut child: Child) {
    if child.kill().is_err() || child.wait().is_err() {
        println!("process {} does not end", child.id());
    }
}

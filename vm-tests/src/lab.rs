//! What scenarios share: the appliance, the scratch folder, and which accelerator works here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail};
use tempfile::TempDir;

use crate::clock;
use crate::report::{Report, Told};

/// What a guest writes to the debug port when it runs at all, and QEMU's exit status for it.
const PROBE: u8 = 0x31;
const PROBE_STATUS: i32 = 99;
const PROBE_PATIENCE: Duration = Duration::from_secs(20);

/// The place where machines are tried.
pub(crate) struct Lab {
    /// `kvm` or `tcg`.
    pub(crate) accelerator: &'static str,
    appliance: PathBuf,
    next: PathBuf,
    scratch: TempDir,
    figures: Mutex<Vec<String>>,
    pub(crate) report: Report,
}

impl Lab {
    pub(crate) fn new(appliance: &Path, next: &Path) -> anyhow::Result<Self> {
        let scratch = tempfile::Builder::new()
            .prefix("roost-vm-")
            .tempdir()
            .context("no scratch folder")?;
        let accelerator = match probe(scratch.path()) {
            Ok(()) => "kvm",
            Err(_) => "tcg",
        };
        Ok(Self {
            accelerator,
            appliance: std::path::absolute(appliance)?,
            next: std::path::absolute(next)?,
            scratch,
            figures: Mutex::default(),
            report: Report::default(),
        })
    }

    /// A scratch path.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// A figure for the end of the run.
    pub(crate) fn figure(&self, text: String) {
        clock::say(&format!("     {text}"));
        let mut figures = self.figures.lock().unwrap_or_else(PoisonError::into_inner);
        figures.push(text);
    }

    /// One test on a machine; how it went is said and counted here.
    pub(crate) fn test<T>(
        &self,
        name: &'static str,
        work: impl FnOnce() -> anyhow::Result<T>,
    ) -> Result<T, Told> {
        self.report.test(name, work)
    }

    pub(crate) fn figures(&self) -> String {
        let figures = self.figures.lock().unwrap_or_else(PoisonError::into_inner);
        format!("figures ({}): {}", self.accelerator, figures.join("; "))
    }

    /// The appliance's disk as a user of KVM gets it: unpacked from the OVA, converted.
    pub(crate) fn disk_from_ova(&self) -> anyhow::Result<PathBuf> {
        let disk = self.path("appliance.qcow2");
        if disk.exists() {
            return Ok(disk);
        }
        let ova = self.newest("ova")?;
        let folder = self.path("ova");
        fs::create_dir_all(&folder)?;
        run("tar", &["-xf", text(&ova)?, "-C", text(&folder)?])?;
        let vmdk = first(&folder, "vmdk")?;
        run(
            "qemu-img",
            &[
                "convert",
                "-f",
                "vmdk",
                "-O",
                "qcow2",
                text(&vmdk)?,
                text(&disk)?,
            ],
        )?;
        Ok(disk)
    }

    /// The latest file of this kind among the results.
    fn newest(&self, extension: &str) -> anyhow::Result<PathBuf> {
        first(&self.appliance, extension).with_context(|| {
            format!(
                "no .{extension} in {} (make appliance)",
                self.appliance.display()
            )
        })
    }

    /// A disc with the packages of the next revision.
    pub(crate) fn next_packages(&self) -> anyhow::Result<PathBuf> {
        if !self.next.is_dir() {
            bail!("no packages of a next revision in {}", self.next.display());
        }
        let disc = self.path("next.iso");
        if !disc.exists() {
            make_disc("ROOSTNEXT", &self.next, &disc)?;
        }
        Ok(disc)
    }

    /// A disc with these files.
    pub(crate) fn disc(&self, label: &str, files: &[(&str, String)]) -> anyhow::Result<PathBuf> {
        let folder = self.path(&format!("disc-{label}"));
        fs::create_dir_all(&folder)?;
        for (name, text) in files {
            fs::write(folder.join(name), text)?;
        }
        let disc = self.path(&format!("{label}.iso"));
        make_disc(label, &folder, &disc)?;
        Ok(disc)
    }
}

fn make_disc(label: &str, folder: &Path, disc: &Path) -> anyhow::Result<()> {
    let arguments = ["-as", "mkisofs", "-quiet", "-r", "-J", "-V", label, "-o"];
    let all = [&arguments[..], &[text(disc)?, text(folder)?]].concat();
    run("xorriso", &all)
}

fn first(folder: &Path, extension: &str) -> anyhow::Result<PathBuf> {
    let entries = fs::read_dir(folder)?;
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    found.sort();
    found.pop().context("there is none")
}

/// A path as text.
pub(crate) fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().context("a path that is no text")
}

/// Runs a program of this machine.
pub(crate) fn run(program: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {program} (scripts/setup vm installs it)"))?;
    match output.status.success() {
        true => Ok(()),
        false => bail!(
            "{program} failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        ),
    }
}

/// Whether a guest runs with KVM: there are machines where the device opens and no guest ever starts.
fn probe(scratch: &Path) -> anyhow::Result<()> {
    let mut sector = vec![0_u8; 512];
    // mov al, PROBE; out 0xf4, al; hlt
    let code = [0xb0, PROBE, 0xe6, 0xf4, 0xf4];
    sector.splice(..code.len(), code);
    sector.splice(510.., [0x55, 0xaa]);
    let disk = scratch.join("probe.img");
    fs::write(&disk, sector)?;
    let mut child = Command::new("qemu-system-x86_64")
        .args([
            "-machine",
            "pc,accel=kvm",
            "-m",
            "16",
            "-display",
            "none",
            "-no-reboot",
        ])
        .args([
            "-device",
            "isa-debug-exit,iobase=0xf4",
            "-monitor",
            "none",
            "-serial",
            "none",
        ])
        .arg("-drive")
        .arg(format!("file={},format=raw,if=floppy", text(&disk)?))
        .args(["-boot", "a"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot run qemu-system-x86_64 (scripts/setup vm installs it)")?;
    let ended = clock::wait_for("a guest under KVM", PROBE_PATIENCE, || {
        child.try_wait().ok().flatten()
    });
    match ended {
        Ok(status) if status.code() == Some(PROBE_STATUS) => Ok(()),
        Ok(status) => bail!("QEMU ended with {status}"),
        Err(error) => {
            child.kill()?;
            child.wait()?;
            Err(error)
        }
    }
}

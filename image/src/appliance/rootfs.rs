//! The root file system in a folder: the distribution by mmdebstrap, our packages, our files, and
//! nothing that belongs to one machine: no keys, no identifiers, no logs, no times of the building.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use nix::sys::stat::{UtimensatFlags, utimensat};
use nix::sys::time::TimeSpec;

use super::recipe::Recipe;
use crate::run::Run;
use crate::source::Source;
use crate::steps::step;

/// What the building leaves, or would be the same on every machine.
const REMOVED: [&str; 12] = [
    "etc/machine-id",
    "var/lib/dbus/machine-id",
    "etc/hostname",
    "etc/resolv.conf",
    "var/lib/systemd/random-seed",
    "var/lib/systemd/credential.secret",
    "var/cache/ldconfig/aux-cache",
    "var/log/bootstrap.log",
    "var/log/alternatives.log",
    "var/log/dpkg.log",
    "var/log/apt",
    "roost-packages",
];
const EMPTIED: [&str; 6] = [
    "var/cache/apt",
    "var/lib/apt/lists",
    "var/tmp",
    "tmp",
    "run",
    "var/cache/debconf",
];
/// Units of the distribution that an appliance does not want: updates come when an administrator says.
const MASKED: [&str; 4] = [
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "e2scrub_all.timer",
    "systemd-networkd-wait-online.service",
];

/// Makes it in `root`.
pub(super) fn make(
    recipe: &Recipe,
    source: &Source,
    packages: &Path,
    root: &Path,
    cache: Option<&Path>,
) -> anyhow::Result<PathBuf> {
    let ours = own_packages(recipe, packages)?;
    let prepared = tempfile::tempdir()?;
    prepare(recipe, source, &ours, prepared.path())?;
    step(&format!("{} by mmdebstrap", recipe.suite), || {
        debootstrap(recipe, source, prepared.path(), root, cache)
    })?;
    step("settings, and nothing of one machine", || {
        settle(source, root)
    })?;
    Ok(root.to_owned())
}

/// Takes one that somebody else made, with our packages in it.
pub(super) fn take(source: &Source, root: &Path) -> anyhow::Result<PathBuf> {
    let root = std::path::absolute(root)?;
    step("settings, and nothing of one machine", || {
        settle(source, &root)
    })?;
    Ok(root)
}

/// The newest `.deb` of each of our packages.
fn own_packages(recipe: &Recipe, folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for name in &recipe.roost {
        let entries = fs::read_dir(folder).with_context(|| {
            format!("no packages in {} (roost-image package)", folder.display())
        })?;
        let mut versions: Vec<PathBuf> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| {
                let file = path.file_name().unwrap_or_default().to_string_lossy();
                file.starts_with(&format!("{name}_")) && file.ends_with(".deb")
            })
            .collect();
        versions.sort();
        match versions.pop() {
            Some(newest) => found.push(newest),
            None => bail!("{} holds no {name}_*.deb", folder.display()),
        }
    }
    Ok(found)
}

/// What is put into the new root before and after its packages.
fn prepare(
    recipe: &Recipe,
    source: &Source,
    ours: &[PathBuf],
    folder: &Path,
) -> anyhow::Result<()> {
    let early = folder.join("early");
    let initramfs = early.join("etc/initramfs-tools");
    fs::create_dir_all(initramfs.join("conf.d"))?;
    fs::write(
        initramfs.join("modules"),
        format!("{}\n", recipe.initramfs_modules.join("\n")),
    )?;
    fs::write(
        initramfs.join("conf.d/roost"),
        "MODULES=list\nCOMPRESS=zstd\nCOMPRESSLEVEL=19\nFSTYPE=ext4\n",
    )?;
    let late = folder.join("late/roost-packages");
    fs::create_dir_all(&late)?;
    for package in ours {
        let name = package.file_name().context("a package without name")?;
        fs::copy(package, late.join(name))?;
    }
    Run::new("cp")
        .arg("-a")
        .arg(source.path("image/files/."))
        .arg(&early)
        .done()
}

fn debootstrap(
    recipe: &Recipe,
    source: &Source,
    prepared: &Path,
    root: &Path,
    cache: Option<&Path>,
) -> anyhow::Result<()> {
    let at = |name: &str| prepared.join(name).display().to_string();
    let mut run = Run::new("mmdebstrap")
        .env("SOURCE_DATE_EPOCH", source.epoch.to_string())
        // A build that breaks off is begun again: nothing of it needs to be on the disk meanwhile.
        .env("DPKG_FORCE", "unsafe-io")
        .args(["--quiet", "--mode=root", "--format=directory"])
        .arg(format!("--variant={}", recipe.variant))
        .arg(format!("--include={}", recipe.packages.join(",")))
        .args(["--aptopt", "APT::Install-Recommends \"false\""]);
    for path in &recipe.exclude {
        run = run.args(["--dpkgopt", &format!("path-exclude={path}")]);
    }
    for path in &recipe.include {
        run = run.args(["--dpkgopt", &format!("path-include={path}")]);
    }
    if let Some(cache) = cache {
        fs::create_dir_all(cache)?;
        let cache = std::path::absolute(cache)?.display().to_string();
        let archives = "/var/cache/apt/archives";
        run = run
            .args([
                "--skip=download/empty",
                "--skip=essential/unlink",
                "--skip=cleanup/apt",
            ])
            .arg(format!("--setup-hook=mkdir -p \"$1\"{archives}"))
            .arg(format!("--setup-hook=sync-in {cache} {archives}"))
            .arg(format!("--customize-hook=sync-out {archives} {cache}"));
    }
    run = run
        .arg(format!(
            "--extract-hook=copy-in {}/etc {}/boot {}/usr /",
            at("early"),
            at("early"),
            at("early")
        ))
        .arg(format!(
            "--customize-hook=copy-in {}/roost-packages /",
            at("late")
        ))
        .arg(
            "--customize-hook=chroot \"$1\" sh -c 'apt-get install -y --no-install-recommends \
             /roost-packages/*.deb'",
        )
        .arg(&recipe.suite)
        .arg(root);
    // Where there are none, mmdebstrap takes those of the suite.
    run.args(&recipe.mirrors).done()
}

/// What makes an appliance of it, and takes out what was the building's.
fn settle(source: &Source, root: &Path) -> anyhow::Result<()> {
    for name in REMOVED {
        let path = root.join(name);
        match path.symlink_metadata() {
            Ok(found) if found.is_dir() => fs::remove_dir_all(&path)?,
            Ok(_) => fs::remove_file(&path)?,
            Err(_) => {}
        }
    }
    for name in EMPTIED {
        empty(&root.join(name))?;
    }
    for entry in fs::read_dir(root.join("etc/ssh"))? {
        let path = entry?.path();
        if path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("ssh_host_"))
        {
            fs::remove_file(path)?;
        }
    }
    // systemd fills it at the first start.
    fs::write(root.join("etc/machine-id"), "")?;
    fs::set_permissions(
        root.join("etc/machine-id"),
        fs::Permissions::from_mode(0o444),
    )?;
    fs::write(root.join("etc/hostname"), "roost\n")?;
    // Gone above.
    std::os::unix::fs::symlink(
        "../run/systemd/resolve/stub-resolv.conf",
        root.join("etc/resolv.conf"),
    )?;
    let units = root.join("etc/systemd/system");
    for unit in MASKED {
        let link = units.join(unit);
        if link.symlink_metadata().is_ok() {
            fs::remove_file(&link)?;
        }
        std::os::unix::fs::symlink("/dev/null", link)?;
    }
    for unit in ["systemd-networkd.service", "systemd-resolved.service"] {
        Run::new("systemctl")
            .arg(format!("--root={}", root.display()))
            .args(["--quiet", "enable", unit])
            .done()?;
    }
    fs::create_dir_all(root.join("var/lib/roost"))?;
    fs::create_dir_all(root.join("var/lib/roost-appliance"))?;
    age(root, source.epoch)
}

fn empty(folder: &Path) -> anyhow::Result<()> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(());
    };
    for entry in entries {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => fs::remove_dir_all(entry.path())?,
            false => fs::remove_file(entry.path())?,
        }
    }
    Ok(())
}

/// Nothing is younger than the source.
fn age(path: &Path, epoch: i64) -> anyhow::Result<()> {
    let found = path.symlink_metadata()?;
    if found.is_dir() {
        for entry in fs::read_dir(path)? {
            age(&entry?.path(), epoch)?;
        }
    }
    let at = TimeSpec::new(found.mtime().min(epoch), 0);
    utimensat(
        nix::fcntl::AT_FDCWD,
        path,
        &at,
        &at,
        UtimensatFlags::NoFollowSymlink,
    )?;
    Ok(())
}

/// How many octets it takes when installed.
pub(super) fn size(root: &Path) -> anyhow::Result<u64> {
    let text = Run::new("du").args(["-s", "-B1", "-x"]).arg(root).text()?;
    let first = text.split_whitespace().next().unwrap_or_default();
    first.parse().context("du told no size")
}

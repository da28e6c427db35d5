//! Programs that are run, files that are read, and words that are said.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, bail};
use roost_kit::disk::{Disk as _, RealDisk};

/// The largest property file that is read.
const FILE_MAX: u64 = 1 << 20;

/// A line on standard error: the journal's.
pub(crate) fn say(line: &str) {
    drop(writeln!(io::stderr().lock(), "{line}"));
}

/// Text on standard output.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

/// Runs a program; its words where it succeeded.
pub(crate) fn run(program: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let output = output(program, arguments)?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    match output.status.success() {
        true => Ok(said),
        false => {
            let why = String::from_utf8_lossy(&output.stderr);
            bail!("{program} failed ({}): {}", output.status, why.trim())
        }
    }
}

/// Runs a program; what it said and how it ended.
pub(crate) fn output(program: &str, arguments: &[&str]) -> anyhow::Result<Output> {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {program}"))
}

/// A text file, if it is there and not too large.
pub(crate) fn read(path: &Path) -> Option<String> {
    let size = fs::metadata(path).ok()?.len();
    (size <= FILE_MAX)
        .then(|| fs::read_to_string(path).ok())
        .flatten()
}

/// Writes a file whole or not at all; true if it differed.
pub(crate) fn write(path: &Path, text: &str, mode: u32) -> anyhow::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    if read(path).is_some_and(|found| found == text) {
        return Ok(false);
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    RealDisk
        .write_atomically(path, text.as_bytes())
        .with_context(|| format!("cannot write {}", path.display()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    Ok(true)
}

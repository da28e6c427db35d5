//! The programs: built against an old C library, so that they run on every distribution we serve.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::run::Run;
use crate::source::Source;
use crate::steps::say;

/// The oldest C library that programs may need: RHEL 8 and Debian 11 have it.
pub(crate) const GLIBC: (u32, u32) = (2, 28);
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Builds programs; the folder that holds them.
pub(crate) fn build(
    source: &Source,
    programs: &[String],
    profile: &str,
) -> anyhow::Result<PathBuf> {
    let target = match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => source.path("target"),
    };
    let (major, minor) = GLIBC;
    say(&format!(
        "building for glibc {major}.{minor} ({profile}): {}",
        programs.join(", ")
    ));
    let mut build = Run::new("cargo")
        .folder(&source.root)
        .args(["zigbuild", "--locked", "--profile", profile])
        .args(["--target", &format!("{TARGET}.{major}.{minor}")]);
    for program in programs {
        build = build.args(["--bin", program]);
    }
    build.env("CARGO_TARGET_DIR", &target).shown()?;
    Ok(target.join(TARGET).join(profile))
}

/// Refuses a program that needs a newer C library, and names what of it.
pub(crate) fn check_glibc(program: &Path) -> anyhow::Result<()> {
    let symbols = Run::new("objdump").arg("-T").arg(program).text()?;
    match newer(&symbols) {
        Some(symbol) => bail!(
            "{} needs {symbol}: newer than glibc {}.{}",
            program.display(),
            GLIBC.0,
            GLIBC.1
        ),
        None => Ok(()),
    }
}

/// The first line that names a version past ours.
fn newer(symbols: &str) -> Option<String> {
    let past = |line: &&str| {
        let version = line.split("GLIBC_").nth(1);
        version
            .and_then(parse)
            .is_some_and(|version| version > GLIBC)
    };
    let line = symbols.lines().find(past)?;
    Some(
        line.split_whitespace()
            .skip(4)
            .collect::<Vec<_>>()
            .join(" "),
    )
}

fn parse(text: &str) -> Option<(u32, u32)> {
    let version: String = text
        .chars()
        .take_while(|letter| letter.is_ascii_digit() || *letter == '.')
        .collect();
    let mut parts = version.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// A built program, checked.
pub(crate) fn program(folder: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let path = folder.join(name);
    path.metadata()
        .with_context(|| format!("{} was not built", path.display()))?;
    check_glibc(&path)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_symbol_is_found() {
        let line = |version: &str| {
            format!("0000000000000000      DF *UND*  0000000000000000 ({version}) stat\n")
        };
        assert_eq!(newer(&line("GLIBC_2.2.5")), None);
        assert_eq!(newer(&line("GLIBC_2.28")), None);
        let found = newer(&(line("GLIBC_2.17") + &line("GLIBC_2.33"))).unwrap();
        assert!(found.contains("GLIBC_2.33"), "{found}");
        assert!(newer(&line("GLIBC_3.0")).is_some());
    }
}

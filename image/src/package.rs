//! Packages from the description: a staged tree each, then `dpkg-deb` and `rpmbuild`.

mod deb;
mod rpm;
mod scripts;
mod stage;

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use crate::describe::Description;
use crate::licences;
use crate::source::Source;
use crate::steps::{print, step};
use crate::{binaries, describe::Package};
use stage::{Kind, Shared};

/// `roost-image package`
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Take programs that are built already from this folder
    #[arg(long, value_name = "DIR")]
    binaries: Option<PathBuf>,
    /// Cargo's profile for the programs
    #[arg(long, value_name = "NAME", default_value = "release")]
    profile: String,
    /// Make only this kind of package
    #[arg(long, value_name = "KIND")]
    only: Option<Kind>,
    /// The package's revision of this version
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) revision: u32,
}

/// What a package is called.
#[derive(Debug, Clone)]
pub(crate) struct Release {
    pub(crate) version: String,
    pub(crate) revision: u32,
}

impl Release {
    /// As dpkg and rpm both write it.
    pub(crate) fn full(&self) -> String {
        format!("{}-{}", self.version, self.revision)
    }
}

/// Makes every package; the folder that holds them.
pub(crate) fn run(options: &Options, source: &Source, out: &Path) -> anyhow::Result<PathBuf> {
    let description = Description::load(source)?;
    let packages = description.packages(source)?;
    let programs = description.programs(source)?;
    let folder = match &options.binaries {
        Some(folder) => std::path::absolute(folder)?,
        None => binaries::build(source, &programs, &options.profile)?,
    };
    let shared = step("programs, manual pages, licences", || {
        Shared::gather(source, &folder, &programs)
    })?;
    let release = Release {
        version: source.version()?,
        revision: options.revision,
    };
    let target = out.join("packages");
    std::fs::create_dir_all(&target)?;
    for package in &packages {
        let maker = Maker {
            package,
            description: &description,
            release: &release,
            source,
            shared: &shared,
            target: &target,
            only: options.only,
        };
        let made = step(&package.name, || maker.make())?;
        for file in made {
            print(&file.display().to_string())?;
        }
    }
    Ok(target)
}

/// Everything that one package is made from.
struct Maker<'a> {
    package: &'a Package,
    description: &'a Description,
    release: &'a Release,
    source: &'a Source,
    shared: &'a Shared,
    target: &'a Path,
    only: Option<Kind>,
}

impl Maker<'_> {
    fn make(&self) -> anyhow::Result<Vec<PathBuf>> {
        let scratch = tempfile::tempdir().context("no scratch folder")?;
        let mut made = Vec::new();
        if self.only != Some(Kind::Rpm) {
            made.push(deb::make(self, &scratch.path().join("deb"))?);
        }
        if self.only != Some(Kind::Deb) {
            made.push(rpm::make(self, &scratch.path().join("rpm"))?);
        }
        Ok(made)
    }
}

/// The licences of the libraries, for whoever needs a list of them.
pub(crate) fn libraries(source: &Source) -> anyhow::Result<Vec<licences::Library>> {
    licences::libraries(source)
}

/// Lines as long as policy has them.
fn wrapped(text: &str) -> Vec<String> {
    const LENGTH: usize = 76;
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= LENGTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

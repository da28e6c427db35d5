//! `packages/packages.toml`: what is packaged.

use anyhow::Context;
use serde::Deserialize;

use crate::source::Source;

/// The whole description.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Description {
    pub(crate) maintainer: String,
    pub(crate) homepage: String,
    daemon: Vec<Package>,
    package: Vec<Package>,
}

/// One package.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) summary: String,
    pub(crate) description: String,
    /// Whether it is a daemon, with a user and units; which table it stands in says so.
    #[serde(skip)]
    pub(crate) is_daemon: bool,
    /// A daemon's folder below `/var/lib/roost`, if it keeps anything.
    #[serde(default)]
    pub(crate) state: Option<String>,
    /// Other packages of ours, needed in exactly this version.
    #[serde(default)]
    pub(crate) depends: Vec<String>,
    #[serde(default)]
    pub(crate) provides: Vec<String>,
    #[serde(default)]
    pub(crate) conflicts_deb: Vec<String>,
    /// Debian's packages that are needed beside the libraries.
    #[serde(default)]
    pub(crate) needs_deb: Vec<String>,
    /// Groups of other daemons that its user is in.
    #[serde(default)]
    pub(crate) groups: Vec<String>,
    /// What it is of use with, as each distribution names it.
    #[serde(default)]
    pub(crate) recommends_deb: Vec<String>,
    #[serde(default)]
    pub(crate) recommends_rpm: Vec<String>,
    #[serde(default)]
    pub(crate) files: Vec<File>,
    /// Whether it brings `roostctl`'s manual pages and completions.
    #[serde(default)]
    pub(crate) manual: bool,
}

/// A file of a package.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    /// A program that is built.
    #[serde(default)]
    pub(crate) program: Option<String>,
    /// A file of the clone.
    #[serde(default)]
    pub(crate) from: Option<String>,
    /// Where it is installed, absolute.
    pub(crate) to: String,
}

impl Description {
    pub(crate) fn load(source: &Source) -> anyhow::Result<Self> {
        let name = "packages/packages.toml";
        toml::from_str(&source.read(name)?).with_context(|| format!("cannot use {name}"))
    }

    /// Every package, daemons with what the convention adds.
    pub(crate) fn packages(&self, source: &Source) -> anyhow::Result<Vec<Package>> {
        let mut all = Vec::new();
        for daemon in &self.daemon {
            all.push(daemon.clone().completed(source)?);
        }
        all.extend(self.package.iter().cloned());
        Ok(all)
    }

    /// The programs that packages need.
    pub(crate) fn programs(&self, source: &Source) -> anyhow::Result<Vec<String>> {
        let packages = self.packages(source)?;
        let files = packages.iter().flat_map(|package| &package.files);
        Ok(files.filter_map(|file| file.program.clone()).collect())
    }
}

impl Package {
    /// The units that it brings.
    pub(crate) fn units(&self) -> Vec<&str> {
        let names = self.files.iter().filter_map(|file| {
            let name = file.to.strip_prefix("/usr/lib/systemd/system/")?;
            (!name.contains('/')).then_some(name)
        });
        names.collect()
    }

    fn completed(mut self, source: &Source) -> anyhow::Result<Self> {
        self.is_daemon = true;
        self.depends.push("roost-core".to_owned());
        self.files.push(File {
            program: Some(self.name.clone()),
            from: None,
            to: format!("/usr/libexec/roost/{}", self.name),
        });
        for from in units_of(&self.name, source)? {
            let name = from.trim_start_matches("units/").to_owned();
            self.files.push(File {
                program: None,
                from: Some(from),
                to: format!("/usr/lib/systemd/system/{name}"),
            });
        }
        Ok(self)
    }
}

/// A daemon's units and drop-ins in the clone, sorted.
fn units_of(name: &str, source: &Source) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(source.path("units"))? {
        let entry = entry?;
        let file = entry.file_name().to_string_lossy().into_owned();
        let own = file == format!("{name}.service")
            || (file.starts_with(&format!("{name}-")) && file.ends_with(".socket"));
        let drop_ins = file.starts_with(name) && file.ends_with(".d");
        if own {
            found.push(format!("units/{file}"));
        } else if drop_ins {
            for inner in std::fs::read_dir(entry.path())? {
                let inner = inner?.file_name().to_string_lossy().into_owned();
                found.push(format!("units/{file}/{inner}"));
            }
        }
    }
    found.sort();
    Ok(found)
}

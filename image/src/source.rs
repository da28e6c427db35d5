//! The clone that everything is made from, and its time.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use jiff::Timestamp;

use crate::run::Run;

/// The clone.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) root: PathBuf,
    /// `SOURCE_DATE_EPOCH`: the time that results carry, seconds since 1970.
    pub(crate) epoch: i64,
}

impl Source {
    /// The clone around the current folder. Its time is `SOURCE_DATE_EPOCH`, else that of its last
    /// commit.
    pub(crate) fn find() -> anyhow::Result<Self> {
        let here = std::env::current_dir()?;
        let root = here
            .ancestors()
            .find(|folder| folder.join("packages/packages.toml").is_file())
            .context("run it in a clone of Roost: packages/packages.toml was not found")?
            .to_owned();
        let epoch = match std::env::var("SOURCE_DATE_EPOCH") {
            Ok(text) => text
                .parse()
                .with_context(|| format!("SOURCE_DATE_EPOCH=\"{text}\" is no number of seconds"))?,
            Err(_) => Run::new("git")
                .args(["log", "-1", "--format=%ct"])
                .folder(&root)
                .text()?
                .trim()
                .parse()
                .context("git told no time of the last commit")?,
        };
        Ok(Self { root, epoch })
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root.join(name)
    }

    /// A file of the clone as text.
    pub(crate) fn read(&self, name: &str) -> anyhow::Result<String> {
        std::fs::read_to_string(self.path(name)).with_context(|| format!("cannot read {name}"))
    }

    /// The version of all programs.
    pub(crate) fn version(&self) -> anyhow::Result<String> {
        let manifest: toml::Table = self.read("Cargo.toml")?.parse()?;
        let version = manifest
            .get("workspace")
            .and_then(|workspace| workspace.get("package"))
            .and_then(|package| package.get("version"))
            .and_then(toml::Value::as_str);
        match version {
            Some(version) => Ok(version.to_owned()),
            None => bail!("Cargo.toml names no workspace.package.version"),
        }
    }

    /// The time of results.
    pub(crate) fn time(&self) -> Timestamp {
        Timestamp::from_second(self.epoch).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

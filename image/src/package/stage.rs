//! A package's files in a scratch tree, as they will be installed.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::binaries;
use crate::describe::{File, Package};
use crate::licences;
use crate::run::Run;
use crate::source::Source;

/// The kinds of packages, where they differ in what is inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Kind {
    /// For Debian and Ubuntu
    Deb,
    /// For RHEL and its family
    Rpm,
}

/// What several packages take from.
pub(super) struct Shared {
    programs: BTreeMap<String, PathBuf>,
    /// `roostctl`'s pages and completions: installed path and text.
    manual: Vec<(String, Vec<u8>)>,
    notices: String,
}

impl Shared {
    pub(super) fn gather(
        source: &Source,
        folder: &Path,
        programs: &[String],
    ) -> anyhow::Result<Self> {
        let mut found = BTreeMap::new();
        for name in programs {
            found.insert(name.clone(), binaries::program(folder, name)?);
        }
        let roostctl = found.get("roostctl").context("no package has roostctl")?;
        Ok(Self {
            manual: manual(roostctl)?,
            notices: licences::notices(&licences::libraries(source)?)?,
            programs: found,
        })
    }
}

/// What `roostctl` says about itself.
fn manual(roostctl: &Path) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let pages = tempfile::tempdir()?;
    Run::new(roostctl)
        .args(["help", "--man"])
        .arg(pages.path())
        .done()?;
    let mut all = Vec::new();
    for entry in fs::read_dir(pages.path())? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        all.push((
            format!("/usr/share/man/man1/{name}"),
            fs::read(entry.path())?,
        ));
    }
    for (shell, path) in [
        ("bash", "/usr/share/bash-completion/completions/roostctl"),
        ("zsh", "/usr/share/zsh/vendor-completions/_roostctl"),
        ("fish", "/usr/share/fish/vendor_completions.d/roostctl.fish"),
    ] {
        let script = Run::new(roostctl).args(["completion", shell]).octets()?;
        all.push((path.to_owned(), script));
    }
    all.sort();
    Ok(all)
}

/// A tree below `root`.
pub(super) struct Stage<'a> {
    pub(super) root: &'a Path,
    pub(super) kind: Kind,
    /// Every file, absolute as installed, and whether it is a program; sorted at the end.
    pub(super) files: Vec<String>,
}

impl<'a> Stage<'a> {
    /// Lays out a package.
    pub(super) fn lay(
        package: &Package,
        source: &Source,
        shared: &Shared,
        kind: Kind,
        root: &'a Path,
    ) -> anyhow::Result<Self> {
        let mut stage = Self {
            root,
            kind,
            files: Vec::new(),
        };
        for file in &package.files {
            stage.add_described(file, source, shared)?;
        }
        if package.is_daemon {
            stage.add_daemon(package, source)?;
        }
        if package.manual {
            for (to, text) in &shared.manual {
                stage.add_text(to, text)?;
            }
            stage.add_licences(source, shared)?;
        }
        stage.files.sort();
        Ok(stage)
    }

    fn add_described(
        &mut self,
        file: &File,
        source: &Source,
        shared: &Shared,
    ) -> anyhow::Result<()> {
        match (&file.program, &file.from) {
            (Some(program), _) => {
                let built = shared.programs.get(program).context("it was not built")?;
                self.add(&file.to, &fs::read(built)?, 0o755)
            }
            (None, Some(from)) => {
                let text =
                    fs::read(source.path(from)).with_context(|| format!("cannot read {from}"))?;
                self.add(&file.to, &text, 0o644)
            }
            (None, None) => anyhow::bail!("{}: neither program nor from", file.to),
        }
    }

    /// What the convention gives a daemon: its user and its page.
    fn add_daemon(&mut self, package: &Package, source: &Source) -> anyhow::Result<()> {
        let name = &package.name;
        let home = match &package.state {
            Some(state) => format!("/var/lib/roost/{state}"),
            None => "-".to_owned(),
        };
        let mut user = format!(
            "# The user of {name}; the group roost reads the certificate's key.\n\
             g roost - -\n\
             u {name} - \"{name}\" {home}\n\
             m {name} roost\n",
        );
        for group in &package.groups {
            user.push_str(&format!("g {group} - -\nm {name} {group}\n"));
        }
        self.add(
            &format!("/usr/lib/sysusers.d/{name}.conf"),
            user.as_bytes(),
            0o644,
        )?;
        let page = source.read(&format!("packages/man/{name}.8"))?;
        self.add_text(&format!("/usr/share/man/man8/{name}.8"), page.as_bytes())
    }

    fn add_licences(&mut self, source: &Source, shared: &Shared) -> anyhow::Result<()> {
        if self.kind == Kind::Rpm {
            for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
                let text = source.read(licence)?;
                let to = format!("/usr/share/licenses/roost-core/{licence}");
                self.add(&to, text.as_bytes(), 0o644)?;
            }
            let to = "/usr/share/licenses/roost-core/third-party";
            return self.add(to, shared.notices.as_bytes(), 0o644);
        }
        let to = "/usr/share/doc/roost-core/third-party.gz";
        let packed = gzip(shared.notices.as_bytes())?;
        self.add(to, &packed, 0o644)
    }

    /// A text; manual pages are packed, as policy has it.
    pub(super) fn add_text(&mut self, to: &str, text: &[u8]) -> anyhow::Result<()> {
        match to.starts_with("/usr/share/man/") {
            true => self.add(&format!("{to}.gz"), &gzip(text)?, 0o644),
            false => self.add(to, text, 0o644),
        }
    }

    pub(super) fn add(&mut self, to: &str, octets: &[u8], mode: u32) -> anyhow::Result<()> {
        let path = self.root.join(to.trim_start_matches('/'));
        let folder = path.parent().unwrap_or(self.root);
        fs::create_dir_all(folder)?;
        for above in folder.ancestors().take_while(|above| *above != self.root) {
            fs::set_permissions(above, fs::Permissions::from_mode(0o755))?;
        }
        fs::write(&path, octets)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
        self.files.push(to.to_owned());
        Ok(())
    }
}

/// Packed without name and time, so that the same text gives the same octets.
pub(super) fn gzip(octets: &[u8]) -> anyhow::Result<Vec<u8>> {
    let scratch = tempfile::NamedTempFile::new()?;
    fs::write(scratch.path(), octets)?;
    Run::new("gzip")
        .args(["-9", "--no-name", "--stdout"])
        .arg(scratch.path())
        .octets()
}

//! Signed repositories for apt and dnf: a folder that a plain web server, or the machine itself, gives
//! away. Old versions stay in it, so that a node that lags behind can still install what it has.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use roost_kit::disk::{Disk as _, RealDisk};

use crate::run::Run;
use crate::steps::{print, step};

/// How long apt believes a repository that is not refreshed: a mirror that somebody holds back is
/// noticed, a quiet month is not.
const VALID_DAYS: i64 = 90;
const USER: &str = "Roost packages";

/// `roost-image repo`
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// The folder that holds the packages [default: OUT/packages]
    #[arg(long, value_name = "DIR")]
    packages: Option<PathBuf>,
    /// The suite that they enter
    #[arg(long, default_value = "stable")]
    suite: String,
    /// GnuPG's folder with the signing key; a new key is made where there is none [default: OUT/gnupg]
    #[arg(long, value_name = "DIR")]
    gnupg: Option<PathBuf>,
}

/// Makes or refreshes the repository in `OUT/repo`.
pub(crate) fn run(options: &Options, out: &Path) -> anyhow::Result<()> {
    let packages = options.packages.clone().unwrap_or(out.join("packages"));
    let repo = out.join("repo");
    let key = Key::open(options.gnupg.clone().unwrap_or(out.join("gnupg")))?;
    step("apt repository", || {
        apt(&packages, &repo, &options.suite, &key)
    })?;
    step("dnf repository", || dnf(&packages, &repo, &key))?;
    step("keys and where to put them", || {
        pointers(&repo, options, &key)
    })?;
    print(&repo.display().to_string())
}

/// Who signs: RSA 4096, since RHEL 8's rpm knows no newer kind.
struct Key {
    home: PathBuf,
}

impl Key {
    fn open(home: PathBuf) -> anyhow::Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&home)?;
        let key = Self { home };
        if key
            .gpg()
            .args(["--list-secret-keys", "--with-colons"])
            .text()?
            .is_empty()
        {
            let mut make = key
                .gpg()
                .args(["--passphrase", "", "--quick-generate-key", USER]);
            make = make.args(["rsa4096", "sign", "never"]);
            step("a new signing key (RSA 4096)", || make.done())?;
        }
        Ok(key)
    }

    fn gpg(&self) -> Run {
        Run::new("gpg").env("GNUPGHOME", &self.home).args([
            "--batch",
            "--yes",
            "--quiet",
            "--digest-algo",
            "SHA256",
        ])
    }
}

fn apt(packages: &Path, repo: &Path, suite: &str, key: &Key) -> anyhow::Result<()> {
    let root = repo.join("apt");
    let pool = root.join("pool/main");
    fs::create_dir_all(&pool)?;
    copy_all(packages, "deb", &pool)?;
    let index = root.join(format!("dists/{suite}/main/binary-amd64"));
    fs::create_dir_all(&index)?;
    let list = Run::new("apt-ftparchive")
        .folder(&root)
        .args(["--arch", "amd64", "packages", "pool"])
        .octets()?;
    fs::write(index.join("Packages"), &list)?;
    Run::new("gzip")
        .args(["-9", "-n", "-k", "-f"])
        .arg(index.join("Packages"))
        .done()?;
    // By-hash: who reads while we write still finds what their Release names.
    for file in ["Packages", "Packages.gz"] {
        let path = index.join(file);
        let sum = Run::new("sha256sum").arg(&path).text()?;
        let sum = sum.split_whitespace().next().unwrap_or_default().to_owned();
        let by_hash = index.join("by-hash/SHA256");
        fs::create_dir_all(&by_hash)?;
        fs::copy(&path, by_hash.join(sum))?;
    }
    let dist = root.join(format!("dists/{suite}"));
    for old in ["Release", "InRelease", "Release.gpg"] {
        if dist.join(old).exists() {
            fs::remove_file(dist.join(old))?;
        }
    }
    let mut release = Run::new("apt-ftparchive").folder(&root);
    for (name, value) in [
        ("Origin", "Roost".to_owned()),
        ("Label", "Roost".to_owned()),
        ("Suite", suite.to_owned()),
        ("Codename", suite.to_owned()),
        ("Architectures", "amd64".to_owned()),
        ("Components", "main".to_owned()),
        ("Acquire-By-Hash", "yes".to_owned()),
        ("ValidTime", (VALID_DAYS * 86_400).to_string()),
    ] {
        release = release.args(["-o", &format!("APT::FTPArchive::Release::{name}={value}")]);
    }
    let text = release
        .args(["release", &format!("dists/{suite}")])
        .octets()?;
    // Signed beside, then put in place: nobody reads an unsigned half.
    let scratch = dist.join("Release.new");
    fs::write(&scratch, &text)?;
    key.gpg()
        .args(["--clearsign", "--output"])
        .args([&dist.join("InRelease.new"), &scratch])
        .done()?;
    key.gpg()
        .args(["--armor", "--detach-sign", "--output"])
        .args([&dist.join("Release.gpg.new"), &scratch])
        .done()?;
    for name in ["Release", "Release.gpg", "InRelease"] {
        RealDisk.rename(&dist.join(format!("{name}.new")), &dist.join(name))?;
    }
    Ok(())
}

fn dnf(packages: &Path, repo: &Path, key: &Key) -> anyhow::Result<()> {
    let root = repo.join("rpm");
    fs::create_dir_all(&root)?;
    for package in copy_all(packages, "rpm", &root)? {
        Run::new("rpmsign")
            .env("GNUPGHOME", &key.home)
            .args(["--define", &format!("_gpg_name {USER}")])
            .args(["--define", "_gpg_digest_algo sha256"])
            // rpm wants a path, and some builds of it have none.
            .args(["--define", "__gpg /usr/bin/gpg"])
            .arg("--addsign")
            .arg(package)
            .done()?;
    }
    Run::new("createrepo_c")
        .args(["--quiet", "--update"])
        .arg(&root)
        .done()?;
    key.gpg()
        .args(["--armor", "--detach-sign"])
        .arg(root.join("repodata/repomd.xml"))
        .done()
}

/// Copies what is not there yet; what it copied.
fn copy_all(from: &Path, extension: &str, to: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut copied = Vec::new();
    let entries = fs::read_dir(from).with_context(|| {
        format!(
            "cannot read {} (roost-image package makes it)",
            from.display()
        )
    })?;
    let mut names = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == extension) {
            names.push(path);
        }
    }
    if names.is_empty() {
        bail!("{} holds no .{extension}", from.display());
    }
    names.sort();
    for path in names {
        let Some(name) = path.file_name() else {
            continue;
        };
        let target = to.join(name);
        fs::copy(&path, &target)?;
        copied.push(target);
    }
    Ok(copied)
}

/// The key, and the files that point apt and dnf at the repository.
fn pointers(repo: &Path, options: &Options, key: &Key) -> anyhow::Result<()> {
    let armored = key.gpg().args(["--armor", "--export", USER]).octets()?;
    fs::write(repo.join("roost.asc"), armored)?;
    let binary = key.gpg().args(["--export", USER]).octets()?;
    fs::write(repo.join("roost-archive-keyring.gpg"), binary)?;
    let place = repo.display();
    fs::write(
        repo.join("roost.sources"),
        format!(
            "# Copy to /etc/apt/sources.list.d/, and roost-archive-keyring.gpg to /usr/share/keyrings/.\n\
             Types: deb\nURIs: file:{place}/apt\nSuites: {}\nComponents: main\n\
             Architectures: amd64\nSigned-By: /usr/share/keyrings/roost-archive-keyring.gpg\n",
            options.suite
        ),
    )?;
    fs::write(
        repo.join("roost.repo"),
        format!(
            "# Copy to /etc/yum.repos.d/.\n\
             [roost]\nname=Roost\nbaseurl=file://{place}/rpm\nenabled=1\ngpgcheck=1\n\
             repo_gpgcheck=1\ngpgkey=file://{place}/roost.asc\n"
        ),
    )?;
    Ok(())
}

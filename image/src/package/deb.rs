//! A `.deb`.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;

use super::stage::{Kind, Stage, gzip};
use super::{Maker, scripts};
use crate::run::Run;

/// What programs need at run time; their C library is older than any that we serve.
const LIBRARIES: &str = "libc6 (>= 2.28), libgcc-s1 (>= 3.0)";

pub(super) fn make(maker: &Maker<'_>, root: &Path) -> anyhow::Result<PathBuf> {
    let package = maker.package;
    let name = &package.name;
    let mut stage = Stage::lay(package, maker.source, maker.shared, Kind::Deb, root)?;
    let doc = format!("/usr/share/doc/{name}");
    stage.add(
        &format!("{doc}/copyright"),
        copyright(maker).as_bytes(),
        0o644,
    )?;
    let changes = gzip(changelog(maker).as_bytes())?;
    stage.add(&format!("{doc}/changelog.Debian.gz"), &changes, 0o644)?;
    if architecture(maker) == "amd64" {
        let overrides = format!("/usr/share/lintian/overrides/{name}");
        stage.add(&overrides, lintian(name).as_bytes(), 0o644)?;
    }
    stage.files.sort();
    let mut size = 0;
    let mut sums = String::new();
    for file in &stage.files {
        let path = root.join(file.trim_start_matches('/'));
        size += fs::metadata(&path)?.len().div_ceil(1024);
        let sum = Run::new("md5sum").arg(&path).text()?;
        let sum = sum.split_whitespace().next().unwrap_or_default();
        sums.push_str(&format!("{sum}  {}\n", file.trim_start_matches('/')));
    }
    let control = root.join("DEBIAN");
    fs::create_dir_all(&control)?;
    fs::write(control.join("control"), control_text(maker, size))?;
    fs::write(control.join("md5sums"), sums)?;
    for (script, text) in scripts::deb(package, maker.release) {
        use std::os::unix::fs::PermissionsExt;
        let path = control.join(script);
        fs::write(&path, text)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    }
    let target = maker.target.join(format!(
        "{name}_{}_{}.deb",
        maker.release.full(),
        architecture(maker)
    ));
    Run::new("dpkg-deb")
        .env("SOURCE_DATE_EPOCH", maker.source.epoch.to_string())
        .args(["--root-owner-group", "-Zxz", "-z3", "--build"])
        .args([root, &target])
        .done()?;
    Ok(target)
}

fn architecture(maker: &Maker<'_>) -> &'static str {
    match maker
        .package
        .files
        .iter()
        .any(|file| file.program.is_some())
    {
        true => "amd64",
        false => "all",
    }
}

/// What lintian says and we mean.
fn lintian(name: &str) -> String {
    format!(
        "# The names of functions are kept, so that the trace of a crash says where it was.\n\
         {name}: unstripped-binary-or-object *\n\
         # Our daemons are started and stopped together, by a target of their own.\n\
         {name}: systemd-service-file-refers-to-unusual-wantedby-target roost.target *\n\
         # A reader of YAML in Rust has libyaml's words in it, not its code.\n\
         {name}: embedded-library libyaml *\n"
    )
}

fn control_text(maker: &Maker<'_>, size: u64) -> String {
    let package = maker.package;
    let full = maker.release.full();
    let mut depends: Vec<String> = Vec::new();
    if architecture(maker) == "amd64" {
        depends.push(LIBRARIES.to_owned());
        // Users and sandbox are systemd's.
        depends.push("systemd (>= 241), init-system-helpers (>= 1.54)".to_owned());
    }
    depends.extend(package.needs_deb.iter().cloned());
    depends.extend(
        package
            .depends
            .iter()
            .map(|name| format!("{name} (= {full})")),
    );
    let mut text = format!(
        "Package: {}\nVersion: {full}\nArchitecture: {}\nMaintainer: {}\nInstalled-Size: {size}\n\
         Section: {}\nPriority: optional\nHomepage: {}\n",
        package.name,
        architecture(maker),
        maker.description.maintainer,
        match architecture(maker) {
            "all" => "metapackages",
            _ => "mail",
        },
        maker.description.homepage,
    );
    for (field, values) in [
        ("Depends", &depends),
        ("Recommends", &package.recommends_deb),
        ("Provides", &package.provides),
        ("Conflicts", &package.conflicts_deb),
    ] {
        if !values.is_empty() {
            text.push_str(&format!("{field}: {}\n", values.join(", ")));
        }
    }
    text.push_str(&format!("Description: {}\n", short(&package.summary)));
    for line in super::wrapped(&package.description) {
        text.push_str(&format!(" {line}\n"));
    }
    text
}

/// A synopsis does not begin with the package's own name or an article.
fn short(summary: &str) -> String {
    summary
        .strip_prefix("Roost's ")
        .unwrap_or(summary)
        .to_owned()
}

fn changelog(maker: &Maker<'_>) -> String {
    let time = maker.source.time().to_zoned_datetime(TimeZone::UTC);
    format!(
        "{} ({}) stable; urgency=medium\n\n  * The changes are in the history of the source.\n\n -- {}  {}\n",
        maker.package.name,
        maker.release.full(),
        maker.description.maintainer,
        time.strftime("%a, %d %b %Y %H:%M:%S +0000"),
    )
}

fn copyright(maker: &Maker<'_>) -> String {
    format!(
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\
         Upstream-Name: Roost\nSource: {home}\n\n\
         Files: *\nCopyright: 2026 The Roost developers\nLicense: Expat or Apache-2.0\n\
         Comment: The programs contain libraries whose notices are in\n \
         /usr/share/doc/roost-core/third-party.gz.\n\n\
         License: Expat\n{mit}\n\
         License: Apache-2.0\n On Debian systems the text is in /usr/share/common-licenses/Apache-2.0.\n",
        home = maker.description.homepage,
        mit = field(&maker.source.read("LICENSE-MIT").unwrap_or_default()),
    )
}

/// A text as a field's value: indented, with dots for empty lines.
fn field(text: &str) -> String {
    let lines = text.trim().lines().map(|line| match line.trim() {
        "" => " .\n".to_owned(),
        line => format!(" {line}\n"),
    });
    lines.collect()
}

//! An `.rpm`, by a spec that is written here and names every file.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;

use super::stage::{Kind, Stage};
use super::{Maker, scripts};
use crate::run::Run;

pub(super) fn make(maker: &Maker<'_>, scratch: &Path) -> anyhow::Result<PathBuf> {
    let name = &maker.package.name;
    let root = scratch.join("tree");
    let stage = Stage::lay(maker.package, maker.source, maker.shared, Kind::Rpm, &root)?;
    fs::create_dir_all(&root)?;
    let spec = scratch.join(format!("{name}.spec"));
    fs::write(&spec, text(maker, &stage, &root))?;
    let epoch = maker.source.epoch.to_string();
    Run::new("rpmbuild")
        .env("SOURCE_DATE_EPOCH", &epoch)
        .args(["-bb", "--quiet", "--target", architecture(maker)])
        .args([
            "--define",
            &format!("_topdir {}", scratch.join("top").display()),
        ])
        .args([
            "--define",
            &format!("_rpmdir {}", scratch.join("out").display()),
        ])
        // Bytes that depend on the building machine.
        .args(["--define", "_buildhost roost"])
        .args(["--define", "use_source_date_epoch_as_buildtime 1"])
        .args(["--define", "clamp_mtime_to_source_date_epoch 1"])
        .args(["--define", "_build_id_links none"])
        .args(["--define", "debug_package %{nil}"])
        .args(["--define", "__os_install_post %{nil}"])
        // RHEL 8's rpm reads no other.
        .args(["--define", "_binary_payload w3.xzdio"])
        .args([
            "--define",
            "_source_filedigest_algorithm 8",
            "--define",
            "_binary_filedigest_algorithm 8",
        ])
        .arg(&spec)
        .done()?;
    let file = format!(
        "{name}-{}.{}.rpm",
        maker.release.full(),
        architecture(maker)
    );
    let made = scratch.join("out").join(architecture(maker)).join(&file);
    let target = maker.target.join(file);
    fs::copy(made, &target)?;
    Ok(target)
}

fn architecture(maker: &Maker<'_>) -> &'static str {
    match maker
        .package
        .files
        .iter()
        .any(|file| file.program.is_some())
    {
        true => "x86_64",
        false => "noarch",
    }
}

fn text(maker: &Maker<'_>, stage: &Stage<'_>, root: &Path) -> String {
    let package = maker.package;
    let full = maker.release.full();
    let mut text = format!(
        "Name: {}\nVersion: {}\nRelease: {}\nSummary: {}\nLicense: MIT OR Apache-2.0\nURL: {}\n\
         Packager: {}\nAutoReqProv: no\n",
        package.name,
        maker.release.version,
        maker.release.revision,
        package.summary,
        maker.description.homepage,
        maker.description.maintainer,
    );
    if architecture(maker) == "x86_64" {
        text.push_str(
            "Requires: libc.so.6(GLIBC_2.28)(64bit)\nRequires: libgcc_s.so.1()(64bit)\n\
             Requires: systemd >= 239\nRequires(pre): coreutils\nRequires(post): systemd\n\
             Requires(preun): systemd\nRequires(postun): systemd\n",
        );
    }
    for needed in &package.depends {
        text.push_str(&format!("Requires: {needed} = {full}\n"));
    }
    for wanted in &package.recommends_rpm {
        text.push_str(&format!("Recommends: {wanted}\n"));
    }
    text.push_str(&format!(
        "\n%description\n{}\n\n",
        super::wrapped(&package.description).join("\n")
    ));
    text.push_str(&format!(
        "%install\nmkdir -p %{{buildroot}}\ncp -a {}/. %{{buildroot}}/\n\n",
        root.display()
    ));
    text.push_str(&scripts::rpm(package, maker.release));
    text.push_str("\n%files\n%defattr(-,root,root,-)\n");
    if package.is_daemon {
        text.push_str("%dir /usr/libexec/roost\n");
    }
    if package.name == "roost-core" {
        text.push_str("%dir /usr/lib/systemd/system/roost-.service.d\n");
    }
    for file in &stage.files {
        let mark = match file.as_str() {
            file if file.contains("/man/") => "%doc ",
            file if file.contains("/licenses/") => "%license ",
            _ => "",
        };
        text.push_str(&format!("{mark}{file}\n"));
    }
    let time = maker.source.time().to_zoned_datetime(TimeZone::UTC);
    text.push_str(&format!(
        "\n%changelog\n* {} {} - {full}\n- The changes are in the history of the source.\n",
        time.strftime("%a %b %d %Y"),
        maker.description.maintainer,
    ));
    text
}

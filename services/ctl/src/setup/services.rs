//! Enabling and starting what is installed.

use std::path::Path;
use std::process::Output;

use tokio::process::Command;

use super::{Outcome, Report};
use crate::failure::Failure;

/// Where packages put units.
const UNITS: [&str; 2] = ["/usr/lib/systemd/system", "/lib/systemd/system"];
const TARGET: &str = "roost.target";

/// Enables and starts every installed unit of ours; `restart` starts the daemons anew, with the
/// sockets kept open.
pub(super) async fn start(restart: bool, report: &mut Report<'_>) -> Result<(), Failure> {
    if !Path::new("/run/systemd/system").is_dir() {
        return Err(Failure::failed(
            "no_systemd",
            "cannot start the daemons: no systemd runs here",
        )
        .next("only write the files: roostctl setup --no-start")
        .next("to try Roost on this machine: roostctl dev"));
    }
    let units = installed()?;
    if units.len() <= 1 {
        return Err(
            Failure::failed("not_installed", "no daemon of Roost is installed")
                .next("apt install roost, or dnf install roost"),
        );
    }
    let enabled = systemctl(&["is-enabled"], &units).await?;
    let states = String::from_utf8_lossy(&enabled.stdout).into_owned();
    let off = states.lines().any(|state| state == "disabled");
    if off {
        done(systemctl(&["--quiet", "enable"], &units).await?, "enable")?;
    }
    report.note(outcome(off), "units enabled");

    let was_active = systemctl(&["--quiet", "is-active"], &[TARGET.to_owned()]).await?;
    let active = was_active.status.success();
    // Also what was enabled only now, or ended meanwhile.
    done(systemctl(&["start"], &[TARGET.to_owned()]).await?, "start")?;
    let services: Vec<String> = units
        .iter()
        .filter(|unit| unit.ends_with(".service"))
        .cloned()
        .collect();
    let verb = match active && restart {
        true => "restart",
        false => "start",
    };
    done(systemctl(&[verb], &services).await?, verb)?;
    report.note(outcome(!active || restart), "daemons started");
    Ok(())
}

fn outcome(changed: bool) -> Outcome {
    match changed {
        true => Outcome::Changed,
        false => Outcome::Unchanged,
    }
}

/// The target, and the sockets and services of daemons.
fn installed() -> Result<Vec<String>, Failure> {
    let Some(folder) = UNITS
        .iter()
        .find(|folder| Path::new(folder).join(TARGET).is_file())
    else {
        return Ok(Vec::new());
    };
    let failed = |error: std::io::Error| Failure::io(format!("cannot read {folder}"), &error);
    let mut units = vec![TARGET.to_owned()];
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let ours = name.starts_with("roost-") && (is(&name, "service") || is(&name, "socket"));
        let text = match ours {
            true => std::fs::read_to_string(entry.path()).map_err(failed)?,
            false => continue,
        };
        if text.lines().any(|line| line == "WantedBy=roost.target") {
            units.push(name);
        }
    }
    units.sort();
    Ok(units)
}

fn is(name: &str, kind: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|extension| extension == kind)
}

async fn systemctl(verb: &[&str], units: &[String]) -> Result<Output, Failure> {
    Command::new("systemctl")
        .args(verb)
        .args(units)
        .output()
        .await
        .map_err(|error| Failure::io("cannot run systemctl", &error))
}

fn done(output: Output, verb: &str) -> Result<(), Failure> {
    match output.status.success() {
        true => Ok(()),
        false => {
            let why = String::from_utf8_lossy(&output.stderr);
            Err(Failure::failed(
                "systemctl",
                format!("cannot {verb} the daemons: {}", why.trim()),
            )
            .next("systemctl --failed 'roost-*'")
            .next("journalctl -b -u 'roost-*'"))
        }
    }
}

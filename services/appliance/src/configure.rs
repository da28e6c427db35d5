//! Setting the node up: `roostctl setup` with the answers that the properties give.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::properties::Properties;
use crate::{data, network, state, system};

const CONFIGURED: &str = "/etc/roost/roost.toml";
/// The answers of the last set-up, on the data disk.
const ANSWERS: &str = "/etc/roost/setup.toml";

/// Whether the node is set up.
pub(crate) fn is_set_up() -> bool {
    Path::new(CONFIGURED).exists()
}

/// Sets the node up if it is told how and is not yet; starts it if it is.
pub(crate) fn run() -> anyhow::Result<()> {
    if !data::is_ready() {
        bail!("there is no data disk yet");
    }
    if is_set_up() {
        // A data disk that came from another machine brings that node's name.
        if let Some(host) = kept_host() {
            network::name_machine(&host)?;
        }
        system::run("systemctl", &["--no-block", "start", "roost.target"])?;
        return state::problem("setup", None);
    }
    let told = Properties::gather()?;
    let Some(answers) = answers(&told) else {
        system::say("not told a host name and a mail domain: the console asks");
        return Ok(());
    };
    match set_up(&answers) {
        Ok(said) => {
            system::say(&said);
            state::problem("setup", None)
        }
        Err(error) => {
            state::problem("setup", Some(&format!("{error:#}")))?;
            Err(error)
        }
    }
}

/// The host name of the node that the data disk holds.
pub(crate) fn kept_host() -> Option<String> {
    let text = fs::read_to_string(ANSWERS).ok()?;
    let table: toml::Table = text.parse().ok()?;
    Some(table.get("host")?.as_str()?.to_owned())
}

/// The answers as `roostctl setup` reads them; None where something must be asked.
fn answers(told: &Properties) -> Option<String> {
    let mut table = toml::Table::new();
    let mut set = |key: &str, value: &str| {
        table.insert(key.to_owned(), toml::Value::String(value.to_owned()));
    };
    let host = told.host.as_deref()?;
    set("host", host);
    match (&told.mail_domain, host.split_once('.')) {
        (Some(domain), _) => set("domain", domain),
        (None, Some((_, parent))) => set("domain", parent),
        (None, None) => return None,
    }
    if let Some(administrator) = &told.administrator {
        set("administrator", administrator);
    }
    if let Some(password) = &told.admin_password {
        match password.starts_with(['$', '{']) {
            true => set("password-hash", password),
            false => set("password", password),
        }
    }
    Some(table.to_string())
}

/// Runs `roostctl setup` with these answers.
fn set_up(answers: &str) -> anyhow::Result<String> {
    let mut child = Command::new("roostctl")
        .args(["setup", "--answers", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot run roostctl")?;
    if let Some(mut pipe) = child.stdin.take() {
        pipe.write_all(answers.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    match output.status.success() {
        true => {
            keep_password(&said)?;
            Ok(said
                .lines()
                .filter(|line| !line.starts_with("password of "))
                .collect::<Vec<_>>()
                .join("\n"))
        }
        false => {
            let why = String::from_utf8_lossy(&output.stderr);
            let lines: Vec<&str> = why
                .lines()
                .skip_while(|line| !line.starts_with("roostctl:"))
                .collect();
            bail!("{}", lines.join("\n").trim())
        }
    }
}

/// A password that was made is shown at the console until somebody takes note of it, and nowhere else.
fn keep_password(said: &str) -> anyhow::Result<()> {
    match said.lines().find(|line| line.starts_with("password of ")) {
        Some(line) => system::write(Path::new(PASSWORD), line, 0o600).map(drop),
        None => Ok(()),
    }
}

/// In memory only: a restart forgets it.
pub(crate) const PASSWORD: &str = "/run/roost-appliance/password";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_become_answers() {
        let told = Properties {
            host: Some("mail.example.org".to_owned()),
            admin_password: Some("$6$salt$hash".to_owned()),
            ..Properties::default()
        };
        let table: toml::Table = answers(&told).unwrap().parse().unwrap();
        assert_eq!(table["domain"].as_str(), Some("example.org"));
        assert_eq!(table["password-hash"].as_str(), Some("$6$salt$hash"));
        assert_eq!(answers(&Properties::default()), None);
    }
}

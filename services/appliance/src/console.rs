//! The console of the machine: where to go, how the services are, what is wrong and what to do; and a
//! numbered menu. ASCII, 80 columns: it is a serial line too. Before the set-up it asks.

use std::fs;
use std::io::{self, BufRead, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::Command;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde::Deserialize;

use crate::properties::{Properties, list};
use crate::{configure, data, network, state, system};

/// How often the screen is brought up to date while nobody types.
const PERIOD_MS: u16 = 10_000;
const CLEAR: &str = "\u{1b}[2J\u{1b}[H";

/// Shows and asks, until the terminal is gone.
pub(crate) fn run() -> anyhow::Result<()> {
    let mut shown = String::new();
    loop {
        let screen = screen();
        if screen != shown {
            system::print(&format!("{CLEAR}{screen}"))?;
            prompt("Choose a number: ")?;
            shown = screen;
        }
        if !wait_for_key()? {
            continue;
        }
        let Some(line) = line()? else {
            return Ok(());
        };
        if let Err(error) = choose(line.trim()) {
            system::print(&format!("{error:#}"))?;
            pause()?;
        }
        shown.clear();
    }
}

fn choose(choice: &str) -> anyhow::Result<()> {
    let is_set_up = configure::is_set_up();
    match choice {
        "1" if !is_set_up && data::is_ready() => {
            interactive("roostctl", &["setup"])?;
            if let Some(host) = configure::kept_host() {
                network::name_machine(&host)?;
            }
            pause()
        }
        "1" if is_set_up => {
            interactive("roostctl", &["status"])?;
            pause()
        }
        "2" => ask_network(),
        "3" => interactive("login", &[]),
        "4" => interactive("systemctl", &["reboot"]),
        "5" => interactive("systemctl", &["poweroff"]),
        "6" if Path::new(configure::PASSWORD).exists() => Ok(fs::remove_file(configure::PASSWORD)?),
        "7" if state::problems().contains_key("data") => {
            system::write(Path::new(data::ADOPT), "", 0o600)?;
            interactive("systemctl", &["restart", "appliance-data.service"])?;
            interactive("systemctl", &["restart", "appliance-configure.service"])
        }
        _ => Ok(()),
    }
}

/// What stands on the screen.
fn screen() -> String {
    let host = nix::unistd::gethostname()
        .ok()
        .and_then(|name| name.into_string().ok())
        .unwrap_or_default();
    let problems = state::problems();
    let mut lines = vec![
        format!(
            "Roost {}                                   {host}",
            env!("CARGO_PKG_VERSION")
        ),
        "-".repeat(78),
    ];
    let is_set_up = configure::is_set_up();
    let services = if is_set_up { services() } else { Vec::new() };
    let unwell = services.iter().filter(|one| one.state != "ok").count() + problems.len();
    lines.push(match (is_set_up, data::is_ready(), unwell) {
        (_, false, _) => "State: no data disk".to_owned(),
        (false, true, _) => "State: not set up".to_owned(),
        (true, true, 0) => "State: OK".to_owned(),
        (true, true, count) => format!("State: {count} problem(s)"),
    });
    for problem in problems.values() {
        lines.push(String::new());
        lines.extend(wrapped(problem));
    }
    lines.push(String::new());
    lines.push(format!("Addresses: {}", addresses()));
    if is_set_up {
        lines.push(format!(
            "Mail:      IMAP {host}:993, submission {host}:465 or 587"
        ));
        for one in &services {
            let why = one.reasons.join("; ");
            lines.push(format!(
                "           {:18} {:10} {why}",
                one.daemon, one.state
            ));
        }
    }
    lines.extend(fingerprints());
    if let Some(password) = system::read(Path::new(configure::PASSWORD)) {
        lines.push(String::new());
        lines.push(password);
    }
    lines.push(String::new());
    lines.extend(menu(is_set_up, &problems));
    let text: Vec<String> = lines.into_iter().map(|line| ascii(&line)).collect();
    text.join("\n")
}

fn menu(is_set_up: bool, problems: &std::collections::BTreeMap<String, String>) -> Vec<String> {
    let mut menu = Vec::new();
    match (is_set_up, data::is_ready()) {
        (true, _) => menu.push(" 1 status of the services".to_owned()),
        (false, true) => menu.push(" 1 set up: host name, mail domain, administrator".to_owned()),
        (false, false) => {}
    }
    for line in [
        " 2 network",
        " 3 shell (sign in)",
        " 4 restart",
        " 5 power off",
    ] {
        menu.push(line.to_owned());
    }
    if Path::new(configure::PASSWORD).exists() {
        menu.push(" 6 I noted the password: do not show it any more".to_owned());
    }
    if problems
        .get("data")
        .is_some_and(|why| why.contains("another installation"))
    {
        menu.push(" 7 use this data disk".to_owned());
    }
    menu
}

/// A daemon as `roostctl status --json` tells it.
#[derive(Deserialize)]
struct Service {
    daemon: String,
    state: String,
    #[serde(default)]
    reasons: Vec<String>,
}

fn services() -> Vec<Service> {
    let said = system::output("roostctl", &["status", "--json"]);
    said.ok()
        .and_then(|output| serde_json::from_slice(&output.stdout).ok())
        .unwrap_or_default()
}

fn addresses() -> String {
    let said = system::run("ip", &["-o", "addr", "show", "scope", "global"]).unwrap_or_default();
    let found: Vec<&str> = said
        .lines()
        .filter_map(|line| line.split_whitespace().nth(3))
        .filter_map(|address| address.split('/').next())
        .collect();
    match found.is_empty() {
        true => "none: the network did not answer; see 2".to_owned(),
        false => found.join(" "),
    }
}

/// What a client shows at the first connection, to compare.
fn fingerprints() -> Vec<String> {
    let mut lines = Vec::new();
    let key = "/etc/ssh/ssh_host_ed25519_key.pub";
    if let Ok(said) = system::run("ssh-keygen", &["-l", "-f", key])
        && let Some(print) = said.split_whitespace().nth(1)
    {
        lines.push(format!("SSH key:   {print}"));
    }
    lines
}

fn ask_network() -> anyhow::Result<()> {
    let mut told = Properties::default();
    loop {
        let address = ask("Address, such as 192.0.2.10/24 (empty: DHCP): ")?;
        if address.is_empty() {
            break;
        }
        let (host, prefix) = address.split_once('/').unwrap_or((&address, ""));
        told.address = Some(host.to_owned());
        told.prefix = (!prefix.is_empty()).then(|| prefix.to_owned());
        told.gateway = Some(ask("Gateway: ")?).filter(|value| !value.is_empty());
        let servers = ask("Name servers, by spaces: ")?;
        told.dns = Some(list(&servers).collect::<Vec<_>>().join(" "));
        let wrong = told.wrong();
        if wrong.is_empty() {
            break;
        }
        system::print(&wrong.join("\n"))?;
    }
    network::write(&network::text(&told))?;
    interactive("networkctl", &["reload"])
}

fn ask(question: &str) -> anyhow::Result<String> {
    prompt(question)?;
    Ok(line()?.unwrap_or_default().trim().to_owned())
}

fn prompt(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    write!(out, "{text}")?;
    Ok(out.flush()?)
}

fn pause() -> anyhow::Result<()> {
    prompt("Enter goes back. ")?;
    line().map(drop)
}

fn line() -> anyhow::Result<Option<String>> {
    let mut text = String::new();
    let read = io::stdin().lock().read_line(&mut text)?;
    Ok((read > 0).then_some(text))
}

/// Whether something was typed before it is time to look again.
fn wait_for_key() -> anyhow::Result<bool> {
    let stdin = io::stdin();
    let mut waited = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
    match poll(&mut waited, PollTimeout::from(PERIOD_MS)) {
        Ok(ready) => Ok(ready > 0),
        Err(nix::errno::Errno::EINTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// A program that has the terminal meanwhile.
fn interactive(program: &str, arguments: &[&str]) -> anyhow::Result<()> {
    // Its failure is its own words, which stand on the screen.
    Command::new(program).args(arguments).status()?;
    Ok(())
}

fn wrapped(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::from(" !");
        for word in paragraph.split_whitespace() {
            if line.len() + word.len() > 76 {
                lines.push(line);
                line = String::from("  ");
            }
            line.push(' ');
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

fn ascii(line: &str) -> String {
    line.chars()
        .map(|letter| match letter {
            ' '..='~' => letter,
            _ => '?',
        })
        .take(79)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_fits_the_screen() {
        let lines = wrapped(&"a word and another ".repeat(20));
        assert!(lines.len() > 3);
        assert!(lines.iter().all(|line| line.len() < 80), "{lines:?}");
        assert_eq!(ascii("B\u{fc}ro\u{1b}[2J"), "B?ro?[2J");
    }
}

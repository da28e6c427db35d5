//! The machine's name, its network, its clock and who may sign in, as its properties say.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::properties::{Properties, is_host, list};
use crate::{state, system};

const NETWORK: &str = "/etc/systemd/network/10-roost.network";
/// Kept on the data disk too, so that a machine that takes the disk over has the same addresses.
const KEPT: &str = "/etc/roost/appliance.network";

/// Applies what is right; what is wrong is named on the console, and the rest of it holds.
pub(crate) fn run() -> anyhow::Result<()> {
    look_at_identity()?;
    let told = Properties::gather()?;
    let wrong = told.wrong();
    let said = wrong.join("\n");
    state::problem("properties", (!wrong.is_empty()).then_some(said.as_str()))?;
    if let Some(host) = told.host.as_deref().filter(|host| is_host(host)) {
        name_machine(host)?;
    }
    let is_right = wrong.is_empty();
    if is_right && told.address.is_some() {
        write(&text(&told))?;
    } else if let Some(kept) = system::read(Path::new(KEPT)) {
        write(&kept)?;
    } else if !Path::new(NETWORK).exists() {
        write(&text(&Properties::default()))?;
    }
    if let Some(ntp) = &told.ntp {
        let servers: Vec<&str> = list(ntp).collect();
        let text = format!("[Time]\nNTP={}\n", servers.join(" "));
        system::write(
            Path::new("/etc/systemd/timesyncd.conf.d/roost.conf"),
            &text,
            0o644,
        )?;
    }
    if let Some(zone) = told.time_zone.as_deref().filter(|_| is_right) {
        let link = Path::new("/etc/localtime");
        if link.symlink_metadata().is_ok() {
            fs::remove_file(link)?;
        }
        std::os::unix::fs::symlink(Path::new("/usr/share/zoneinfo").join(zone), link)?;
    }
    let_in(&told)
}

/// A copy of a machine is another machine: it gets SSH keys and an identifier of its own. The
/// hypervisor gives each its number.
fn look_at_identity() -> anyhow::Result<()> {
    let Some(now) = system::read(Path::new("/sys/class/dmi/id/product_uuid")) else {
        return Ok(());
    };
    let known = Path::new("/var/lib/roost-appliance/machine");
    let before = system::read(known);
    if before.is_some_and(|before| before != now) {
        system::say("this is a copy of another machine: making keys of its own");
        for entry in fs::read_dir("/etc/ssh")? {
            let path = entry?.path();
            let name = path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned());
            if name.is_some_and(|name| name.starts_with("ssh_host_")) {
                fs::remove_file(path)?;
            }
        }
        // systemd makes a new one at the next start; what runs keeps the old one until then.
        system::write(Path::new("/etc/machine-id"), "", 0o444)?;
    }
    system::write(known, &now, 0o600).map(drop)
}

/// Names the machine, also to itself.
pub(crate) fn name_machine(host: &str) -> anyhow::Result<()> {
    system::write(Path::new("/etc/hostname"), &format!("{host}\n"), 0o644)?;
    let short = host.split('.').next().unwrap_or(host);
    let hosts =
        format!("127.0.0.1\tlocalhost\n127.0.1.1\t{host} {short}\n::1\tlocalhost ip6-localhost\n");
    system::write(Path::new("/etc/hosts"), &hosts, 0o644)?;
    nix::unistd::sethostname(host).context("cannot set the host name")
}

/// Writes the network's settings here and on the data disk; true if they differ.
pub(crate) fn write(text: &str) -> anyhow::Result<bool> {
    if Path::new("/etc/roost/conf.d").is_dir() {
        system::write(Path::new(KEPT), text, 0o644)?;
    }
    system::write(Path::new(NETWORK), text, 0o644)
}

/// The settings of the one network that an appliance has.
pub(crate) fn text(told: &Properties) -> String {
    let mut text = String::from("[Match]\nType=ether\n\n[Network]\n");
    match (&told.address, &told.prefix) {
        (Some(address), Some(prefix)) => {
            text.push_str("DHCP=no\n");
            text.push_str(&format!("Address={address}/{prefix}\n"));
        }
        _ => text.push_str("DHCP=yes\n"),
    }
    if let Some(gateway) = &told.gateway {
        text.push_str(&format!("Gateway={gateway}\n"));
    }
    for server in told.dns.iter().flat_map(|dns| list(dns)) {
        text.push_str(&format!("DNS={server}\n"));
    }
    text.push_str("\n[DHCPv4]\nUseHostname=no\n");
    text
}

/// root's key and password.
fn let_in(told: &Properties) -> anyhow::Result<()> {
    let keys: Vec<&str> = told.ssh_keys.iter().map(|key| key.trim()).collect();
    if !keys.is_empty() {
        let path = Path::new("/root/.ssh/authorized_keys");
        let mut text = system::read(path).unwrap_or_default();
        for key in keys {
            if !text.lines().any(|line| line == key) {
                text.push_str(&format!("{key}\n"));
            }
        }
        system::write(path, &text, 0o600)?;
    }
    // A password is taken once: afterwards it is the administrator's to change.
    let mark = Path::new("/var/lib/roost-appliance/root-password-set");
    if let Some(password) = &told.root_password
        && !mark.exists()
    {
        set_root_password(password)?;
        system::write(mark, "", 0o600)?;
    }
    Ok(())
}

/// Sets root's password; a clear one must be changed at the first sign-in, for the hypervisor's
/// administrators could read it.
pub(crate) fn set_root_password(password: &str) -> anyhow::Result<()> {
    let is_hash = password.starts_with('$');
    let mut command = Command::new("chpasswd");
    if is_hash {
        command.arg("--encrypted");
    }
    let mut child = command
        .stdin(Stdio::piped())
        .spawn()
        .context("cannot run chpasswd")?;
    if let Some(mut pipe) = child.stdin.take() {
        pipe.write_all(format!("root:{password}\n").as_bytes())?;
    }
    if !child.wait()?.success() {
        bail!("root's password could not be set");
    }
    if !is_hash {
        system::run("chage", &["-d", "0", "root"])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_means_no_dhcp() {
        let told = Properties {
            address: Some("192.0.2.10".to_owned()),
            prefix: Some("24".to_owned()),
            gateway: Some("192.0.2.1".to_owned()),
            dns: Some("192.0.2.53,192.0.2.54".to_owned()),
            ..Properties::default()
        };
        let network = text(&told);
        for line in [
            "DHCP=no",
            "Address=192.0.2.10/24",
            "Gateway=192.0.2.1",
            "DNS=192.0.2.54",
        ] {
            assert!(network.lines().any(|found| found == line), "{network}");
        }
        assert!(text(&Properties::default()).contains("DHCP=yes"));
    }
}

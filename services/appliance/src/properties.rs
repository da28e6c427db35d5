//! What this virtual machine was told: by vApp properties, by cloud-init's data sources, or by nobody.
//!
//! Sources, first wins for each property: the OVF environment (VMware's tools, or a disc as other
//! hypervisors hand it over), VMware's `guestinfo.userdata`, a disc labelled `cidata` (NoCloud).

use std::fs;
use std::net::IpAddr;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::{nocloud, ovf, system};

/// Everything that can be told.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Properties {
    /// The full host name.
    pub(crate) host: Option<String>,
    /// `192.0.2.10`, without one: DHCP.
    pub(crate) address: Option<String>,
    /// The prefix' length.
    pub(crate) prefix: Option<String>,
    pub(crate) gateway: Option<String>,
    /// Name servers, by spaces or commas.
    pub(crate) dns: Option<String>,
    pub(crate) ntp: Option<String>,
    pub(crate) time_zone: Option<String>,
    /// The first mail domain.
    pub(crate) mail_domain: Option<String>,
    pub(crate) administrator: Option<String>,
    /// In clear, or a hash.
    pub(crate) admin_password: Option<String>,
    /// root's, in clear or a hash of crypt(3).
    pub(crate) root_password: Option<String>,
    /// Lines of authorized_keys.
    pub(crate) ssh_keys: Vec<String>,
}

/// Without secrets.
impl std::fmt::Debug for Properties {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Properties")
            .field("host", &self.host)
            .field("address", &self.address)
            .field("prefix", &self.prefix)
            .field("gateway", &self.gateway)
            .field("dns", &self.dns)
            .field("ntp", &self.ntp)
            .field("time_zone", &self.time_zone)
            .field("mail_domain", &self.mail_domain)
            .field("administrator", &self.administrator)
            .field("ssh_keys", &self.ssh_keys.len())
            .finish_non_exhaustive()
    }
}

impl Properties {
    /// Asks every source.
    pub(crate) fn gather() -> anyhow::Result<Self> {
        let mut all = Self::default();
        for (source, found) in sources() {
            match found {
                Ok(found) => all.fill(found),
                Err(error) => system::say(&format!("{source}: {error:#}")),
            }
        }
        Ok(all)
    }

    /// Takes from another source what is not known yet.
    fn fill(&mut self, other: Self) {
        let fill = |own: &mut Option<String>, other: Option<String>| {
            if own.is_none() {
                *own = other.filter(|value| !value.trim().is_empty());
            }
        };
        fill(&mut self.host, other.host);
        fill(&mut self.address, other.address);
        fill(&mut self.prefix, other.prefix);
        fill(&mut self.gateway, other.gateway);
        fill(&mut self.dns, other.dns);
        fill(&mut self.ntp, other.ntp);
        fill(&mut self.time_zone, other.time_zone);
        fill(&mut self.mail_domain, other.mail_domain);
        fill(&mut self.administrator, other.administrator);
        fill(&mut self.admin_password, other.admin_password);
        fill(&mut self.root_password, other.root_password);
        if self.ssh_keys.is_empty() {
            self.ssh_keys = other.ssh_keys;
        }
    }

    /// Every value that cannot be, with its name.
    pub(crate) fn wrong(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut address = |name: &str, value: &Option<String>| {
            for part in value.iter().flat_map(|value| list(value)) {
                if part.parse::<IpAddr>().is_err() {
                    wrong.push(format!(
                        "{name} \"{part}\" is no address such as 192.0.2.10"
                    ));
                }
            }
        };
        address("address", &self.address);
        address("gateway", &self.gateway);
        address("dns", &self.dns);
        if let Some(prefix) = &self.prefix
            && !prefix
                .parse::<u8>()
                .is_ok_and(|length| (1..=128).contains(&length))
        {
            wrong.push(format!("netprefix \"{prefix}\" is no length from 1 to 128"));
        }
        if self.address.is_some() && self.prefix.is_none() {
            wrong.push("netprefix is missing beside ipaddress".to_owned());
        }
        if let Some(host) = &self.host
            && !is_host(host)
        {
            wrong.push(format!(
                "hostname \"{host}\" is no full host name such as mail.example.org"
            ));
        }
        if let Some(zone) = &self.time_zone
            && (zone.contains("..") || !Path::new("/usr/share/zoneinfo").join(zone).is_file())
        {
            wrong.push(format!("timezone \"{zone}\" is not known here"));
        }
        wrong
    }
}

/// Whether others could look this name up.
pub(crate) fn is_host(host: &str) -> bool {
    let labels: Vec<&str> = host.split('.').collect();
    let good = |label: &&str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.len() <= 253
        && labels.len() >= 2
        && labels.iter().all(good)
        && host.parse::<IpAddr>().is_err()
}

/// Values that are separated by commas or spaces.
pub(crate) fn list(value: &str) -> impl Iterator<Item = &str> {
    value.split([',', ' ']).filter(|part| !part.is_empty())
}

fn sources() -> Vec<(&'static str, anyhow::Result<Properties>)> {
    let mut found = Vec::new();
    if is_vmware() {
        if let Some(environment) = guestinfo("guestinfo.ovfEnv") {
            found.push(("guestinfo.ovfEnv", ovf::parse(&environment)));
        }
        if let Some(data) = guestinfo("guestinfo.userdata") {
            let text = decoded(&data, guestinfo("guestinfo.userdata.encoding").as_deref());
            found.push(("guestinfo.userdata", nocloud::user_data(&text)));
        }
    }
    for disc in discs() {
        found.extend(of_disc(&disc));
    }
    found
}

fn is_vmware() -> bool {
    system::read(Path::new("/sys/class/dmi/id/sys_vendor"))
        .is_some_and(|vendor| vendor.contains("VMware"))
}

fn guestinfo(key: &str) -> Option<String> {
    let said = system::output("vmtoolsd", &["--cmd", &format!("info-get {key}")]).ok()?;
    let text = String::from_utf8(said.stdout).ok()?;
    (said.status.success() && !text.trim().is_empty()).then_some(text)
}

fn decoded(data: &str, encoding: Option<&str>) -> String {
    match encoding.map(str::trim) {
        Some("base64" | "b64") => STANDARD
            .decode(data.trim())
            .ok()
            .and_then(|octets| String::from_utf8(octets).ok())
            .unwrap_or_default(),
        _ => data.to_owned(),
    }
}

/// Discs and small disks that may tell something.
fn discs() -> Vec<String> {
    let listed = system::run("blkid", &["-o", "device"]).unwrap_or_default();
    let drives = fs::read_dir("/sys/block").into_iter().flatten().flatten();
    let mut all: Vec<String> = drives
        .map(|entry| format!("/dev/{}", entry.file_name().to_string_lossy()))
        .filter(|path| path.starts_with("/dev/sr"))
        .collect();
    for device in listed.lines() {
        let label = system::run("blkid", &["-p", "-s", "LABEL", "-o", "value", device]);
        let is_seed = label.is_ok_and(|label| label.trim().eq_ignore_ascii_case("cidata"));
        if is_seed && !all.iter().any(|known| known == device) {
            all.push(device.to_owned());
        }
    }
    all.sort();
    all
}

fn of_disc(device: &str) -> Vec<(&'static str, anyhow::Result<Properties>)> {
    let Ok(folder) = mounted(device) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let file = |name: &str| system::read(&Path::new(&folder).join(name));
    if let Some(environment) = file("ovf-env.xml").or_else(|| file("ovfenv.xml")) {
        found.push(("ovf-env.xml", ovf::parse(&environment)));
    }
    if let Some(data) = file("user-data") {
        found.push(("user-data", nocloud::user_data(&data)));
    }
    if let Some(data) = file("meta-data") {
        found.push(("meta-data", nocloud::meta_data(&data)));
    }
    if let Some(data) = file("network-config") {
        found.push(("network-config", nocloud::network_config(&data)));
    }
    if let Err(error) = system::run("umount", &[&folder]) {
        system::say(&format!("{error:#}"));
    }
    found
}

fn mounted(device: &str) -> anyhow::Result<String> {
    let folder = "/run/roost-appliance/disc".to_owned();
    fs::create_dir_all(&folder)?;
    system::run("mount", &["-o", "ro,nosuid,nodev,noexec", device, &folder])?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_value_is_named() {
        let told = Properties {
            host: Some("mail".to_owned()),
            address: Some("192.0.2.300".to_owned()),
            dns: Some("192.0.2.1, nonsense".to_owned()),
            ..Properties::default()
        };
        let wrong = told.wrong().join("\n");
        for name in [
            "hostname \"mail\"",
            "address \"192.0.2.300\"",
            "dns \"nonsense\"",
            "netprefix",
        ] {
            assert!(wrong.contains(name), "{wrong}");
        }
        assert!(Properties::default().wrong().is_empty());
    }

    #[test]
    fn the_first_source_wins_and_empty_values_count_for_nothing() {
        let of = |host: &str| Properties {
            host: Some(host.to_owned()),
            ..Properties::default()
        };
        let mut all = Properties::default();
        all.fill(of(""));
        all.fill(of("a.example.org"));
        all.fill(of("b.example.org"));
        assert_eq!(all.host.as_deref(), Some("a.example.org"));
    }

    #[test]
    fn secrets_are_not_shown() {
        let told = Properties {
            admin_password: Some("tulip".to_owned()),
            root_password: Some("tulip".to_owned()),
            ..Properties::default()
        };
        assert!(!format!("{told:?}").contains("tulip"));
    }
}

//! The OVF environment (DMTF DSP0243, `ovf-env.xml`): properties that whoever imports the appliance
//! fills in.

use anyhow::Context;
use roxmltree::Document;

use crate::properties::Properties;

/// What the environment tells.
pub(crate) fn parse(text: &str) -> anyhow::Result<Properties> {
    let document = Document::parse(text).context("the OVF environment is no XML")?;
    let mut told = Properties::default();
    for node in document.descendants() {
        if node.tag_name().name() != "Property" {
            continue;
        }
        let attribute = |name: &str| {
            let found = node.attributes().find(|found| found.name() == name);
            found.map(|found| found.value().trim().to_owned())
        };
        let (Some(key), Some(value)) = (attribute("key"), attribute("value")) else {
            continue;
        };
        set(&mut told, &key, value);
    }
    Ok(told)
}

/// One property, with or without the class `guestinfo` before its key.
fn set(told: &mut Properties, key: &str, value: String) {
    let value = Some(value).filter(|value| !value.is_empty());
    match key.strip_prefix("guestinfo.").unwrap_or(key) {
        "hostname" => told.host = value,
        "ipaddress" => told.address = value,
        "netprefix" => told.prefix = value,
        "gateway" => told.gateway = value,
        "dns" => told.dns = value,
        "ntp" => told.ntp = value,
        "timezone" => told.time_zone = value,
        "roost.maildomain" => told.mail_domain = value,
        "roost.administrator" => told.administrator = value,
        "admin_password" => told.admin_password = value,
        "root_password" => told.root_password = value,
        "sshkey" | "public-keys" => {
            let lines = value.iter().flat_map(|value| value.lines());
            told.ssh_keys = lines.map(str::to_owned).collect();
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_of_vsphere_is_read() {
        let text = r#"<?xml version="1.0" encoding="UTF-8"?>
<Environment xmlns="http://schemas.dmtf.org/ovf/environment/1"
    xmlns:oe="http://schemas.dmtf.org/ovf/environment/1" oe:id="">
  <PlatformSection><Kind>VMware ESXi</Kind></PlatformSection>
  <PropertySection>
    <Property oe:key="guestinfo.hostname" oe:value="mail.example.org"/>
    <Property oe:key="guestinfo.ipaddress" oe:value=""/>
    <Property oe:key="guestinfo.roost.maildomain" oe:value="example.org"/>
    <Property oe:key="guestinfo.sshkey" oe:value="ssh-ed25519 AAAA me"/>
  </PropertySection>
</Environment>"#;
        let told = parse(text).unwrap();
        assert_eq!(told.host.as_deref(), Some("mail.example.org"));
        assert_eq!(told.address, None);
        assert_eq!(told.mail_domain.as_deref(), Some("example.org"));
        assert_eq!(told.ssh_keys, ["ssh-ed25519 AAAA me"]);
        assert!(parse("<Environment").is_err());
    }
}

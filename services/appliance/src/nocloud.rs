//! cloud-init's data as NoCloud and VMware hand it over: the keys that make sense for an appliance.
//!
//! `user-data` (`#cloud-config`): `hostname`, `fqdn`, `timezone`, `ssh_authorized_keys`, `ntp.servers`,
//! `chpasswd.list`'s root, and our own table `roost` (`domain`, `administrator`, `password`,
//! `password_hash`). `meta-data`: `local-hostname`, `public-keys`. `network-config` (version 2): the
//! first Ethernet interface's `addresses`, `gateway4` or default route, `nameservers`. Programs in
//! `user-data` are not run: this is no general-purpose machine.

use anyhow::{Context, bail};
use yaml_rust2::{Yaml, YamlLoader};

use crate::properties::Properties;

/// `user-data`.
pub(crate) fn user_data(text: &str) -> anyhow::Result<Properties> {
    if !text.trim_start().starts_with("#cloud-config") {
        bail!("only \"#cloud-config\" is understood");
    }
    let data = load(text)?;
    let own = &data["roost"];
    Ok(Properties {
        host: string(&data["fqdn"]).or_else(|| string(&data["hostname"])),
        time_zone: string(&data["timezone"]),
        ntp: joined(&data["ntp"]["servers"]),
        ssh_keys: strings(&data["ssh_authorized_keys"]),
        root_password: root_password(&data["chpasswd"]),
        mail_domain: string(&own["domain"]),
        administrator: string(&own["administrator"]),
        admin_password: string(&own["password"]).or_else(|| string(&own["password_hash"])),
        ..Properties::default()
    })
}

/// `meta-data`.
pub(crate) fn meta_data(text: &str) -> anyhow::Result<Properties> {
    let data = load(text)?;
    Ok(Properties {
        host: string(&data["local-hostname"]),
        ssh_keys: strings(&data["public-keys"]),
        ..Properties::default()
    })
}

/// `network-config`, version 2.
pub(crate) fn network_config(text: &str) -> anyhow::Result<Properties> {
    let data = load(text)?;
    let network = match data["network"].is_badvalue() {
        true => &data,
        false => &data["network"],
    };
    if network["version"].as_i64() != Some(2) {
        bail!("only version 2 is understood");
    }
    let ethernets = network["ethernets"].as_hash();
    let first = ethernets.and_then(|all| all.values().next());
    let first = first.context("it names no Ethernet interface")?;
    let address = strings(&first["addresses"]).into_iter().next();
    let (address, prefix) = match address.as_deref().and_then(|whole| whole.split_once('/')) {
        Some((address, prefix)) => (Some(address.to_owned()), Some(prefix.to_owned())),
        None => (address, None),
    };
    let routes = first["routes"].as_vec().into_iter().flatten();
    let default = routes
        .filter(|route| matches!(route["to"].as_str(), Some("default" | "0.0.0.0/0")))
        .find_map(|route| string(&route["via"]));
    Ok(Properties {
        address,
        prefix,
        gateway: string(&first["gateway4"]).or(default),
        dns: joined(&first["nameservers"]["addresses"]),
        ..Properties::default()
    })
}

fn load(text: &str) -> anyhow::Result<Yaml> {
    let mut documents = YamlLoader::load_from_str(text).context("it is no YAML")?;
    match documents.is_empty() {
        true => Ok(Yaml::Null),
        false => Ok(documents.swap_remove(0)),
    }
}

fn string(value: &Yaml) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn strings(value: &Yaml) -> Vec<String> {
    let all = value.as_vec().into_iter().flatten();
    all.filter_map(string).collect()
}

fn joined(value: &Yaml) -> Option<String> {
    let all = strings(value);
    (!all.is_empty()).then(|| all.join(" "))
}

fn root_password(value: &Yaml) -> Option<String> {
    let text = value["list"].as_str()?;
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    let (_, password) = lines.find(|(user, _)| user.trim() == "root")?;
    Some(password.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_data_names_host_keys_and_the_first_domain() {
        let told = user_data(
            "#cloud-config\nfqdn: mail.example.org\nssh_authorized_keys:\n  - ssh-ed25519 AAAA me\n\
             roost:\n  domain: example.org\n  password: correct horse\n",
        )
        .unwrap();
        assert_eq!(told.host.as_deref(), Some("mail.example.org"));
        assert_eq!(told.ssh_keys, ["ssh-ed25519 AAAA me"]);
        assert_eq!(told.mail_domain.as_deref(), Some("example.org"));
        assert_eq!(told.admin_password.as_deref(), Some("correct horse"));
        assert!(user_data("#!/bin/sh\n").is_err());
    }

    #[test]
    fn a_network_has_an_address_a_gateway_and_name_servers() {
        let told = network_config(
            "version: 2\nethernets:\n  eth0:\n    match: {name: 'e*'}\n    addresses: [192.0.2.10/24]\n    \
             routes:\n      - {to: default, via: 192.0.2.1}\n    nameservers: {addresses: [192.0.2.53, 192.0.2.54]}\n",
        )
        .unwrap();
        assert_eq!(told.address.as_deref(), Some("192.0.2.10"));
        assert_eq!(told.prefix.as_deref(), Some("24"));
        assert_eq!(told.gateway.as_deref(), Some("192.0.2.1"));
        assert_eq!(told.dns.as_deref(), Some("192.0.2.53 192.0.2.54"));
    }
}

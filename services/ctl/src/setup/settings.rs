//! The node's main configuration file. It says only what differs from the defaults.

use std::path::Path;

use roost_kit::place;

use super::answers::Answers;
use super::node::Node;

/// Where packages put daemons.
const PROGRAMS: &str = "/usr/libexec/roost";

/// The daemons that this node has and another may do without, by their tables.
pub(super) fn optional() -> Vec<&'static str> {
    let daemons = place::DAEMONS.iter();
    let here = daemons.filter(|daemon| daemon.is_optional);
    here.filter(|daemon| Path::new(PROGRAMS).join(daemon.name).exists())
        .map(|daemon| daemon.table)
        .collect()
}

/// The text of `roost.toml`; `optional` names the tables of the daemons that are on this node.
pub(super) fn text(node: &Node, answers: &Answers, optional: &[&str]) -> String {
    let authority = node.authority(answers);
    let server = authority.server();
    let host = string(&answers.host);
    let secrets = super::beside(node.config(), "secrets");
    let mut text = format!(
        "# Written by `roostctl setup`, which writes it again when an answer changes.\n\
         # Your own settings belong in conf.d/*.toml: they win, and nobody else touches them.\n\
         # Where daemons listen is in their socket units: systemctl list-sockets 'roost-*'\n\
         \n[node]\nname = {host}\n\
         \n[directory]\nurl = \"ldap://127.0.0.1:{ldap}\"\nsecrets = {secrets}\n\
         \n[tls]\ncertificates = [{{ certificate = {certificate}, key = {key} }}]\n\
         \n[mta]\n# This node's own store, whatever DNS says about its name.\n\
         lmtp = {{ {host} = \"127.0.0.1:{lmtp}\" }}\n",
        ldap = place::LDAP,
        lmtp = place::LMTP,
        secrets = string(&secrets.to_string_lossy()),
        certificate = string(&server.certificate.to_string_lossy()),
        key = string(&server.key.to_string_lossy()),
    );
    for table in optional {
        text.push_str(&format!("\n[{table}]\n"));
    }
    text
}

fn string(value: &str) -> String {
    toml::Value::String(value.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use roost_kit::config::Configuration;

    use super::*;

    #[test]
    fn a_daemon_that_is_installed_is_told_so() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("roost.toml");
        let answers = Answers {
            host: "mail.example.org".to_owned(),
            domain: "example.org".to_owned(),
            ..Answers::default()
        };
        let written = |optional: &[&str]| {
            std::fs::write(&config, text(&Node::new(&config), &answers, optional)).unwrap();
            let configuration = Configuration::load(&config).unwrap();
            let value = |table| configuration.value::<serde::de::IgnoredAny>(table).unwrap();
            (value("proxy").is_some(), value("snmp").is_some())
        };
        assert_eq!(written(&[]), (false, false));
        assert_eq!(written(&["proxy"]), (true, false));
        assert_eq!(written(&["snmp", "proxy"]), (true, true));
    }
}

//! The configuration and the secrets of the suite's daemons.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::ports::Ports;
use super::state::State;
use crate::failure::Failure;

/// The name of this one node.
pub(super) const NODE: &str = "mail.example.test";

/// Who signs in at the directory: its administrator and the daemons.
const SECRETS: [&str; 4] = ["zimbra", "roost-store", "roost-mta", "roost-proxy"];

/// Writes the configuration anew, since ports may have changed, and the secrets that are missing.
pub(super) fn write(state: &State, ports: &Ports) -> Result<(), Failure> {
    for name in SECRETS {
        let file = format!("secrets/{name}");
        if state.read(&file)?.is_none() {
            let random: [u8; 24] = rand::random();
            state.write(&file, URL_SAFE_NO_PAD.encode(random).as_bytes())?;
        }
    }
    state.write("etc/roost.toml", text(state, ports).as_bytes())
}

fn text(state: &State, ports: &Ports) -> String {
    let mut text = String::from(
        "# Written by `roostctl dev` at every start. Your own settings belong in conf.d/*.toml.\n",
    );
    let tls = super::authority(state).server();
    table(
        &mut text,
        "node",
        &[("name", string(NODE)), ("drain", string("10s"))],
    );
    table(&mut text, "log", &[("socket", path(&state.log()))]);
    table(
        &mut text,
        "directory",
        &[
            ("url", string(&format!("ldap://{}", ports.address("ldap")))),
            ("ca", path(&state.ca())),
            ("secrets", path(&state.path("secrets"))),
        ],
    );
    table(
        &mut text,
        "tls",
        &[(
            "certificates",
            format!(
                "[{{ certificate = {}, key = {} }}]",
                path(&tls.certificate),
                path(&tls.key)
            ),
        )],
    );
    table(
        &mut text,
        "directory-server",
        &[
            ("state", path(&state.path("directory"))),
            ("ldap", listen(ports, &["ldap"])),
            ("ldaps", listen(ports, &["ldaps"])),
            ("ldapi", "[]".to_owned()),
            ("health", listen(ports, &["directory_health"])),
        ],
    );
    table(
        &mut text,
        "store",
        &[
            ("state", path(&state.path("store"))),
            ("lmtp", listen(ports, &["lmtp"])),
            ("imap", listen(ports, &["store_imap"])),
            ("imaps", listen(ports, &["store_imaps"])),
            ("pop3", listen(ports, &["store_pop3"])),
            ("pop3s", listen(ports, &["store_pop3s"])),
            ("lookup", listen(ports, &["lookup"])),
            ("control", path(&state.store_control())),
            ("health", listen(ports, &["store_health"])),
        ],
    );
    table(
        &mut text,
        "mta",
        &[
            ("state", path(&state.path("queue"))),
            ("smtp", listen(ports, &["smtp"])),
            ("submission", listen(ports, &["submission"])),
            ("submissions", listen(ports, &["submissions"])),
            ("control", path(&state.control())),
            ("health", listen(ports, &["mta_health"])),
            (
                "lmtp",
                format!(
                    "{{ {} = {} }}",
                    string(NODE),
                    string(&ports.address("lmtp").to_string())
                ),
            ),
        ],
    );
    table(
        &mut text,
        "snmp",
        &[
            ("agentx", path(&state.path("run/agentx"))),
            ("health", listen(ports, &["snmp_health"])),
        ],
    );
    table(
        &mut text,
        "proxy",
        &[
            ("imap", listen(ports, &["imap"])),
            ("imaps", listen(ports, &["imaps"])),
            ("pop3", listen(ports, &["pop3"])),
            ("pop3s", listen(ports, &["pop3s"])),
            ("http", listen(ports, &["http"])),
            ("https", listen(ports, &["https"])),
            ("control", path(&state.proxy_control())),
            ("health", listen(ports, &["proxy_health"])),
            ("linger", string("0s")),
            ("stores", stores(ports)),
        ],
    );
    table(
        &mut text,
        "logger",
        &[
            ("state", path(&state.path("logger"))),
            ("syslog", listen(ports, &["syslog"])),
            ("syslog_tls", listen(ports, &["syslog_tls"])),
            (
                "syslog_udp",
                format!(
                    "[{}, {}]",
                    string(&ports.address("syslog").to_string()),
                    path(&state.log())
                ),
            ),
            // The daemons send their lines straight to the logger: this machine's journal is not theirs.
            ("journal", "false".to_owned()),
            ("control", path(&state.logger_control())),
            ("health", listen(ports, &["logger_health"])),
        ],
    );
    // A suite for trying sends nobody a report; `roostctl stats report --send` does.
    table(
        &mut text,
        "statistics",
        &[("report", "{ at = \"never\" }".to_owned())],
    );
    text
}

/// Where the one store is reached.
fn stores(ports: &Ports) -> String {
    let place = |service: &str| string(&ports.address(service).to_string());
    format!(
        "{{ {} = {{ imap = {}, imaps = {}, pop3 = {}, pop3s = {} }} }}",
        string(NODE),
        place("store_imap"),
        place("store_imaps"),
        place("store_pop3"),
        place("store_pop3s")
    )
}

fn table(text: &mut String, name: &str, keys: &[(&str, String)]) {
    text.push_str(&format!("\n[{name}]\n"));
    for (key, value) in keys {
        text.push_str(&format!("{key} = {value}\n"));
    }
}

fn string(value: &str) -> String {
    toml::Value::String(value.to_owned()).to_string()
}

fn path(value: &Path) -> String {
    string(&value.to_string_lossy())
}

fn listen(ports: &Ports, services: &[&str]) -> String {
    let places: Vec<String> = services
        .iter()
        .map(|service| string(&ports.address(service).to_string()))
        .collect();
    format!("[{}]", places.join(", "))
}

#[cfg(test)]
mod tests {
    use roost_kit::config::{Configuration, Listen};

    use super::*;

    #[test]
    fn the_configuration_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(folder.path(), false).unwrap();
        let ports = Ports::new(20_000).unwrap();
        write(&state, &ports).unwrap();
        let secret = state.read("secrets/zimbra").unwrap();
        write(&state, &ports).unwrap();
        assert_eq!(state.read("secrets/zimbra").unwrap(), secret);
        let config = Configuration::load(&state.config()).unwrap();
        assert_eq!(config.shared().unwrap().node.name, NODE);
        let imap = |key| config.value::<Listen>(key).unwrap().unwrap().to_string();
        assert_eq!(imap("store.imap"), "127.0.0.1:27143");
        assert_eq!(imap("proxy.imap"), "127.0.0.1:20143");
    }
}

//! The node's main configuration file. It says only what differs from the defaults.

use roost_kit::place;

use super::answers::Answers;
use super::node::Node;

/// The text of `roost.toml`.
pub(super) fn text(node: &Node, answers: &Answers) -> String {
    let authority = node.authority(answers);
    let server = authority.server();
    let host = string(&answers.host);
    let secrets = super::beside(node.config(), "secrets");
    format!(
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
    )
}

fn string(value: &str) -> String {
    toml::Value::String(value.to_owned()).to_string()
}

//! fetchmail and getmail: POP3 clients that hand each message to a delivery agent.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::{Run, Suite};

/// Fetches all mail of `address` with fetchmail over POP3 with STLS, and keeps it on the server
/// if `keep`; the answer is each message as it was handed to the delivery agent.
#[track_caller]
pub fn fetchmail(suite: &Suite, address: &str, keep: bool) -> Vec<Vec<u8>> {
    let (folder, agent) = delivery_agent(suite, "fetchmail");
    let configuration = folder.join("fetchmailrc");
    let text = format!(
        "poll localhost service {port} protocol pop3 uidl\n user \"{address}\" there \
         password \"{password}\" sslproto tls1.2+ sslcertck sslcertfile \"{ca}\" \
         no rewrite {keep} no mimedecode no stripcr pass8bits mda \"{agent}\"\n",
        port = suite.port("pop3"),
        password = suite.password(address),
        ca = suite.ca().display(),
        keep = if keep { "keep" } else { "no keep" },
        agent = agent.display(),
    );
    fs::write(&configuration, text).unwrap();
    fs::set_permissions(&configuration, fs::Permissions::from_mode(0o600)).unwrap();
    let finished = Run::new("fetchmail")
        .args([
            "--nodetach",
            "--nosyslog",
            "--all",
            "--invisible",
            "--fetchmailrc",
        ])
        .arg(&configuration)
        .env("FETCHMAILHOME", &folder)
        .env("HOME", &folder)
        .finish();
    // 1: there was no mail.
    assert!(matches!(finished.code(), 0 | 1), "{finished}");
    delivered(&folder)
}

/// Fetches all mail of `address` with getmail over POP3S, and keeps it on the server.
#[track_caller]
pub fn getmail(suite: &Suite, address: &str) -> Vec<Vec<u8>> {
    let (folder, agent) = delivery_agent(suite, "getmail");
    let text = format!(
        "[retriever]\ntype = SimplePOP3SSLRetriever\nserver = localhost\nport = {port}\n\
         username = {address}\npassword = {password}\nca_certs = {ca}\n\
         [destination]\ntype = MDA_external\npath = {agent}\nallow_root_commands = true\n\
         [options]\nread_all = true\ndelivered_to = false\nreceived = false\n",
        port = suite.port("pop3s"),
        password = suite.password(address),
        ca = suite.ca().display(),
        agent = agent.display(),
    );
    fs::write(folder.join("getmailrc"), text).unwrap();
    Run::new("getmail")
        .arg(format!("--getmaildir={}", folder.display()))
        .arg("--rcfile=getmailrc")
        .ok();
    delivered(&folder)
}

/// A new folder, and in it a program that writes each message it is given into a file there.
fn delivery_agent(suite: &Suite, name: &str) -> (PathBuf, PathBuf) {
    let folder = suite.scratch().join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    fs::create_dir_all(&folder).unwrap();
    let agent = folder.join("deliver");
    let script = format!(
        "#!/bin/sh\nexec cat >\"$(mktemp {}/mail.XXXXXX)\"\n",
        folder.display()
    );
    fs::write(&agent, script).unwrap();
    fs::set_permissions(&agent, fs::Permissions::from_mode(0o700)).unwrap();
    (folder, agent)
}

fn delivered(folder: &Path) -> Vec<Vec<u8>> {
    let paths = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    paths
        .filter(|path| {
            path.file_name()
                .unwrap()
                .to_string_lossy()
                .starts_with("mail.")
        })
        .map(|path| fs::read(path).unwrap())
        .collect()
}

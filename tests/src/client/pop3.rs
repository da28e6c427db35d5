//! fetchmail and getmail: POP3 clients that deliver into a file or a Maildir.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::{Run, Suite};

/// Fetches all mail of `address` with fetchmail over POP3 with STLS, and keeps it on the server
/// if `keep`; the answer is each message as it was handed to the delivery agent.
#[track_caller]
pub fn fetchmail(suite: &Suite, address: &str, keep: bool) -> Vec<Vec<u8>> {
    let folder = suite.scratch().join("fetchmail");
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
    files(folder, "mail.")
}

/// Fetches all mail of `address` with getmail over POP3S into a Maildir.
#[track_caller]
pub fn getmail(suite: &Suite, address: &str) -> Vec<Vec<u8>> {
    let folder = suite.scratch().join("getmail");
    let maildir = folder.join("maildir");
    for part in ["new", "cur", "tmp"] {
        fs::create_dir_all(maildir.join(part)).unwrap();
    }
    let text = format!(
        "[retriever]\ntype = SimplePOP3SSLRetriever\nserver = localhost\nport = {port}\n\
         username = {address}\npassword = {password}\nca_certs = {ca}\n\
         [destination]\ntype = Maildir\npath = {maildir}/\n\
         [options]\nread_all = true\ndelivered_to = false\nreceived = false\n",
        port = suite.port("pop3s"),
        password = suite.password(address),
        ca = suite.ca().display(),
        maildir = maildir.display(),
    );
    let configuration = folder.join("getmailrc");
    fs::write(&configuration, text).unwrap();
    Run::new("getmail")
        .arg(format!("--getmaildir={}", folder.display()))
        .arg("--rcfile=getmailrc")
        .ok();
    files(maildir.join("new"), "")
}

fn files(folder: PathBuf, prefix: &str) -> Vec<Vec<u8>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.retain(|path| {
        path.file_name()
            .unwrap()
            .to_string_lossy()
            .starts_with(prefix)
    });
    paths.sort();
    paths
        .into_iter()
        .map(|path| fs::read(path).unwrap())
        .collect()
}

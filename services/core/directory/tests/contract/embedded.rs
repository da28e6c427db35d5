//! The embedded server.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::server::{ADMIN_PASSWORD, DAEMON_PASSWORD, NODE, Server, Urls, certify, free_port};

/// Starts a server that holds what a new directory begins with, and a small organisation.
pub async fn start() -> Server {
    let program = program();
    let folder = tempfile::tempdir().unwrap();
    let (port, secure_port) = (free_port(), free_port());
    let file = configure(folder.path(), port, secure_port);
    let start = move || {
        Command::new(&program)
            .arg("--config")
            .arg(&file)
            .spawn()
            .unwrap()
    };
    let ldap = format!("ldap://127.0.0.1:{port}");
    let ldaps = format!("ldaps://127.0.0.1:{secure_port}");
    let urls = Urls { ldap, ldaps };
    let mut server = Server::new(folder, urls, start, async || {}).await;
    server.is_embedded = true;
    server
}

/// Where the server's program is: where the environment says, else beside this test.
fn program() -> PathBuf {
    if let Some(path) = std::env::var_os("ROOST_DIRECTORY_PROGRAM") {
        return path.into();
    }
    let test = std::env::current_exe().unwrap();
    let beside = test
        .parent()
        .and_then(Path::parent)
        .unwrap()
        .join("roost-directory");
    assert!(
        beside.exists(),
        "{} is missing; this test needs it: cargo build -p roost-directory",
        beside.display()
    );
    beside
}

fn configure(folder: &Path, port: u16, secure_port: u16) -> PathBuf {
    let secrets = folder.join("secrets");
    std::fs::create_dir(&secrets).unwrap();
    for (name, password) in [("zimbra", ADMIN_PASSWORD), ("roost-mta", DAEMON_PASSWORD)] {
        let path = secrets.join(name);
        std::fs::write(&path, password).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    certify(folder);
    let folder = folder.display();
    let text = format!(
        "[node]\nname = \"{NODE}\"\n\n\
         [directory]\nsecrets = \"{folder}/secrets\"\n\n\
         [tls]\n\
         certificates = [{{ certificate = \"{folder}/cert.pem\", key = \"{folder}/key.pem\" }}]\n\n\
         [directory-server]\nstate = \"{folder}/state\"\nldap = [\"127.0.0.1:{port}\"]\n\
         ldaps = [\"127.0.0.1:{secure_port}\"]\nldapi = []\nhealth = [\"127.0.0.1:0\"]\n"
    );
    let file = PathBuf::from(format!("{folder}/roost.toml"));
    std::fs::write(&file, text).unwrap();
    file
}

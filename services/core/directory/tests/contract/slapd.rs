//! Debian's slapd, with the configuration that we ship.

use std::path::{Path, PathBuf};
use std::process::Command;

use roost_core_directory::admin::bootstrap;
use roost_core_directory::client::Bind;
use roost_core_directory::seed::Plan;

use crate::server::{NODE, Server, Urls, certify, client, free_port, staff, wait_for};

const SLAPD: &str = "/usr/sbin/slapd";
const SLAPADD: &str = "/usr/sbin/slapadd";

/// Starts a server that holds what a new directory begins with, and a small organisation.
pub async fn start() -> Server {
    assert!(
        Path::new(SLAPD).exists(),
        "{SLAPD} is missing; this test needs it: apt-get install slapd"
    );
    let folder = tempfile::tempdir().unwrap();
    let configuration = configure(folder.path());
    let socket = folder
        .path()
        .join("ldapi")
        .display()
        .to_string()
        .replace('/', "%2F");
    let urls = Urls {
        ldap: format!("ldap://127.0.0.1:{}", free_port()),
        ldaps: format!("ldaps://127.0.0.1:{}", free_port()),
    };
    let ldapi = format!("ldapi://{socket}");
    let listen = format!("{} {} {ldapi}", urls.ldap, urls.ldaps);
    let start = move || {
        // With -d it stays in the foreground, so that it is our child.
        Command::new(SLAPD)
            .arg("-F")
            .arg(&configuration)
            .args(["-h", &listen, "-d", "0"])
            .spawn()
            .unwrap()
    };
    let prepare = async || {
        // Whoever runs the test is root for this server.
        let root = client(&ldapi, Bind::External);
        wait_for("slapd to answer", async || root.ping().await.is_ok()).await;
        let plan = Plan {
            node: NODE,
            now: jiff::Timestamp::UNIX_EPOCH,
            staff: staff(),
        };
        bootstrap(&root, &plan).await.unwrap();
    };
    Server::new(folder, urls, start, prepare).await
}

/// Loads the shipped configuration with the paths of this test.
fn configure(folder: &Path) -> PathBuf {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("openldap");
    let id = std::fs::metadata(folder).map(|metadata| {
        use std::os::unix::fs::MetadataExt as _;
        (metadata.uid(), metadata.gid())
    });
    let (user, group) = id.unwrap();
    certify(folder);
    let certificate = format!(
        "cn: config\nolcTLSCertificateFile: {0}/cert.pem\nolcTLSCertificateKeyFile: {0}/key.pem\n",
        folder.display()
    );
    let text = std::fs::read_to_string(shipped.join("slapd.ldif"))
        .unwrap()
        .replacen("cn: config\n", &certificate, 1)
        .replace("/usr/share/roost/openldap", &shipped.display().to_string())
        .replace(
            "/var/lib/roost/openldap",
            &folder.join("db").display().to_string(),
        )
        .replace("/run/slapd", &folder.display().to_string())
        .replace(
            "gidNumber=0\\+uidNumber=0",
            &format!("gidNumber={group}\\+uidNumber={user}"),
        );
    let file = folder.join("slapd.ldif");
    std::fs::write(&file, text).unwrap();
    std::fs::create_dir(folder.join("db")).unwrap();
    let configuration = folder.join("slapd.d");
    std::fs::create_dir(&configuration).unwrap();
    let loaded = Command::new(SLAPADD)
        .args(["-n", "0", "-F"])
        .arg(&configuration)
        .arg("-l")
        .arg(&file)
        .output()
        .unwrap();
    assert!(
        loaded.status.success(),
        "{}",
        String::from_utf8_lossy(&loaded.stderr)
    );
    configuration
}

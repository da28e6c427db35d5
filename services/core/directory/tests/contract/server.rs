//! A running directory server with a small organisation in it.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::Mutex;
use std::time::Duration;

use roost_core_directory::admin::{Admin, NewAccount, NewDomain};
use roost_core_directory::client::{Bind, Directory, Settings};
use roost_core_directory::dn;
use roost_core_directory::name::{DomainName, EmailAddress};
use roost_kit::clock::Clock;
use roost_kit::secret::{Identity, Secret};
use tempfile::TempDir;

/// The host of all mailboxes.
pub const NODE: &str = "mail.example.test";
/// The password of the daemon that the tests look things up as.
pub const DAEMON_PASSWORD: &str = "quartz-and-feldspar";
/// The password of the directory's administrator.
pub const ADMIN_PASSWORD: &str = "granite-and-basalt";

/// A running server.
pub struct Server {
    /// Signed in as the administrator.
    pub admin: Admin,
    /// Signed in as a daemon.
    pub daemon: Directory,
    /// Where it listens.
    pub url: String,
    /// Where it listens with TLS from the first octet.
    pub ldaps: String,
    /// The authority of its certificate.
    pub ca: PathBuf,
    /// Whether it is roost-directory.
    pub is_embedded: bool,
    process: Mutex<Child>,
    start: Box<dyn Fn() -> Child + Send + Sync>,
    _folder: TempDir,
}

/// Where a server listens.
pub struct Urls {
    pub ldap: String,
    pub ldaps: String,
}

impl Server {
    /// Takes charge of a server that `start` starts, and fills it.
    pub async fn new(
        folder: TempDir,
        urls: Urls,
        start: impl Fn() -> Child + Send + Sync + 'static,
        prepare: impl AsyncFnOnce(),
    ) -> Self {
        let Urls { ldap: url, ldaps } = urls;
        let process = Mutex::new(start());
        let admin = signed_in(&url, dn::ADMIN, ADMIN_PASSWORD);
        prepare().await;
        wait_for("the server to let the administrator in", async || {
            admin.ping().await.is_ok()
        })
        .await;
        let daemon = signed_in(&url, &dn::service_account("roost-mta"), DAEMON_PASSWORD);
        let server = Self {
            admin: Admin::new(admin),
            daemon,
            url,
            ldaps,
            ca: folder.path().join("cert.pem"),
            is_embedded: false,
            process,
            start: Box::new(start),
            _folder: folder,
        };
        server.fill().await;
        server
    }

    async fn fill(&self) {
        self.domain("example.test", None).await;
        for name in ["alice", "bob"] {
            self.account(&format!("{name}@example.test"), &[]).await;
        }
    }

    /// Creates a domain.
    pub async fn domain(&self, name: &str, alias_of: Option<&str>) {
        let alias_of = alias_of.map(|name| DomainName::parse(name).unwrap());
        let new = NewDomain {
            name: DomainName::parse(name).unwrap(),
            alias_of,
            edits: vec![],
        };
        self.admin.create_domain(&new).await.unwrap();
    }

    /// Creates an account whose password is its name, a dash and "secret".
    pub async fn account(&self, name: &str, edits: &[&str]) {
        let new = NewAccount {
            address: address(name),
            password: Some(password_of(name)),
            cos: None,
            edits: edits.iter().map(|text| text.parse().unwrap()).collect(),
        };
        self.admin.create_account(&new).await.unwrap();
    }

    /// Changes an account.
    pub async fn set(&self, name: &str, edits: &[&str]) {
        let edits: Vec<_> = edits.iter().map(|text| text.parse().unwrap()).collect();
        self.admin
            .modify_account(&address(name), &edits)
            .await
            .unwrap();
        self.daemon.forget();
    }

    /// A connection without us in between.
    pub async fn raw(&self, dn: &str, password: &str) -> ldap3::Ldap {
        let (connection, mut ldap) = ldap3::LdapConnAsync::new(&self.url).await.unwrap();
        ldap3::drive!(connection);
        ldap.simple_bind(dn, password)
            .await
            .unwrap()
            .success()
            .unwrap();
        ldap
    }

    /// Stops the server at once, as a power cut would.
    pub fn stop(&self) {
        let mut process = self.process.lock().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// Starts a stopped server again.
    pub fn restart(&self) {
        *self.process.lock().unwrap() = (self.start)();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut process = self.process.lock().unwrap();
        // It may be stopped already, which is as well.
        if process.kill().is_ok() {
            process.wait().unwrap();
        }
    }
}

/// A client signed in as an entry.
pub fn signed_in(url: &str, dn: &str, password: &str) -> Directory {
    let password = Secret::new(password.to_owned());
    client(
        url,
        Bind::Simple {
            dn: dn.to_owned(),
            password,
        },
    )
}

/// A client.
pub fn client(url: &str, bind: Bind) -> Directory {
    let mut settings = Settings::new(url, bind);
    settings.freshness.pause = Duration::from_millis(1);
    Directory::new(settings, Clock::system()).unwrap()
}

/// Those who may sign in from the beginning.
pub fn staff() -> Vec<Identity> {
    let identity = |dn: String, password: &str| Identity {
        dn,
        password: Secret::new(password.to_owned()),
    };
    vec![
        identity(dn::ADMIN.to_owned(), ADMIN_PASSWORD),
        identity(dn::service_account("roost-mta"), DAEMON_PASSWORD),
    ]
}

/// An address.
pub fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

/// The password that accounts are created with.
pub fn password_of(name: &str) -> Secret<String> {
    Secret::new(format!("{name}-secret"))
}

/// A port that nobody listens at.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// Waits until something holds; a minute at most.
pub async fn wait_for(what: &str, holds: impl AsyncFn() -> bool) {
    const PATIENCE: Duration = Duration::from_secs(60);
    let poll = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(
        tokio::time::timeout(PATIENCE, poll).await.is_ok(),
        "waited in vain for {what}"
    );
}

/// Puts a certificate for this machine, which is its own authority, and its key into a folder.
pub fn certify(folder: &Path) {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    std::fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
    let key = folder.join("key.pem");
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
}

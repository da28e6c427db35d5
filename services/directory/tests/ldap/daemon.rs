//! A daemon of its own for each test, in a scratch folder, on ports that the system gives.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tempfile::TempDir;

/// How long a daemon may take to serve.
const PATIENCE: Duration = Duration::from_secs(60);

/// The directory's administrator.
pub(crate) const ADMIN: &str = "uid=zimbra,cn=admins,cn=zimbra";
/// A user of the sample tree.
pub(crate) const ALICE: &str = "uid=alice,ou=people,dc=example,dc=test";
/// Another.
pub(crate) const BOB: &str = "uid=bob,ou=people,dc=example,dc=test";
/// A daemon's account.
pub(crate) const STORE: &str = "uid=roost-store,cn=appaccts,cn=zimbra";

/// A running directory.
pub(crate) struct Directory {
    folder: TempDir,
    child: Child,
    pub(crate) ldap: String,
    pub(crate) ldaps: String,
}

/// What a tool said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Directory {
    /// A new directory.
    pub(crate) fn start() -> Self {
        Self::start_with("")
    }

    /// A new directory with more settings.
    pub(crate) fn start_with(settings: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        let path = folder.path();
        fs::write(path.join("certificate.pem"), cert.pem()).unwrap();
        fs::write(path.join("key.pem"), signing_key.serialize_pem()).unwrap();
        let place = path.display();
        let config = format!(
            r#"
[node]
name = "mail.example.test"
[directory]
secrets = "{place}/secrets"
[tls]
certificates = [{{ certificate = "{place}/certificate.pem", key = "{place}/key.pem" }}]
[directory-server]
state = "{place}/state"
ldap = "127.0.0.1:0"
ldaps = "127.0.0.1:0"
ldapi = "{place}/ldapi"
health = "127.0.0.1:0"
{settings}
"#
        );
        fs::write(path.join("roost.toml"), config).unwrap();
        let (child, ldap, ldaps) = launch(path);
        Self {
            folder,
            child,
            ldap,
            ldaps,
        }
    }

    /// A new directory with the sample tree.
    pub(crate) fn sample() -> Self {
        let directory = Self::start();
        directory.load(SAMPLE);
        directory
    }

    /// Ends the daemon at once, as a power cut does, and starts it again.
    pub(crate) fn cut_and_restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let (child, ldap, ldaps) = launch(self.folder.path());
        (self.child, self.ldap, self.ldaps) = (child, ldap, ldaps);
    }

    /// Asks the daemon to stop, as systemd does, and waits until it has.
    pub(crate) fn drain(&mut self) -> bool {
        drop(self.child.stdin.take());
        self.child.wait().unwrap().success()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `ldap://…`
    pub(crate) fn url(&self) -> String {
        format!("ldap://{}", self.ldap)
    }

    /// A connection in clear.
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.ldap).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    pub(crate) fn admin_password(&self) -> String {
        self.secret("zimbra")
    }

    pub(crate) fn secret(&self, name: &str) -> String {
        fs::read_to_string(self.path("secrets").join(name))
            .unwrap()
            .trim()
            .to_owned()
    }

    /// Adds entries as the administrator.
    #[track_caller]
    pub(crate) fn load(&self, ldif: &str) {
        let file = self.path("load.ldif");
        fs::write(&file, ldif).unwrap();
        let said = self.admin("ldapadd", &["-f", file.to_str().unwrap()]);
        assert_eq!(said.code, 0, "{said:?}");
    }

    /// Changes entries as the administrator.
    pub(crate) fn modify(&self, ldif: &str, more: &[&str]) -> Said {
        let file = self.path("modify.ldif");
        fs::write(&file, ldif).unwrap();
        let mut arguments = vec!["-f", file.to_str().unwrap()];
        arguments.extend_from_slice(more);
        self.admin("ldapmodify", &arguments)
    }

    /// Runs one of Debian's tools as the administrator.
    pub(crate) fn admin(&self, tool: &str, arguments: &[&str]) -> Said {
        self.as_user(ADMIN, &self.admin_password(), tool, arguments)
    }

    /// Runs one of Debian's tools as somebody.
    pub(crate) fn as_user(&self, dn: &str, password: &str, tool: &str, arguments: &[&str]) -> Said {
        let url = self.url();
        let mut all = vec!["-x", "-H", &url, "-D", dn, "-w", password];
        all.extend_from_slice(arguments);
        self.run(tool, &all)
    }

    /// Runs one of Debian's tools.
    pub(crate) fn run(&self, tool: &str, arguments: &[&str]) -> Said {
        let Output {
            status,
            stdout,
            stderr,
        } = Command::new(tool)
            .args(arguments)
            .env("LDAPTLS_CACERT", self.path("certificate.pem"))
            .env("LDAPRC", "/nonexistent")
            .stdin(Stdio::null())
            .output()
            .unwrap_or_else(|error| panic!("{tool} does not run ({error}); install ldap-utils"));
        Said {
            code: status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&stdout).into_owned(),
            err: String::from_utf8_lossy(&stderr).into_owned(),
        }
    }

    /// What a search as the administrator finds, unwrapped.
    #[track_caller]
    pub(crate) fn search(&self, base: &str, filter: &str, attributes: &[&str]) -> String {
        let mut arguments = vec!["-LLL", "-o", "ldif-wrap=no", "-b", base, filter];
        arguments.extend_from_slice(attributes);
        let said = self.admin("ldapsearch", &arguments);
        assert_eq!(said.code, 0, "{said:?}");
        said.out
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // A test that failed may have ended it already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[expect(
    clippy::zombie_processes,
    reason = "whoever holds the child waits for it; a panic ends the test's process"
)]
fn launch(folder: &Path) -> (Child, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_roost-directory"))
        .args([
            "--config",
            folder.join("roost.toml").to_str().unwrap(),
            "--while-stdin-open",
        ])
        .env_remove("ROOST_LOG")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (lines, heard) = mpsc::channel();
    let log = BufReader::new(child.stderr.take().unwrap());
    std::thread::spawn(move || {
        for line in log.lines().map_while(Result::ok) {
            // Nobody listens any more once the daemon serves; its log is read on all the same.
            drop(lines.send(line));
        }
    });
    let (mut ldap, mut ldaps) = (String::new(), String::new());
    let mut all = String::new();
    loop {
        let line = heard
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|_| panic!("it does not serve: {all}"));
        let place = line.split("place=").nth(1).map(str::to_owned);
        if let Some(place) = place {
            if line.contains("service=\"ldap\"") {
                ldap = place;
            } else if line.contains("service=\"ldaps\"") {
                ldaps = place;
            }
        }
        if line.ends_with("roost-directory serves") {
            return (child, ldap, ldaps);
        }
        all.push_str(&line);
        all.push('\n');
    }
}

/// Two domains with people and a list.
pub(crate) const SAMPLE: &str = "\
dn: dc=test
objectClass: dcObject
objectClass: organization
o: test
dc: test

dn: dc=example,dc=test
objectClass: dcObject
objectClass: organization
objectClass: zimbraDomain
o: example
dc: example
zimbraId: 10000000-0000-4000-8000-000000000000
zimbraDomainName: example.test
zimbraDomainType: local

dn: ou=people,dc=example,dc=test
objectClass: organizationalRole
ou: people
cn: people

dn: uid=alice,ou=people,dc=example,dc=test
objectClass: inetOrgPerson
objectClass: zimbraAccount
cn: Alice Liddell
sn: Liddell
givenName: Alice
telephoneNumber: +49 30 1234-567
zimbraId: 10000000-0000-4000-8000-000000000001
zimbraAccountStatus: active
zimbraMailQuota: 1000
mail: alice@example.test
zimbraMailDeliveryAddress: alice@example.test
zimbraMailAlias: al@example.test
userPassword: alice-secret

dn: uid=bob,ou=people,dc=example,dc=test
objectClass: inetOrgPerson
objectClass: zimbraAccount
cn: Bob
sn: Baker
zimbraId: 10000000-0000-4000-8000-000000000002
zimbraAccountStatus: active
zimbraMailQuota: 2000
mail: bob@example.test
zimbraMailDeliveryAddress: bob@example.test
userPassword: {SSHA}pggIHGl+PcllAGxF84PzT2J4C2J9msw1

dn: uid=carol,ou=people,dc=example,dc=test
objectClass: inetOrgPerson
objectClass: zimbraAccount
cn: Carol
sn: Carpenter
zimbraId: 10000000-0000-4000-8000-000000000003
zimbraAccountStatus: active
zimbraHideInGal: TRUE
mail: carol@example.test
zimbraMailDeliveryAddress: carol@example.test

dn: uid=all,ou=people,dc=example,dc=test
objectClass: zimbraDistributionList
objectClass: zimbraMailRecipient
uid: all
zimbraId: 10000000-0000-4000-8000-000000000004
mail: all@example.test
zimbraMailAlias: all@example.test
zimbraMailForwardingAddress: alice@example.test
zimbraMailForwardingAddress: bob@example.test

dn: dc=other,dc=test
objectClass: dcObject
objectClass: organization
objectClass: zimbraDomain
o: other
dc: other
zimbraId: 20000000-0000-4000-8000-000000000000
zimbraDomainName: other.test
zimbraDomainType: local

dn: ou=people,dc=other,dc=test
objectClass: organizationalRole
ou: people
cn: people

dn: uid=dave,ou=people,dc=other,dc=test
objectClass: inetOrgPerson
objectClass: zimbraAccount
cn: Dave
sn: Dyer
zimbraId: 20000000-0000-4000-8000-000000000001
zimbraAccountStatus: active
zimbraIsAdminAccount: TRUE
mail: dave@other.test
zimbraMailDeliveryAddress: dave@other.test
userPassword: dave-secret
";

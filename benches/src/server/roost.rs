//! Roost, with its embedded directory.

use std::collections::HashSet;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ldap3::{LdapConnAsync, Mod, drive};
use roost_core_directory::admin::{Admin, NewAccount};
use roost_core_directory::client::{Bind, Directory, Settings};
use roost_core_directory::dn;
use roost_core_directory::name::EmailAddress;
use roost_kit::clock::Clock;
use roost_kit::config::{CertificateFiles, Configuration};
use roost_kit::place;
use roost_kit::secret::Identity;
use sha2::{Digest, Sha512};

use super::child::{Child, local};
use super::{DOMAIN, FOLDER_USERS, PASSWORD, USERS};
use crate::measure::Tree;

/// A daemon of the suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Daemon {
    Directory,
    Store,
    Mta,
    Proxy,
}

impl Daemon {
    fn program(self) -> &'static str {
        match self {
            Self::Directory => "roost-directory",
            Self::Store => "roost-store",
            Self::Mta => "roost-mta",
            Self::Proxy => "roost-proxy",
        }
    }

    /// By which port it is known to serve.
    fn port(self) -> &'static str {
        match self {
            Self::Directory => "ldap",
            Self::Store => "lmtp",
            Self::Mta => "smtp",
            Self::Proxy => "imaps",
        }
    }
}

/// Roost in a scratch folder.
#[derive(Debug)]
pub(crate) struct Roost {
    programs: PathBuf,
    folder: PathBuf,
    dev: serde_json::Value,
    // The last one started ends first.
    running: Vec<(Daemon, Child)>,
}

impl Roost {
    /// Has `roostctl dev` make configuration, certificates and directory, adds the accounts, and
    /// leaves only the directory running.
    pub(crate) async fn set_up(scratch: &Path, offset: Option<u16>) -> anyhow::Result<Self> {
        let own = std::env::current_exe().context("cannot find this program's folder")?;
        let mut roost = Self {
            programs: own.parent().unwrap_or(Path::new(".")).to_owned(),
            folder: scratch.join("roost"),
            dev: serde_json::Value::Null,
            running: Vec::new(),
        };
        roost.dev = roost.describe(offset.map_or_else(free_offset, Ok)?).await?;
        roost.write(
            "50-bench.toml",
            "[store]\nsessions_per_account = 1000\n\
             [store.connections.readers]\ntotal = 40000\nper_address = 40000\n\
             [proxy]\nsessions_per_account = 1000\n\
             [proxy.connections]\ntotal = 40000\nper_address = 40000\n\
             [proxy.web]\nfiles = \"FILES\"\n"
                .replace("FILES", &scratch.join("files").display().to_string())
                .as_str(),
        )?;
        roost.start(Daemon::Directory).await?;
        roost.add_accounts().await?;
        Ok(roost)
    }

    /// Lets the suite start once, and says what there is.
    async fn describe(&self, offset: u16) -> anyhow::Result<serde_json::Value> {
        let state = self.folder.join("state");
        fs::create_dir_all(&self.folder)?;
        let log = self.folder.join("dev.log");
        let output = fs::File::create(&log)?;
        let mut command = self.command("roostctl");
        command
            .args(["dev", "--offset", &offset.to_string(), "--state"])
            .arg(&state)
            .stdout(output.try_clone()?)
            .stderr(output);
        let mut child = Child::spawn(command, "roostctl dev")?;
        let began = Instant::now();
        loop {
            if let Ok(text) = fs::read(state.join("dev.json")) {
                return serde_json::from_slice(&text).context("dev.json cannot be read");
            }
            let ended = child.process().try_wait()?;
            if ended.is_some() || began.elapsed() > Duration::from_secs(60) {
                bail!(
                    "roostctl dev does not start: {}",
                    fs::read_to_string(&log).unwrap_or_default()
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.env("NO_COLOR", "1");
        command
    }

    fn config(&self) -> PathBuf {
        self.folder.join("state/etc/roost.toml")
    }

    /// Writes settings that come after the suite's own.
    fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let folder = self.folder.join("state/etc/conf.d");
        fs::create_dir_all(&folder)?;
        Ok(fs::write(folder.join(name), text)?)
    }

    /// Starts a daemon as an installed one runs: from the same configuration, its log in a file.
    pub(crate) async fn start(&mut self, daemon: Daemon) -> anyhow::Result<()> {
        let program = daemon.program();
        let mut command = self.command(program);
        command.arg("--config").arg(self.config());
        let log = self.folder.join(format!("{program}.log"));
        let port = self.port(daemon.port())?;
        let child = Child::start(command, program, &log, port).await?;
        self.running.push((daemon, child));
        Ok(())
    }

    /// Ends a daemon.
    pub(crate) fn stop(&mut self, daemon: Daemon) {
        self.running.retain(|(running, _)| *running != daemon);
    }

    /// Starts the mta with an empty queue. Stores are at `lmtp`.
    pub(crate) async fn start_mta(&mut self, lmtp: SocketAddr) -> anyhow::Result<()> {
        self.stop(Daemon::Mta);
        let queue = self.folder.join("state/queue");
        if queue.exists() {
            fs::remove_dir_all(&queue)?;
        }
        let host = format!("mail.{DOMAIN}");
        self.write(
            "60-mta.toml",
            &format!("[mta]\nlmtp = {{ \"{host}\" = \"{lmtp}\" }}\n"),
        )?;
        self.start(Daemon::Mta).await
    }

    fn port(&self, service: &str) -> anyhow::Result<u16> {
        let port = self.dev["ports"][service].as_u64();
        port.and_then(|port| u16::try_from(port).ok())
            .with_context(|| format!("dev.json names no port {service}"))
    }

    /// Where a service is, by its name in `dev.json`.
    pub(crate) fn address(&self, service: &str) -> anyhow::Result<SocketAddr> {
        Ok(local(self.port(service)?))
    }

    /// The processes of these daemons.
    pub(crate) fn tree(&self, daemons: &[Daemon]) -> Tree {
        let wanted = self
            .running
            .iter()
            .filter(|(running, _)| daemons.contains(running));
        Tree::new(wanted.map(|(_, child)| child.pid()))
    }

    /// The certificate that Roost answers with; the peers use it too.
    pub(crate) fn certificate(&self) -> anyhow::Result<CertificateFiles> {
        let shared = Configuration::load(&self.config())?.shared()?;
        let first = shared.tls.certificates.into_iter().next();
        first.context("the suite has no certificate")
    }

    /// Makes the accounts. Their passwords are kept as the peer keeps them, so that ten thousand
    /// logins do not measure Argon2.
    async fn add_accounts(&self) -> anyhow::Result<()> {
        let access = Configuration::load(&self.config())?.shared()?.directory;
        let identity = Identity::of_administrator(&access)?;
        let (connection, mut ldap) = LdapConnAsync::new(&access.url).await?;
        drive!(connection);
        ldap.simple_bind(&identity.dn, identity.password.expose())
            .await?
            .success()?;
        let bind = Bind::Simple {
            dn: identity.dn,
            password: identity.password,
        };
        let admin = Admin::new(Directory::new(
            Settings::new(&access.url, bind),
            Clock::system(),
        )?);
        let hash = hashed_password();
        let names = (1..=USERS)
            .map(|number| format!("u{number}"))
            .chain((1..=FOLDER_USERS).map(|number| format!("f{number}")));
        for name in names {
            let address = EmailAddress::parse(&format!("{name}@{DOMAIN}"))?;
            let entry = dn::person(&address);
            let new = NewAccount {
                address,
                password: None,
                cos: None,
                edits: Vec::new(),
            };
            admin
                .create_account(&new)
                .await
                .with_context(|| format!("cannot create {name}"))?;
            let set = HashSet::from([hash.as_bytes()]);
            let change = vec![Mod::Replace("userPassword".as_bytes(), set)];
            ldap.modify(&entry, change).await?.success()?;
        }
        ldap.unbind().await?;
        Ok(())
    }
}

impl Drop for Roost {
    fn drop(&mut self) {
        while self.running.pop().is_some() {}
    }
}

/// An offset at which the suite's ports are free at the moment.
fn free_offset() -> anyhow::Result<u16> {
    let ports = [
        place::SMTP,
        place::LMTP,
        place::LDAP,
        place::IMAPS,
        place::STORE_IMAP,
        place::STORE_IMAPS,
        place::STORE_POP3,
        place::LOOKUP,
        place::DIRECTORY_HEALTH,
        place::STORE_HEALTH,
        place::MTA_HEALTH,
        place::PROXY_HEALTH,
    ];
    let mut offsets = (24_000..50_000).step_by(500);
    let free = |offset: &u16| {
        ports
            .iter()
            .all(|port| TcpListener::bind(local(port + offset)).is_ok())
    };
    offsets
        .find(free)
        .context("no offset is free (choose one with --offset)")
}

/// The accounts' password as all systems keep it.
pub(super) fn hashed_password() -> String {
    let salt = b"benchsalt";
    let mut hash = Sha512::new();
    hash.update(PASSWORD.as_bytes());
    hash.update(salt);
    let mut octets = hash.finalize().to_vec();
    octets.extend_from_slice(salt);
    format!("{{SSHA512}}{}", STANDARD.encode(octets))
}

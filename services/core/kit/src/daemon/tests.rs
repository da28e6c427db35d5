//! The life of a whole daemon. The daemon is this test binary again, which then runs [`child`] alone.

use std::fs;
use std::io::Read;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Deserialize;
use tempfile::TempDir;

use super::*;
use crate::config::{Listen, Wrong};
use crate::control::Client;
use crate::health::Readiness;

/// The daemon's arguments, one a line; set in the child only.
const ARGUMENTS: &str = "ROOST_TEST_DAEMON_ARGUMENTS";
const DEADLINE: Duration = Duration::from_secs(20);

/// `[store]` of the daemon under test.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    health: Listen,
    #[serde(default)]
    fail: bool,
}

impl Settings for Config {
    const TABLE: &'static str = "store";

    fn health(&self) -> &Listen {
        &self.health
    }

    fn check(&self) -> Result<(), Wrong> {
        Ok(())
    }
}

async fn start(config: Config, kit: Kit) -> anyhow::Result<()> {
    let stopping = kit.tasks.stopping();
    kit.tasks.spawn_worker("journal", async move {
        if config.fail {
            anyhow::bail!("the disk is gone");
        }
        stopping.cancelled().await;
        Ok(())
    });
    Ok(())
}

#[test]
fn child() {
    let Ok(arguments) = std::env::var(ARGUMENTS) else {
        return;
    };
    let words = ["roost-test"].into_iter().chain(arguments.lines());
    let code = Daemon::new("roost-test", "9").run_from(words.map(OsString::from), start);
    println!("ended with {code:?}");
}

/// A daemon under test and what systemd would hear of it.
struct Subject {
    folder: TempDir,
    systemd: UnixDatagram,
}

impl Subject {
    fn new(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let systemd = UnixDatagram::bind(folder.path().join("notify.sock")).unwrap();
        systemd.set_read_timeout(Some(DEADLINE)).unwrap();
        let subject = Self { folder, systemd };
        subject.configure(settings);
        subject
    }

    fn configure(&self, settings: &str) {
        let health = self.path("health.sock");
        let text = format!("[store]\nhealth = \"{}\"\n{settings}\n", health.display());
        fs::write(self.path("roost.toml"), text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Child {
        let config = self.path("roost.toml");
        let words = ["--config", config.to_str().unwrap()];
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture", "daemon::tests::child"])
            .env(ARGUMENTS, [&words, arguments].concat().join("\n"))
            .env("NOTIFY_SOCKET", self.path("notify.sock"))
            .env("WATCHDOG_USEC", "100000")
            .env_remove("JOURNAL_STREAM")
            .env_remove("ROOST_LOG")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Waits until systemd hears a line.
    fn hear(&self, wanted: &str) {
        let mut buffer = [0; 1024];
        loop {
            let length = self.systemd.recv(&mut buffer).unwrap();
            let said = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if said.lines().any(|line| line == wanted) {
                return;
            }
        }
    }
}

/// What a daemon said on standard error, and its exit code.
fn ended(mut child: Child) -> (String, ExitCode) {
    drop(child.stdin.take());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let codes = [0, 1, 2, 78].map(ExitCode::from);
    let code = codes
        .into_iter()
        .find(|code| said.contains(&format!("ended with {code:?}\n")))
        .unwrap_or_else(|| panic!("{said}"));
    (String::from_utf8(output.stderr).unwrap(), code)
}

#[test]
fn a_check_says_ok_or_the_mistake_in_one_line() {
    let subject = Subject::new("");
    assert_eq!(
        ended(subject.run(&["--check"])),
        (String::new(), ExitCode::SUCCESS)
    );
    subject.configure("helth = 1");
    let (said, code) = ended(subject.run(&["--check"]));
    assert_eq!(code, ExitCode::from(78));
    let expected = "roost.toml:3: store.helth: unknown key, did you mean \"health\"?\n";
    assert!(
        said.ends_with(expected) && said.lines().count() == 1,
        "{said}"
    );
}

#[test]
fn a_missing_certificate_is_a_mistake_in_the_configuration() {
    let subject =
        Subject::new("[tls]\ncertificates = [{ certificate = \"/x.crt\", key = \"/x.key\" }]");
    let (said, code) = ended(subject.run(&["--check"]));
    assert_eq!(code, ExitCode::from(78));
    assert!(
        said.contains("roost.toml:4: tls.certificates: cannot read /x.crt: No such file"),
        "{said}"
    );
}

#[test]
fn a_daemon_serves_reloads_and_drains() {
    let subject = Subject::new("");
    let child = subject.run(&["--while-stdin-open"]);
    subject.hear("READY=1");
    let health = Client::socket(&subject.path("health.sock"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let readiness: Readiness = runtime.block_on(health.get("/readyz")).unwrap();
    assert!(readiness.ready);
    subject.hear("WATCHDOG=1");
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
    for settings in ["", "helth = 1"] {
        subject.configure(settings);
        kill(pid, Signal::SIGHUP).unwrap();
        subject.hear("RELOADING=1");
        subject.hear("READY=1");
    }
    // Its standard input ends here, as when the process that started it dies.
    let (said, code) = ended(child);
    subject.hear("STOPPING=1");
    assert_eq!(code, ExitCode::SUCCESS, "{said}");
    assert!(
        said.contains("configuration and certificates read again"),
        "{said}"
    );
    assert!(said.contains("the configuration stays as it was"), "{said}");
}

#[test]
fn a_worker_that_fails_ends_the_daemon() {
    let subject = Subject::new("fail = true");
    let mut child = subject.run(&[]);
    let stdin = child.stdin.take();
    let (said, code) = ended(child);
    drop(stdin);
    assert_eq!(code, ExitCode::FAILURE, "{said}");
    assert!(said.contains("journal: the disk is gone"), "{said}");
}

#[test]
fn a_signal_ends_a_daemon_too() {
    let subject = Subject::new("");
    let mut child = subject.run(&[]);
    subject.hear("READY=1");
    let mut stdout = child.stdout.take().unwrap();
    kill(
        Pid::from_raw(i32::try_from(child.id()).unwrap()),
        Signal::SIGTERM,
    )
    .unwrap();
    let mut said = String::new();
    stdout.read_to_string(&mut said).unwrap();
    child.wait().unwrap();
    assert!(
        said.contains(&format!("ended with {:?}", ExitCode::SUCCESS)),
        "{said}"
    );
}

//! A running suite.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

use crate::slot::Slot;
use crate::{Run, Wire, wait_for};

/// The daemons started by `roostctl dev` in a scratch folder; they end with the value.
#[derive(Debug)]
pub struct Suite {
    child: Option<Child>,
    dev: Value,
    scratch: TempDir,
    slot: Slot,
}

impl Suite {
    /// Starts the suite with the embedded defaults and waits until it says that it is ready.
    #[track_caller]
    pub fn start() -> Self {
        Self::start_with("")
    }

    /// The same with local settings of one's own: TOML that is put into `conf.d`.
    #[track_caller]
    pub fn start_with(settings: &str) -> Self {
        let scratch = tempfile::Builder::new()
            .prefix("roost-test-")
            .tempdir()
            .unwrap();
        let mut suite = Self {
            child: None,
            dev: Value::Null,
            scratch,
            slot: Slot::take(),
        };
        if !settings.is_empty() {
            let folder = suite.state().join("etc/conf.d");
            fs::create_dir_all(&folder).unwrap();
            // The mark by which `roostctl dev` knows a folder as its own.
            fs::write(suite.state().join("roost-dev-state"), "").unwrap();
            fs::write(folder.join("50-test.toml"), settings).unwrap();
        }
        suite.run();
        suite
    }

    /// Starts the suite again on the same state; it must have been stopped.
    #[track_caller]
    pub fn run(&mut self) {
        assert!(self.child.is_none(), "the suite runs already");
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_path())
            .unwrap();
        let child = Command::new(program("roostctl"))
            .args(["dev", "--offset", &self.slot.offset.to_string(), "--state"])
            .arg(self.state())
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start roostctl: {error} (cargo build --bins)"));
        self.child = Some(child);
        let ready = self.state().join("dev.json");
        let limit = Duration::from_secs(120);
        self.dev = wait_for("the suite to be ready", limit, || {
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            if let Some(status) = ended {
                panic!("roostctl dev ended with {status}");
            }
            serde_json::from_slice(&fs::read(&ready).ok()?).ok()
        });
    }

    /// Stops the suite as an administrator does, and waits for its end.
    #[track_caller]
    pub fn stop(&mut self) {
        let Some(mut child) = self.child.take() else {
            return;
        };
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
        kill(pid, Signal::SIGTERM).unwrap();
        let status = wait_for("the suite to stop", Duration::from_secs(60), || {
            child.try_wait().unwrap()
        });
        assert!(status.success(), "roostctl dev ended with {status}");
    }

    /// The port of a service by its name in `dev.json`: `smtp`, `imaps`, `ldap`, …. Where the variable
    /// `ROOST_TEST_STRAIGHT` is set, mail is read at the store instead of through the proxy.
    #[track_caller]
    pub fn port(&self, service: &str) -> u16 {
        let straight = std::env::var_os("ROOST_TEST_STRAIGHT").is_some();
        match service {
            "imap" | "imaps" | "pop3" | "pop3s" if straight => {
                self.listed_port(&format!("store_{service}"))
            }
            service => self.listed_port(service),
        }
    }

    #[track_caller]
    fn listed_port(&self, service: &str) -> u16 {
        let port = self.dev["ports"][service].as_u64();
        let port = port.unwrap_or_else(|| panic!("no port {service} in {}", self.dev));
        u16::try_from(port).unwrap()
    }

    /// The password of a demo account.
    #[track_caller]
    pub fn password(&self, address: &str) -> String {
        let accounts = self.dev["accounts"].as_array().unwrap();
        let account = accounts
            .iter()
            .find(|account| account["address"] == address);
        let account = account.unwrap_or_else(|| panic!("no account {address} in {}", self.dev));
        account["password"].as_str().unwrap().to_owned()
    }

    /// The process id of a daemon.
    #[track_caller]
    pub fn pid(&self, daemon: &str) -> Pid {
        let pid = self.dev["pids"][daemon].as_i64();
        let pid = pid.unwrap_or_else(|| panic!("no daemon {daemon} in {}", self.dev));
        Pid::from_raw(i32::try_from(pid).unwrap())
    }

    /// What `dev.json` says.
    pub fn dev(&self) -> &Value {
        &self.dev
    }

    /// The certificate of the suite's own authority.
    #[track_caller]
    pub fn ca(&self) -> PathBuf {
        PathBuf::from(self.dev["ca"].as_str().unwrap())
    }

    /// The state folder.
    pub fn state(&self) -> PathBuf {
        self.scratch.path().join("state")
    }

    /// A folder for the test's own files.
    pub fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// `roostctl` for this suite.
    pub fn roostctl(&self) -> Run {
        let config = self.dev["config"].as_str().unwrap_or_default();
        Run::new(program("roostctl"))
            .env("ROOST_CONFIG", config)
            .env("NO_COLOR", "1")
    }

    /// Another program of ours.
    pub fn program(&self, name: &str) -> Run {
        Run::new(program(name)).env("NO_COLOR", "1")
    }

    /// What a daemon counts, over all its labels: `metric("mta_health", "roost_mta_…")`.
    #[track_caller]
    pub fn metric(&self, health: &str, name: &str) -> f64 {
        let mut wire = Wire::open(self.port(health));
        wire.send("GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n");
        let text = wire.rest();
        let mut values = text.lines().filter_map(|line| {
            let rest = line.strip_prefix(name)?;
            let rest = match rest.strip_prefix('{') {
                Some(labels) => labels.split_once('}')?.1,
                None => rest,
            };
            rest.strip_prefix(' ')?.parse::<f64>().ok()
        });
        let first = values.next();
        let first = first.unwrap_or_else(|| panic!("no metric {name} in {text}"));
        first + values.sum::<f64>()
    }

    /// What the daemons logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.scratch.path().join("suite.log")
    }
}

impl Drop for Suite {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let from = log.char_indices().rev().nth(20_000).map_or(0, |(at, _)| at);
            println!(
                "--- log of the suite\n{}",
                log.get(from..).unwrap_or_default()
            );
            if let Some(child) = &mut self.child {
                let pid = Pid::from_raw(i32::try_from(child.id()).unwrap_or_default());
                if kill(pid, Signal::SIGTERM).is_ok() && child.wait().is_err() {
                    println!("the suite did not stop");
                }
            }
        } else {
            self.stop();
        }
    }
}

/// A program of ours, in the folder where cargo put the test's own executable.
pub(crate) fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test
        .ancestors()
        .find(|folder| folder.join("deps").is_dir())
        .unwrap();
    folder.join(name)
}

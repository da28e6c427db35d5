//! The daemons of a suite, each started and killed by itself, without anybody who restarts them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::suite::program;
use crate::{Suite, wait_for};

/// The store.
pub const STORE: &str = "roost-store";
/// The mail transfer agent.
pub const MTA: &str = "roost-mta";
/// The directory.
pub const DIRECTORY: &str = "roost-directory";

const PASSWORD: &str = "cut-and-dried-7";
/// How long a daemon may take to serve, on a machine that does other things too.
const START_MAX: Duration = Duration::from_secs(90);

/// A prepared suite whose daemons are started one by one.
#[derive(Debug)]
pub struct Town {
    suite: Suite,
    people: Vec<String>,
    daemons: BTreeMap<&'static str, Child>,
    /// Put before the program and into its environment.
    preload: Option<PathBuf>,
}

impl Town {
    /// Prepares a suite with local settings (TOML) and `people` accounts, and starts its daemons.
    pub fn start(settings: &str, people: usize) -> Self {
        let mut suite = Suite::start_with(settings);
        let secret = suite.scratch().join("password");
        fs::write(&secret, PASSWORD).unwrap();
        let people: Vec<String> = (0..people)
            .map(|number| format!("cut{number}@example.test"))
            .collect();
        for person in &people {
            let create = suite.roostctl().args(["account", "create", person]);
            create.arg("--password-file").arg(&secret).ok();
        }
        suite.stop();
        let mut town = Self {
            suite,
            people,
            daemons: BTreeMap::new(),
            preload: None,
        };
        for daemon in [DIRECTORY, STORE, MTA] {
            town.run(daemon);
            town.ready(daemon);
        }
        town
    }

    /// From now on daemons are started with this library put before all others.
    pub fn preload(&mut self, library: Option<PathBuf>) {
        self.preload = library;
    }

    /// The accounts.
    pub fn people(&self) -> &[String] {
        &self.people
    }

    /// Everybody's password.
    pub fn password(&self) -> &'static str {
        PASSWORD
    }

    /// A service's port.
    pub fn port(&self, service: &str) -> u16 {
        self.suite.port(service)
    }

    /// The suite's folders and tools.
    pub fn suite(&self) -> &Suite {
        &self.suite
    }

    /// Starts a daemon without waiting until it serves.
    pub fn run(&mut self, daemon: &'static str) {
        self.run_under(&[], daemon);
    }

    /// The same under another program, such as a tracer, that runs its last arguments.
    pub fn run_under(&mut self, words: &[OsString], daemon: &'static str) {
        assert!(!self.daemons.contains_key(daemon), "{daemon} runs already");
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_path(daemon))
            .unwrap();
        let config = self.suite.dev()["config"].as_str().unwrap();
        let mut command = match words.split_first() {
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(program(daemon));
                command
            }
            None => Command::new(program(daemon)),
        };
        command
            .args(["--config", config, "--while-stdin-open"])
            .env("NO_COLOR", "1")
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        if let Some(library) = self.preload.as_ref().filter(|_| daemon != DIRECTORY) {
            command.env("LD_PRELOAD", library);
        }
        let child = command.spawn().unwrap();
        self.daemons.insert(daemon, child);
    }

    /// Waits until a daemon serves; panics if it ends before.
    pub fn ready(&mut self, daemon: &'static str) {
        if let Err(why) = self.try_ready(daemon) {
            panic!("{daemon} {why}\n{}", tail(&self.log(daemon)));
        }
    }

    /// Waits until a daemon serves; says how it ended if it did before.
    pub fn try_ready(&mut self, daemon: &'static str) -> Result<(), String> {
        let health = format!("{}_health", daemon.trim_start_matches("roost-"));
        let port = self.port(&health);
        wait_for(&format!("{daemon} to serve"), START_MAX, || {
            let child = self.daemons.get_mut(daemon).unwrap();
            if let Some(status) = child.try_wait().unwrap() {
                self.daemons.remove(daemon);
                return Some(Err(format!("ended with {status}")));
            }
            page(port, "/readyz")?
                .starts_with("HTTP/1.1 200")
                .then_some(Ok(()))
        })
    }

    /// What a daemon's readiness page says: status line, headers and body.
    pub fn readiness(&self, daemon: &str) -> Option<String> {
        let health = format!("{}_health", daemon.trim_start_matches("roost-"));
        page(self.port(&health), "/readyz")
    }

    /// A daemon's process.
    pub fn pid(&self, daemon: &str) -> Pid {
        Pid::from_raw(i32::try_from(self.daemons[daemon].id()).unwrap())
    }

    /// Whether a daemon runs.
    pub fn runs(&mut self, daemon: &str) -> bool {
        let child = self.daemons.get_mut(daemon);
        child.is_some_and(|child| child.try_wait().unwrap().is_none())
    }

    /// SIGKILL; harmless where it does not run any more.
    pub fn kill(&mut self, daemon: &str) {
        if let Some(mut child) = self.daemons.remove(daemon) {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// SIGTERM, and waits for the end.
    pub fn stop(&mut self, daemon: &str) {
        if let Some(mut child) = self.daemons.remove(daemon) {
            let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
            if child.try_wait().unwrap().is_none() {
                kill(pid, Signal::SIGTERM).unwrap();
            }
            wait_for(
                &format!("{daemon} to stop"),
                Duration::from_secs(60),
                || child.try_wait().unwrap(),
            );
        }
    }

    /// What a daemon logged so far.
    pub fn log(&self, daemon: &str) -> String {
        let octets = fs::read(self.log_path(daemon)).unwrap_or_default();
        String::from_utf8_lossy(&octets).into_owned()
    }

    fn log_path(&self, daemon: &str) -> PathBuf {
        self.suite.scratch().join(format!("{daemon}.log"))
    }

    /// Waits until the mta's queue is empty, hurrying what waits. Says what is left where it is not
    /// empty in time.
    pub fn drain_queue(&self, limit: Duration) -> Result<(), String> {
        let socket = self.suite.dev()["control"].as_str().map(PathBuf::from);
        let socket = socket.unwrap_or_else(|| self.suite.state().join("run/mta.sock"));
        let mut left = String::new();
        let mut turns = 0;
        let empty = crate::wait::until(limit, || {
            let list = ask(&socket, "GET", "/queue")?;
            let list: Value = serde_json::from_str(&list).ok()?;
            let messages = list.as_array()?;
            if messages.is_empty() {
                return Some(());
            }
            turns += 1;
            if turns % 8 == 1 {
                ask(&socket, "POST", "/queue/flush");
            }
            left = list.to_string();
            None
        });
        empty.ok_or_else(|| format!("the queue still holds {left}"))
    }
}

impl Drop for Town {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for daemon in [MTA, STORE] {
                println!("--- log of {daemon}\n{}", tail(&self.log(daemon)));
            }
        }
        for daemon in [MTA, STORE, DIRECTORY] {
            self.kill(daemon);
        }
    }
}

fn tail(log: &str) -> &str {
    let from = log.char_indices().rev().nth(6_000).map_or(0, |(at, _)| at);
    log.get(from..).unwrap_or_default()
}

fn page(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    exchange(&mut stream, "GET", path)
}

fn ask(socket: &Path, method: &str, path: &str) -> Option<String> {
    let mut stream = UnixStream::connect(socket).ok()?;
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .ok()?;
    let answer = exchange(&mut stream, method, path)?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.starts_with("HTTP/1.1 200").then(|| body.to_owned())
}

fn exchange(stream: &mut (impl Read + Write), method: &str, path: &str) -> Option<String> {
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

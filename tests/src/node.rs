//! A further node beside the suite: one daemon with a name and addresses of its own, on the suite's
//! directory.

use std::fs;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::suite::program;
use crate::{Run, Suite, wait_for};

/// A daemon that runs until the value is dropped.
#[derive(Debug)]
pub struct Node {
    child: Option<Child>,
    daemon: &'static str,
    config: PathBuf,
    log: PathBuf,
    place: (String, u16),
    /// Processes that have taken over.
    successors: Vec<Pid>,
}

impl Node {
    /// Starts a daemon as the node `name` with `settings`, TOML of its own table; it is there when it
    /// accepts at `place`.
    #[track_caller]
    pub fn start(
        suite: &Suite,
        daemon: &'static str,
        name: &str,
        settings: &str,
        place: (&str, u16),
    ) -> Self {
        let folder = suite.scratch().join(name);
        fs::create_dir_all(&folder).unwrap();
        let own = fs::read_to_string(suite.dev()["config"].as_str().unwrap()).unwrap();
        let shared: Vec<&str> = own
            .split_inclusive("\n\n")
            .filter(|table| table.starts_with("[directory]") || table.starts_with("[tls]"))
            .collect();
        let config = folder.join("roost.toml");
        let text = format!(
            "[node]\nname = \"{name}\"\ndrain = \"5s\"\n\n{}\n{settings}\n",
            shared.concat()
        );
        fs::write(&config, text).unwrap();
        let mut node = Self {
            child: None,
            daemon,
            log: folder.join("log"),
            config,
            place: (place.0.to_owned(), place.1),
            successors: Vec::new(),
        };
        node.run();
        node
    }

    /// Starts it again; it must have ended.
    #[track_caller]
    pub fn run(&mut self) {
        assert!(self.child.is_none(), "{} runs already", self.daemon);
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log)
            .unwrap();
        let child = Command::new(program(self.daemon))
            .arg("--config")
            .arg(&self.config)
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
        wait_for(self.daemon, Duration::from_secs(60), || {
            if let Some(status) = self.child.as_mut().unwrap().try_wait().unwrap() {
                panic!("{} ended with {status}: {}", self.daemon, self.log());
            }
            TcpStream::connect((self.place.0.as_str(), self.place.1)).ok()
        });
    }

    /// `roostctl` for this node.
    pub fn roostctl(&self) -> Run {
        Run::new(program("roostctl"))
            .env("ROOST_CONFIG", &self.config)
            .env("NO_COLOR", "1")
    }

    /// Has the program started once more, and waits until that process has taken over.
    #[track_caller]
    pub fn upgrade(&mut self) {
        let child = self.child.as_ref().unwrap();
        kill(
            Pid::from_raw(i32::try_from(child.id()).unwrap()),
            Signal::SIGUSR2,
        )
        .unwrap();
        let pid = wait_for("the successor", Duration::from_secs(90), || {
            let log = self.log();
            let (_, rest) = log.split_once("another process has taken over successor=")?;
            rest.split_whitespace().next()?.parse().ok()
        });
        self.successors.push(Pid::from_raw(pid));
    }

    /// Waits for the end of the process that was started first.
    #[track_caller]
    pub fn wait_for_first(&mut self) {
        let mut child = self.child.take().unwrap();
        let status = wait_for("the old process to end", Duration::from_secs(60), || {
            child.try_wait().unwrap()
        });
        assert!(status.success(), "{status}");
    }

    /// Kills it.
    pub fn kill(&mut self) {
        self.end(Signal::SIGKILL);
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn end(&mut self, signal: Signal) {
        if let Some(mut child) = self.child.take() {
            let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
            kill(pid, signal).unwrap();
            child.wait().unwrap();
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        for pid in &self.successors {
            // It is no child of ours, and may have ended.
            if kill(*pid, Signal::SIGKILL).is_err() {
                println!("process {pid} had ended");
            }
        }
        self.end(Signal::SIGTERM);
        if std::thread::panicking() {
            println!("--- log of {}\n{}", self.daemon, self.log());
        }
    }
}

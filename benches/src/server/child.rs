//! A server as a child process.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child as Process, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long a server may take to start or to end.
const PATIENCE: Duration = Duration::from_secs(60);
const PERIOD: Duration = Duration::from_millis(20);

/// A port that nothing listens on at the moment.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
    Ok(listener.local_addr()?.port())
}

/// A port of this machine.
pub(super) fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// A child that is ended with the value.
#[derive(Debug)]
pub(super) struct Child {
    process: Process,
    name: String,
}

impl Child {
    /// Starts a program whose output goes to `log`, and waits until its port answers.
    pub(super) async fn start(
        mut command: Command,
        name: &str,
        log: &Path,
        port: u16,
    ) -> anyhow::Result<Self> {
        let output = File::options().create(true).append(true).open(log)?;
        command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        let mut child = Self::spawn(command, name)?;
        let began = Instant::now();
        while TcpStream::connect(local(port)).is_err() {
            if let Some(status) = child.process.try_wait()? {
                bail!("{name} ended with {status}; its log: {}", tail(log));
            }
            if began.elapsed() > PATIENCE {
                bail!("{name} does not listen on {port}; its log: {}", tail(log));
            }
            tokio::time::sleep(PERIOD).await;
        }
        Ok(child)
    }

    /// Starts a program.
    pub(super) fn spawn(mut command: Command, name: &str) -> anyhow::Result<Self> {
        let process = command
            .spawn()
            .with_context(|| format!("cannot start {name} (scripts/setup bench installs it)"))?;
        Ok(Self {
            process,
            name: name.to_owned(),
        })
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }

    pub(super) fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    fn end(&mut self) -> anyhow::Result<()> {
        if self.process.try_wait()?.is_some() {
            return Ok(());
        }
        let pid = Pid::from_raw(i32::try_from(self.process.id())?);
        kill(pid, Signal::SIGTERM)?;
        let began = Instant::now();
        while self.process.try_wait()?.is_none() {
            if began.elapsed() > PATIENCE {
                self.process.kill()?;
            }
            std::thread::sleep(PERIOD);
        }
        Ok(())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            eprintln!("{} (pid {}) did not end: {error}", self.name, self.pid());
        }
    }
}

/// The end of a log, for an error.
fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(5).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join(" | ")
}

//! A foreign server as a child process.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::wait_for;

/// A port that nothing listens on at the moment.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// A child that is ended with the value.
#[derive(Debug)]
pub(crate) struct Server(Child);

impl Server {
    /// Starts the program and waits until its port answers.
    #[track_caller]
    pub(crate) fn start(command: Command, port: u16) -> Self {
        Self::start_when(command, || TcpStream::connect(("127.0.0.1", port)).ok())
    }

    /// Starts the program and waits until it is ready.
    #[track_caller]
    pub(crate) fn start_when<T>(
        mut command: Command,
        mut ready: impl FnMut() -> Option<T>,
    ) -> Self {
        let shown = format!("{command:?}");
        let child = command
            .stdin(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("cannot start {shown}: {error} (make test installs it)")
            });
        let mut this = Self(child);
        wait_for(
            &format!("{shown} to be ready"),
            Duration::from_secs(30),
            || {
                if let Some(status) = this.0.try_wait().unwrap() {
                    panic!("{shown} ended with {status}");
                }
                ready()
            },
        );
        this
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let pid = Pid::from_raw(i32::try_from(self.0.id()).unwrap_or_default());
        if kill(pid, Signal::SIGTERM).is_err() || self.0.wait().is_err() {
            println!("a foreign server (pid {pid}) did not stop");
        }
    }
}

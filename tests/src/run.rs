//! Running a foreign program to its end.

use std::ffi::OsStr;
use std::fmt;
use std::io::{Read, Write};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crate::wait_for;

/// A foreign program about to run. It inherits no configuration of the machine's user: `HOME` is a
/// folder that does not exist unless [`Run::env`] says otherwise.
#[derive(Debug)]
pub struct Run {
    command: Command,
    input: Vec<u8>,
    limit: Duration,
}

impl Run {
    /// A program on the `PATH`, or by its path.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(program);
        command.env("HOME", "/nonexistent").env("LC_ALL", "C.UTF-8");
        Self {
            command,
            input: Vec::new(),
            limit: Duration::from_secs(60),
        }
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.command.args(arguments);
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// What the program reads from its standard input.
    #[must_use]
    pub fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    /// How long the program may take (60 s unless said).
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs it; any exit status is an answer, not ending in time is a failure.
    #[track_caller]
    pub fn finish(mut self) -> Finished {
        let shown = format!("{:?}", self.command);
        let mut child = self
            .command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("cannot start {shown}: {error} (make test installs it)")
            });
        let mut stdin = child.stdin.take().unwrap();
        let input = std::mem::take(&mut self.input);
        // A program that does not read its input ends the pipe: not an error of the test.
        let feeding = std::thread::spawn(move || stdin.write_all(&input).is_ok());
        let reading = [
            drain(child.stdout.take().unwrap()),
            drain(child.stderr.take().unwrap()),
        ];
        let status = wait_for(&format!("the end of {shown}"), self.limit, || {
            child.try_wait().unwrap()
        });
        feeding.join().unwrap();
        let [stdout, stderr] = reading.map(|thread| thread.join().unwrap());
        Finished {
            shown,
            output: Output {
                status,
                stdout,
                stderr,
            },
        }
    }

    /// Runs it and demands success; the answer is its standard output.
    #[track_caller]
    pub fn ok(self) -> Vec<u8> {
        let finished = self.finish();
        assert!(finished.success(), "{finished}");
        finished.output.stdout
    }

    /// As [`Run::ok`], as text.
    #[track_caller]
    pub fn ok_text(self) -> String {
        String::from_utf8(self.ok()).unwrap()
    }
}

fn drain(mut from: impl Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).unwrap();
        bytes
    })
}

/// How a program ended.
#[derive(Debug)]
pub struct Finished {
    shown: String,
    output: Output,
}

impl Finished {
    /// Whether its exit status is 0.
    pub fn success(&self) -> bool {
        self.output.status.success()
    }

    /// Its exit status; panics if a signal ended it.
    #[track_caller]
    pub fn code(&self) -> i32 {
        self.output
            .status
            .code()
            .unwrap_or_else(|| panic!("{self}"))
    }

    /// Its standard output as text.
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    /// Its standard error as text.
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }
}

impl fmt::Display for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ended with {}", self.shown, self.output.status)?;
        write!(
            f,
            "\n--- stdout\n{}\n--- stderr\n{}",
            self.stdout(),
            self.stderr()
        )
    }
}

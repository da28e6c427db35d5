//! Programs that are run, and how their failure is told.

use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, bail};

/// How much of what a program said is repeated when it failed.
const LINES_SHOWN: usize = 60;

/// Nothing is begun any more after Ctrl-C.
pub(crate) fn go_on() -> anyhow::Result<()> {
    match roost_kit::interrupt::happened() {
        true => bail!("interrupted: what was half done is removed"),
        false => Ok(()),
    }
}

/// A program to run.
pub(crate) struct Run {
    command: Command,
    input: Option<Vec<u8>>,
}

impl Run {
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(program);
        command.env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
        Self {
            command,
            input: None,
        }
    }

    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    pub(crate) fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.command.args(arguments);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn folder(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// What it reads.
    pub(crate) fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = Some(input.into());
        self
    }

    /// Runs it; only its success matters.
    pub(crate) fn done(self) -> anyhow::Result<()> {
        self.output().map(drop)
    }

    /// Runs it; what it said on standard output.
    pub(crate) fn text(self) -> anyhow::Result<String> {
        let name = self.name();
        String::from_utf8(self.output()?.stdout).with_context(|| format!("{name} said no text"))
    }

    /// Runs it; its standard output in octets.
    pub(crate) fn octets(self) -> anyhow::Result<Vec<u8>> {
        Ok(self.output()?.stdout)
    }

    /// Runs it with its words on our standard error, for long work.
    pub(crate) fn shown(mut self) -> anyhow::Result<()> {
        let name = self.name();
        go_on()?;
        let status = self
            .command
            .stdout(std::io::stderr())
            .status()
            .with_context(|| format!("cannot run {name} (scripts/setup image installs it)"))?;
        match status.success() {
            true => Ok(()),
            false => bail!("{name} failed ({status})"),
        }
    }

    fn name(&self) -> String {
        self.command.get_program().to_string_lossy().into_owned()
    }

    fn output(mut self) -> anyhow::Result<Output> {
        go_on()?;
        let name = self.name();
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        if self.input.is_some() {
            self.command.stdin(Stdio::piped());
        }
        let mut child = self
            .command
            .spawn()
            .with_context(|| format!("cannot run {name} (scripts/setup image installs it)"))?;
        // Inputs are smaller than a pipe's buffer, or read before anything is written.
        if let (Some(input), Some(mut pipe)) = (&self.input, child.stdin.take()) {
            pipe.write_all(input)
                .with_context(|| format!("{name} does not read"))?;
        }
        let output = child.wait_with_output()?;
        if output.status.success() {
            return Ok(output);
        }
        let said = [&output.stdout[..], &output.stderr[..]].concat();
        let said = String::from_utf8_lossy(&said);
        let lines: Vec<&str> = said.lines().collect();
        let last = lines.len().saturating_sub(LINES_SHOWN);
        let last = lines.get(last..).unwrap_or_default().join("\n");
        bail!("{name} failed ({}):\n{last}", output.status);
    }
}

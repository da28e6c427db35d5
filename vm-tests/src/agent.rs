//! QEMU's guest agent: commands in a guest over a line that is no network.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::clock::wait_for;

/// How long the agent may take to listen; until a guest has started, nobody does.
const SILENCE: Duration = Duration::from_secs(15);
/// How long a command may run.
const COMMAND_PATIENCE: Duration = Duration::from_secs(600);

/// A connection to an agent.
pub(crate) struct Agent {
    line: BufReader<UnixStream>,
}

impl Agent {
    /// Connects, and skips what an earlier connection left unread.
    pub(crate) fn connect(socket: &Path) -> anyhow::Result<Self> {
        let line = UnixStream::connect(socket)?;
        line.set_read_timeout(Some(SILENCE))?;
        let mut agent = Self {
            line: BufReader::new(line),
        };
        let number: u32 = std::process::id();
        let sync = json!({"execute": "guest-sync", "arguments": {"id": number}});
        agent.send(&sync)?;
        loop {
            if agent.receive()?["return"].as_u64() == Some(u64::from(number)) {
                agent
                    .line
                    .get_ref()
                    .set_read_timeout(Some(COMMAND_PATIENCE))?;
                return Ok(agent);
            }
        }
    }

    /// Runs a shell command to its end; what it said on standard output.
    pub(crate) fn run(&mut self, command: &str) -> anyhow::Result<String> {
        let started = self.ask(&json!({
            "execute": "guest-exec",
            "arguments": {"path": "/bin/sh", "arg": ["-c", command], "capture-output": true},
        }))?;
        let pid = started["pid"].clone();
        let ended = wait_for("a command's end", COMMAND_PATIENCE, || {
            let status = json!({"execute": "guest-exec-status", "arguments": {"pid": pid}});
            match self.ask(&status) {
                Ok(status) if status["exited"].as_bool() == Some(false) => None,
                answer => Some(answer),
            }
        })??;
        let said = |key: &str| {
            let octets = STANDARD.decode(ended[key].as_str().unwrap_or_default());
            String::from_utf8_lossy(&octets.unwrap_or_default()).into_owned()
        };
        match ended["exitcode"].as_i64() {
            Some(0) => Ok(said("out-data")),
            code => bail!("exit {code:?}: {}{}", said("out-data"), said("err-data")),
        }
    }

    fn ask(&mut self, question: &Value) -> anyhow::Result<Value> {
        self.send(question)?;
        let answer = self.receive()?;
        match answer.get("return") {
            Some(answer) => Ok(answer.clone()),
            None => bail!("the agent said {answer}"),
        }
    }

    fn send(&mut self, question: &Value) -> anyhow::Result<()> {
        let text = format!("{question}\n");
        Ok(self.line.get_mut().write_all(text.as_bytes())?)
    }

    fn receive(&mut self) -> anyhow::Result<Value> {
        let mut line = String::new();
        if self.line.read_line(&mut line)? == 0 {
            bail!("the agent's line is closed");
        }
        serde_json::from_str(&line).context("the agent said no JSON")
    }
}

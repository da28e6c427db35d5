//! Mail from outside the guest, by curl as a foreign client.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};

use crate::clock::wait_for;
use crate::lab::Lab;
use crate::vm::Vm;

/// The answers that scenarios give.
pub(crate) const HOST: &str = "mail.example.org";
pub(crate) const DOMAIN: &str = "example.org";
pub(crate) const ADMINISTRATOR: &str = "admin@example.org";
pub(crate) const PASSWORD: &str = "correct horse battery";
/// The directory, the store and the mta must have come up, emulated.
pub(crate) const READY_PATIENCE: Duration = Duration::from_secs(600);

/// A reader of mail outside the guest.
pub(crate) struct Reader<'a> {
    vm: &'a Vm,
    ca: PathBuf,
}

impl<'a> Reader<'a> {
    /// Takes the authority's certificate from the guest, once it is set up.
    pub(crate) fn new(lab: &Lab, vm: &'a Vm) -> anyhow::Result<Self> {
        let pem = vm.wait_for("cat /etc/roost/tls/ca.crt", READY_PATIENCE)?;
        let ca = lab.path(&format!("ca-{}.crt", vm.port("imaps")));
        std::fs::write(&ca, pem)?;
        let reader = Self { vm, ca };
        wait_for("IMAP to let the administrator in", READY_PATIENCE, || {
            reader.count().ok()
        })?;
        Ok(reader)
    }

    /// How many messages the administrator's INBOX has.
    pub(crate) fn count(&self) -> anyhow::Result<usize> {
        let answer = self.imap("STATUS INBOX (MESSAGES)")?;
        let number = answer
            .split("MESSAGES ")
            .nth(1)
            .and_then(|rest| rest.split(|letter: char| !letter.is_ascii_digit()).next());
        number
            .context("no STATUS in the answer")?
            .parse()
            .context("no number in STATUS")
    }

    /// Waits until it has so many.
    pub(crate) fn wait_count(&self, least: usize) -> anyhow::Result<usize> {
        let mut last = 0;
        wait_for(&format!("{least} messages"), READY_PATIENCE, || {
            last = self.count().unwrap_or(last);
            (last >= least).then_some(last)
        })
        .with_context(|| format!("there are {last}"))
    }

    /// How many messages have this in their subject.
    pub(crate) fn with_subject(&self, part: &str) -> anyhow::Result<usize> {
        let answer = self.imap_at("/INBOX", &format!("SEARCH SUBJECT \"{part}\""))?;
        let found = answer
            .lines()
            .find_map(|line| line.strip_prefix("* SEARCH"))
            .context("no SEARCH in the answer")?;
        Ok(found.split_whitespace().count())
    }

    /// Submits a message as the administrator, over TLS.
    pub(crate) fn submit(&self, subject: &str) -> anyhow::Result<()> {
        let message = format!(
            "From: <{ADMINISTRATOR}>\r\nTo: <{ADMINISTRATOR}>\r\nSubject: {subject}\r\n\r\nHello.\r\n"
        );
        let url = format!("smtps://localhost:{}", self.vm.port("submissions"));
        let arguments = [
            "--mail-from",
            ADMINISTRATOR,
            "--mail-rcpt",
            ADMINISTRATOR,
            "-T",
            "-",
            url.as_str(),
        ];
        self.curl(&arguments, Some(&message)).map(drop)
    }

    fn imap(&self, command: &str) -> anyhow::Result<String> {
        self.imap_at("", command)
    }

    fn imap_at(&self, folder: &str, command: &str) -> anyhow::Result<String> {
        let url = format!("imaps://localhost:{}{folder}", self.vm.port("imaps"));
        self.curl(&["-X", command, &url], None)
    }

    fn curl(&self, arguments: &[&str], input: Option<&str>) -> anyhow::Result<String> {
        use std::io::Write;
        let mut child = Command::new("curl")
            .args(["-sS", "--max-time", "900", "--cacert"])
            .arg(&self.ca)
            .args(["-u", &format!("{ADMINISTRATOR}:{PASSWORD}")])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot run curl (scripts/setup vm installs it)")?;
        if let (Some(input), Some(mut pipe)) = (input, child.stdin.take()) {
            pipe.write_all(input.as_bytes())?;
        }
        let output = child.wait_with_output()?;
        let said = [&output.stdout[..], &output.stderr[..]].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        match output.status.success() {
            true => Ok(said),
            false => bail!("curl: {}", said.lines().last().unwrap_or_default()),
        }
    }
}

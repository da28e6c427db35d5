//! curl: IMAP, POP3 and SMTP with TLS, checked against the suite's authority.

use std::fs;

use crate::{Run, Suite};

/// curl as one account.
#[derive(Debug)]
pub struct Curl<'s> {
    suite: &'s Suite,
    address: String,
}

impl<'s> Curl<'s> {
    /// curl as `address`.
    pub fn new(suite: &'s Suite, address: &str) -> Self {
        Self {
            suite,
            address: address.to_owned(),
        }
    }

    fn run(&self) -> Run {
        let password = self.suite.password(&self.address);
        Run::new("curl")
            .args(["--silent", "--show-error", "--max-time", "50", "--cacert"])
            .arg(self.suite.ca())
            .args(["--user", &format!("{}:{password}", self.address)])
    }

    /// One URL over IMAPS: `path` is what follows the host.
    pub fn imaps(&self, path: &str) -> Run {
        self.run().arg(format!(
            "imaps://localhost:{}/{path}",
            self.suite.port("imaps")
        ))
    }

    /// One IMAP command in a mailbox; the answer is the untagged lines.
    #[track_caller]
    pub fn imap_command(&self, mailbox: &str, command: &str) -> String {
        self.imaps(mailbox).args(["--request", command]).ok_text()
    }

    /// The whole message with this UID.
    #[track_caller]
    pub fn imap_message(&self, mailbox: &str, uid: u32) -> Vec<u8> {
        self.imaps(&format!("{mailbox};UID={uid}")).ok()
    }

    /// The UIDs that a search finds.
    #[track_caller]
    pub fn imap_search(&self, mailbox: &str, query: &str) -> Vec<u32> {
        let answer = self.imap_command(mailbox, &format!("UID SEARCH {query}"));
        let line = answer
            .lines()
            .find_map(|line| line.strip_prefix("* SEARCH"));
        let line = line.unwrap_or_else(|| panic!("no SEARCH answer in {answer:?}"));
        line.split_whitespace()
            .map(|uid| uid.parse().unwrap())
            .collect()
    }

    /// One URL over HTTPS, without a password; the answer begins with its head.
    pub fn https(suite: &Suite, path: &str) -> Run {
        Run::new("curl")
            .args([
                "--silent",
                "--show-error",
                "--include",
                "--max-time",
                "50",
                "--cacert",
            ])
            .arg(suite.ca())
            .arg(format!("https://localhost:{}{path}", suite.port("https")))
    }

    /// Appends a message over IMAPS.
    #[track_caller]
    pub fn imap_append(&self, mailbox: &str, message: &[u8]) {
        let file = self.suite.scratch().join("append.eml");
        fs::write(&file, message).unwrap();
        self.imaps(mailbox).arg("--upload-file").arg(file).ok();
    }

    /// One URL over POP3S.
    pub fn pop3s(&self, path: &str) -> Run {
        self.run().arg(format!(
            "pop3s://localhost:{}/{path}",
            self.suite.port("pop3s")
        ))
    }

    /// Sends a message to the MX port, without authentication, octet for octet.
    pub fn send(suite: &Suite, from: &str, to: &str, message: &[u8]) -> Run {
        let file = suite.scratch().join("send.eml");
        fs::write(&file, message).unwrap();
        Run::new("curl")
            .args([
                "--silent",
                "--show-error",
                "--max-time",
                "50",
                "--mail-from",
                from,
            ])
            .args(["--mail-rcpt", to, "--upload-file"])
            .arg(file)
            .arg(format!(
                "smtp://localhost:{}/client.example",
                suite.port("smtp")
            ))
    }

    /// Sends a message by submission with STARTTLS.
    pub fn submit(&self, recipient: &str, message: &[u8]) -> Run {
        let file = self.suite.scratch().join("submit.eml");
        fs::write(&file, message).unwrap();
        self.run()
            .args([
                "--ssl-reqd",
                "--mail-from",
                &self.address,
                "--mail-rcpt",
                recipient,
            ])
            .arg("--upload-file")
            .arg(file)
            .arg(format!(
                "smtp://localhost:{}",
                self.suite.port("submission")
            ))
    }
}

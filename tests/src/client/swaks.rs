//! swaks: the SMTP transaction tester.

use std::fs;

use crate::{Run, Suite};

/// swaks against one port.
#[derive(Debug)]
pub struct Swaks<'s> {
    suite: &'s Suite,
    run: Run,
}

impl<'s> Swaks<'s> {
    /// To the MX port (25), without authentication.
    pub fn mx(suite: &'s Suite) -> Self {
        Self::to(suite, "smtp")
    }

    /// To the LMTP port.
    pub fn lmtp(suite: &'s Suite) -> Self {
        let this = Self::to(suite, "lmtp");
        Self {
            run: this.run.args(["--protocol", "LMTP"]),
            ..this
        }
    }

    /// To the submission port with STARTTLS, authenticated as `address`.
    pub fn submission(suite: &'s Suite, address: &str) -> Self {
        let this = Self::to(suite, "submission");
        let password = suite.password(address);
        let run = this
            .run
            .args(["--tls", "--auth", "PLAIN", "--auth-user", address]);
        Self {
            run: run.args(["--auth-password", &password]),
            ..this
        }
    }

    /// To any port of the suite by its name.
    pub fn to(suite: &'s Suite, service: &str) -> Self {
        let run = Run::new("swaks").args(["--server", "127.0.0.1", "--helo", "client.example"]);
        Self {
            suite,
            run: run.args(["--port", &suite.port(service).to_string()]),
        }
    }

    /// Adds arguments of swaks's own.
    #[must_use]
    pub fn args<const N: usize>(self, arguments: [&str; N]) -> Self {
        Self {
            run: self.run.args(arguments),
            ..self
        }
    }

    /// Sends a message with this envelope; swaks stuffs its dots, and ends it with a line end of its
    /// own, which the message must therefore come with.
    pub fn message(self, from: &str, to: &str, message: &[u8]) -> Run {
        let file = self.suite.scratch().join("swaks.eml");
        fs::write(&file, message.strip_suffix(b"\r\n").unwrap()).unwrap();
        self.run
            .args(["--from", from, "--to", to, "--data"])
            .arg(format!("@{}", file.display()))
    }

    /// The same up to the reply to RCPT.
    pub fn recipient(self, from: &str, to: &str) -> Run {
        self.run
            .args(["--from", from, "--to", to, "--quit-after", "RCPT"])
    }
}

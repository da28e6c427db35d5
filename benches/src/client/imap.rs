//! IMAP APPEND.

use std::net::SocketAddr;
use std::sync::Arc;

use super::line::Line;
use super::mail::user;
use crate::message::{Corpus, Letters};

/// Where to sign in, and with what.
#[derive(Debug, Clone)]
pub(crate) struct Login {
    pub(crate) to: SocketAddr,
    pub(crate) domain: &'static str,
    pub(crate) password: &'static str,
}

impl Login {
    /// The command that signs in as a user.
    pub(super) fn command(&self, index: usize) -> String {
        format!(
            "l LOGIN {}@{} {}\r\n",
            user(index),
            self.domain,
            self.password
        )
    }
}

/// What a connection does.
#[derive(Debug, Clone)]
pub(crate) struct Appending {
    pub(crate) login: Login,
    pub(crate) corpus: Arc<Corpus>,
}

/// An open connection; each has a user of its own.
#[derive(Debug)]
pub(super) struct Appender {
    line: Line,
    letters: Letters,
    command: Vec<u8>,
}

impl Appender {
    pub(super) async fn open(what: Appending, connection: usize) -> anyhow::Result<Self> {
        let mut line = Line::connect(what.login.to).await?;
        line.tagged(b"*").await?;
        line.send(what.login.command(connection).as_bytes()).await?;
        line.tagged(b"l").await?;
        Ok(Self {
            line,
            letters: what.corpus.letters(connection),
            command: Vec::new(),
        })
    }

    pub(super) async fn once(&mut self, number: u64) -> anyhow::Result<u64> {
        let letter = self.letters.number(number);
        self.command.clear();
        // RFC 7888: the octets follow without waiting to be asked for.
        let head = format!("a APPEND INBOX {{{}+}}\r\n", letter.len());
        self.command.extend_from_slice(head.as_bytes());
        self.command.extend_from_slice(letter);
        self.command.extend_from_slice(b"\r\n");
        self.line.send(&self.command).await?;
        self.line.tagged(b"a").await?;
        Ok(1)
    }
}

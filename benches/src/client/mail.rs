//! SMTP and LMTP.

use std::net::SocketAddr;
use std::sync::Arc;

use super::line::Line;
use crate::message::{Corpus, Letters};

/// Which protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// RFC 5321
    Smtp,
    /// RFC 2033
    Lmtp,
}

/// Who gets the messages of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Recipients {
    /// One for each message, of so many users in turn.
    InTurn(usize),
    /// Always this one.
    One(String),
    /// So many users for each message.
    Many(usize),
}

/// What a connection does.
#[derive(Debug, Clone)]
pub(crate) struct Mailing {
    pub(crate) to: SocketAddr,
    pub(crate) dialect: Dialect,
    pub(crate) domain: &'static str,
    pub(crate) recipients: Recipients,
    pub(crate) corpus: Arc<Corpus>,
}

/// An open connection.
#[derive(Debug)]
pub(super) struct Mailer {
    line: Line,
    what: Mailing,
    letters: Letters,
    envelope: Vec<u8>,
    content: Vec<u8>,
}

impl Mailer {
    pub(super) async fn open(what: Mailing, connection: usize) -> anyhow::Result<Self> {
        let mut line = Line::connect(what.to).await?;
        line.replies(1, b"2").await?;
        line.send(match what.dialect {
            Dialect::Smtp => b"EHLO client.example.test\r\n",
            Dialect::Lmtp => b"LHLO client.example.test\r\n",
        })
        .await?;
        line.replies(1, b"2").await?;
        Ok(Self {
            line,
            letters: what.corpus.letters(connection),
            what,
            envelope: Vec::new(),
            content: Vec::new(),
        })
    }

    /// Sends message `number`; says how many deliveries that were.
    pub(super) async fn once(&mut self, number: u64) -> anyhow::Result<u64> {
        self.envelope.clear();
        self.content.clear();
        self.content.extend_from_slice(self.letters.number(number));
        self.content.extend_from_slice(b".\r\n");
        self.envelope
            .extend_from_slice(b"MAIL FROM:<erika@sender.example>\r\n");
        let domain = self.what.domain;
        let mut recipients = 0;
        let envelope = &mut self.envelope;
        let mut add = |name: &str| {
            let command = format!("RCPT TO:<{name}@{domain}>\r\n");
            envelope.extend_from_slice(command.as_bytes());
            recipients += 1;
        };
        match &self.what.recipients {
            Recipients::InTurn(users) => add(&user(number as usize % users)),
            Recipients::One(name) => add(name),
            Recipients::Many(users) => (0..*users).for_each(|index| add(&user(index))),
        }
        self.envelope.extend_from_slice(b"DATA\r\n");
        self.line.send(&self.envelope).await?;
        // MAIL and every RCPT are accepted, DATA is to go on.
        self.line.replies(1 + recipients, b"2").await?;
        self.line.replies(1, b"3").await?;
        self.line.send(&self.content).await?;
        let verdicts = match self.what.dialect {
            Dialect::Smtp => 1,
            Dialect::Lmtp => recipients,
        };
        self.line.replies(verdicts, b"2").await?;
        Ok(recipients as u64)
    }
}

/// The name of a user.
pub(crate) fn user(index: usize) -> String {
    format!("u{}", index + 1)
}

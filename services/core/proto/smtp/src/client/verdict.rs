//! What became of a message, and why a connection ended.

use crate::grammar::reply::{Enhanced, Reply, ReplyError};

/// Where in a session something was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// The greeting.
    Connect,
    /// EHLO, HELO or LHLO.
    Hello,
    /// STARTTLS.
    StartTls,
    /// AUTH.
    Login,
    /// RSET before another transaction.
    Reset,
    /// MAIL FROM.
    Mail,
    /// RCPT TO.
    Rcpt,
    /// DATA.
    Data,
    /// The end of the message.
    Message,
}

impl std::fmt::Display for Stage {
    /// As a delivery report says it: "in reply to …".
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Connect => "connection",
            Self::Hello => "EHLO command",
            Self::StartTls => "STARTTLS command",
            Self::Login => "AUTH command",
            Self::Reset => "RSET command",
            Self::Mail => "MAIL FROM command",
            Self::Rcpt => "RCPT TO command",
            Self::Data => "DATA command",
            Self::Message => "end of DATA",
        })
    }
}

/// What became of a message for one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What the server said; of a broken connection, what we say in its place (451 4.4.2).
    pub reply: Reply,
    /// In answer to what.
    pub stage: Stage,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// One verdict for each recipient, in the envelope's order.
    pub verdicts: Vec<Verdict>,
}

/// Why a connection is of no more use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// We said QUIT, or the server left between two messages.
    #[error("the session is over")]
    Quit,
    /// The server does not want us.
    #[error("the server refused the {stage}: {reply}")]
    Refused {
        /// What it refused.
        stage: Stage,
        /// How.
        reply: Reply,
    },
    /// The connection broke or stalled.
    #[error("the connection was lost in the {0}")]
    Lost(Stage),
    /// The server's reply cannot be understood.
    #[error(transparent)]
    Reply(#[from] ReplyError),
    /// TLS is required and not offered.
    #[error("the server does not offer STARTTLS, which is required")]
    NoTls,
    /// A login is required and PLAIN not offered.
    #[error("the server does not offer AUTH PLAIN, which is required")]
    NoLogin,
}

impl Failure {
    /// The reply that stands for it in a verdict: the server's, or a temporary one of ours.
    #[must_use]
    pub fn reply(&self) -> Reply {
        let (code, enhanced) = match self {
            Self::Refused { reply, .. } => return reply.clone(),
            Self::Quit | Self::Lost(_) => (451, Enhanced::new(4, 4, 2)),
            Self::Reply(_) => (451, Enhanced::new(4, 5, 0)),
            Self::NoTls | Self::NoLogin => (451, Enhanced::new(4, 7, 0)),
        };
        Reply::new(code, enhanced, "").with_text(self.to_string())
    }
}

/// Why a message is not even offered to a server that cannot take it.
pub(super) fn unfit(why: Unfit) -> Reply {
    match why {
        // RFC 6531 §3.2, X.6.7
        Unfit::NeedsUtf8 => Reply::new(
            553,
            Enhanced::new(5, 6, 7),
            "The next server does not take non-ASCII addresses (SMTPUTF8)",
        ),
        // RFC 1870 §6.1
        Unfit::TooLarge => Reply::new(
            552,
            Enhanced::new(5, 3, 4),
            "The message is larger than the next server takes",
        ),
        // RFC 8689 §4.2.1, X.7.30
        Unfit::NeedsTls => Reply::new(
            550,
            Enhanced::new(5, 7, 30),
            "The next server does not support REQUIRETLS",
        ),
        // RFC 3030 §3, X.6.1
        Unfit::Binary => Reply::new(
            554,
            Enhanced::new(5, 6, 1),
            "The message is binary, and the next server takes lines only",
        ),
    }
}

/// What a message needs and a server does not offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    NeedsUtf8,
    TooLarge,
    NeedsTls,
    Binary,
}

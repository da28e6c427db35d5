//! What goes over the control socket, as JSON.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::outcome::Fate;
use crate::stamp;

/// What a message in the queue is up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Being delivered, or about to be.
    Active,
    /// Waiting for its next attempt.
    Deferred,
    /// Kept back by an administrator.
    Held,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "active",
            Self::Deferred => "deferred",
            Self::Held => "held",
        })
    }
}

/// Which messages are meant; all of what is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Filter {
    /// In this state.
    pub state: Option<State>,
    /// With a recipient in this domain that still waits.
    pub domain: Option<String>,
    /// From this address; `<>` is the null path.
    pub sender: Option<String>,
    /// At most so many, the oldest.
    pub limit: Option<usize>,
}

/// One message in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name.
    pub id: String,
    /// What it is up to.
    pub state: State,
    /// The envelope's sender; `<>` for a notice.
    pub sender: String,
    /// Those that still wait, the first twenty.
    pub recipients: Vec<String>,
    /// How many still wait.
    pub waiting: usize,
    /// Its size in bytes.
    pub size: u64,
    /// When it was accepted.
    #[serde(with = "stamp")]
    pub arrived: Timestamp,
    /// When it is tried next; nothing while it is tried, or held.
    #[serde(with = "stamp::optional")]
    pub next_attempt: Option<Timestamp>,
    /// Why it still waits: what happened last.
    pub reason: Option<String>,
}

/// One message with everything known about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    /// What lists say.
    #[serde(flatten)]
    pub entry: Entry,
    /// When it is given up.
    #[serde(with = "stamp")]
    pub expires: Timestamp,
    /// The client it came from, as it introduced itself.
    pub received_from: Option<String>,
    /// The message that this one is a notice about.
    pub notice_of: Option<String>,
    /// Each recipient's story.
    pub deliveries: Vec<Delivery>,
    /// The message's header.
    pub header: Option<String>,
}

/// One recipient's story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The address it is handed over to.
    pub recipient: String,
    /// The address that the sender wrote, where it is another.
    pub original: Option<String>,
    /// What came of the last attempt.
    pub outcome: Option<Fate>,
    /// The enhanced status code.
    pub status: Option<String>,
    /// What was said.
    pub reply: Option<String>,
    /// By whom.
    pub relay: Option<String>,
    /// Attempts so far.
    pub attempts: u32,
    /// When the last one was.
    #[serde(with = "stamp::optional")]
    pub last_attempt: Option<Timestamp>,
    /// Not again before this.
    #[serde(with = "stamp::optional")]
    pub next_attempt: Option<Timestamp>,
}

/// How a message is removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Deletion {
    /// Whether its sender is told.
    pub bounce: bool,
}

/// What was flushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flushed {
    /// How many messages.
    pub messages: usize,
}

//! A message in the queue: what was promised and how far it has come.

use std::sync::Arc;

use jiff::Timestamp;
use roost_proto_smtp::{Address, ReversePath};
use serde::{Deserialize, Serialize};

use crate::dsn::{self, Kind};
use crate::envelope::{Envelope, Recipient};
use crate::outcome::Outcome;
use crate::queue::QueueId;
use crate::schedule::Lifetime;
use crate::stamp;

/// Everything about a message but its content. This is what the journal keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Whom it is from and whom it is for. Never changes, so results do not copy it.
    pub envelope: Arc<Envelope>,
    /// How far each recipient has come, in the order of `envelope.recipients`.
    pub progress: Vec<Progress>,
    /// When it was accepted.
    #[serde(with = "stamp")]
    pub arrived: Timestamp,
    /// The client, as its `Received` field names it.
    pub received_from: Option<String>,
    /// Its content: how much, and the proof that it is still the same.
    pub content: Content,
    /// Kept back by an administrator.
    pub held: bool,
    /// Whether its sender was told that it is late.
    pub warned: bool,
    /// The message that this one is a notice about.
    pub notice_of: Option<NoticeOf>,
}

/// What identifies a message's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// Its size in bytes.
    pub length: u64,
    /// Its BLAKE3 digest.
    pub digest: [u8; 32],
}

impl Content {
    /// The identity of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self {
            length: bytes.len() as u64,
            digest: *blake3::hash(bytes).as_bytes(),
        }
    }
}

/// How far one recipient has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Attempts that a host has answered.
    pub attempts: u32,
    /// The result of the last one.
    pub last: Option<Outcome>,
    /// Not before this.
    #[serde(with = "stamp::optional")]
    pub retry_at: Option<Timestamp>,
    /// Whether the sender has been told the final result.
    pub notified: bool,
}

impl Progress {
    /// Whether nothing is left to try for this recipient.
    #[must_use]
    pub fn is_final(&self) -> bool {
        self.last.as_ref().is_some_and(|last| last.fate.is_final())
    }
}

/// Marks a message as a notice. The original is told by the same record that queues the notice,
/// so that no crash can send it twice or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeOf {
    /// The message.
    pub id: QueueId,
    /// What it says.
    pub kind: Kind,
    /// About which of its recipients.
    pub recipients: Vec<u32>,
}

/// A notice that a sender has to get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// Whom.
    pub to: Address,
    /// What it says.
    pub kind: Kind,
    /// About which recipients.
    pub recipients: Vec<u32>,
}

impl Message {
    /// A new message, nothing tried yet.
    #[must_use]
    pub fn new(envelope: Envelope, content: Content, arrived: Timestamp) -> Self {
        let progress = vec![Progress::default(); envelope.recipients.len()];
        Self {
            envelope: Arc::new(envelope),
            progress,
            arrived,
            received_from: None,
            content,
            held: false,
            warned: false,
            notice_of: None,
        }
    }

    /// Takes in the result for one recipient; nothing if there is no such recipient or it was
    /// already final, so that replaying twice is the same as once.
    pub fn attempted(&mut self, result: &Attempt) {
        let place = usize::try_from(result.recipient).unwrap_or(usize::MAX);
        let Some(progress) = self.progress.get_mut(place) else {
            return;
        };
        if progress.is_final() {
            return;
        }
        progress.attempts = result.number;
        progress.last = Some(result.outcome.clone());
        progress.retry_at = result.retry_at;
    }

    /// Remembers that a notice was queued.
    pub fn notified(&mut self, notice: &NoticeOf) {
        if notice.kind == Kind::Delay {
            self.warned = true;
            return;
        }
        for &index in &notice.recipients {
            let place = usize::try_from(index).unwrap_or(usize::MAX);
            if let Some(progress) = self.progress.get_mut(place) {
                progress.notified = true;
            }
        }
    }

    /// Recipients with their index and progress.
    pub fn recipients(&self) -> impl Iterator<Item = (u32, &Recipient, &Progress)> {
        let pairs = self.envelope.recipients.iter().zip(&self.progress);
        (0..)
            .zip(pairs)
            .map(|(index, (recipient, progress))| (index, recipient, progress))
    }

    /// Those for whom there is something left to try.
    pub fn pending(&self) -> impl Iterator<Item = (u32, &Recipient, &Progress)> {
        self.recipients()
            .filter(|(_, _, progress)| !progress.is_final())
    }

    /// One recipient.
    #[must_use]
    pub fn recipient(&self, index: u32) -> Option<&Recipient> {
        self.envelope.recipients.get(usize::try_from(index).ok()?)
    }

    /// The notices about final results that have not been queued yet, one for each addressee and
    /// kind.
    #[must_use]
    pub fn owed(&self) -> Vec<Owed> {
        let mut owed: Vec<Owed> = Vec::new();
        for (index, recipient, progress) in self.recipients() {
            let Some(kind) = self.wanted(recipient, progress) else {
                continue;
            };
            let Some(to) = dsn::destination(&self.envelope, recipient) else {
                continue;
            };
            match owed.iter_mut().find(|o| o.to == *to && o.kind == kind) {
                Some(notice) => notice.recipients.push(index),
                None => owed.push(Owed {
                    to: to.clone(),
                    kind,
                    recipients: vec![index],
                }),
            }
        }
        owed
    }

    /// The warnings that it is late, if `now` is past that time and they were not given.
    #[must_use]
    pub fn owed_warning(&self, lifetime: &Lifetime, now: Timestamp) -> Option<Owed> {
        let due = self.warning_at(lifetime)? <= now;
        let to = self.envelope.sender.address()?;
        let recipients = self
            .pending()
            .filter(|(_, recipient, _)| self.warns(recipient));
        due.then(|| Owed {
            to: to.clone(),
            kind: Kind::Delay,
            recipients: recipients.map(|(index, _, _)| index).collect(),
        })
    }

    /// When its sender has to be told that it is late.
    #[must_use]
    pub fn warning_at(&self, lifetime: &Lifetime) -> Option<Timestamp> {
        let somebody = self
            .pending()
            .any(|(_, recipient, _)| self.warns(recipient));
        let wanted = !self.warned && self.envelope.sender != ReversePath::Null && somebody;
        lifetime.warns(self.arrived).filter(|_| wanted)
    }

    /// When it is given up.
    #[must_use]
    pub fn expires(&self, lifetime: &Lifetime) -> Timestamp {
        lifetime.expires(self.arrived, self.envelope.sender == ReversePath::Null)
    }

    /// Whether every recipient is final and everybody was told: it leaves the queue.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.recipients().all(|(_, recipient, progress)| {
            progress.is_final() && self.wanted(recipient, progress).is_none()
        })
    }

    fn wanted(&self, recipient: &Recipient, progress: &Progress) -> Option<Kind> {
        let outcome = progress.last.as_ref().filter(|_| !progress.notified)?;
        dsn::wanted(&self.envelope, recipient, outcome)
    }

    /// Whether a delay of this recipient is told: a list's owner does not want to hear of it.
    fn warns(&self, recipient: &Recipient) -> bool {
        recipient.wants_delay() && recipient.errors_to.is_none()
    }
}

/// The result of one attempt, as the journal keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Which recipient.
    pub recipient: u32,
    /// The how-many-th attempt this was.
    pub number: u32,
    /// What came of it.
    pub outcome: Outcome,
    /// Not again before this.
    #[serde(with = "stamp::optional")]
    pub retry_at: Option<Timestamp>,
}

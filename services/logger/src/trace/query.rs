//! Which messages are asked for, and how they are found.
//!
//! The rarest of the conditions leads to lines by the index; each such line names its message, whose
//! whole story is then read, by the index again, and held against all conditions.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use roost_kit::clock::Clock;
use serde::{Deserialize, Serialize};

use super::story::{Event, Story};
use crate::store::block::Entry;
use crate::store::segment::SegmentError;
use crate::store::term::Kind;
use crate::store::{Direction, Search, Store, Term};

/// Stories that are given at most.
pub const LIMIT_MAX: usize = 1_000;
/// How long is searched; what was found until then is given.
const TIME_MAX: Duration = Duration::from_secs(20);
/// How far from one line of a message others are looked for: longer than a queue keeps it.
const LIFE: i64 = 10 * 86_400_000;
/// Names of one message in queues that are followed.
const NAMES_MAX: usize = 64;
/// Lines of one message that are told.
const EVENTS_MAX: usize = 5_000;

/// Which messages; all of what is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Question {
    /// From this sender.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// To this recipient, before or after aliases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// With this `Message-ID`, with or without angle brackets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// Whose subject has this digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_hash: Option<String>,
    /// With this name in a queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_id: Option<String>,
    /// From this client, by address or name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Of which something happened at this time or later, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<i64>,
    /// Of which something happened before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
    /// With a recipient whose last known status is this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// At most so many, the newest ones; 0 is a hundred.
    pub limit: usize,
}

/// The messages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The newest one first.
    pub stories: Vec<Story>,
    /// Whether there may be more than were asked for, or than were found in time.
    pub is_cut: bool,
}

impl Question {
    /// The conditions that lines have terms for, the rarest first.
    fn terms(&self) -> Vec<(Kind, &str)> {
        let conditions = [
            (Kind::QueueId, &self.queue_id),
            (Kind::MessageId, &self.message_id),
            (Kind::SubjectHash, &self.subject_hash),
            (Kind::To, &self.to),
            (Kind::From, &self.from),
            (Kind::Client, &self.client),
        ];
        let given = conditions
            .into_iter()
            .filter_map(|(kind, value)| Some((kind, value.as_deref()?)));
        given
            .map(|(kind, value)| match kind {
                // RFC 5322 §3.6.4: the brackets are not part of it, though our lines may have them.
                Kind::MessageId => (kind, value.trim_matches(['<', '>'])),
                _ => (kind, value),
            })
            .collect()
    }

    fn is_met(&self, story: &Story) -> bool {
        let has = |(kind, value): (Kind, &str)| match kind {
            // The sender of a notice about the message is not its sender.
            Kind::From => story.from.eq_ignore_ascii_case(value),
            kind => story.events.iter().any(|event| event.has(kind, value)),
        };
        self.terms().into_iter().all(has)
            && self
                .status
                .as_ref()
                .is_none_or(|status| story.has_status(&status.to_ascii_lowercase()))
    }
}

/// Finds the messages. Blocks.
///
/// # Errors
/// When a file cannot be read.
pub fn ask(store: &Store, question: &Question, clock: &Clock) -> Result<Answer, SegmentError> {
    let limit = match question.limit {
        0 => 100,
        limit => limit.min(LIMIT_MAX),
    };
    let mut asking = Asking {
        store,
        question,
        seen: HashSet::new(),
        answer: Answer::default(),
        limit,
        until: clock.instant() + TIME_MAX,
        failed: None,
    };
    let terms = question.terms();
    let search = match terms.first() {
        Some((kind, value)) => search(*kind, value),
        // Every message has been accepted by somebody.
        None => Search {
            terms: vec![vec![
                Term::new(Kind::Event, b"accepted"),
                Term::new(Kind::Event, b"refused"),
            ]],
            ..Search::default()
        },
    };
    let search = Search {
        begin: question.since.unwrap_or(i64::MIN),
        end: question.until.unwrap_or(i64::MAX),
        ..search
    };
    store.search(&search, |number, entry| {
        asking.look(number, &entry, terms.first().copied(), clock)
    })?;
    match asking.failed {
        Some(error) => Err(error),
        None => Ok(asking.answer),
    }
}

/// The lines with a value.
fn search(kind: Kind, value: &str) -> Search {
    // What stands in quotes may be protected by backslashes there, and is then not looked for as it is.
    let is_plain = !value.contains(['"', '\\', ']']) && !value.is_empty();
    Search {
        terms: vec![vec![Term::new(kind, value.as_bytes())]],
        needle: is_plain.then(|| value.to_ascii_lowercase().into_bytes()),
        ..Search::default()
    }
}

struct Asking<'a> {
    store: &'a Store,
    question: &'a Question,
    /// Names in queues whose message was looked at.
    seen: HashSet<String>,
    answer: Answer,
    limit: usize,
    until: Instant,
    failed: Option<SegmentError>,
}

impl Asking<'_> {
    fn look(
        &mut self,
        number: u64,
        entry: &Entry,
        condition: Option<(Kind, &str)>,
        clock: &Clock,
    ) -> ControlFlow<()> {
        let Some(event) = Event::read(number, entry) else {
            return ControlFlow::Continue(());
        };
        let is_meant = match condition {
            Some((kind, value)) => event.has(kind, value),
            None => matches!(event.event.as_str(), "accepted" | "refused"),
        };
        let name = event.get("queue_id").to_owned();
        if !is_meant || self.seen.contains(&name) {
            return ControlFlow::Continue(());
        }
        if self.answer.stories.len() >= self.limit || clock.instant() > self.until {
            self.answer.is_cut = true;
            return ControlFlow::Break(());
        }
        let events = match name.is_empty() {
            true => vec![event],
            false => match self.gather(name, entry.received) {
                Ok(events) => events,
                Err(error) => {
                    self.failed = Some(error);
                    return ControlFlow::Break(());
                }
            },
        };
        let story = Story::of(events);
        if self.question.is_met(&story) {
            self.answer.stories.push(story);
        }
        ControlFlow::Continue(())
    }

    /// All lines about a message that has this name in a queue.
    fn gather(&mut self, name: String, around: i64) -> Result<Vec<Event>, SegmentError> {
        let mut events: Vec<Event> = Vec::new();
        let mut lines = HashSet::new();
        let mut asked = HashSet::new();
        let mut open = vec![(Kind::QueueId, name)];
        while let Some((kind, value)) = open.pop() {
            if !asked.insert((kind, value.to_ascii_lowercase())) || asked.len() > NAMES_MAX {
                continue;
            }
            if kind == Kind::QueueId {
                self.seen.insert(value.clone());
            }
            let search = Search {
                begin: around.saturating_sub(LIFE),
                end: around.saturating_add(LIFE),
                direction: Direction::Oldest,
                ..search(kind, &value)
            };
            self.store.search(&search, |number, entry| {
                let event = Event::read(number, &entry);
                let event = event.filter(|event| event.has(kind, &value));
                if let Some(event) = event
                    && lines.insert(number)
                {
                    for (name, kind) in [
                        ("queue_id", Kind::QueueId),
                        ("about", Kind::QueueId),
                        ("message_id", Kind::MessageId),
                    ] {
                        let value = event.get(name).trim_matches(['<', '>']);
                        if !value.is_empty() {
                            open.push((kind, value.to_owned()));
                        }
                    }
                    events.push(event);
                }
                match events.len() < EVENTS_MAX {
                    true => ControlFlow::Continue(()),
                    false => ControlFlow::Break(()),
                }
            })?;
        }
        Ok(events)
    }
}

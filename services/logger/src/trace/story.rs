//! What lines say of one message.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::shown::{moment, shown};
use crate::store::block::Entry;
use crate::store::term::{self, Kind};
use crate::syslog::time::local_zone;
use crate::syslog::{Message, OWN_DATA};

/// A sender's clock that differs by more from ours is not believed.
const CLOCK_OFF_MAX: i64 = 86_400_000;

/// What the mta says when a destination is down.
const UNREACHABLE: &str = "destination cannot be reached; its mail waits";

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When, by the clock of the host where it happened.
    pub time: String,
    /// Where.
    pub host: String,
    /// The daemon that says so.
    pub daemon: String,
    /// What, such as `accepted` or `delivery`.
    pub event: String,
    /// The fields of the line, in its order.
    pub fields: Vec<(String, String)>,
    /// The number of the line.
    pub line: u64,
}

impl Event {
    /// Reads a line; None if it is none of ours.
    #[must_use]
    pub fn read(number: u64, entry: &Entry) -> Option<Self> {
        let message = Message::read(&entry.octets);
        let fields: Vec<(String, String)> = message
            .fields(OWN_DATA)
            .map(|(name, value)| (name.to_owned(), shown(&value)))
            .collect();
        if fields.is_empty() {
            return None;
        }
        Some(Self {
            time: moment(time_of(entry, &message)),
            host: shown(message.host()),
            daemon: shown(message.app()),
            event: shown(message.text()),
            fields,
            line: number,
        })
    }

    /// The value of a field; empty if it is not there.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        let found = self.fields.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// Whether a field of a kind has a value, letters of either case being the same.
    #[must_use]
    pub fn has(&self, kind: Kind, value: &str) -> bool {
        self.fields.iter().any(|(name, text)| {
            let mut is_there = false;
            if term::kind(name) == Some(kind) {
                term::values(kind, text.as_bytes(), |one| {
                    is_there |= one.eq_ignore_ascii_case(value.as_bytes());
                });
            }
            is_there
        })
    }
}

/// When a line was written, by its sender's clock unless that is far off.
#[must_use]
pub fn time_of(entry: &Entry, message: &Message<'_>) -> Timestamp {
    let received = Timestamp::from_millisecond(entry.received).unwrap_or_default();
    let stamp = message.time.and_then(|stamp| {
        let moment = stamp.moment(received, local_zone(received))?;
        let off = moment.as_millisecond().abs_diff(entry.received);
        (off <= CLOCK_OFF_MAX.unsigned_abs()).then_some(moment)
    });
    stamp.unwrap_or(received)
}

/// What became of a message for one of its recipients.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// The address.
    pub address: String,
    /// The last that is known: `queued`, `sent`, `deferred`, `bounced`, `expanded`, `refused`.
    pub status: String,
    /// Since when.
    pub time: String,
    /// How often it was tried.
    pub attempts: u32,
    /// The enhanced status code (RFC 3463).
    pub dsn: String,
    /// What the next host said.
    pub reply: String,
    /// The next host.
    pub relay: String,
    /// The account in whose mailbox it is.
    pub account: String,
    /// The folder in which it is.
    pub folder: String,
}

/// One message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Story {
    /// Its names in queues, the first one first.
    pub queue_ids: Vec<String>,
    /// Its `Message-ID`; empty where no line says it.
    pub message_id: String,
    /// The envelope's sender; empty for a notice.
    pub from: String,
    /// Who handed it over: address and port.
    pub client: String,
    /// The name of the client.
    pub client_name: String,
    /// The account that had signed in.
    pub account: String,
    /// The digest of its subject.
    pub subject_hash: String,
    /// In octets; 0 where no line says it.
    pub size: u64,
    /// When the first thing happened.
    pub begin: String,
    /// When the last thing happened.
    pub end: String,
    /// Through which hosts it went.
    pub hosts: Vec<String>,
    /// What became of it.
    pub recipients: Vec<Recipient>,
    /// Everything that happened, in order.
    pub events: Vec<Event>,
}

impl Story {
    /// Puts a story together.
    #[must_use]
    pub fn of(mut events: Vec<Event>) -> Self {
        events.sort_by(|a, b| (&a.time, a.line).cmp(&(&b.time, b.line)));
        events.dedup_by_key(|event| event.line);
        let mut story = Self {
            begin: events
                .first()
                .map_or_else(String::new, |first| first.time.clone()),
            end: events
                .last()
                .map_or_else(String::new, |last| last.time.clone()),
            ..Self::default()
        };
        let mut notices = BTreeSet::new();
        let mut hosts = BTreeSet::new();
        for event in &events {
            hosts.insert(event.host.clone());
            // A notice about the message is part of its story, but its envelope is another.
            let id = event.get("queue_id").to_owned();
            let message = event.get("message_id").to_owned();
            if !event.get("about").is_empty() {
                notices.extend([id.clone(), message.clone()]);
                notices.remove("");
            }
            if !id.is_empty() && !story.queue_ids.contains(&id) {
                story.queue_ids.push(id.clone());
            }
            if !notices.contains(&id) && !notices.contains(&message) {
                story.learn(event);
            }
        }
        // Asked for by the name of the notice itself.
        if story.recipients.is_empty() {
            for event in &events {
                story.learn(event);
            }
        }
        story.hosts = hosts.into_iter().collect();
        story.events = events;
        story
    }

    fn learn(&mut self, event: &Event) {
        for (own, name) in [
            (&mut self.message_id, "message_id"),
            (&mut self.from, "from"),
            (&mut self.subject_hash, "subject_hash"),
        ] {
            if own.is_empty() {
                event.get(name).trim_matches(['<', '>']).clone_into(own);
            }
        }
        if self.size == 0 {
            self.size = event.get("size").parse().unwrap_or(0);
        }
        match event.event.as_str() {
            "accepted" => self.accepted(event),
            "delivery" => self.delivery(event),
            UNREACHABLE => self.put_off(event),
            "delivered" | "deferred" | "refused" if !event.get("to").is_empty() => {
                self.at_store(event);
            }
            _ => {}
        }
    }

    fn accepted(&mut self, event: &Event) {
        if self.client.is_empty() {
            event.get("peer").clone_into(&mut self.client);
            event.get("client").clone_into(&mut self.client_name);
            event.get("account").clone_into(&mut self.account);
        }
        for address in event.get("recipients").split(' ') {
            if !address.is_empty() && self.recipient(address).status.is_empty() {
                "queued".clone_into(&mut self.recipient(address).status);
            }
        }
    }

    /// Nobody was asked about the recipients: where they would go does not answer.
    fn put_off(&mut self, event: &Event) {
        for address in event.get("recipients").split(' ') {
            if !address.is_empty() {
                let recipient = self.recipient(address);
                recipient.attempts += 1;
                "deferred".clone_into(&mut recipient.status);
                event.time.clone_into(&mut recipient.time);
                event.get("reason").clone_into(&mut recipient.reply);
                event.get("destination").clone_into(&mut recipient.relay);
            }
        }
    }

    fn delivery(&mut self, event: &Event) {
        let recipient = self.recipient(event.get("to"));
        recipient.attempts += 1;
        set(recipient, event, event.get("outcome"));
        event.get("relay").clone_into(&mut recipient.relay);
    }

    /// What a store says is told again by whoever handed the message over, but not in which folder it
    /// is.
    fn at_store(&mut self, event: &Event) {
        if event.daemon == "roost-mta" {
            set(self.recipient(event.get("to")), event, event.get("outcome"));
            return;
        }
        let recipient = self.recipient(event.get("to"));
        event.get("account").clone_into(&mut recipient.account);
        event.get("folder").clone_into(&mut recipient.folder);
        if matches!(recipient.status.as_str(), "" | "queued") {
            let status = match event.event.as_str() {
                "delivered" => "sent",
                other => other,
            };
            set(recipient, event, status);
        }
    }

    fn recipient(&mut self, address: &str) -> &mut Recipient {
        let known = self
            .recipients
            .iter()
            .position(|one| one.address.eq_ignore_ascii_case(address));
        let place = known.unwrap_or_else(|| {
            self.recipients.push(Recipient {
                address: address.to_owned(),
                ..Recipient::default()
            });
            self.recipients.len() - 1
        });
        &mut self.recipients[place]
    }

    /// Whether some recipient's last known status is this.
    #[must_use]
    pub fn has_status(&self, status: &str) -> bool {
        let status = match status {
            "delivered" => "sent",
            other => other,
        };
        self.recipients.iter().any(|one| one.status == status)
    }
}

fn set(recipient: &mut Recipient, event: &Event, status: &str) {
    status.clone_into(&mut recipient.status);
    event.time.clone_into(&mut recipient.time);
    event.get("dsn").clone_into(&mut recipient.dsn);
    event.get("reply").clone_into(&mut recipient.reply);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Source, Transport};

    pub(super) fn event(number: u64, host: &str, daemon: &str, fields: &str, text: &str) -> Event {
        let line = format!(
            "<22>1 2026-11-24T16:00:{:02}Z {host} {daemon} 1 - [roost@32473 {fields}] {text}",
            number % 60
        );
        let entry = Entry {
            source: Source::own(Transport::Tcp),
            received: 1_795_536_000_000,
            is_cut: false,
            octets: line.into_bytes(),
        };
        Event::read(number, &entry).unwrap()
    }

    #[test]
    fn a_story_is_told_by_its_lines() {
        let story = Story::of(vec![
            event(
                5,
                "mx",
                "roost-mta",
                r#"queue_id="Q1" from="s@x" to="c@b" relay="mx.b" dsn="5.1.1" outcome="bounced" reply="550 no""#,
                "delivery",
            ),
            event(
                1,
                "mx",
                "roost-mta",
                r#"queue_id="Q1" peer="192.0.2.1:9" client="c.x" from="s@x" recipients="a@b c@b d@b" message_id="m@x" size="70""#,
                "accepted",
            ),
            event(
                2,
                "mx",
                "roost-mta",
                r#"queue_id="Q1" to="a@b" outcome="deferred""#,
                "delivery",
            ),
            event(
                3,
                "st",
                "roost-store",
                r#"queue_id="Q1" from="s@x" to="a@b" message_id="m@x" account="a@b" folder="Work""#,
                "delivered",
            ),
            event(
                4,
                "mx",
                "roost-mta",
                r#"queue_id="Q1" to="A@b" outcome="sent""#,
                "delivery",
            ),
            event(
                6,
                "mx",
                "roost-mta",
                r#"queue_id="Q2" about="Q1" message_id="<n@b>" to="s@x""#,
                "notice queued",
            ),
            event(
                7,
                "mx",
                "roost-mta",
                r#"queue_id="Q2" from="" to="s@x" outcome="sent""#,
                "delivery",
            ),
            event(
                8,
                "st",
                "roost-store",
                r#"to="s@x" message_id="<n@b>" account="s@x""#,
                "delivered",
            ),
        ]);
        assert_eq!(story.queue_ids, ["Q1", "Q2"]);
        assert_eq!(story.hosts, ["mx", "st"]);
        assert_eq!((story.from.as_str(), story.size), ("s@x", 70));
        assert_eq!(story.client_name, "c.x");
        let told: Vec<_> = story
            .recipients
            .iter()
            .map(|one| {
                (
                    one.address.as_str(),
                    one.status.as_str(),
                    one.attempts,
                    one.folder.as_str(),
                )
            })
            .collect();
        let expected = [
            ("a@b", "sent", 2, "Work"),
            ("c@b", "bounced", 1, ""),
            ("d@b", "queued", 0, ""),
        ];
        assert_eq!(told, expected);
        assert!(story.has_status("delivered") && story.has_status("bounced"));
        assert!(!story.has_status("deferred"));
        let order: Vec<u64> = story.events.iter().map(|event| event.line).collect();
        assert_eq!(order, [1, 2, 3, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn a_destination_that_is_down_defers_whom_it_concerns() {
        let story = Story::of(vec![
            event(
                1,
                "mx",
                "roost-mta",
                r#"queue_id="Q1" recipients="a@b c@d""#,
                "accepted",
            ),
            event(
                2,
                "mx",
                "roost-mta",
                r#"queue_id="Q1" recipients="c@d" destination="d" reason="no TLS""#,
                UNREACHABLE,
            ),
        ]);
        let told: Vec<_> = story
            .recipients
            .iter()
            .map(|one| (&*one.status, &*one.reply))
            .collect();
        assert_eq!(told, [("queued", ""), ("deferred", "no TLS")]);
    }

    #[test]
    fn a_clock_that_is_far_off_is_not_believed() {
        let mut entry = Entry {
            source: Source::own(Transport::Udp),
            received: 1_795_536_000_000,
            is_cut: false,
            octets: b"<22>1 1999-01-01T00:00:00Z h a - - - x".to_vec(),
        };
        let time = |entry: &Entry| time_of(entry, &Message::read(&entry.octets)).as_millisecond();
        assert_eq!(time(&entry), entry.received);
        entry.octets = b"<22>1 2026-11-24T15:59:00Z h a - - - x".to_vec();
        assert_eq!(time(&entry), entry.received - 60_000);
    }
}

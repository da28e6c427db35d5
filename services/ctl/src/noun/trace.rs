//! `roostctl trace`, over the logger's control socket: `POST /trace`.

mod timeline;
mod zimbra;

use hyper::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::context::Context;
use super::logs;
use crate::cli::Trace;
use crate::failure::Failure;
use crate::moment::local;
use crate::output::{Column, Format, Record, print};

const COLUMNS: [Column; 7] = [
    Column::text("time", "TIME"),
    Column::text("queue_id", "QUEUE ID"),
    Column::text("from", "FROM"),
    Column::text("to", "TO"),
    Column::text("status", "STATUS"),
    Column::bytes("size", "SIZE"),
    Column::text("client", "CLIENT"),
];

/// Which messages, as the logger understands it.
#[derive(Debug, Clone, Default, Serialize)]
struct Question {
    from: Option<String>,
    to: Option<String>,
    message_id: Option<String>,
    subject_hash: Option<String>,
    queue_id: Option<String>,
    client: Option<String>,
    since: Option<i64>,
    until: Option<i64>,
    status: Option<String>,
    limit: usize,
}

#[derive(Debug, Deserialize)]
struct Answer {
    stories: Vec<Value>,
    is_cut: bool,
}

/// One message, as far as people are shown it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Story {
    queue_ids: Vec<String>,
    message_id: String,
    from: String,
    client: String,
    client_name: String,
    account: String,
    subject_hash: String,
    size: u64,
    begin: String,
    hosts: Vec<String>,
    recipients: Vec<Recipient>,
    events: Vec<Event>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Recipient {
    address: String,
    status: String,
    attempts: u32,
    dsn: String,
    reply: String,
    relay: String,
    account: String,
    folder: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Event {
    time: String,
    host: String,
    daemon: String,
    event: String,
    fields: Vec<(String, String)>,
}

impl Event {
    /// The value of a field; empty if it is not there.
    fn get(&self, name: &str) -> &str {
        let found = self.fields.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    }
}

impl Story {
    /// The address of a sender; `<>` for nobody.
    fn sender(&self) -> &str {
        match self.from.as_str() {
            "" => "<>",
            from => from,
        }
    }
}

pub(super) async fn run(trace: Trace, context: &Context<'_>) -> Result<(), Failure> {
    let client = logs::client(context)?;
    let subject_hash = trace.subject.as_deref().map(subject_hash);
    let question = Question {
        from: trace.from,
        to: trace.to,
        message_id: trace.message_id,
        subject_hash: subject_hash.or(trace.subject_hash),
        queue_id: trace.queue_id,
        client: trace.client,
        since: trace.since.map(|since| since.milliseconds()),
        until: trace.until.map(|until| until.milliseconds()),
        status: trace.status,
        limit: trace.limit,
    };
    let answer: Answer = client.send(Method::POST, "/trace", &question).await?;
    if answer.is_cut {
        let count = answer.stories.len();
        let text = format!("the newest {count} messages; there may be more: narrow it down, or -n");
        context.output.remark(&text);
    }
    let read = |value: &Value| serde_json::from_value::<Story>(value.clone()).unwrap_or_default();
    let stories: Vec<Story> = answer.stories.iter().map(read).collect();
    if trace.zimbra {
        return zimbra::print_all(&stories);
    }
    let tells = trace.full || stories.len() == 1;
    if context.output.format == Format::Table && tells {
        for (number, story) in stories.iter().enumerate() {
            if number > 0 {
                print("")?;
            }
            print(&timeline::text(story))?;
        }
        return Ok(());
    }
    let records: Vec<Record> = match &context.output.format {
        Format::Json(_) => answer.stories.into_iter().map(whole).collect(),
        Format::Table | Format::Names => stories.iter().map(brief).collect(),
    };
    context.output.list(&COLUMNS, &records, "no such message")
}

/// A message as a line of a table.
fn brief(story: &Story) -> Record {
    let (first, others) = match story.recipients.split_first() {
        Some((first, others)) => (first.address.clone(), others.len()),
        None => (String::new(), 0),
    };
    let to = match others {
        0 => first,
        others => format!("{first} +{others}"),
    };
    let mut states: Vec<&str> = Vec::new();
    for recipient in &story.recipients {
        if !states.contains(&recipient.status.as_str()) {
            states.push(&recipient.status);
        }
    }
    let name = story.queue_ids.first().cloned().unwrap_or_default();
    Record::new(name.clone())
        .with("time", local(&story.begin))
        .with("queue_id", name)
        .with("from", story.sender())
        .with("to", to)
        .with("status", states.join(", "))
        .with("size", story.size)
        .with("client", story.client.clone())
}

/// A message as the logger tells it.
fn whole(story: Value) -> Record {
    let Value::Object(mut story) = story else {
        return Record::default();
    };
    // Fields of a line by their names, rather than as pairs.
    if let Some(Value::Array(events)) = story.get_mut("events") {
        for event in events {
            if let Some(fields) = event.get_mut("fields") {
                let pairs: Vec<(String, String)> =
                    serde_json::from_value(fields.clone()).unwrap_or_default();
                *fields = pairs
                    .into_iter()
                    .map(|(name, value)| (name, Value::from(value)))
                    .collect::<serde_json::Map<_, _>>()
                    .into();
            }
        }
    }
    let name = story
        .get("queue_ids")
        .and_then(|ids| ids.get(0))
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    Record {
        name,
        fields: story.into_iter().collect(),
    }
}

/// The digest by which the mta's lines tell a subject.
fn subject_hash(subject: &str) -> String {
    let words: Vec<&str> = subject.split_ascii_whitespace().collect();
    let digest = blake3::hash(words.join(" ").as_bytes()).to_hex();
    digest.chars().take(16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_has_the_digest_that_the_mta_gives_it() {
        assert_eq!(subject_hash(" Hello   world"), "e7e6fb7d2869d109");
    }

    /// A message with two recipients.
    pub(super) fn story() -> Story {
        let event =
            |time: &str, host: &str, daemon: &str, text: &str, fields: &[(&str, &str)]| Event {
                time: time.to_owned(),
                host: host.to_owned(),
                daemon: daemon.to_owned(),
                event: text.to_owned(),
                fields: fields
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                    .collect(),
            };
        Story {
            queue_ids: vec!["Q1".to_owned()],
            message_id: "m@x".to_owned(),
            from: "s@x".to_owned(),
            client: "192.0.2.1:9".to_owned(),
            client_name: "c.x".to_owned(),
            subject_hash: "3f2a".to_owned(),
            size: 70,
            hosts: vec!["mx".to_owned(), "st".to_owned()],
            recipients: vec![
                Recipient {
                    address: "a@b".to_owned(),
                    status: "sent".to_owned(),
                    attempts: 2,
                    account: "a@b".to_owned(),
                    folder: "Work".to_owned(),
                    ..Recipient::default()
                },
                Recipient {
                    address: "c@b".to_owned(),
                    status: "bounced".to_owned(),
                    reply: "550 5.1.1 no".to_owned(),
                    ..Recipient::default()
                },
            ],
            events: vec![
                event(
                    "one",
                    "mx",
                    "roost-mta",
                    "accepted",
                    &[
                        ("peer", "192.0.2.1:9"),
                        ("client", "c.x"),
                        ("with", "ESMTPS"),
                        ("recipients", "a@b c@b"),
                        ("size", "70"),
                    ],
                ),
                event(
                    "two",
                    "mx",
                    "roost-mta",
                    "delivery",
                    &[
                        ("to", "a@b"),
                        ("relay", "st[::1]:7025"),
                        ("outcome", "deferred"),
                        ("reply", "451 wait"),
                    ],
                ),
                event(
                    "three",
                    "st",
                    "roost-store",
                    "delivered",
                    &[("account", "a@b"), ("folder", "Work")],
                ),
                event(
                    "four",
                    "mx",
                    "roost-mta",
                    "notice queued",
                    &[("queue_id", "Q2"), ("to", "s@x"), ("kind", "Permanent")],
                ),
            ],
            ..Story::default()
        }
    }
}

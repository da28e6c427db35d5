//! `roostctl queue`, over the mta's control socket.
//!
//! | request | answer |
//! |---|---|
//! | `GET /queue` | an array of messages |
//! | `GET /queue/ID` | one message, with its recipients and attempts |
//! | `POST /queue/ID/retry`, `…/hold`, `…/release` | the message afterwards |
//! | `POST /queue/flush?domain=…&sender=…` | how many `messages` are tried again |
//! | `DELETE /queue/ID` | the message as it was |
//!
//! A message is an object with `id`, `state` (`active`, `deferred`, `held`), `sender`, `recipients`,
//! `size`, `arrived`, `next_attempt` and `reason`; whatever else it has is shown too.

use std::path::PathBuf;

use hyper::Method;
use roost_kit::control::Client;
use roost_kit::place;
use serde_json::{Map, Value, json};

use super::context::Context;
use crate::cli::{Flush, Messages, QueueVerb};
use crate::failure::Failure;
use crate::output::{Column, Record};

const COLUMNS: [Column; 9] = [
    Column::text("id", "ID"),
    Column::state("state", "STATE"),
    Column::bytes("size", "SIZE"),
    Column::text("arrived", "ARRIVED"),
    Column::text("sender", "SENDER"),
    Column::text("recipients", "RECIPIENTS"),
    Column::text("reason", "REASON"),
    Column::hidden("waiting"),
    Column::hidden("next_attempt"),
];

/// What is done to messages.
#[derive(Clone, Copy)]
enum Deed {
    Retry,
    Hold,
    Release,
    Delete,
}

pub(super) async fn run(verb: QueueVerb, context: &Context<'_>) -> Result<(), Failure> {
    let client = client(context)?;
    match verb {
        QueueVerb::List => {
            let messages = list(&client).await?;
            let records: Vec<Record> = messages.into_iter().map(record).collect();
            context.output.list(&COLUMNS, &records, "nothing waits")
        }
        QueueVerb::Show { id } => {
            let message: Map<String, Value> = client.get(&path(&id)?).await?;
            context.output.show(&record(message))
        }
        QueueVerb::Retry(messages) => deed(Deed::Retry, messages, &client, context).await,
        QueueVerb::Flush(which) => flush(&which, &client, context).await,
        QueueVerb::Hold(messages) => deed(Deed::Hold, messages, &client, context).await,
        QueueVerb::Release(messages) => deed(Deed::Release, messages, &client, context).await,
        QueueVerb::Delete(messages) => deed(Deed::Delete, messages, &client, context).await,
    }
}

fn client(context: &Context<'_>) -> Result<Client, Failure> {
    let socket = context.configuration.value::<PathBuf>("mta.control")?;
    let socket = socket.unwrap_or_else(|| PathBuf::from(place::MTA_CONTROL));
    Ok(Client::socket(&socket))
}

async fn list(client: &Client) -> Result<Vec<Map<String, Value>>, Failure> {
    Ok(client.get("/queue").await?)
}

async fn deed(
    deed: Deed,
    messages: Messages,
    client: &Client,
    context: &Context<'_>,
) -> Result<(), Failure> {
    let all = messages.all;
    let ids = match all {
        true => list(client).await?.iter().map(id_of).collect(),
        false => messages.ids,
    };
    if matches!(deed, Deed::Delete) {
        confirm(&ids, all, context)?;
    }
    let mut done = Vec::with_capacity(ids.len());
    for id in &ids {
        let path = path(id)?;
        let message: Map<String, Value> = match (context.dry_run, deed) {
            (true, _) => client.get(&path).await?,
            (false, Deed::Delete) => client.send(Method::DELETE, &path, &()).await?,
            (false, _) => {
                let path = format!("{path}/{}", deed.verb());
                client.send(Method::POST, &path, &()).await?
            }
        };
        done.push(record(message));
    }
    match done.as_slice() {
        [one] => context
            .output
            .done(&deed.sentence(&one.name, context.dry_run), one),
        many => {
            let what = format!("{} messages", many.len());
            context
                .output
                .remark(&deed.sentence(&what, context.dry_run));
            context.output.list(&COLUMNS, many, "")
        }
    }
}

async fn flush(which: &Flush, client: &Client, context: &Context<'_>) -> Result<(), Failure> {
    let query = query(which);
    let count = match context.dry_run {
        true => {
            let messages: Vec<Map<String, Value>> = client.get(&format!("/queue{query}")).await?;
            let held = |message: &&Map<String, Value>| message.get("state") == Some(&json!("held"));
            (messages.len() - messages.iter().filter(held).count()) as u64
        }
        false => {
            let path = format!("/queue/flush{query}");
            let answer: Map<String, Value> = client.send(Method::POST, &path, &()).await?;
            let count = answer.get("messages").and_then(Value::as_u64);
            count.unwrap_or_default()
        }
    };
    let what = match count {
        1 => "1 message".to_owned(),
        count => format!("{count} messages"),
    };
    let record = Record::new(count.to_string()).with("messages", count);
    let sentence = Deed::Retry.sentence(&what, context.dry_run);
    context.output.done(&sentence, &record)
}

/// The messages that are meant, as the mta reads it.
fn query(which: &Flush) -> String {
    let all = [("domain", &which.domain), ("sender", &which.sender)];
    let parts: Vec<String> = all
        .into_iter()
        .filter_map(|(key, value)| Some(format!("{key}={}", escaped(value.as_ref()?))))
        .collect();
    match parts.is_empty() {
        true => String::new(),
        false => format!("?{}", parts.join("&")),
    }
}

/// RFC 3986 §2.1: what is not unreserved is written in hexadecimal.
fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

fn confirm(ids: &[String], all: bool, context: &Context<'_>) -> Result<(), Failure> {
    match ids {
        [] => Ok(()),
        [id] if !all => context.confirm(&format!("delete {id} without telling its sender"), id),
        ids => {
            let count = ids.len().to_string();
            let what = format!("delete {count} messages without telling their senders");
            context.confirm(&what, &count)
        }
    }
}

impl Deed {
    fn verb(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Hold => "hold",
            Self::Release => "release",
            Self::Delete => "delete",
        }
    }

    fn sentence(self, what: &str, dry_run: bool) -> String {
        if dry_run {
            return format!("would {} {what}", self.verb());
        }
        match self {
            Self::Retry => format!("{what}: tried again now"),
            Self::Hold => format!("{what}: held\nundo: roostctl queue release"),
            Self::Release => format!("{what}: released"),
            Self::Delete => format!("{what}: deleted"),
        }
    }
}

/// The path of a message. A name that is none must not become another path.
fn path(id: &str) -> Result<String, Failure> {
    let is_name = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match is_name {
        true => Ok(format!("/queue/{id}")),
        false => {
            Err(Failure::usage(format!("{id} is no name of a message")).next("roostctl queue list"))
        }
    }
}

fn id_of(message: &Map<String, Value>) -> String {
    let id = message.get("id").and_then(Value::as_str);
    id.unwrap_or_default().to_owned()
}

fn record(message: Map<String, Value>) -> Record {
    Record {
        name: id_of(&message),
        fields: message.into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_flushed_is_written_as_a_query() {
        let which = |domain: Option<&str>, sender: Option<&str>| Flush {
            domain: domain.map(str::to_owned),
            sender: sender.map(str::to_owned),
        };
        assert_eq!(query(&which(None, None)), "");
        assert_eq!(
            query(&which(Some("example.net"), Some("<>"))),
            "?domain=example.net&sender=%3C%3E"
        );
        assert_eq!(
            query(&which(None, Some("a&b@ü.test"))),
            "?sender=a%26b%40%C3%BC.test"
        );
    }
}

//! `roostctl queue`, over the mta's control socket.
//!
//! | request | answer |
//! |---|---|
//! | `GET /queue` | an array of messages |
//! | `GET /queue/ID` | one message, with its recipients and attempts |
//! | `POST /queue/ID/retry`, `…/hold`, `…/release` | the message afterwards |
//! | `DELETE /queue/ID` | the message as it was |
//!
//! A message is an object with `id`, `state` (`active`, `deferred`, `held`), `sender`, `recipients`,
//! `size`, `arrived`, `next_attempt` and `reason`; whatever else it has is shown too.

use std::path::PathBuf;

use hyper::Method;
use roost_kit::control::Client;
use roost_kit::place;
use serde_json::{Map, Value};

use super::context::Context;
use crate::cli::{Messages, QueueVerb};
use crate::failure::Failure;
use crate::output::{Column, Record};

const COLUMNS: [Column; 7] = [
    Column::text("id", "ID"),
    Column::state("state", "STATE"),
    Column::bytes("size", "SIZE"),
    Column::text("arrived", "ARRIVED"),
    Column::text("sender", "SENDER"),
    Column::text("recipients", "RECIPIENTS"),
    Column::text("reason", "REASON"),
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

//! `roostctl proxy`, over the proxy's control socket.
//!
//! | request | answer |
//! |---|---|
//! | `GET /sessions` | an array of sessions |
//! | `POST /sessions/cut` | how many were cut |
//! | `GET /bans` | an array of addresses |
//! | `PUT /bans/ADDRESS`, `DELETE /bans/ADDRESS` | what was done |
//! | `GET /upstreams`, `PUT /upstreams` | servers of upstreams; what was done |

use std::net::IpAddr;
use std::path::PathBuf;

use hyper::Method;
use roost_kit::control::Client;
use roost_kit::place;
use serde_json::{Map, Value};

use super::context::Context;
use crate::cli::{ProxyVerb, UpstreamState, Which};
use crate::failure::Failure;
use crate::output::{Column, Record};

const SESSIONS: [Column; 6] = [
    Column::text("id", "ID"),
    Column::text("service", "SERVICE"),
    Column::text("account", "ACCOUNT"),
    Column::text("peer", "CLIENT"),
    Column::text("store", "STORE"),
    Column::text("since", "SINCE"),
];

const UPSTREAMS: [Column; 4] = [
    Column::text("upstream", "UPSTREAM"),
    Column::text("server", "SERVER"),
    Column::text("state", "STATE"),
    Column::text("requests", "REQUESTS"),
];

const BANS: [Column; 2] = [
    Column::text("address", "ADDRESS"),
    Column::text("remaining", "SECONDS LEFT"),
];

type Object = Map<String, Value>;

pub(super) async fn run(verb: ProxyVerb, context: &Context<'_>) -> Result<(), Failure> {
    let client = client(context)?;
    match verb {
        ProxyVerb::Sessions(which) => {
            let records = sessions(&client, &which).await?;
            context.output.list(&SESSIONS, &records, "nobody is there")
        }
        ProxyVerb::Drain { which, all } => drain(&client, &which, all, context).await,
        ProxyVerb::Upstreams => {
            let servers: Vec<Object> = client.get("/upstreams").await?;
            let records: Vec<Record> = servers
                .into_iter()
                .map(|one| record(one, "server"))
                .collect();
            let nothing = "no upstreams (see proxy.web.upstreams)";
            context.output.list(&UPSTREAMS, &records, nothing)
        }
        ProxyVerb::Upstream {
            upstream,
            server,
            state,
        } => {
            let (draining, word) = match state {
                UpstreamState::Drain => ("true", "gets no new requests"),
                UpstreamState::Resume => ("false", "gets requests again"),
            };
            let record = Record::new(server.clone());
            if context.dry_run {
                let sentence = format!("{server}: would be told: {word}");
                return context.output.done(&sentence, &record);
            }
            let fields = [
                ("upstream", &*upstream),
                ("server", &*server),
                ("draining", draining),
            ];
            let path = format!("/upstreams{}", encoded(&fields));
            let _done: Object = client.send(Method::PUT, &path, &()).await?;
            context.output.done(&format!("{server}: {word}"), &record)
        }
        ProxyVerb::Bans => {
            let bans: Vec<Object> = client.get("/bans").await?;
            let records: Vec<Record> = bans.into_iter().map(|one| record(one, "address")).collect();
            context.output.list(&BANS, &records, "nobody is shut out")
        }
        ProxyVerb::Ban { address, lasts } => {
            let seconds = lasts.duration().as_secs();
            let name = address.to_string();
            if context.dry_run {
                let sentence = format!("would shut {name} out for {seconds} s");
                return context.output.done(&sentence, &Record::new(name));
            }
            let path = format!("{}?seconds={seconds}", ban_path(address));
            let ban: Object = client.send(Method::PUT, &path, &()).await?;
            let undo = format!("undo: roostctl proxy unban {name}");
            let sentence = format!("{name}: shut out for {seconds} s\n{undo}");
            context.output.done(&sentence, &record(ban, "address"))
        }
        ProxyVerb::Unban { address } => {
            let name = address.to_string();
            if context.dry_run {
                let sentence = format!("would serve {name} again");
                return context.output.done(&sentence, &Record::new(name));
            }
            let _done: Object = client.send(Method::DELETE, &ban_path(address), &()).await?;
            let sentence = format!("{name}: served again");
            context.output.done(&sentence, &Record::new(name))
        }
    }
}

fn client(context: &Context<'_>) -> Result<Client, Failure> {
    let socket = context.configuration.value::<PathBuf>("proxy.control")?;
    let socket = socket.unwrap_or_else(|| PathBuf::from(place::PROXY_CONTROL));
    Ok(Client::socket(&socket))
}

async fn sessions(client: &Client, which: &Which) -> Result<Vec<Record>, Failure> {
    let path = format!("/sessions{}", query(which, false));
    let sessions: Vec<Object> = client.get(&path).await?;
    Ok(sessions.into_iter().map(|one| record(one, "id")).collect())
}

async fn drain(
    client: &Client,
    which: &Which,
    all: bool,
    context: &Context<'_>,
) -> Result<(), Failure> {
    if context.dry_run {
        let records = sessions(client, which).await?;
        context
            .output
            .remark(&format!("would cut {} sessions", records.len()));
        return context.output.list(&SESSIONS, &records, "nobody is there");
    }
    let path = format!("/sessions/cut{}", query(which, all));
    let done: Object = client.send(Method::POST, &path, &()).await?;
    let count = done.get("count").and_then(Value::as_u64).unwrap_or(0);
    let sentence = match count {
        1 => "1 session cut".to_owned(),
        count => format!("{count} sessions cut"),
    };
    context.output.done(
        &sentence,
        &Record::new(count.to_string()).with("count", count),
    )
}

fn query(which: &Which, all: bool) -> String {
    let fields = [
        ("account", &which.account),
        ("store", &which.store),
        ("id", &which.id),
    ];
    let given = fields
        .iter()
        .filter_map(|(name, value)| Some((*name, value.as_deref()?)));
    let all = all.then_some(("all", "true"));
    encoded(&given.chain(all).collect::<Vec<_>>())
}

/// The query of a request; values are percent-encoded (RFC 3986 §2.1).
fn encoded(fields: &[(&str, &str)]) -> String {
    let mut query = String::new();
    for (name, value) in fields {
        query.push(if query.is_empty() { '?' } else { '&' });
        query.push_str(name);
        query.push('=');
        for octet in value.bytes() {
            match octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
                true => query.push(char::from(octet)),
                false => query.push_str(&format!("%{octet:02X}")),
            }
        }
    }
    query
}

fn ban_path(address: IpAddr) -> String {
    format!("/bans/{address}")
}

fn record(object: Object, name: &str) -> Record {
    Record {
        name: object
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        fields: object.into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_a_query_are_encoded() {
        let which = Which {
            account: Some("a+b&c@example.com".to_owned()),
            ..Which::default()
        };
        assert_eq!(query(&which, false), "?account=a%2Bb%26c%40example.com");
        assert_eq!(query(&Which::default(), true), "?all=true");
        assert_eq!(query(&Which::default(), false), "");
    }
}

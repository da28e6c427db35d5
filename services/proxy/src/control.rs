//! What `roostctl proxy` asks, on a Unix socket.
//!
//! | request | answer |
//! |---|---|
//! | `GET /sessions` | an array of [`Session`], oldest first; [`Which`] as the query |
//! | `POST /sessions/cut` | those of [`Which`] are told to come again, and cut; [`Done`] |
//! | `GET /bans` | an array of [`Banned`] |
//! | `PUT /bans/ADDRESS` | shut out for [`Term`] as the query; [`Banned`] |
//! | `DELETE /bans/ADDRESS` | served again; [`Done`] |
//! | `GET /upstreams` | an array of [`UpstreamServer`] |
//! | `PUT /upstreams` | one server gets no new requests, or again: [`Draining`] as the query; [`Done`] |
//!
//! Failures have the codes `not_an_address`, `not_banned`, `no_upstream` and `which`.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post, put};
use axum::{Json, Router};
use roost_kit::control::Failure;
use serde::{Deserialize, Serialize};

use crate::bans::Ban;
use crate::door::Porter;
use crate::sessions::{Cut, Live};
use crate::web::Web;

/// One session that is joined with a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// What logs call it.
    pub id: String,
    /// `imap` or `pop3`.
    pub service: String,
    /// Who has signed in.
    pub account: String,
    /// From where.
    pub peer: String,
    /// The store.
    pub store: String,
    /// Since when.
    pub since: String,
}

/// Which sessions are meant; all of what is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Which {
    /// Of this account.
    pub account: Option<String>,
    /// At this store.
    pub store: Option<String>,
    /// This one.
    pub id: Option<String>,
    /// All of them.
    pub all: bool,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// To how many.
    pub count: usize,
}

/// For how long somebody is shut out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Term {
    /// Seconds.
    pub seconds: u64,
}

/// One address that is shut out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Banned {
    /// The address; of IPv6 the first of its network of 64 bits.
    pub address: IpAddr,
    /// Seconds that are left.
    pub remaining: u64,
}

/// One server of an upstream of the web side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamServer {
    /// The upstream.
    pub upstream: String,
    /// Where the server is.
    pub server: String,
    /// `well`, `away` or `draining`.
    pub state: String,
    /// Requests that it is answering.
    pub requests: usize,
}

/// Which server gets no new requests, or again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draining {
    /// The upstream.
    pub upstream: String,
    /// Where the server is.
    pub server: String,
    /// Whether it drains from now on.
    pub draining: bool,
}

impl Which {
    fn means(&self, live: &Live) -> bool {
        let is = |wanted: &Option<String>, own: &str| {
            wanted
                .as_ref()
                .is_none_or(|wanted| wanted.eq_ignore_ascii_case(own))
        };
        is(&self.account, &live.name.to_string())
            && is(&self.store, &live.store)
            && self
                .id
                .as_ref()
                .is_none_or(|wanted| *wanted == live.id.to_string())
    }

    fn names_some(&self) -> bool {
        self.all || self.account.is_some() || self.store.is_some() || self.id.is_some()
    }
}

impl From<&Live> for Session {
    fn from(live: &Live) -> Self {
        Self {
            id: live.id.to_string(),
            service: live.service.name().to_owned(),
            account: live.name.to_string(),
            peer: live.peer.to_string(),
            store: live.store.to_string(),
            since: live.since.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        }
    }
}

impl From<Ban> for Banned {
    fn from(ban: Ban) -> Self {
        Self {
            address: ban.address,
            remaining: ban.remaining.as_secs(),
        }
    }
}

#[derive(Clone)]
struct Desk {
    porter: Arc<Porter>,
    web: Arc<Web>,
}

type Office = State<Desk>;

/// The routes.
pub(crate) fn router(porter: Arc<Porter>, web: Arc<Web>) -> Router {
    Router::new()
        .route("/sessions", get(list))
        .route("/sessions/cut", post(cut))
        .route("/bans", get(bans))
        .route("/bans/{address}", put(ban).delete(unban))
        .route("/upstreams", get(upstreams).put(drain_upstream))
        .with_state(Desk { porter, web })
}

async fn upstreams(State(desk): Office) -> Json<Vec<UpstreamServer>> {
    let servers = desk.web.groups().iter().flat_map(|group| {
        group.servers.iter().map(|server| UpstreamServer {
            upstream: group.name.to_string(),
            server: server.at().to_string(),
            state: match (server.is_draining(), server.is_well()) {
                (true, _) => "draining",
                (false, true) => "well",
                (false, false) => "away",
            }
            .to_owned(),
            requests: server.running(),
        })
    });
    Json(servers.collect())
}

async fn drain_upstream(
    State(desk): Office,
    Query(wanted): Query<Draining>,
) -> Result<Json<Done>, Failure> {
    let groups = desk.web.groups().iter();
    let servers = groups
        .filter(|group| *group.name == *wanted.upstream)
        .flat_map(|group| &group.servers);
    let mut count = 0;
    for server in servers.filter(|server| server.at().to_string() == wanted.server) {
        server.drain(wanted.draining);
        count += 1;
    }
    match count {
        0 => {
            let text = format!(
                "no upstream {} has a server {}",
                wanted.upstream, wanted.server
            );
            Err(Failure::not_found("no_upstream", text).next("roostctl proxy upstreams"))
        }
        count => Ok(Json(Done { count })),
    }
}

async fn list(
    State(Desk { porter, .. }): Office,
    Query(which): Query<Which>,
) -> Json<Vec<Session>> {
    let sessions = porter.sessions.list();
    let meant = sessions.iter().filter(|live| which.means(live));
    Json(meant.map(Session::from).collect())
}

async fn cut(
    State(Desk { porter, .. }): Office,
    Query(which): Query<Which>,
) -> Result<Json<Done>, Failure> {
    if !which.names_some() {
        let text = "which sessions? Name an account, a store, a session, or all";
        return Err(Failure::new(StatusCode::BAD_REQUEST, "which", text));
    }
    let cut = porter
        .sessions
        .cut(Cut::Administrator, |live| which.means(live));
    Ok(Json(Done { count: cut.len() }))
}

async fn bans(State(Desk { porter, .. }): Office) -> Json<Vec<Banned>> {
    Json(porter.bans.list().into_iter().map(Banned::from).collect())
}

async fn ban(
    State(Desk { porter, .. }): Office,
    Path(address): Path<String>,
    Query(term): Query<Term>,
) -> Result<Json<Banned>, Failure> {
    let address = read(&address)?;
    let lasts = Duration::from_secs(term.seconds);
    porter.bans.ban(address, lasts).await;
    Ok(Json(Banned {
        address: roost_kit::limit::address_key(address),
        remaining: term.seconds,
    }))
}

async fn unban(
    State(Desk { porter, .. }): Office,
    Path(address): Path<String>,
) -> Result<Json<Done>, Failure> {
    let address = read(&address)?;
    match porter.bans.unban(address).await {
        true => Ok(Json(Done { count: 1 })),
        false => Err(
            Failure::not_found("not_banned", format!("{address} is not shut out"))
                .next("roostctl proxy bans"),
        ),
    }
}

fn read(address: &str) -> Result<IpAddr, Failure> {
    address.parse().map_err(|_| {
        let text = format!("{address} is no IP address");
        Failure::new(StatusCode::BAD_REQUEST, "not_an_address", text)
    })
}

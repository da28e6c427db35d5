//! What `roostctl proxy` asks, on a Unix socket.
//!
//! | request | answer |
//! |---|---|
//! | `GET /sessions` | an array of [`Session`], oldest first; [`Which`] as the query |
//! | `POST /sessions/cut` | those of [`Which`] are told to come again, and cut; [`Done`] |
//! | `GET /bans` | an array of [`Banned`] |
//! | `PUT /bans/ADDRESS` | shut out for [`Term`] as the query; [`Banned`] |
//! | `DELETE /bans/ADDRESS` | served again; [`Done`] |
//!
//! Failures have the codes `not_an_address`, `not_banned` and `which`.

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

type Office = State<Arc<Porter>>;

/// The routes.
pub(crate) fn router(porter: Arc<Porter>) -> Router {
    Router::new()
        .route("/sessions", get(list))
        .route("/sessions/cut", post(cut))
        .route("/bans", get(bans))
        .route("/bans/{address}", put(ban).delete(unban))
        .with_state(porter)
}

async fn list(State(porter): Office, Query(which): Query<Which>) -> Json<Vec<Session>> {
    let sessions = porter.sessions.list();
    let meant = sessions.iter().filter(|live| which.means(live));
    Json(meant.map(Session::from).collect())
}

async fn cut(State(porter): Office, Query(which): Query<Which>) -> Result<Json<Done>, Failure> {
    if !which.names_some() {
        let text = "which sessions? Name an account, a store, a session, or all";
        return Err(Failure::new(StatusCode::BAD_REQUEST, "which", text));
    }
    let cut = porter
        .sessions
        .cut(Cut::Administrator, |live| which.means(live));
    Ok(Json(Done { count: cut.len() }))
}

async fn bans(State(porter): Office) -> Json<Vec<Banned>> {
    Json(porter.bans.list().into_iter().map(Banned::from).collect())
}

async fn ban(
    State(porter): Office,
    Path(address): Path<String>,
    Query(term): Query<Term>,
) -> Result<Json<Banned>, Failure> {
    let address = read(&address)?;
    porter.bans.ban(address, Duration::from_secs(term.seconds));
    Ok(Json(Banned {
        address: roost_kit::limit::address_key(address),
        remaining: term.seconds,
    }))
}

async fn unban(State(porter): Office, Path(address): Path<String>) -> Result<Json<Done>, Failure> {
    let address = read(&address)?;
    match porter.bans.unban(address) {
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

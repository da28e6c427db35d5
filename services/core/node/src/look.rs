//! Looking at the node: asking its daemons.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use jiff::Timestamp;
use roost_kit::clock::Clock;
use roost_kit::config::{ConfigError, Configuration, Listen, ListenSpec};
use roost_kit::control::Client;
use roost_kit::health::Readiness;
use roost_kit::place;
use serde::de::IgnoredAny;
use tokio::time::timeout;

use crate::alert::Told;
use crate::exposition::Figures;
use crate::queue::{Entry, by_destination};
use crate::{Node, Service, State, Volume};

/// How many messages of the queue are looked at, the oldest.
const QUEUE_MAX: usize = 10_000;

/// How long a daemon may take to tell its health: one that is frozen is down.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// Knows where the daemons of this node are, and how they were.
#[derive(Debug)]
pub struct Watcher {
    clock: Clock,
    name: String,
    services: Vec<Watched>,
    /// The logger's control socket, where the node has one.
    logger: Option<PathBuf>,
    /// The mta's control socket; another node's cannot be reached.
    mta: Option<PathBuf>,
    folders: Vec<(&'static str, PathBuf)>,
}

#[derive(Debug)]
struct Watched {
    index: u32,
    name: &'static str,
    at: ListenSpec,
    was: Option<(State, Timestamp)>,
}

impl Watcher {
    /// Reads from the configuration where each daemon serves its health pages and keeps its state. A
    /// daemon whose `health` is empty is not watched, nor is one that the node does without.
    pub fn new(configuration: &Configuration, clock: Clock) -> Result<Self, ConfigError> {
        let mut services = Vec::new();
        for (index, daemon) in (1..).zip(place::DAEMONS) {
            let is_told = configuration.value::<IgnoredAny>(daemon.table)?;
            if daemon.is_optional && is_told.is_none() {
                continue;
            }
            let listen = configuration
                .value::<Listen>(&format!("{}.health", daemon.table))?
                .unwrap_or_else(|| Listen::loopback(daemon.health));
            services.extend(listen.iter().next().map(|at| Watched {
                index,
                name: daemon.name,
                at: at.clone(),
                was: None,
            }));
        }
        let has_logger = configuration.value::<IgnoredAny>("logger")?.is_some();
        let folder = |key: &str, otherwise: &str| -> Result<PathBuf, ConfigError> {
            let told = configuration.value::<PathBuf>(key)?;
            Ok(told.unwrap_or_else(|| otherwise.into()))
        };
        Ok(Self {
            clock,
            name: configuration.shared()?.node.name,
            services,
            mta: Some(folder("mta.control", place::MTA_CONTROL)?),
            logger: match has_logger {
                true => Some(folder("logger.control", place::LOGGER_CONTROL)?),
                false => None,
            },
            folders: [
                ("store", "store.state", place::STORE_STATE),
                ("queue", "mta.state", place::MTA_STATE),
                (
                    "directory",
                    "directory-server.state",
                    place::DIRECTORY_STATE,
                ),
                ("logger", "logger.state", place::LOGGER_STATE),
            ]
            .into_iter()
            .map(|(purpose, key, otherwise)| Ok((purpose, folder(key, otherwise)?)))
            .collect::<Result<_, ConfigError>>()?,
        })
    }

    /// Watches another node, whose daemons serve their health pages at these places. Of its queue is
    /// known what its mta counts, and nothing of its volumes. Names that are no daemon's are passed over.
    #[must_use]
    pub fn of_other(name: &str, places: &BTreeMap<String, ListenSpec>, clock: Clock) -> Self {
        let daemons = (1..).zip(place::DAEMONS);
        let services = daemons.filter_map(|(index, daemon)| {
            Some(Watched {
                index,
                name: daemon.name,
                at: places.get(daemon.name)?.clone(),
                was: None,
            })
        });
        Self {
            clock,
            name: name.to_owned(),
            services: services.collect(),
            mta: None,
            logger: None,
            folders: Vec::new(),
        }
    }

    /// Asks everybody, one after the other.
    pub async fn look(&mut self) -> Node {
        let mut services = Vec::with_capacity(self.services.len());
        for watched in &mut self.services {
            services.push(watched.look(self.clock.now()).await);
        }
        let volumes = (1..).zip(&self.folders);
        Node {
            at: self.clock.now(),
            name: self.name.clone(),
            services,
            queue: self.queue().await,
            alerts: self.alerts().await,
            volumes: volumes
                .filter_map(|(index, (purpose, folder))| Volume::look(index, purpose, folder))
                .collect(),
        }
    }

    async fn alerts(&self) -> Option<Vec<crate::Alert>> {
        let client = Client::socket(self.logger.as_deref()?);
        match timeout(ANSWER_MAX, client.get::<Told>("/alerts")).await {
            Ok(Ok(told)) => Some(told.firing()),
            Ok(Err(error)) => {
                tracing::debug!(%error, "the alerts cannot be seen");
                None
            }
            Err(_) => None,
        }
    }

    async fn queue(&self) -> Option<Vec<crate::Destination>> {
        let path = format!("/queue?limit={QUEUE_MAX}");
        let client = Client::socket(self.mta.as_deref()?);
        match timeout(ANSWER_MAX, client.get::<Vec<Entry>>(&path)).await {
            Ok(Ok(entries)) => Some(by_destination(&entries)),
            Ok(Err(error)) => {
                tracing::debug!(%error, "the queue cannot be seen");
                None
            }
            Err(_) => None,
        }
    }
}

impl Watched {
    async fn look(&mut self, now: Timestamp) -> Service {
        let client = Client::at(self.at.clone());
        let (state, reason) = readiness(&client).await;
        let figures = match state {
            State::Down => Figures::default(),
            State::Up | State::NotReady => figures(&client).await,
        };
        let since = match self.was {
            Some((was, since)) if was == state => since,
            _ => now,
        };
        self.was = Some((state, since));
        Service {
            index: self.index,
            name: self.name,
            state,
            since,
            reason,
            figures,
        }
    }
}

async fn readiness(client: &Client) -> (State, String) {
    match page(client, "/readyz").await.and_then(|body| {
        let read = Readiness::read(&body);
        read.map_err(|error| format!("its answer cannot be understood: {error}"))
    }) {
        Ok(Readiness { ready: true, .. }) => (State::Up, String::new()),
        Ok(readiness) => (State::NotReady, readiness.to_string()),
        Err(error) => (State::Down, error),
    }
}

async fn figures(client: &Client) -> Figures {
    match page(client, "/metrics").await {
        Ok(body) => Figures::read(&String::from_utf8_lossy(&body)),
        Err(error) => {
            tracing::debug!(error, "a daemon does not tell its metrics");
            Figures::default()
        }
    }
}

async fn page(client: &Client, path: &str) -> Result<Bytes, String> {
    let asked = client.exchange(Method::GET, path, Bytes::new());
    match timeout(ANSWER_MAX, asked).await {
        Ok(Ok((_, body))) => Ok(body),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {} s", ANSWER_MAX.as_secs())),
    }
}

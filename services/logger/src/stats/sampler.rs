//! Looking at the nodes, again and again, and keeping what was seen.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use roost_kit::Kit;
use roost_kit::clock::Clock;
use roost_kit::config::{ConfigError, Configuration};
use roost_kit::fields::Chain;
use roost_kit::health::Health;
use roost_node::{Node, Watcher};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use super::config::Statistics;
use super::database::Database;
use super::host::{self, Host, HostFigures};
use super::metrics::Counts;
use super::minute::{Gatherer, Minute};
use super::series::{Reading, readings};
use super::store::Store;

/// The part of the daemon that is ill while figures cannot be kept.
const PART: &str = "statistics";

/// Everything as it was at a moment.
#[derive(Debug, Clone)]
pub struct Look {
    /// When.
    pub at: Timestamp,
    /// This node first, then the others in the order of their names.
    pub nodes: Vec<Node>,
    /// This node's host.
    pub host: HostFigures,
}

impl Look {
    /// This node.
    #[must_use]
    pub fn own(&self) -> Option<&Node> {
        self.nodes.first()
    }
}

/// Who looks.
pub(crate) struct Sampler {
    own: Watcher,
    others: Vec<Watcher>,
    host: Host,
    gatherer: Gatherer,
    interval: Duration,
    clock: Clock,
    health: Health,
    store: Arc<Store>,
    database: Database,
    counts: Counts,
    looks: watch::Sender<Option<Arc<Look>>>,
    is_told_of_room: bool,
}

impl Sampler {
    pub(crate) fn new(
        kit: &Kit,
        configuration: &Configuration,
        settings: &Statistics,
        (store, database): (Arc<Store>, Database),
        looks: watch::Sender<Option<Arc<Look>>>,
    ) -> Result<Self, ConfigError> {
        let others = settings.nodes.iter();
        let others =
            others.map(|(name, places)| Watcher::of_other(name, places, kit.clock.clone()));
        Ok(Self {
            own: Watcher::new(configuration, kit.clock.clone())?,
            others: others.collect(),
            host: Host::default(),
            gatherer: Gatherer::default(),
            interval: settings.interval.duration(),
            clock: kit.clock.clone(),
            health: kit.health.clone(),
            store,
            database,
            counts: Counts::new(&kit.metrics),
            looks,
            is_told_of_room: false,
        })
    }

    /// Looks until the daemon stops, and keeps the minute that is open then.
    pub(crate) async fn run(mut self, kit: Kit) -> anyhow::Result<()> {
        let stopping = kit.tasks.stopping();
        let mut ticks = tokio::time::interval(self.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            // Cancel-safe: the token and the interval keep nothing, and a look that is cut short is
            // not needed any more.
            tokio::select! {
                () = stopping.cancelled() => break,
                () = async {
                    ticks.tick().await;
                    let look = self.look().await;
                    self.take(look).await;
                } => {}
            }
        }
        if let Some(minute) = self.gatherer.close() {
            self.keep(&minute).await;
        }
        self.database.close().await;
        Ok(())
    }

    async fn look(&mut self) -> Look {
        let began = self.clock.instant();
        let others = join_all(self.others.iter_mut().map(Watcher::look));
        let (own, others) = tokio::join!(self.own.look(), others);
        let look = Look {
            at: self.clock.now(),
            nodes: std::iter::once(own).chain(others).collect(),
            host: self.host.look(),
        };
        let took = self.clock.instant().duration_since(began);
        self.counts.looked(&look, took);
        look
    }

    async fn take(&mut self, look: Look) {
        let done = self.gatherer.take(look.at.as_second(), all_readings(&look));
        self.looks.send_replace(Some(Arc::new(look)));
        if let Some(minute) = done {
            self.keep(&minute).await;
        }
    }

    /// Keeps a minute. One that cannot be kept is lost; the next one is tried again.
    async fn keep(&mut self, minute: &Minute) {
        match self.store.write(minute).await {
            Ok(written) => {
                self.health.well(PART);
                self.counts.wrote(&written, self.database.size().await.ok());
                if written.refused > 0 && !self.is_told_of_room {
                    self.is_told_of_room = true;
                    tracing::warn!(
                        refused = written.refused,
                        "there is no room for more series (raise `series` in [statistics])"
                    );
                }
            }
            Err(error) => self.health.ill(PART, Chain(&error).to_string()),
        }
    }
}

/// Everything of a look that is kept.
fn all_readings(look: &Look) -> Vec<Reading> {
    let daemons = look.nodes.iter().flat_map(|node| {
        let services = node.services.iter();
        services.flat_map(|service| readings(&node.name, service.name, &service.figures))
    });
    let own = look.own();
    let host = own.map(|node| host::readings(&node.name, &look.host, &node.volumes));
    daemons.chain(host.into_iter().flatten()).collect()
}

//! What goes on beside the sessions: looking whether the store and the directory can serve, figures,
//! and the end.

use std::sync::Arc;
use std::time::Duration;

use roost_core_directory::client::Directory;
use roost_kit::Kit;
use roost_kit::fields::Chain;
use roost_kit::health::Health;
use roost_mailbox::Store;
use tokio::time::{MissedTickBehavior, interval};

use crate::accounts::Accounts;
use crate::door::Porter;
use crate::metrics::StoreFigures;

/// How often it is looked.
const PERIOD: Duration = Duration::from_secs(5);
/// What is said while the journal has more than can be brought into metadata and files.
const METADATA_BEHIND: &str = "changes are safe in the journal, but metadata or message files \
     cannot be written: see to the disk of the store's state";

/// Watches until sessions have ended, then closes the store.
pub(crate) fn begin<A: Accounts>(
    kit: &Kit,
    store: &Store,
    directory: &Directory,
    porter: &Arc<Porter<A>>,
) {
    let watch = Watch {
        store: store.clone(),
        directory: directory.clone(),
        porter: Arc::clone(porter),
        health: kit.health.clone(),
        figures: StoreFigures::new(&kit.metrics),
    };
    for damage in store.damage() {
        tracing::error!(%damage, "part of the journal is damaged and was set aside");
    }
    let stopping = kit.tasks.stopping();
    kit.tasks.spawn_worker("store", async move {
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            // Cancel-safe: the token and the interval have no state in their futures, and a look
            // that is cut short is taken again or not needed any more.
            tokio::select! {
                () = stopping.cancelled() => break,
                () = async {
                    ticks.tick().await;
                    watch.look().await;
                } => {}
            }
        }
        watch.store.close().await?;
        Ok(())
    });
}

struct Watch<A> {
    store: Store,
    directory: Directory,
    porter: Arc<Porter<A>>,
    health: Health,
    figures: StoreFigures,
}

impl<A: Accounts> Watch<A> {
    async fn look(&self) {
        match self.store.check() {
            Ok(()) => self.health.well("store"),
            Err(error) => self.health.ill("store", Chain(&error).to_string()),
        }
        let stats = self.store.stats();
        match stats.failing {
            true => self.health.ill("metadata", METADATA_BEHIND),
            false => self.health.well("metadata"),
        }
        self.figures.show(&stats);
        match self.directory.ping().await {
            Ok(()) => {
                self.health.well("directory");
                self.porter.learn_scram().await;
            }
            Err(error) => self.health.ill("directory", Chain(&error).to_string()),
        }
    }
}

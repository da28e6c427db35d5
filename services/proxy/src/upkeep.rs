//! Looking whether the directory answers, and what the other proxies know.

use std::sync::Arc;
use std::time::Duration;

use roost_core_directory::client::Directory;
use roost_kit::Kit;
use roost_kit::fields::Chain;
use tokio::time::{MissedTickBehavior, interval};

use crate::door::Porter;

/// How often it is looked.
const PERIOD: Duration = Duration::from_secs(5);
/// How often it is looked whom the other proxies have shut out.
const LEARN_PERIOD: Duration = Duration::from_millis(700);

/// Begins to look.
pub(crate) fn begin(kit: &Kit, directory: Directory, porter: Arc<Porter>) {
    let stopping = kit.tasks.stopping();
    let health = kit.health.clone();
    kit.tasks.spawn_worker("upkeep", async move {
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            // Cancel-safe: a look that is cut short is not needed any more.
            tokio::select! {
                () = stopping.cancelled() => return Ok(()),
                () = async {
                    ticks.tick().await;
                    match directory.ping().await {
                        Ok(()) => {
                            health.well("directory");
                            porter.learn_scram().await;
                        }
                        Err(error) => health.ill("directory", Chain(&error).to_string()),
                    }
                    // Those whose time is over leave the figures.
                    porter.bans.list();
                } => {}
            }
        }
    });
}

/// Begins to learn from the other proxies.
pub(crate) fn begin_to_learn(kit: &Kit, porter: Arc<Porter>) {
    let stopping = kit.tasks.stopping();
    kit.tasks.spawn_worker("bans", async move {
        let mut ticks = interval(LEARN_PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            // Cancel-safe: what is not learnt now is learnt at the next start.
            tokio::select! {
                () = stopping.cancelled() => return Ok(()),
                () = async {
                    ticks.tick().await;
                    porter.bans.learn().await;
                } => {}
            }
        }
    });
}

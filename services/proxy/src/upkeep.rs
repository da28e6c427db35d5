//! Looking whether the directory answers.

use std::sync::Arc;
use std::time::Duration;

use roost_core_directory::client::Directory;
use roost_kit::Kit;
use roost_kit::fields::Chain;
use tokio::time::{MissedTickBehavior, interval};

use crate::door::Porter;

/// How often it is looked.
const PERIOD: Duration = Duration::from_secs(5);

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

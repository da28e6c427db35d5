//! From configuration to serving.

use std::sync::Arc;
use std::time::Duration;

use roost_kit::Kit;
use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;

use crate::agent::Agent;
use crate::config::{Config, Thresholds};
use crate::notices::{Notice, Notices};
use roost_node::{Node, Watcher};

/// Notices that wait for the master agent; more are dropped, and said to be.
const NOTICES_MAX: usize = 256;

/// Looks at the node, and then tells the master agent of it from then on.
pub async fn start(config: Config, kit: Kit) -> anyhow::Result<()> {
    let configuration = Arc::clone(&kit.configuration.borrow());
    let mut watcher = Watcher::new(&configuration, kit.clock.clone())?;
    let first = Arc::new(watcher.look().await);
    let (looks, node) = watch::channel(first);
    let (news, notices) = mpsc::channel(NOTICES_MAX);
    let interval = config.interval.duration();
    let thresholds = config.notify;
    let agent = Agent::new(&kit, config, node, notices);
    let watching = watch_node(kit.clone(), watcher, interval, thresholds, looks, news);
    kit.tasks.spawn_worker("watcher", watching);
    kit.tasks.spawn_worker("agent", agent.run(kit.clone()));
    Ok(())
}

async fn watch_node(
    kit: Kit,
    mut watcher: Watcher,
    interval: Duration,
    thresholds: Thresholds,
    looks: watch::Sender<Arc<Node>>,
    news: mpsc::Sender<Notice>,
) -> anyhow::Result<()> {
    let stopping = kit.tasks.draining();
    let mut notices = Notices::default();
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stopping.cancelled() => return Ok(()),
            _ = ticks.tick() => {}
        }
        let node = tokio::select! {
            () = stopping.cancelled() => return Ok(()),
            node = watcher.look() => Arc::new(node),
        };
        for notice in notices.after(&node, &thresholds) {
            if let Err(mpsc::error::TrySendError::Full(notice)) = news.try_send(notice) {
                tracing::warn!(
                    notification = ?notice.what,
                    "dropped: too many notifications wait for the master agent"
                );
            }
        }
        looks.send_replace(node);
    }
}

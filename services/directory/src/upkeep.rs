//! What goes on beside the sessions: looking whether the directory can serve, and the end.
//!
//! A full disk does not make it unready: it refuses changes, and everybody is still found.

use std::sync::Arc;
use std::time::Duration;

use roost_kit::Kit;
use roost_kit::fields::Chain;
use roost_kit::health::Health;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::directory::Directory;

/// How often it is looked.
const PERIOD: Duration = Duration::from_secs(5);
/// How long the database may take to answer: a disk that hangs is no directory.
const ANSWER_MAX: Duration = Duration::from_secs(20);

/// Watches until sessions have ended, then folds the write-ahead log into the database.
pub(crate) fn begin(kit: &Kit, directory: Arc<Directory>) {
    let watch = Watch {
        directory,
        health: kit.health.clone(),
    };
    let stopping = kit.tasks.stopping();
    kit.tasks.spawn_worker("database", async move {
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            // Cancel-safe: the token and the interval have no state in their futures, and a look
            // that is cut short is not needed any more.
            tokio::select! {
                () = stopping.cancelled() => break,
                () = async {
                    ticks.tick().await;
                    watch.look().await;
                } => {}
            }
        }
        watch.directory.store.close().await;
        Ok(())
    });
}

struct Watch {
    directory: Arc<Directory>,
    health: Health,
}

impl Watch {
    async fn look(&self) {
        match timeout(ANSWER_MAX, self.directory.store.check()).await {
            Ok(Ok(())) => self.health.well("database"),
            Ok(Err(error)) => self.health.ill("database", Chain(&error).to_string()),
            Err(_) => {
                let seconds = ANSWER_MAX.as_secs();
                let reason = format!("does not answer within {seconds} s (look at its disk)");
                self.health.ill("database", reason);
            }
        }
    }
}

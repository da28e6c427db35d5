//! What goes on beside mail: checkpoints, figures, looking whether the directory answers, the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use roost_core_directory::client::Directory;
use roost_kit::Kit;
use roost_kit::clock::Clock;
use roost_kit::fields::Chain;
use roost_kit::health::Health;
use tokio::time::{MissedTickBehavior, interval};

use crate::dispatch::Dispatcher;
use crate::inbound::policy::Present;
use crate::metrics::Counts;
use crate::outbound::Dns;
use crate::queue::{Pace, Queue, checkpoint};
use crate::route::{Addresses, Router};
use crate::schedule::since;

/// How often it is looked.
const PERIOD: Duration = Duration::from_secs(5);

/// What is looked after.
pub(crate) struct Upkeep<A: Addresses, D: Dns> {
    /// The queue.
    pub(crate) queue: Arc<Queue>,
    /// The dispatcher.
    pub(crate) dispatcher: Arc<Dispatcher<A, D>>,
    /// The router.
    pub(crate) router: Arc<Router<A>>,
    /// The directory.
    pub(crate) directory: Directory,
    /// What it says about all mail.
    pub(crate) policy: Arc<Present>,
    /// This node's name in the directory.
    pub(crate) node: String,
    /// After how many bytes of journal a checkpoint is made.
    pub(crate) checkpoint: Arc<AtomicU64>,
    /// Whether senders are kept waiting.
    pub(crate) slowed: AtomicBool,
    /// What is counted.
    pub(crate) counts: Counts,
    /// What keeps us from serving.
    pub(crate) health: Health,
    /// What time it is.
    pub(crate) clock: Clock,
}

impl<A: Addresses, D: Dns> Upkeep<A, D> {
    /// Looks after all of it until sessions have ended. A queue that cannot be written ends the
    /// daemon: only a restart knows what is on the disk.
    pub(crate) fn begin(self, kit: &Kit) {
        let stopping = kit.tasks.stopping();
        kit.tasks.spawn_worker("queue", async move {
            let mut ticks = interval(PERIOD);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                // Cancel-safe: the token, the interval and the failure have no state in their
                // futures, and a look that is cut short is taken again or not needed any more.
                tokio::select! {
                    () = stopping.cancelled() => return Ok(()),
                    () = self.queue.failed() => {
                        anyhow::bail!("the queue's journal cannot be written any more");
                    }
                    () = async {
                        ticks.tick().await;
                        self.look().await;
                    } => {}
                }
            }
        });
    }

    async fn look(&self) {
        match self.queue.check() {
            Ok(pace) => {
                self.health.well("queue");
                self.tell_pace(pace);
            }
            Err(error) => self.health.ill("queue", Chain(&error).to_string()),
        }
        self.show();
        self.ask_directory().await;
        self.dispatcher.tidy();
        if self
            .queue
            .checkpoint_is_due(self.checkpoint.load(Ordering::Relaxed))
        {
            self.make_checkpoint().await;
        }
    }

    /// Says once that senders are kept waiting, and once that they are not.
    fn tell_pace(&self, pace: Pace) {
        let slowed = matches!(pace, Pace::Slowed(_));
        if self.slowed.swap(slowed, Ordering::Relaxed) == slowed {
            return;
        }
        match slowed {
            true => tracing::warn!(
                "new mail is taken slowly: the queue's disk has less than twice what must stay free \
                 (make room, or see `roostctl queue list` for what fills it)"
            ),
            false => tracing::info!("new mail is taken as fast as it comes again"),
        }
    }

    fn show(&self) {
        let gauge = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let oldest = self
            .queue
            .oldest()
            .map(|arrived| since(arrived, self.clock.now()));
        self.counts.queued.set(gauge(self.queue.len() as u64));
        self.counts
            .oldest
            .set(gauge(oldest.unwrap_or_default().as_secs()));
        self.counts
            .connections
            .set(self.dispatcher.connections().into());
        self.counts.flushes.set(gauge(self.queue.stats().flushes));
    }

    async fn ask_directory(&self) {
        // What holds may come from memory; whether the directory answers is another question.
        match self.directory.ping().await {
            Ok(()) => self.health.well("directory"),
            Err(error) => self.health.ill("directory", Chain(&error).to_string()),
        }
        match self.policy.refresh(&self.directory, &self.node).await {
            Ok(()) => self.router.set_relay(self.policy.get().relay.clone()),
            Err(error) => tracing::debug!(error = %Chain(&error), "the policy stays as it was"),
        }
    }

    async fn make_checkpoint(&self) {
        match self.queue.checkpoint().await {
            Ok(()) => tracing::debug!("checkpoint made"),
            Err(error) if checkpoint::is_transient(&error) => {
                let error = Chain(&error);
                tracing::warn!(%error, "a checkpoint of the queue could not be made; the journal grows");
            }
            // Reported by the watcher of the journal.
            Err(_) => {}
        }
    }
}

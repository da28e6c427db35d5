//! The dispatcher: takes messages out of the queue when they are due, finds where their recipients
//! go, keeps connections busy, and writes down what came of it.
//!
//! All decisions are in [`desk`] and [`destinations`] (pure), in the router, and in the message
//! itself; here is what runs. Nothing here has to survive a restart: the queue does.

mod deliver;
pub mod desk;
pub mod destinations;
mod notice;
mod plan;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::Mutex;
use rand::rngs::StdRng;
use roost_kit::clock::Clock;
use roost_kit::tasks::Tasks;
use tokio::sync::Notify;

use crate::metrics::Counts;
use crate::outbound::{Courier, Dns, Ways};
use crate::outcome::{Fate, Outcome, status};
use crate::queue::message::{Attempt, Message};
use crate::queue::{Queue, QueueError, QueueId};
use crate::route::{Addresses, Router};
use crate::schedule::Lifetime;
use desk::{Desk, Whereabouts};
use destinations::Concurrency;

/// How long a message waits to be looked at when nothing else is known to happen: long enough to
/// cost nothing, short enough that a mailbox that moved is found.
const LOOK_AGAIN: Duration = Duration::from_secs(30 * 60);

/// How long the dispatcher sleeps at most: bounds what a clock that was set can do.
const SLEEP_MAX: Duration = Duration::from_secs(60);

/// What the dispatcher is made of.
pub struct Parts<A: Addresses, D: Dns> {
    /// The queue.
    pub queue: Arc<Queue>,
    /// Where mail goes.
    pub router: Arc<Router<A>>,
    /// How it gets there.
    pub courier: Courier<D>,
    /// Who runs.
    pub tasks: Tasks,
    /// What time it is.
    pub clock: Clock,
    /// How long messages live.
    pub lifetime: Lifetime,
    /// How many connections there may be.
    pub concurrency: Concurrency,
    /// What is counted.
    pub counts: Counts,
    /// Where jitter comes from.
    pub random: StdRng,
}

/// The dispatcher.
pub struct Dispatcher<A: Addresses, D: Dns> {
    queue: Arc<Queue>,
    router: Arc<Router<A>>,
    courier: Courier<D>,
    tasks: Tasks,
    clock: Clock,
    lifetime: Mutex<Lifetime>,
    counts: Counts,
    random: Mutex<StdRng>,
    desk: Mutex<Desk>,
    /// Messages whose notices are being written.
    settling: Mutex<HashSet<QueueId>>,
    /// There is something to do.
    wake: Notify,
    /// There are new jobs, perhaps for an idle connection.
    jobs: Notify,
}

impl<A: Addresses, D: Dns> Dispatcher<A, D> {
    /// A dispatcher that will look at everything in the queue.
    #[must_use]
    pub fn new(parts: Parts<A, D>) -> Arc<Self> {
        let dispatcher = Self {
            desk: Mutex::new(Desk::new(parts.concurrency)),
            queue: parts.queue,
            router: parts.router,
            courier: parts.courier,
            tasks: parts.tasks,
            clock: parts.clock,
            lifetime: Mutex::new(parts.lifetime),
            counts: parts.counts,
            random: Mutex::new(parts.random),
            settling: Mutex::default(),
            wake: Notify::new(),
            jobs: Notify::new(),
        };
        let waiting = dispatcher.queue.list();
        for (id, message) in waiting {
            if !message.held {
                let retries = message
                    .pending()
                    .filter_map(|(_, _, progress)| progress.retry_at);
                let due = retries.min().unwrap_or(Timestamp::MIN);
                dispatcher.desk.lock().schedule(id, due);
            }
        }
        Arc::new(dispatcher)
    }

    /// Delivers a message that has entered the queue.
    pub fn submit(&self, id: QueueId) {
        self.desk.lock().schedule(id, Timestamp::MIN);
        self.wake.notify_one();
    }

    /// The queue.
    #[must_use]
    pub fn queue(&self) -> &Arc<Queue> {
        &self.queue
    }

    /// What a message is up to.
    #[must_use]
    pub fn whereabouts(&self, id: QueueId) -> Whereabouts {
        self.desk.lock().whereabouts(id)
    }

    /// How long messages live.
    fn lifetime(&self) -> Lifetime {
        *self.lifetime.lock()
    }

    /// Other settings hold from now on, for what is in the queue too.
    pub fn set(&self, lifetime: Lifetime, concurrency: Concurrency, ways: Arc<Ways>) {
        *self.lifetime.lock() = lifetime;
        *self.courier.ways.write() = ways;
        self.desk.lock().destinations.set_concurrency(concurrency);
        for (id, _) in self.queue.list() {
            self.desk.lock().schedule_by(id, Timestamp::MIN);
        }
        self.wake.notify_one();
    }

    /// Tries a message at once, whatever its schedule and that of its destinations says.
    pub fn retry(&self, id: QueueId) {
        {
            let mut desk = self.desk.lock();
            for hop in desk.hops(id) {
                desk.destinations.retry(&hop);
            }
            desk.hurry(id);
        }
        self.wake.notify_one();
    }

    /// Keeps a message back.
    ///
    /// # Errors
    /// If there is no such message, or it cannot be recorded.
    pub async fn hold(&self, id: QueueId) -> Result<(), QueueError> {
        self.queue.hold(id, true).await?;
        self.desk.lock().forget(id);
        Ok(())
    }

    /// Lets a message go again.
    ///
    /// # Errors
    /// As [`Dispatcher::hold`].
    pub async fn release(&self, id: QueueId) -> Result<(), QueueError> {
        self.queue.hold(id, false).await?;
        self.submit(id);
        Ok(())
    }

    /// Removes a message without telling anybody.
    ///
    /// # Errors
    /// As [`Dispatcher::hold`].
    pub async fn delete(&self, id: QueueId) -> Result<(), QueueError> {
        self.queue.delete(id).await?;
        self.desk.lock().forget(id);
        Ok(())
    }

    /// Removes a message and tells its sender.
    ///
    /// # Errors
    /// As [`Dispatcher::hold`].
    pub async fn bounce(&self, id: QueueId) -> Result<(), QueueError> {
        let message = self.queue.get(id).ok_or(QueueError::NotFound(id))?;
        let now = self.clock.now();
        let text = "an administrator removed the message from the queue";
        let attempts = message.pending().map(|(recipient, _, progress)| Attempt {
            recipient,
            number: progress.attempts,
            outcome: Outcome::ours(Fate::Failed, status::REMOVED, text, now),
            retry_at: None,
        });
        self.queue.attempted(id, attempts.collect()).await?;
        self.desk.lock().forget(id);
        self.settle(id).await;
        Ok(())
    }

    /// When a message is given up.
    #[must_use]
    pub fn expires(&self, message: &Message) -> Timestamp {
        message.expires(&self.lifetime())
    }

    /// Runs until the drain: plans what is due, opens connections.
    pub async fn run(self: Arc<Self>) {
        let draining = self.tasks.draining();
        loop {
            let woken = self.wake.notified();
            self.start_all();
            let sleep = self.until_next();
            // Cancel-safe: a notification that is not received is kept for the next turn.
            tokio::select! {
                () = woken => {}
                () = tokio::time::sleep(sleep) => {}
                () = draining.cancelled() => return,
            }
        }
    }

    fn start_all(self: &Arc<Self>) {
        let now = self.clock.now();
        let (due, hops) = {
            let mut desk = self.desk.lock();
            let due: Vec<_> = std::iter::from_fn(|| desk.next_due(now)).collect();
            let hops: Vec<_> = std::iter::from_fn(|| desk.destinations.start(now)).collect();
            (due, hops)
        };
        for id in due {
            let dispatcher = Arc::clone(self);
            self.tasks
                .spawn("plan", async move { dispatcher.plan(id).await });
        }
        for hop in hops {
            let dispatcher = Arc::clone(self);
            self.tasks
                .spawn("delivery", async move { dispatcher.serve(hop).await });
        }
    }

    fn until_next(&self) -> Duration {
        let deadline = self.desk.lock().deadline();
        let Some(deadline) = deadline else {
            return SLEEP_MAX;
        };
        let left = deadline.duration_since(self.clock.now());
        // A deadline in the past that could not be met waits for a notification, not for time.
        Duration::try_from(left)
            .unwrap_or(Duration::from_millis(10))
            .min(SLEEP_MAX)
    }

    /// Looks at a message again when the next thing about it is due; forgets it if it has left.
    fn reschedule(&self, id: QueueId) {
        let Some(message) = self.queue.get(id) else {
            self.desk.lock().forget(id);
            return;
        };
        if message.held {
            return;
        }
        let now = self.clock.now();
        let retries = message
            .pending()
            .filter_map(|(_, _, progress)| progress.retry_at);
        let due = retries
            .filter(|retry| *retry > now)
            .chain(message.warning_at(&self.lifetime()))
            .chain([
                message.expires(&self.lifetime()),
                crate::schedule::later(now, LOOK_AGAIN),
            ])
            .min()
            .unwrap_or(now);
        self.desk.lock().schedule(id, due.max(now));
        self.wake.notify_one();
    }

    /// All destinations, for figures.
    #[must_use]
    pub fn connections(&self) -> u32 {
        self.desk.lock().destinations.connections()
    }

    /// Drops what dead destinations keep for messages that are gone.
    pub fn tidy(&self) {
        self.desk.lock().tidy();
    }
}

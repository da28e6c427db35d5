//! Connections at work: jobs over them, and what came of each.

use std::sync::Arc;
use std::time::Duration;

use roost_kit::fields;
use roost_proto_smtp::{Recipient as Rcpt, ReversePath};

use super::Dispatcher;
use super::destinations::Job;
use crate::limits::{IDLE_LOCAL, IDLE_REMOTE, MESSAGES_PER_CONNECTION};
use crate::outbound::{Carried, Connection, Dns, Parcel, Tried, Unreachable};
use crate::outcome::{Fate, Outcome};
use crate::queue::content::Source;
use crate::queue::message::{Attempt, Message};
use crate::queue::state::Change;
use crate::queue::{QueueError, QueueId};
use crate::route::{Addresses, Hop};
use crate::schedule::{Backoff, later, since};

/// How long a failure waits for the message's other deliveries, so that one notice tells all.
const NOTICE_GRACE: Duration = Duration::from_secs(30);

/// What to do after a message.
enum After {
    /// The next one.
    Next,
    /// The connection turned out to be closed already; the job is back in its queue.
    Closed,
    /// The host went away: the job may be another's, or these are its outcomes.
    Broken(Job, Vec<Outcome>),
}

impl<A: Addresses, D: Dns> Dispatcher<A, D> {
    /// One connection's life.
    pub(super) async fn serve(&self, hop: Hop) {
        self.deliver(&hop).await;
        self.desk.lock().destinations.closed(&hop);
        self.wake.notify_one();
    }

    async fn deliver(&self, hop: &Hop) {
        let Some(job) = self.take(hop) else {
            return;
        };
        let mut tried = Tried::default();
        match self.courier.connect(hop, &mut tried).await {
            Ok(connection) => {
                self.desk.lock().destinations.reached(hop);
                self.wake.notify_one();
                self.carry_all(hop, connection, job, tried).await;
            }
            Err(Unreachable::Later(status, why)) => {
                self.park(hop, job, &format!("{why} ({status})"))
            }
            Err(Unreachable::Never(status, why)) => {
                let mut next = Some(job);
                while let Some(job) = next {
                    let outcome = Outcome::ours(Fate::Failed, status, &*why, self.clock.now());
                    let outcomes = vec![outcome; job.recipients.len()];
                    self.report(hop, &job, "none", outcomes).await;
                    next = self.take(hop);
                }
            }
        }
    }

    fn take(&self, hop: &Hop) -> Option<Job> {
        self.desk.lock().take(hop)
    }

    /// The destination is down: its mail waits in its queue.
    fn park(&self, hop: &Hop, job: Job, why: &str) {
        let now = self.clock.now();
        let message = self.queue.get(job.id);
        let recipients = message.map(|message| {
            let waiting = job.recipients.iter();
            let addresses = waiting.filter_map(|index| message.recipient(*index));
            let addresses = addresses.map(|recipient| recipient.address.to_string());
            fields::Escaped(addresses.collect::<Vec<_>>().join(" ").as_bytes()).to_string()
        });
        tracing::info!(
            { fields::QUEUE_ID } = %job.id,
            { fields::RECIPIENTS } = recipients,
            destination = %hop,
            reason = why,
            "destination cannot be reached; its mail waits"
        );
        self.counts.unreachable.inc();
        let mut desk = self.desk.lock();
        desk.give_back(hop, job);
        desk.destinations
            .unreachable(hop, why, now, &mut *self.random.lock());
    }

    async fn carry_all(&self, hop: &Hop, mut connection: Connection, first: Job, mut tried: Tried) {
        let mut next = Some(first);
        while let Some(job) = next {
            match self.carry(hop, &mut connection, job).await {
                After::Next => {}
                After::Closed => break,
                After::Broken(job, outcomes) => {
                    let relay = connection.relay().to_owned();
                    let other = self.courier.connect(hop, &mut tried).await;
                    let Ok(other) = other else {
                        self.report(hop, &job, &relay, outcomes).await;
                        break;
                    };
                    connection = other;
                    next = Some(job);
                    continue;
                }
            }
            let spent = connection.messages() >= MESSAGES_PER_CONNECTION;
            if !connection.is_usable() || spent || self.tasks.draining().is_cancelled() {
                break;
            }
            next = self.next_job(hop).await;
        }
        connection.quit().await;
    }

    /// The next job, which may take a moment to come.
    async fn next_job(&self, hop: &Hop) -> Option<Job> {
        let idle = match hop.is_local() {
            true => IDLE_LOCAL,
            false => IDLE_REMOTE,
        };
        if let Some(job) = self.take(hop) {
            return Some(job);
        }
        self.desk.lock().destinations.idle(hop, true);
        let draining = self.tasks.draining();
        let waiting = async {
            loop {
                let news = self.jobs.notified();
                tokio::pin!(news);
                news.as_mut().enable();
                if let Some(job) = self.take(hop) {
                    return job;
                }
                news.await;
            }
        };
        // Cancel-safe: a job is taken and returned without an await between.
        let job = tokio::select! {
            job = waiting => Some(job),
            () = tokio::time::sleep(idle) => None,
            () = draining.cancelled() => None,
        };
        self.desk.lock().destinations.idle(hop, false);
        job
    }

    /// One message over a connection.
    async fn carry(&self, hop: &Hop, connection: &mut Connection, job: Job) -> After {
        let Some(message) = self.queue.get(job.id).filter(|message| !message.held) else {
            self.desk.lock().done(&job);
            return After::Next;
        };
        let Some(parcel) = parcel(&message, &job) else {
            self.desk.lock().done(&job);
            return After::Next;
        };
        let source = Source::new(Arc::clone(&self.queue), job.id);
        match connection.carry(&parcel, &source, &self.clock).await {
            Carried::Stale => {
                self.desk.lock().give_back(hop, job);
                self.wake.notify_one();
                After::Closed
            }
            Carried::Broken(outcomes) => After::Broken(job, outcomes),
            Carried::Outcomes(outcomes) => {
                let relay = connection.relay().to_owned();
                self.report(hop, &job, &relay, outcomes).await;
                After::Next
            }
        }
    }

    /// Writes down what came of a job.
    async fn report(&self, hop: &Hop, job: &Job, relay: &str, outcomes: Vec<Outcome>) {
        let backoff = match hop.is_local() {
            true => Backoff::LOCAL_MESSAGE,
            false => Backoff::MESSAGE,
        };
        let Some(message) = self.queue.get(job.id) else {
            self.desk.lock().done(job);
            return;
        };
        let results = job.recipients.iter().zip(outcomes);
        let attempts = results
            .map(|(index, outcome)| {
                let place = usize::try_from(*index).unwrap_or(usize::MAX);
                let tried = message
                    .progress
                    .get(place)
                    .map_or(0, |progress| progress.attempts);
                match outcome.fate {
                    Fate::Deferred => self.put_off(*index, tried, outcome, backoff),
                    _ => Attempt {
                        recipient: *index,
                        number: tried.saturating_add(1),
                        outcome,
                        retry_at: None,
                    },
                }
            })
            .collect();
        self.record(job.id, &message, relay, attempts).await;
        let last = self.desk.lock().done(job);
        self.after(job.id, last).await;
    }

    /// What is to be done about a message after a job.
    async fn after(&self, id: QueueId, last: bool) {
        if self.queue.get(id).is_none() {
            self.desk.lock().forget(id);
            return;
        }
        match last {
            true => self.settle(id).await,
            false => self.await_others(id),
        }
        if let Err(error) = self.queue.move_to_file(id).await {
            tracing::warn!(
                { fields::QUEUE_ID } = %id,
                error = %fields::Chain(&error),
                "the content of a waiting message stays in memory"
            );
        }
    }

    /// Gives a message's other deliveries a moment before its sender is told.
    pub(super) fn await_others(&self, id: QueueId) {
        if self
            .queue
            .get(id)
            .is_some_and(|message| !message.owed().is_empty())
        {
            let soon = later(self.clock.now(), NOTICE_GRACE);
            self.desk.lock().schedule_by(id, soon);
            self.wake.notify_one();
        }
    }

    /// Records results, and says them.
    pub(super) async fn record(
        &self,
        id: QueueId,
        message: &Arc<Message>,
        relay: &str,
        attempts: Vec<Attempt>,
    ) {
        for attempt in &attempts {
            self.say(id, message, relay, attempt);
        }
        let recorded = match self.queue.begin_attempted(id, attempts).await {
            Ok(begun) if begun.change() == Change::Left => {
                self.desk.lock().forget(id);
                let queue = Arc::clone(&self.queue);
                // Nothing about the message is left to do, so nobody has to wait for the disk.
                self.tasks.spawn("result", async move {
                    match queue.finish(begun).await {
                        Ok(()) => tracing::info!({ fields::QUEUE_ID } = %id, "done"),
                        Err(error) => not_recorded(id, &error),
                    }
                });
                Ok(())
            }
            Ok(begun) => self.queue.finish(begun).await,
            Err(error) => Err(error),
        };
        if let Err(error) = recorded {
            not_recorded(id, &error);
        }
    }

    /// The line that answers "where is my mail?".
    fn say(&self, id: QueueId, message: &Message, relay: &str, attempt: &Attempt) {
        let outcome = &attempt.outcome;
        self.counts.attempted(outcome.fate);
        let Some(recipient) = message.recipient(attempt.recipient) else {
            return;
        };
        let delay = since(message.arrived, outcome.at);
        if outcome.fate.is_final() {
            self.counts.delay.observe(delay.as_secs_f64());
        }
        tracing::info!(
            { fields::QUEUE_ID } = %id,
            { fields::FROM } = %message.envelope.sender,
            { fields::TO } = %recipient.address,
            original_to = recipient.parameters.orcpt.as_ref().map(|o| o.address.as_str()),
            { fields::RELAY } = relay,
            { fields::DELAY } = %format_args!("{:.3}", delay.as_secs_f64()),
            { fields::DSN } = %outcome.status,
            { fields::OUTCOME } = outcome.fate.word(),
            reply = %fields::Escaped(outcome.text.as_bytes()),
            "delivery"
        );
    }
}

/// The watcher of the queue ends the daemon.
fn not_recorded(id: QueueId, error: &QueueError) {
    tracing::error!(
        { fields::QUEUE_ID } = %id,
        error = %fields::Chain(error),
        "a result could not be recorded; it may be delivered again after the restart"
    );
}

/// The message with the recipients of a job; nothing if there are none.
fn parcel(message: &Message, job: &Job) -> Option<Parcel> {
    let chosen: Vec<_> = job
        .recipients
        .iter()
        .filter_map(|i| message.recipient(*i))
        .collect();
    let first = chosen.first()?;
    let sender = match (&message.envelope.sender, &first.errors_to) {
        // A notice stays a notice: what fails on its way to a list is told to nobody.
        (ReversePath::Address(_), Some(owner)) => ReversePath::Address(owner.clone()),
        (sender, _) => sender.clone(),
    };
    let mut parameters = message.envelope.parameters.clone();
    if first.errors_to.is_some() {
        // RFC 3461 §5.2.7.3: they were meant for the list, not for its members.
        parameters.envid = None;
        parameters.ret = None;
    }
    let mut envelope = roost_proto_smtp::Envelope::new(sender);
    envelope.parameters = parameters;
    envelope.recipients = chosen
        .iter()
        .map(|recipient| Rcpt {
            address: recipient.address.clone(),
            parameters: recipient.parameters.clone(),
        })
        .collect();
    let via = first.expanded_from.as_ref();
    Some(Parcel {
        envelope,
        size: message.content.length,
        prefix: via
            .map(|via| format!("Delivered-To: {via}\r\n"))
            .unwrap_or_default(),
    })
}

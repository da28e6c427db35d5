//! From a message that is due to jobs for its destinations.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;

use super::Dispatcher;
use super::desk::Plan;
use super::destinations::Lane;
use crate::limits::{LOCAL_RECIPIENTS, REMOTE_RECIPIENTS};
use crate::outbound::Dns;
use crate::outcome::{Fate, Outcome, status};
use crate::queue::QueueId;
use crate::queue::message::{Attempt, Message};
use crate::route::{Addresses, Hop, NextHop, key};
use crate::schedule::{Backoff, later};

/// How long a plan waits for deliveries of the same message that are under way.
const POSTPONED: Duration = Duration::from_secs(5);

/// Recipients asked about at the same time.
const LOOKUPS: usize = 16;

/// A message with more recipients waits in the lane that leaves room for others.
const SMALL: usize = 50;

/// Recipients that share a transaction: the same hop, sender and header.
type Group = (Hop, Option<String>, Option<String>);

impl<A: Addresses, D: Dns> Dispatcher<A, D> {
    /// Plans one message, and says so at the desk whatever comes of it.
    pub(super) async fn plan(&self, id: QueueId) {
        self.plan_message(id).await;
        self.desk.lock().plan_ended(id);
        self.jobs.notify_waiters();
        self.wake.notify_one();
    }

    async fn plan_message(&self, id: QueueId) {
        let now = self.clock.now();
        if self.desk.lock().is_running(id) {
            self.desk.lock().postpone(id, later(now, POSTPONED));
            return;
        }
        if self.queue.get(id).is_some_and(|message| message.held) {
            return;
        }
        // What others were waited for with, and that the message is late.
        if !self.tell(id).await {
            return;
        }
        let begun = self.desk.lock().begin(id);
        let Some(plan) = begun else {
            self.desk.lock().postpone(id, later(now, POSTPONED));
            return;
        };
        // As it is now that none of its jobs can begin.
        let Some(message) = self.queue.get(id) else {
            self.desk.lock().forget(id);
            return;
        };
        if message.expires(&self.lifetime()) <= now {
            self.desk.lock().planned(id, plan, Vec::new(), Lane::Later);
            let attempts = message.pending().map(|(index, _, progress)| {
                let last = progress.last.as_ref().map(|last| last.text.as_str());
                let text = expired_text(last.or(self.why_down(id).as_deref()));
                given_up(
                    index,
                    progress.attempts,
                    Outcome::ours(Fate::Failed, status::EXPIRED, text, now),
                )
            });
            let attempts = attempts.collect();
            self.record(id, &message, "none", attempts).await;
            return self.settle(id).await;
        }
        self.send_out(id, &message, now, plan).await;
        if self.desk.lock().is_under_way(id) {
            self.reschedule(id);
            self.await_others(id);
        } else {
            self.settle(id).await;
        }
    }

    /// Routes the recipients whose time has come.
    async fn send_out(&self, id: QueueId, message: &Arc<Message>, now: Timestamp, plan: Plan) {
        let is_due =
            |retry: Option<Timestamp>| plan.hurried || retry.is_none_or(|retry| retry <= now);
        let due: Vec<_> = message
            .pending()
            .filter(|(_, _, progress)| is_due(progress.retry_at))
            .map(|(index, recipient, progress)| {
                let group = (
                    recipient.errors_to.as_ref().map(key),
                    recipient.expanded_from.as_ref().map(key),
                );
                (index, recipient.address.clone(), progress.attempts, group)
            })
            .collect();
        let is_fresh = due.iter().all(|(_, _, attempts, _)| *attempts == 0) && due.len() <= SMALL;
        let mut groups: BTreeMap<Group, Vec<u32>> = BTreeMap::new();
        let mut attempts = Vec::new();
        let mut answers = stream::iter(due)
            .map(|(index, address, tried, group)| async move {
                (index, tried, group, self.router.next_hop(&address).await)
            })
            .buffered(LOOKUPS);
        while let Some((index, tried, (errors_to, via), next)) = answers.next().await {
            match next {
                NextHop::Hop(hop) => groups.entry((hop, errors_to, via)).or_default().push(index),
                NextHop::Never(status, text) => {
                    let outcome = Outcome::ours(Fate::Failed, status, text, now);
                    attempts.push(given_up(index, tried, outcome));
                }
                NextHop::Later(status, text) => {
                    let outcome = Outcome::ours(Fate::Deferred, status, text, now);
                    attempts.push(self.put_off(index, tried, outcome, Backoff::LOOKUP));
                }
            }
        }
        let lane = match is_fresh {
            true => Lane::Fresh,
            false => Lane::Later,
        };
        if !attempts.is_empty() {
            self.record(id, message, "none", attempts).await;
        }
        self.desk.lock().planned(id, plan, jobs(groups), lane);
    }

    /// A result after which nothing is tried before the next wait is over.
    pub(super) fn put_off(
        &self,
        recipient: u32,
        tried: u32,
        outcome: Outcome,
        backoff: Backoff,
    ) -> Attempt {
        let number = tried.saturating_add(1);
        let wait = backoff.wait(number, &mut *self.random.lock());
        let retry_at = Some(later(outcome.at, wait));
        Attempt {
            recipient,
            number,
            outcome,
            retry_at,
        }
    }

    fn why_down(&self, id: QueueId) -> Option<String> {
        self.desk.lock().whereabouts(id).down.map(|(_, why)| why)
    }
}

fn given_up(recipient: u32, tried: u32, outcome: Outcome) -> Attempt {
    Attempt {
        recipient,
        number: tried,
        outcome,
        retry_at: None,
    }
}

fn expired_text(last: Option<&str>) -> String {
    match last {
        Some(last) => format!("the message could not be delivered in time; last: {last}"),
        None => "the message could not be delivered in time".to_owned(),
    }
}

/// Transactions of a size that the next hop takes.
fn jobs(groups: BTreeMap<Group, Vec<u32>>) -> Vec<(Hop, Vec<u32>)> {
    let mut jobs = Vec::new();
    for ((hop, _, _), recipients) in groups {
        let most = match hop.is_local() {
            true => LOCAL_RECIPIENTS,
            false => REMOTE_RECIPIENTS,
        };
        for some in recipients.chunks(most) {
            jobs.push((hop.clone(), some.to_vec()));
        }
    }
    jobs
}

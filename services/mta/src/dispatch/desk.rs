//! Which message is looked at when, and which of its deliveries are under way. Pure.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use super::destinations::{Concurrency, Destinations, Job, Lane};
use crate::queue::QueueId;
use crate::route::Hop;

/// Messages planned at the same time: each asks the directory.
const PLANS_MAX: u32 = 32;

/// The dispatcher's memory. All of it follows from the queue: a restart begins with an empty one.
#[derive(Debug)]
pub struct Desk {
    /// The destinations' queues.
    pub destinations: Destinations,
    due: BTreeSet<(Timestamp, QueueId)>,
    works: HashMap<QueueId, Work>,
    planning: u32,
    /// Counts all plans: no two have the same number, whatever was forgotten between them.
    plans: u64,
}

/// What goes on about one message.
#[derive(Debug, Default)]
struct Work {
    due: Option<Timestamp>,
    /// The present plan, jobs of any other are dropped; 0 is none.
    plan: u64,
    /// Whether that plan tries all recipients whatever their schedule says.
    plan_hurried: bool,
    /// Jobs of the present plan that wait.
    waiting: u32,
    /// Jobs in a connection, of whatever plan.
    running: u32,
    is_planning: bool,
    /// It fell due while it was being planned.
    again: bool,
    /// An administrator wants it tried whatever its schedule says.
    hurried: bool,
    /// Where its jobs wait.
    hops: Vec<Hop>,
}

/// A plan that was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Its number, for [`Desk::planned`].
    number: u64,
    /// Whether all recipients are tried, whatever their schedule says.
    pub hurried: bool,
}

/// What a message is up to, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whereabouts {
    /// Being looked at or delivered.
    pub active: bool,
    /// When something happens next.
    pub due: Option<Timestamp>,
    /// Why the destinations that it waits for are down.
    pub down: Option<(Timestamp, String)>,
}

impl Desk {
    /// An empty desk.
    #[must_use]
    pub fn new(concurrency: Concurrency) -> Self {
        Self {
            destinations: Destinations::new(concurrency),
            due: BTreeSet::new(),
            works: HashMap::new(),
            planning: 0,
            plans: 0,
        }
    }

    /// Looks at a message at `when`, instead of when it was to be looked at; but at once if somebody
    /// is in a hurry for it.
    pub fn schedule(&mut self, id: QueueId, when: Timestamp) {
        let hurried = self.works.get(&id).is_some_and(|work| work.hurried);
        self.postpone(id, if hurried { Timestamp::MIN } else { when });
    }

    /// Looks at a message at `when`, whoever is in a hurry: it cannot be looked at before.
    pub fn postpone(&mut self, id: QueueId, when: Timestamp) {
        let work = self.works.entry(id).or_default();
        if let Some(before) = work.due.replace(when) {
            self.due.remove(&(before, id));
        }
        self.due.insert((when, id));
    }

    /// Looks at a message at `when`, unless it is looked at before anyway.
    pub fn schedule_by(&mut self, id: QueueId, when: Timestamp) {
        let due = self.works.get(&id).and_then(|work| work.due);
        if due.is_none_or(|due| due > when) {
            self.schedule(id, when);
        }
    }

    /// Looks at a message at once, and tries all of its recipients.
    pub fn hurry(&mut self, id: QueueId) {
        self.schedule(id, Timestamp::MIN);
        if let Some(work) = self.works.get_mut(&id) {
            work.hurried = true;
        }
    }

    /// The next message to be planned; [`Desk::plan_ended`] must follow. Nobody plans a message that
    /// is being planned: it comes again afterwards.
    pub fn next_due(&mut self, now: Timestamp) -> Option<QueueId> {
        while self.planning < PLANS_MAX {
            let (when, id) = self.due.first().copied().filter(|(when, _)| *when <= now)?;
            self.due.remove(&(when, id));
            let Some(work) = self.works.get_mut(&id) else {
                continue;
            };
            work.due = None;
            if work.is_planning {
                work.again = true;
                continue;
            }
            work.is_planning = true;
            self.planning += 1;
            return Some(id);
        }
        None
    }

    /// Whether a message has jobs in connections: it must not be planned then.
    #[must_use]
    pub fn is_running(&self, id: QueueId) -> bool {
        self.works.get(&id).is_some_and(|work| work.running > 0)
    }

    /// Begins to make jobs for a message; nothing while some are in connections. Those that wait are
    /// withdrawn, so that none of them is taken while others are made for the same recipients.
    pub fn begin(&mut self, id: QueueId) -> Option<Plan> {
        let work = self.works.get_mut(&id).filter(|work| work.running == 0)?;
        let unfinished = work.waiting > 0 && work.plan_hurried;
        let hurried = std::mem::take(&mut work.hurried) || unfinished;
        self.plans = self.plans.wrapping_add(1);
        work.plan = self.plans;
        work.plan_hurried = hurried;
        work.waiting = 0;
        Some(Plan {
            number: self.plans,
            hurried,
        })
    }

    /// Whether a message has jobs, waiting or in connections.
    #[must_use]
    pub fn is_under_way(&self, id: QueueId) -> bool {
        let work = self.works.get(&id);
        work.is_some_and(|work| work.running > 0 || work.waiting > 0)
    }

    /// The jobs of a plan, unless the message was forgotten since it was begun.
    pub fn planned(&mut self, id: QueueId, plan: Plan, jobs: Vec<(Hop, Vec<u32>)>, lane: Lane) {
        let plan = plan.number;
        let Some(work) = self.works.get_mut(&id).filter(|work| work.plan == plan) else {
            return;
        };
        work.waiting = u32::try_from(jobs.len()).unwrap_or(u32::MAX);
        work.hops = jobs.iter().map(|(hop, _)| hop.clone()).collect();
        work.hops.dedup();
        for (hop, recipients) in jobs {
            let job = Job {
                id,
                plan,
                recipients,
            };
            self.destinations.push(&hop, job, lane);
        }
    }

    /// The planner has finished with a message, whatever came of it.
    pub fn plan_ended(&mut self, id: QueueId) {
        self.planning = self.planning.saturating_sub(1);
        let Some(work) = self.works.get_mut(&id) else {
            return;
        };
        work.is_planning = false;
        if std::mem::take(&mut work.again) {
            self.schedule_by(id, Timestamp::MIN);
        }
        self.drop_if_over(id);
    }

    /// The next job for a connection, outdated ones left out.
    pub fn take(&mut self, hop: &Hop) -> Option<Job> {
        while let Some(job) = self.destinations.take(hop) {
            let work = self
                .works
                .get_mut(&job.id)
                .filter(|work| work.plan == job.plan);
            if let Some(work) = work {
                work.waiting = work.waiting.saturating_sub(1);
                work.running += 1;
                return Some(job);
            }
        }
        None
    }

    /// Puts a job back that was not tried.
    pub fn give_back(&mut self, hop: &Hop, job: Job) {
        let Some(work) = self.works.get_mut(&job.id) else {
            return;
        };
        work.running = work.running.saturating_sub(1);
        if work.plan == job.plan {
            work.waiting += 1;
            self.destinations.give_back(hop, job);
        } else {
            self.drop_if_over(job.id);
        }
    }

    /// A job is done; says whether the message has no other under way or waiting.
    pub fn done(&mut self, job: &Job) -> bool {
        let Some(work) = self.works.get_mut(&job.id) else {
            return false;
        };
        work.running = work.running.saturating_sub(1);
        let is_last = work.running == 0 && work.waiting == 0;
        self.drop_if_over(job.id);
        is_last
    }

    /// A message has left the queue, or is held. Its jobs are dropped when they are taken; of those
    /// in connections is remembered that they run, since it may be let go again before they end.
    pub fn forget(&mut self, id: QueueId) {
        let Some(work) = self.works.get_mut(&id) else {
            return;
        };
        let kept = Work {
            running: work.running,
            is_planning: work.is_planning,
            ..Work::default()
        };
        if let Some(due) = std::mem::replace(work, kept).due {
            self.due.remove(&(due, id));
        }
        self.drop_if_over(id);
    }

    /// Drops what is known of a message that was forgotten and about which nothing goes on any more.
    fn drop_if_over(&mut self, id: QueueId) {
        let is_over = |work: &Work| {
            work.plan == 0 && work.due.is_none() && work.running == 0 && !work.is_planning
        };
        if self.works.get(&id).is_some_and(is_over) {
            self.works.remove(&id);
        }
    }

    /// Drops outdated jobs, which a dead destination would keep.
    pub fn tidy(&mut self) {
        let works = &self.works;
        self.destinations
            .retain(|job| works.get(&job.id).is_some_and(|work| work.plan == job.plan));
    }

    /// What a message is up to.
    #[must_use]
    pub fn whereabouts(&self, id: QueueId) -> Whereabouts {
        let Some(work) = self.works.get(&id) else {
            return Whereabouts {
                active: false,
                due: None,
                down: None,
            };
        };
        let down = work.hops.iter().find_map(|hop| self.destinations.down(hop));
        let waits = work.waiting > 0 && down.is_none();
        Whereabouts {
            active: work.running > 0 || work.is_planning || waits,
            due: work.due,
            down: down.map(|down| (down.until, down.why.clone())),
        }
    }

    /// The destinations that a message waits for.
    #[must_use]
    pub fn hops(&self, id: QueueId) -> Vec<Hop> {
        self.works
            .get(&id)
            .map(|work| work.hops.clone())
            .unwrap_or_default()
    }

    /// When there is something to do next, if nothing happens before.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        let due = match self.planning >= PLANS_MAX {
            true => None,
            false => self.due.first().map(|(when, _)| *when),
        };
        let up = self.destinations.deadline();
        due.into_iter().chain(up).min()
    }
}

#[cfg(test)]
mod tests;

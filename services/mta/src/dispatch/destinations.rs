//! One queue for each next hop: how many connections it may have, when a dead one is tried again,
//! who comes first.
//!
//! Pure. A destination that cannot be reached costs one attempt at a time, whatever waits for it:
//! its jobs stay in its queue, and all go when it is back. New mail and mail that was tried before
//! have a lane each, so that neither waits for all of the other.

use std::collections::{BTreeSet, HashMap, VecDeque};

use jiff::Timestamp;
use rand::Rng;

use crate::queue::QueueId;
use crate::route::Hop;
use crate::schedule::{Backoff, later};

/// One transaction: some recipients of a message that go the same way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The message.
    pub id: QueueId,
    /// The plan of the message that it belongs to; outdated ones are dropped.
    pub plan: u64,
    /// The recipients, by index.
    pub recipients: Vec<u32>,
}

/// Which lane a job waits in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Its first attempt.
    Fresh,
    /// A later one, or part of a large message.
    Later,
}

/// Of this many jobs one comes from [`Lane::Later`], if both lanes have some.
const FRESH_SHARE: u32 = 4;

/// Connections to a destination at first; each success allows one more.
const CONNECTIONS_AT_FIRST: u32 = 5;

/// How many connections there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concurrency {
    /// To all destinations together.
    pub total: u32,
    /// To one.
    pub each: u32,
}

/// Why a destination is not tried now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Down {
    /// Until when.
    pub until: Timestamp,
    /// What happened.
    pub why: String,
}

/// All destinations that have mail or connections.
#[derive(Debug)]
pub struct Destinations {
    concurrency: Concurrency,
    queues: HashMap<Hop, Queue>,
    /// Those that may want a connection, in turn.
    turn: VecDeque<Hop>,
    /// Those that are down, by when they are tried again.
    sleeping: BTreeSet<(Timestamp, Hop)>,
    connections: u32,
}

#[derive(Debug)]
struct Queue {
    fresh: VecDeque<Job>,
    later: VecDeque<Job>,
    served: u32,
    connections: u32,
    idle: u32,
    limit: u32,
    failures: u32,
    down: Option<Down>,
    in_turn: bool,
}

impl Destinations {
    /// No destinations yet.
    #[must_use]
    pub fn new(concurrency: Concurrency) -> Self {
        Self {
            concurrency,
            queues: HashMap::new(),
            turn: VecDeque::new(),
            sleeping: BTreeSet::new(),
            connections: 0,
        }
    }

    /// Other limits hold for connections that are opened from now on.
    pub fn set_concurrency(&mut self, concurrency: Concurrency) {
        self.concurrency = concurrency;
        for queue in self.queues.values_mut() {
            queue.limit = queue.limit.min(concurrency.each);
        }
        let waiting: Vec<_> = self.queues.keys().cloned().collect();
        for hop in waiting {
            self.take_turn(&hop);
        }
    }

    /// Puts a job at the end of its destination's queue.
    pub fn push(&mut self, hop: &Hop, job: Job, lane: Lane) {
        let limit = CONNECTIONS_AT_FIRST.min(self.concurrency.each);
        let queue = self
            .queues
            .entry(hop.clone())
            .or_insert_with(|| Queue::new(limit));
        match lane {
            Lane::Fresh => queue.fresh.push_back(job),
            Lane::Later => queue.later.push_back(job),
        }
        self.take_turn(hop);
    }

    /// A destination that should get another connection now; it is counted as opened.
    pub fn start(&mut self, now: Timestamp) -> Option<Hop> {
        self.wake(now);
        if self.connections >= self.concurrency.total {
            return None;
        }
        while let Some(hop) = self.turn.pop_front() {
            let Some(queue) = self.queues.get_mut(&hop) else {
                continue;
            };
            queue.in_turn = false;
            if queue.wants_connection() {
                queue.connections += 1;
                self.connections += 1;
                self.take_turn(&hop);
                return Some(hop);
            }
        }
        None
    }

    /// Ends the pause of destinations whose time has come.
    fn wake(&mut self, now: Timestamp) {
        while let Some((until, _)) = self.sleeping.first()
            && *until <= now
            && let Some((_, hop)) = self.sleeping.pop_first()
        {
            if let Some(queue) = self.queues.get_mut(&hop) {
                queue.down = None;
            }
            self.take_turn(&hop);
        }
    }

    /// The next job for an open connection.
    pub fn take(&mut self, hop: &Hop) -> Option<Job> {
        let queue = self.queues.get_mut(hop)?;
        queue.served = queue.served.wrapping_add(1);
        let later_first = queue.served.is_multiple_of(FRESH_SHARE);
        let (first, second) = match later_first {
            true => (&mut queue.later, &mut queue.fresh),
            false => (&mut queue.fresh, &mut queue.later),
        };
        first.pop_front().or_else(|| second.pop_front())
    }

    /// Puts a job back in front: its connection could not be had.
    pub fn give_back(&mut self, hop: &Hop, job: Job) {
        if let Some(queue) = self.queues.get_mut(hop) {
            queue.fresh.push_front(job);
            self.take_turn(hop);
        }
    }

    /// A connection waits for its next job, or does not any more.
    pub fn idle(&mut self, hop: &Hop, idle: bool) {
        if let Some(queue) = self.queues.get_mut(hop) {
            queue.idle = match idle {
                true => queue.idle + 1,
                false => queue.idle.saturating_sub(1),
            };
        }
    }

    /// Whether a connection of the destination waits for a job.
    #[must_use]
    pub fn has_idle(&self, hop: &Hop) -> bool {
        self.queues.get(hop).is_some_and(|queue| queue.idle > 0)
    }

    /// The destination has answered.
    pub fn reached(&mut self, hop: &Hop) {
        let each = self.concurrency.each;
        let Some(queue) = self.queues.get_mut(hop) else {
            return;
        };
        queue.failures = 0;
        queue.limit = (queue.limit + 1).min(each);
        if let Some(down) = queue.down.take() {
            self.sleeping.remove(&(down.until, hop.clone()));
        }
        self.take_turn(hop);
    }

    /// No connection could be opened. While others are open it only gets fewer; else it is down
    /// for a while.
    pub fn unreachable(&mut self, hop: &Hop, why: &str, now: Timestamp, random: &mut impl Rng) {
        let Some(queue) = self.queues.get_mut(hop) else {
            return;
        };
        queue.limit = (queue.limit / 2).max(1);
        if queue.connections > 1 && queue.failures == 0 {
            return;
        }
        queue.failures = queue.failures.saturating_add(1);
        let backoff = match hop.is_local() {
            true => Backoff::LOCAL_DESTINATION,
            false => Backoff::DESTINATION,
        };
        let until = later(now, backoff.wait(queue.failures, random));
        let down = Down {
            until,
            why: why.to_owned(),
        };
        if let Some(before) = queue.down.replace(down) {
            self.sleeping.remove(&(before.until, hop.clone()));
        }
        self.sleeping.insert((until, hop.clone()));
    }

    /// A connection is closed. Forgets a destination that has nothing left.
    pub fn closed(&mut self, hop: &Hop) {
        let Some(queue) = self.queues.get_mut(hop) else {
            return;
        };
        queue.connections = queue.connections.saturating_sub(1);
        self.connections = self.connections.saturating_sub(1);
        if queue.is_spent() {
            self.queues.remove(hop);
        } else {
            self.take_turn(hop);
        }
    }

    /// Tries a destination at once, if it is down.
    pub fn retry(&mut self, hop: &Hop) {
        let Some(queue) = self.queues.get_mut(hop) else {
            return;
        };
        if let Some(down) = queue.down.take() {
            self.sleeping.remove(&(down.until, hop.clone()));
        }
        self.take_turn(hop);
    }

    /// Drops outdated jobs; forgets destinations that have nothing left by that.
    pub fn retain(&mut self, mut current: impl FnMut(&Job) -> bool) {
        for queue in self.queues.values_mut() {
            queue.fresh.retain(&mut current);
            queue.later.retain(&mut current);
        }
        self.queues
            .retain(|_, queue| !queue.is_spent() || queue.down.is_some());
    }

    /// Why a destination is down, if it is.
    #[must_use]
    pub fn down(&self, hop: &Hop) -> Option<&Down> {
        self.queues.get(hop)?.down.as_ref()
    }

    /// When the next destination is tried again.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        self.sleeping.first().map(|(until, _)| *until)
    }

    /// All destinations.
    pub fn hops(&self) -> impl Iterator<Item = &Hop> {
        self.queues.keys()
    }

    /// How many connections are open.
    #[must_use]
    pub fn connections(&self) -> u32 {
        self.connections
    }

    fn take_turn(&mut self, hop: &Hop) {
        if let Some(queue) = self.queues.get_mut(hop)
            && !queue.in_turn
            && queue.wants_connection()
        {
            queue.in_turn = true;
            self.turn.push_back(hop.clone());
        }
    }
}

impl Queue {
    fn new(limit: u32) -> Self {
        Self {
            fresh: VecDeque::new(),
            later: VecDeque::new(),
            served: 0,
            connections: 0,
            idle: 0,
            limit,
            failures: 0,
            down: None,
            in_turn: false,
        }
    }

    /// A destination that failed gets one connection to prove itself.
    fn wants_connection(&self) -> bool {
        let limit = if self.failures > 0 { 1 } else { self.limit };
        let waiting = self.fresh.len() + self.later.len();
        self.down.is_none() && self.connections < limit && waiting > self.idle as usize
    }

    fn is_spent(&self) -> bool {
        self.connections == 0 && self.fresh.is_empty() && self.later.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    fn hop(name: &str) -> Hop {
        Hop::Mx {
            domain: name.parse().unwrap(),
            port: 25,
        }
    }

    fn job(id: u64) -> Job {
        Job {
            id: QueueId(id),
            plan: 0,
            recipients: vec![0],
        }
    }

    fn destinations() -> Destinations {
        Destinations::new(Concurrency { total: 6, each: 20 })
    }

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn destinations_take_turns_and_none_gets_more_than_its_limit() {
        let mut all = destinations();
        for id in 0..100 {
            all.push(&hop("a.test"), job(id), Lane::Fresh);
        }
        all.push(&hop("b.test"), job(200), Lane::Fresh);
        let started: Vec<_> = std::iter::from_fn(|| all.start(NOW)).collect();
        assert_eq!(started.len(), 6);
        assert!(
            started
                .iter()
                .take(2)
                .any(|hop| hop.to_string() == "b.test")
        );
    }

    #[test]
    fn a_dead_destination_is_probed_by_one_connection_and_then_serves_all() {
        let (mut all, a) = (destinations(), hop("a.test"));
        let mut random = StdRng::seed_from_u64(7);
        for id in 0..3 {
            all.push(&a, job(id), Lane::Fresh);
        }
        assert_eq!(all.start(NOW), Some(a.clone()));
        let taken = all.take(&a).unwrap();
        all.give_back(&a, taken);
        all.unreachable(&a, "refused", NOW, &mut random);
        all.closed(&a);
        assert_eq!(all.start(NOW), None);
        let until = all.deadline().unwrap();
        assert_eq!(all.down(&a).unwrap().why, "refused");
        assert_eq!(all.start(until), Some(a.clone()));
        assert_eq!(all.start(until), None, "one probe at a time");
        all.take(&a).unwrap();
        all.reached(&a);
        assert_eq!(all.start(until), Some(a.clone()));
    }

    #[test]
    fn new_mail_does_not_wait_for_old_mail() {
        let (mut all, a) = (destinations(), hop("a.test"));
        for id in 0..10 {
            all.push(&a, job(id), Lane::Later);
        }
        for id in 100..103 {
            all.push(&a, job(id), Lane::Fresh);
        }
        let first: Vec<_> = (0..4).map(|_| all.take(&a).unwrap().id.0).collect();
        assert_eq!(first, [100, 101, 102, 0]);
    }

    #[test]
    fn a_destination_with_nothing_left_is_forgotten() {
        let (mut all, a) = (destinations(), hop("a.test"));
        all.push(&a, job(1), Lane::Fresh);
        all.start(NOW).unwrap();
        all.take(&a).unwrap();
        all.closed(&a);
        assert_eq!(all.hops().count(), 0);
        assert_eq!(all.connections(), 0);
    }

    #[test]
    fn an_idle_connection_is_used_before_a_new_one_is_opened() {
        let (mut all, a) = (destinations(), hop("a.test"));
        all.push(&a, job(1), Lane::Fresh);
        all.start(NOW).unwrap();
        all.take(&a).unwrap();
        all.idle(&a, true);
        all.push(&a, job(2), Lane::Fresh);
        assert_eq!(all.start(NOW), None);
        all.push(&a, job(3), Lane::Fresh);
        assert_eq!(all.start(NOW), Some(a));
    }
}

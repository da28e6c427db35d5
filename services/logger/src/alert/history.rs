//! What rules need to know of the past: free octets, the queue, wrong passwords, starts of daemons.
//!
//! Volumes and the queue are read from the series at the start, so that a restart forgets nothing; the
//! rest begins anew.

use std::collections::{BTreeMap, VecDeque};

use roost_node::{Node, State, Volume};

use crate::stats::Look;
use crate::stats::database::DatabaseError;
use crate::stats::host::float;
use crate::stats::resolution::LEVELS;
use crate::stats::store::Store;

/// Points of one figure are taken at most so often, in seconds.
const EVERY: i64 = 60;
/// How long points of the queue are kept.
const QUEUE_KEPT: i64 = 3_600;
/// Points of one figure; a day of minutes.
const POINTS_MAX: usize = 1_500;
/// Counts of wrong passwords: with looks every second, five minutes; else more.
const COUNTS_MAX: usize = 4_000;

/// The services that count sign-ins.
const DOORS: [&str; 3] = ["roost-proxy", "roost-mta", "roost-store"];

/// The past, as far as rules want it. Times are seconds since 1970.
#[derive(Debug, Default)]
pub struct History {
    /// Free octets of each volume.
    pub volumes: BTreeMap<String, Vec<(i64, f64)>>,
    /// Messages that waited.
    pub queue: VecDeque<(i64, f64)>,
    /// Wrong passwords since the daemon before this look began, with the time of the look.
    refused: VecDeque<(i64, u64)>,
    counters: BTreeMap<String, u64>,
    /// When each daemon was seen to begin anew.
    starts: BTreeMap<String, VecDeque<i64>>,
    started: BTreeMap<String, i64>,
}

impl History {
    /// What the series know of this node.
    pub async fn read(
        store: &Store,
        node: &str,
        now: i64,
        window: i64,
    ) -> Result<Self, DatabaseError> {
        let mut this = Self::default();
        let [finest, ..] = LEVELS;
        for known in store.all().await? {
            let from = match (known.key.node == node, known.key.name.as_str()) {
                (true, "volume_free_bytes") => now.saturating_sub(window),
                (true, "roost_mta_queue_messages") => now.saturating_sub(QUEUE_KEPT),
                _ => continue,
            };
            let points = store.read(&known, finest, from, now).await?;
            let points = points.into_iter().map(|point| (point.at, point.slot.mean));
            match purpose(&known.key.labels) {
                Some(purpose) => {
                    this.volumes.insert(purpose.to_owned(), points.collect());
                }
                None => this.queue = points.collect(),
            }
        }
        Ok(this)
    }

    /// Takes a look at this node. `window` is how long free octets are kept.
    pub fn take(&mut self, look: &Look, window: i64) {
        let Some(node) = look.own() else { return };
        let now = look.at.as_second();
        for volume in &node.volumes {
            self.volume(volume, now, window);
        }
        let mta = node
            .service("roost-mta")
            .filter(|mta| mta.state != State::Down);
        if let Some(mta) = mta
            && self
                .queue
                .back()
                .is_none_or(|(at, _)| (now - at).abs() >= EVERY)
        {
            self.queue
                .push_back((now, float(mta.total("queue_messages"))));
        }
        while self
            .queue
            .front()
            .is_some_and(|(at, _)| now - at > QUEUE_KEPT)
        {
            self.queue.pop_front();
        }
        self.logins(node, now);
        for service in &node.services {
            self.start(service, now);
        }
    }

    fn volume(&mut self, volume: &Volume, now: i64, window: i64) {
        let points = self.volumes.entry(volume.purpose.to_owned()).or_default();
        if points
            .last()
            .is_none_or(|(at, _)| (now - at).abs() >= EVERY)
        {
            points.push((now, float(volume.free)));
        }
        let old = points.partition_point(|(at, _)| now.saturating_sub(*at) > window);
        let many = points.len().saturating_sub(POINTS_MAX);
        points.drain(..old.max(many));
    }

    fn logins(&mut self, node: &Node, now: i64) {
        let mut refused = 0_u64;
        for name in DOORS {
            let service = node
                .service(name)
                .filter(|service| service.state != State::Down);
            let Some(service) = service else { continue };
            // Attempts that were not even looked at, since too many had failed, are part of an attack.
            let outcomes = ["refused", "throttled"].into_iter();
            let count: u64 = outcomes
                .map(|outcome| service.total_where("logins_total", "outcome", outcome))
                .sum();
            if let Some(before) = self.counters.insert(name.to_owned(), count) {
                // A daemon that began anew counts from zero.
                let grown = count.checked_sub(before).unwrap_or(count);
                refused = refused.saturating_add(grown);
            }
        }
        self.refused.push_back((now, refused));
        if self.refused.len() > COUNTS_MAX {
            self.refused.pop_front();
        }
    }

    fn start(&mut self, service: &roost_node::Service, now: i64) {
        let Some(started) = service.started().map(jiff::Timestamp::as_second) else {
            return;
        };
        let before = self.started.insert(service.name.to_owned(), started);
        if before.is_some_and(|before| before != started) {
            let starts = self.starts.entry(service.name.to_owned()).or_default();
            starts.push_back(now);
            if starts.len() > 100 {
                starts.pop_front();
            }
        }
    }

    /// Wrong passwords within the last so many seconds.
    #[must_use]
    pub fn refused_within(&self, now: i64, within: i64) -> u64 {
        let recent = self.refused.iter().filter(|(at, _)| now - at < within);
        recent.map(|(_, count)| count).sum()
    }

    /// How often a daemon was started again within the last so many seconds.
    #[must_use]
    pub fn starts_within(&self, daemon: &str, now: i64, within: i64) -> u32 {
        let starts = self.starts.get(daemon).into_iter().flatten();
        let count = starts.filter(|at| now - **at < within).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }
}

/// The volume in labels such as `volume="store"`.
fn purpose(labels: &str) -> Option<&str> {
    labels.strip_prefix("volume=\"")?.strip_suffix('"')
}

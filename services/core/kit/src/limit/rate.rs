//! Token buckets, alone and by key.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::clock::Clock;

/// So many events at once, and so many in a span afterwards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// How many may come at once.
    pub burst: u32,
    /// How long it takes until one more may come.
    pub every: Duration,
}

impl Rate {
    /// `count` events in each `span`, all of them at once if need be.
    #[must_use]
    pub fn per(count: u32, span: Duration) -> Self {
        Self {
            burst: count,
            every: span.checked_div(count).unwrap_or(span),
        }
    }
}

/// One token bucket. Kept as the time at which it would be full (GCRA), so that it needs no timer.
#[derive(Debug, Clone, Copy)]
pub struct TokenBucket {
    rate: Rate,
    full_at: Instant,
}

impl TokenBucket {
    /// A full bucket.
    #[must_use]
    pub const fn new(rate: Rate, now: Instant) -> Self {
        Self { rate, full_at: now }
    }

    /// Takes one token, or says how long until there is one.
    pub fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let full_at = self.full_at.max(now) + self.rate.every;
        let capacity = self.rate.every * self.rate.burst;
        let ahead = full_at.saturating_duration_since(now);
        match ahead.checked_sub(capacity) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => {
                self.full_at = full_at;
                Ok(())
            }
        }
    }
}

/// A token bucket for each key, at most so many of them.
#[derive(Debug)]
pub struct KeyedRates<K> {
    rate: Rate,
    keys_max: usize,
    clock: Clock,
    buckets: Mutex<HashMap<K, TokenBucket>>,
}

impl<K: Hash + Eq + Clone> KeyedRates<K> {
    /// Buckets for at most `keys_max` keys at a time.
    #[must_use]
    pub fn new(rate: Rate, keys_max: usize, clock: Clock) -> Self {
        Self {
            rate,
            keys_max,
            clock,
            buckets: Mutex::new(HashMap::new()),
        }
    }

    /// Takes one token of `key`'s bucket, or says how long until there is one.
    pub fn take(&self, key: K) -> Result<(), Duration> {
        let now = self.clock.instant();
        let mut buckets = self.buckets.lock();
        if buckets.len() >= self.keys_max && !buckets.contains_key(&key) {
            make_room(&mut buckets, now);
        }
        buckets
            .entry(key)
            .or_insert_with(|| TokenBucket::new(self.rate, now))
            .take(now)
    }

    /// How many keys are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.buckets.lock().len()
    }

    /// Whether no key is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Drops the full buckets, which say nothing; if none is full, the one that is fullest.
fn make_room<K: Hash + Eq + Clone>(buckets: &mut HashMap<K, TokenBucket>, now: Instant) {
    let before = buckets.len();
    buckets.retain(|_, bucket| bucket.full_at > now);
    if buckets.len() < before {
        return;
    }
    let fullest = buckets
        .iter()
        .min_by_key(|(_, bucket)| bucket.full_at)
        .map(|(key, _)| key.clone());
    if let Some(key) = fullest {
        buckets.remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn a_bucket_lets_a_burst_pass_and_then_a_trickle() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let rates = KeyedRates::new(Rate::per(3, Duration::from_secs(30)), 10, clock.clone());
        for _ in 0..3 {
            rates.take("a").unwrap();
        }
        assert_eq!(rates.take("a"), Err(Duration::from_secs(10)));
        rates.take("b").unwrap();
        clock.advance(Duration::from_secs(10));
        rates.take("a").unwrap();
        assert!(rates.take("a").is_err());
    }

    #[test]
    fn the_map_stays_bounded() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let rates = KeyedRates::new(Rate::per(1, Duration::from_secs(60)), 4, clock);
        for key in 0..100 {
            rates.take(key).unwrap();
        }
        assert_eq!(rates.len(), 4);
    }
}

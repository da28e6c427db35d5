//! What a failed login costs an address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::address_key;
use crate::clock::Clock;

/// How many addresses are remembered: about 6 MB.
const ADDRESSES_MAX: usize = 65_536;
/// The first failure's delay; each further one doubles it.
const DELAY_FIRST: Duration = Duration::from_secs(2);
/// The longest delay: longer ones would only hold our own connections.
const DELAY_MAX: Duration = Duration::from_secs(16);
/// An address that is silent for so long starts afresh.
const FORGET_AFTER: Duration = Duration::from_secs(15 * 60);

/// Remembers failed logins by address and says how long the answer to one must wait.
///
/// The delay grows with the address's failures, whatever connection or account they were for. A
/// success takes one step back rather than all, so that a guesser with one account of their own
/// gains little by it.
#[derive(Debug)]
pub struct LoginDelays {
    clock: Clock,
    failures: Mutex<HashMap<IpAddr, Failures>>,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
}

impl LoginDelays {
    /// Nobody has failed yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            failures: Mutex::new(HashMap::new()),
        }
    }

    /// Counts a failure; the answer to it must wait for the returned time.
    pub fn failed(&self, address: IpAddr) -> Duration {
        let now = self.clock.instant();
        let key = address_key(address);
        let mut failures = self.failures.lock();
        if failures.len() >= ADDRESSES_MAX && !failures.contains_key(&key) {
            make_room(&mut failures, now);
        }
        let entry = failures.entry(key).or_insert(Failures {
            count: 0,
            last: now,
        });
        if now.saturating_duration_since(entry.last) > FORGET_AFTER {
            entry.count = 0;
        }
        entry.count = entry.count.saturating_add(1);
        entry.last = now;
        delay(entry.count)
    }

    /// Counts a success.
    pub fn succeeded(&self, address: IpAddr) {
        let mut failures = self.failures.lock();
        let key = address_key(address);
        if let Some(entry) = failures.get_mut(&key) {
            entry.count = entry.count.saturating_sub(1);
            if entry.count == 0 {
                failures.remove(&key);
            }
        }
    }
}

fn delay(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    (DELAY_FIRST * (1 << doublings)).min(DELAY_MAX)
}

fn make_room(failures: &mut HashMap<IpAddr, Failures>, now: Instant) {
    let before = failures.len();
    failures.retain(|_, entry| now.saturating_duration_since(entry.last) <= FORGET_AFTER);
    if failures.len() < before {
        return;
    }
    let oldest = failures
        .iter()
        .min_by_key(|(_, entry)| entry.last)
        .map(|(key, _)| *key);
    if let Some(key) = oldest {
        failures.remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn delays_grow_and_are_forgotten() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let delays = LoginDelays::new(clock.clone());
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        let seconds: Vec<u64> = (0..6).map(|_| delays.failed(address).as_secs()).collect();
        assert_eq!(seconds, [2, 4, 8, 16, 16, 16]);
        assert_eq!(delays.failed("192.0.2.2".parse().unwrap()).as_secs(), 2);
        clock.advance(FORGET_AFTER + Duration::from_secs(1));
        assert_eq!(delays.failed(address).as_secs(), 2);
    }

    #[test]
    fn a_success_takes_one_step_back() {
        let delays = LoginDelays::new(Clock::manual(Timestamp::UNIX_EPOCH));
        let address: IpAddr = "2001:db8::1".parse().unwrap();
        delays.failed(address);
        delays.failed(address);
        delays.succeeded(address);
        assert_eq!(delays.failed(address).as_secs(), 4);
    }
}

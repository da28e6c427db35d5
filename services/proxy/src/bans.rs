//! Addresses that are not served for a while: by too many wrong passwords, or by an administrator's
//! word. In memory, and in memcached where there is one: without it a restart forgets them.

mod shared;

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use roost_kit::clock::Clock;
use roost_kit::limit::address_key;
use roost_kit::metrics::Gauge;

use crate::config::BanRules;
use crate::memcached::Memcached;
use shared::Line;

/// Addresses that are remembered: about 6 MB.
const ADDRESSES_MAX: usize = 65_536;

/// Who is shut out, and who is about to be.
#[derive(Debug)]
pub(crate) struct Bans {
    rules: BanRules,
    clock: Clock,
    addresses: Mutex<HashMap<IpAddr, Record>>,
    shown: Gauge,
    memcached: Memcached,
}

#[derive(Debug, Clone, Copy)]
struct Record {
    /// Wrong passwords since `since`.
    failures: u32,
    since: Instant,
    /// Shut out until then.
    until: Option<Instant>,
}

/// One address that is shut out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ban {
    /// The address, or an IPv6 network of 64 bits by its first address.
    pub(crate) address: IpAddr,
    /// How much longer.
    pub(crate) remaining: Duration,
}

impl Bans {
    pub(crate) fn new(rules: BanRules, clock: Clock, shown: Gauge, memcached: Memcached) -> Self {
        Self {
            rules,
            clock,
            addresses: Mutex::default(),
            shown,
            memcached,
        }
    }

    /// Counts a wrong password, here and with the other proxies. Answers whether the address is shut
    /// out from now on.
    pub(crate) async fn punish(&self, address: IpAddr) -> bool {
        let key = address_key(address);
        let mut banned = self.failed(address);
        if self.memcached.is_used() && self.is_counted(address) {
            let within = self.rules.within.duration();
            let count = shared::count(&self.memcached, key, within).await;
            if !banned && count.is_some_and(|count| count >= u64::from(self.rules.failures)) {
                self.shut_out(address, self.rules.lasts.duration());
                banned = true;
            }
            if banned {
                shared::forget(&self.memcached, key).await;
                self.tell(key, self.rules.lasts.duration(), true).await;
            }
        }
        banned
    }

    /// Shuts an address out, by an administrator's word, at all proxies.
    pub(crate) async fn ban(&self, address: IpAddr, lasts: Duration) {
        self.shut_out(address, lasts);
        self.tell(address_key(address), lasts, true).await;
    }

    /// Serves an address again, at all proxies. Answers whether it was shut out.
    pub(crate) async fn unban(&self, address: IpAddr) -> bool {
        let was_banned = self.free(address);
        shared::forget(&self.memcached, address_key(address)).await;
        self.tell(address_key(address), self.rules.lasts.duration(), false)
            .await;
        was_banned
    }

    async fn tell(&self, address: IpAddr, lasts: Duration, is_banned: bool) {
        if !self.memcached.is_used() {
            return;
        }
        let now = self.clock.now().as_second();
        let seconds = i64::try_from(lasts.as_secs()).unwrap_or(i64::MAX);
        let line = Line {
            address,
            until: now.saturating_add(seconds),
            is_banned,
        };
        shared::write(&self.memcached, line, now).await;
    }

    /// Learns whom the other proxies have shut out, or serve again.
    pub(crate) async fn learn(&self) {
        if !self.memcached.is_used() {
            return;
        }
        let Some(lines) = shared::read(&self.memcached).await else {
            return;
        };
        let now = self.clock.now().as_second();
        for line in lines {
            let left = u64::try_from(line.until.saturating_sub(now)).unwrap_or(0);
            match (line.is_banned, left) {
                (_, 0) => {}
                (true, left) => self.shut_out(line.address, Duration::from_secs(left)),
                (false, _) => {
                    self.free(line.address);
                }
            }
        }
    }

    fn is_counted(&self, address: IpAddr) -> bool {
        self.rules.failures > 0 && !self.rules.never.contain(address)
    }

    /// Whether an address is shut out.
    pub(crate) fn holds(&self, address: IpAddr) -> bool {
        let now = self.clock.instant();
        let addresses = self.addresses.lock();
        let record = addresses.get(&address_key(address));
        record.is_some_and(|record| record.until.is_some_and(|until| now < until))
    }

    fn failed(&self, address: IpAddr) -> bool {
        if !self.is_counted(address) {
            return false;
        }
        let now = self.clock.instant();
        let mut addresses = self.addresses.lock();
        let record = self.record(&mut addresses, address, now);
        if now.saturating_duration_since(record.since) > self.rules.within.duration() {
            record.failures = 0;
            record.since = now;
        }
        record.failures = record.failures.saturating_add(1);
        if record.failures < self.rules.failures {
            return false;
        }
        record.failures = 0;
        record.until = Some(now + self.rules.lasts.duration());
        self.show(&addresses, now);
        true
    }

    fn shut_out(&self, address: IpAddr, lasts: Duration) {
        let now = self.clock.instant();
        let mut addresses = self.addresses.lock();
        self.record(&mut addresses, address, now).until = Some(now + lasts);
        self.show(&addresses, now);
    }

    fn free(&self, address: IpAddr) -> bool {
        let now = self.clock.instant();
        let mut addresses = self.addresses.lock();
        let record = addresses.remove(&address_key(address));
        self.show(&addresses, now);
        record.is_some_and(|record| record.until.is_some_and(|until| now < until))
    }

    /// Everybody who is shut out, by address.
    pub(crate) fn list(&self) -> Vec<Ban> {
        let now = self.clock.instant();
        let addresses = self.addresses.lock();
        self.show(&addresses, now);
        let remaining = |record: &Record| {
            let left = record.until?.checked_duration_since(now)?;
            (!left.is_zero()).then_some(left)
        };
        let mut bans: Vec<_> = addresses
            .iter()
            .filter_map(|(address, record)| {
                Some(Ban {
                    address: *address,
                    remaining: remaining(record)?,
                })
            })
            .collect();
        bans.sort_by_key(|ban| ban.address);
        bans
    }

    fn record<'a>(
        &self,
        addresses: &'a mut HashMap<IpAddr, Record>,
        address: IpAddr,
        now: Instant,
    ) -> &'a mut Record {
        let key = address_key(address);
        if addresses.len() >= ADDRESSES_MAX && !addresses.contains_key(&key) {
            let within = self.rules.within.duration();
            addresses.retain(|_, record| {
                let recent = now.saturating_duration_since(record.since) <= within;
                recent || record.until.is_some_and(|until| now < until)
            });
            // Still full: whoever has failed least and longest ago is forgotten.
            let least = addresses
                .iter()
                .min_by_key(|(_, record)| (record.until, record.failures, record.since))
                .map(|(address, _)| *address);
            if let Some(least) = least.filter(|_| addresses.len() >= ADDRESSES_MAX) {
                addresses.remove(&least);
            }
        }
        addresses.entry(key).or_insert(Record {
            failures: 0,
            since: now,
            until: None,
        })
    }

    fn show(&self, addresses: &HashMap<IpAddr, Record>, now: Instant) {
        let held = |record: &&Record| record.until.is_some_and(|until| now < until);
        let count = addresses.values().filter(held).count();
        self.shown.set(i64::try_from(count).unwrap_or(i64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use roost_kit::config::Period;

    use super::*;

    fn bans(clock: &Clock) -> Bans {
        let rules = BanRules {
            failures: 3,
            within: Period::seconds(60),
            lasts: Period::seconds(30),
            ..BanRules::default()
        };
        let memcached = Memcached::new(std::iter::empty(), clock.clone());
        Bans::new(rules, clock.clone(), Gauge::default(), memcached)
    }

    #[test]
    fn too_many_wrong_passwords_shut_an_address_out_for_a_while() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let bans = bans(&clock);
        let address: IpAddr = "2001:db8::7".parse().unwrap();
        assert!(!bans.failed(address) && !bans.failed(address));
        assert!(!bans.holds(address));
        assert!(
            bans.failed("2001:db8::8".parse().unwrap()),
            "the same network"
        );
        assert!(bans.holds(address) && bans.list().len() == 1);
        clock.advance(Duration::from_secs(30));
        assert!(!bans.holds(address) && bans.list().is_empty());
        assert!(!bans.failed(address), "it starts afresh");
    }

    #[test]
    fn old_failures_are_forgotten_and_some_networks_never_banned() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let bans = bans(&clock);
        let address: IpAddr = "192.0.2.7".parse().unwrap();
        assert!(!bans.failed(address) && !bans.failed(address));
        clock.advance(Duration::from_secs(61));
        assert!(!bans.failed(address));
        for _ in 0..9 {
            assert!(!bans.failed("127.0.0.1".parse().unwrap()));
        }
    }

    #[test]
    fn an_administrator_has_the_last_word() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let bans = bans(&clock);
        let address: IpAddr = "127.0.0.1".parse().unwrap();
        bans.shut_out(address, Duration::from_secs(5));
        assert_eq!(bans.list()[0].remaining, Duration::from_secs(5));
        assert!(bans.holds(address) && bans.free(address));
        assert!(!bans.holds(address) && !bans.free(address));
    }

    #[test]
    fn memory_is_bounded() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let bans = bans(&clock);
        for number in 0..ADDRESSES_MAX as u32 + 10 {
            bans.failed(IpAddr::V4((0x0a00_0000 + number).into()));
        }
        assert!(bans.addresses.lock().len() <= ADDRESSES_MAX);
    }
}

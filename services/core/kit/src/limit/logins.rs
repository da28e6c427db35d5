//! What guessing passwords costs.
//!
//! Three counts of failed logins, each over [`FORGET_AFTER`]: by address, by network, by the name that
//! was tried. A failure delays its own answer. Past an allowance, attempts must also wait their turn
//! *before* the password is looked at, so that hanging up and trying again gains nothing; who would
//! have to wait too long is refused for now. Names that do not exist count like those that do.
//!
//! Attempts at a name that are still being looked at count against its allowance too, so that a
//! thousand at once gain nothing; they are asked to come again, as it may be a thousand devices of
//! one owner. An address from which an account was signed in to before does not wait on account of
//! others who guess at it: nobody can be kept out by them.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::address_key;
use crate::clock::Clock;

/// How many addresses, networks, names and pairs of them are remembered, each: about 8 MB.
const KEYS_MAX: usize = 65_536;
/// The first failure's delay; each further one of the address doubles it.
const DELAY_FIRST: Duration = Duration::from_secs(2);
/// The longest delay, and the longest an attempt waits for its turn: longer ones would only hold our
/// own connections.
const DELAY_MAX: Duration = Duration::from_secs(16);
/// Who is silent for so long starts afresh.
const FORGET_AFTER: Duration = Duration::from_secs(15 * 60);
/// Octets of a name that tell it from others; longer ones are nobody's.
const NAME_MAX: usize = 128;

/// Failures of one address after which its attempts wait for each other. A person mistypes less.
const ADDRESS_ALLOWANCE: u32 = 5;
/// The same for a network: behind one are many people.
const NETWORK_ALLOWANCE: u32 = 50;
/// The same for a name, tried from anywhere. Devices with an old password try a few times.
const NAME_ALLOWANCE: u32 = 10;
/// Between two attempts of a network past its allowance.
const NETWORK_GAP: Duration = Duration::from_secs(1);
/// Between two attempts at a name past its allowance: 17,280 a day at most, from however many
/// addresses.
const NAME_GAP: Duration = Duration::from_secs(5);
/// How long an attempt waits while as many as a name is allowed are being looked at.
const CROWD_PAUSE: Duration = Duration::from_millis(200);

/// Remembers failed logins and says how long attempts and answers must wait.
#[derive(Debug)]
pub struct LoginGuard {
    clock: Clock,
    memory: Arc<Mutex<Memory>>,
}

#[derive(Debug, Default)]
struct Memory {
    addresses: HashMap<IpAddr, Failures>,
    networks: HashMap<IpAddr, Failures>,
    names: HashMap<Box<str>, Failures>,
    /// From where a name was signed in to.
    known: HashMap<(Box<str>, IpAddr), Instant>,
}

/// Who tries to sign in as whom.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// The peer's address; none for a Unix socket, which is not held back by address.
    pub address: Option<IpAddr>,
    /// The name that it gave.
    pub name: &'a str,
}

/// An attempt that may be looked at. It counts as one that is being looked at until this is dropped.
#[derive(Debug)]
pub struct Ticket {
    memory: Arc<Mutex<Memory>>,
    name: Option<Box<str>>,
}

/// There are too many attempts. The answer, that one must try again later, must wait so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany(pub Duration);

/// What must happen before a password is looked at.
#[derive(Debug)]
enum Turn {
    /// It waits so long for its turn, and is then looked at.
    After(Duration, Ticket),
    /// It asks again after so long.
    Again(Duration),
    /// It is not looked at.
    Refused,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    /// Attempts that are being looked at.
    pending: u32,
    last: Instant,
    /// When the next attempt past the allowance has its turn.
    free_at: Instant,
}

impl LoginGuard {
    /// Nobody has failed yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            memory: Arc::default(),
        }
    }

    /// Waits until a password may be looked at.
    ///
    /// # Errors
    /// When it is not to be, since too many were wrong.
    pub async fn turn(&self, attempt: Attempt<'_>) -> Result<Ticket, TooMany> {
        loop {
            match self.attempt(attempt) {
                Turn::After(Duration::ZERO, ticket) => return Ok(ticket),
                Turn::After(wait, ticket) => {
                    tokio::time::sleep(wait).await;
                    return Ok(ticket);
                }
                Turn::Again(wait) => tokio::time::sleep(wait).await,
                Turn::Refused => return Err(TooMany(DELAY_MAX)),
            }
        }
    }

    fn attempt(&self, attempt: Attempt<'_>) -> Turn {
        let now = self.clock.instant();
        let name = name_key(attempt.name);
        let address = attempt.address.map(address_key);
        let memory = &mut *self.memory.lock();
        let known = address.is_some_and(|address| {
            let at = memory.known.get(&(name.clone(), address));
            at.is_some_and(|at| now.saturating_duration_since(*at) <= KNOWN_FOR)
        });
        let mut lines: Vec<(&mut Failures, Duration)> = Vec::with_capacity(3);
        if let Some(address) = address {
            let line = memory.addresses.get_mut(&address);
            lines
                .extend(line.and_then(|line| line.past(ADDRESS_ALLOWANCE, delay(line.count), now)));
            let line = memory.networks.get_mut(&network(address));
            lines.extend(line.and_then(|line| line.past(NETWORK_ALLOWANCE, NETWORK_GAP, now)));
        }
        if !known {
            let line = memory.names.get_mut(&name);
            let crowded = |line: &&mut Failures| line.count + line.pending >= NAME_ALLOWANCE;
            if let Some(line) = line.filter(crowded) {
                match line.past(NAME_ALLOWANCE, NAME_GAP, now) {
                    Some(line) => lines.push(line),
                    None => return Turn::Again(CROWD_PAUSE),
                }
            }
        }
        let turn = lines.iter().map(|(line, _)| line.free_at.max(now)).max();
        let wait = turn.map_or(Duration::ZERO, |turn| turn.saturating_duration_since(now));
        if wait > DELAY_MAX {
            return Turn::Refused;
        }
        for (line, gap) in lines {
            line.free_at = now + wait + gap;
        }
        if !known {
            let line = entry(&mut memory.names, name.clone(), now);
            line.pending = line.pending.saturating_add(1);
        }
        let ticket = Ticket {
            memory: Arc::clone(&self.memory),
            name: (!known).then_some(name),
        };
        Turn::After(wait, ticket)
    }

    /// Counts a failure; the answer to it must wait for the returned time.
    pub fn failed(&self, attempt: Attempt<'_>) -> Duration {
        let now = self.clock.instant();
        let memory = &mut *self.memory.lock();
        count(&mut memory.names, name_key(attempt.name), now);
        let Some(address) = attempt.address.map(address_key) else {
            return DELAY_FIRST;
        };
        count(&mut memory.networks, network(address), now);
        delay(count(&mut memory.addresses, address, now))
    }

    /// Counts a success. It takes one step back rather than all, so that a guesser with one account
    /// of their own gains little by it.
    pub fn succeeded(&self, attempt: Attempt<'_>) {
        let now = self.clock.instant();
        let Some(address) = attempt.address.map(address_key) else {
            return;
        };
        let memory = &mut *self.memory.lock();
        step_back(&mut memory.addresses, &address);
        step_back(&mut memory.networks, &network(address));
        let pair = (name_key(attempt.name), address);
        if memory.known.len() >= KEYS_MAX && !memory.known.contains_key(&pair) {
            make_room(&mut memory.known, |at| *at, now);
        }
        memory.known.insert(pair, now);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let Some(name) = &self.name else {
            return;
        };
        let mut memory = self.memory.lock();
        if let Some(line) = memory.names.get_mut(name) {
            line.pending = line.pending.saturating_sub(1);
            if line.pending == 0 && line.count == 0 {
                memory.names.remove(name);
            }
        }
    }
}

/// How long it is remembered from where an account was signed in to.
const KNOWN_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);

impl Failures {
    /// The line in which attempts wait, if there were more failures than `allowance`.
    fn past(
        &mut self,
        allowance: u32,
        gap: Duration,
        now: Instant,
    ) -> Option<(&mut Self, Duration)> {
        let fresh = now.saturating_duration_since(self.last) <= FORGET_AFTER;
        (fresh && self.count >= allowance).then_some((self, gap))
    }
}

/// Counts a failure of `key`, and says how many there were.
fn count<K: Hash + Eq + Clone>(failures: &mut HashMap<K, Failures>, key: K, now: Instant) -> u32 {
    let entry = entry(failures, key, now);
    if now.saturating_duration_since(entry.last) > FORGET_AFTER {
        entry.count = 0;
    }
    entry.count = entry.count.saturating_add(1);
    entry.last = now;
    entry.count
}

fn entry<K: Hash + Eq + Clone>(
    failures: &mut HashMap<K, Failures>,
    key: K,
    now: Instant,
) -> &mut Failures {
    if failures.len() >= KEYS_MAX && !failures.contains_key(&key) {
        make_room(failures, |entry| entry.last, now);
    }
    failures.entry(key).or_insert(Failures {
        count: 0,
        pending: 0,
        last: now,
        free_at: now,
    })
}

fn step_back<K: Hash + Eq>(failures: &mut HashMap<K, Failures>, key: &K) {
    if let Some(entry) = failures.get_mut(key) {
        entry.count = entry.count.saturating_sub(1);
        if entry.count == 0 {
            failures.remove(key);
        }
    }
}

fn delay(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    (DELAY_FIRST * (1 << doublings)).min(DELAY_MAX)
}

/// Names are compared as the directory compares them: without regard to case.
fn name_key(name: &str) -> Box<str> {
    let name = name.trim().to_lowercase();
    let cut = name.char_indices().map(|(at, _)| at).nth(NAME_MAX);
    name.get(..cut.unwrap_or(name.len()))
        .unwrap_or_default()
        .into()
}

/// The network of an address: /24, and /48 of IPv6, which is what one subscriber gets.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) => IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & (u32::MAX << 8))),
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 80)))
        }
    }
}

/// Forgets who has been silent long enough; if nobody has, who has been silent longest.
fn make_room<K: Hash + Eq + Clone, V>(
    map: &mut HashMap<K, V>,
    last: impl Fn(&V) -> Instant,
    now: Instant,
) {
    let before = map.len();
    map.retain(|_, entry| now.saturating_duration_since(last(entry)) <= FORGET_AFTER);
    if map.len() < before {
        return;
    }
    let oldest = map
        .iter()
        .min_by_key(|(_, entry)| last(entry))
        .map(|(key, _)| key.clone());
    if let Some(key) = oldest {
        map.remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    struct World {
        clock: Clock,
        guard: LoginGuard,
    }

    fn world() -> World {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        World {
            guard: LoginGuard::new(clock.clone()),
            clock,
        }
    }

    fn by<'a>(address: &str, name: &'a str) -> Attempt<'a> {
        Attempt {
            address: Some(address.parse().unwrap()),
            name,
        }
    }

    /// How many seconds an attempt waits before it is looked at; none where it is refused.
    fn wait(guard: &LoginGuard, attempt: Attempt<'_>) -> Option<u64> {
        match guard.attempt(attempt) {
            Turn::After(wait, _) => Some(wait.as_secs()),
            Turn::Again(_) => panic!("nobody is being looked at"),
            Turn::Refused => None,
        }
    }

    #[test]
    fn delays_grow_and_are_forgotten() {
        let World { clock, guard } = world();
        let failed = |address: &str| guard.failed(by(address, "alice")).as_secs();
        let delays: Vec<u64> = (0..6).map(|_| failed("192.0.2.1")).collect();
        assert_eq!(delays, [2, 4, 8, 16, 16, 16]);
        assert_eq!(failed("192.0.2.2"), 2);
        clock.advance(FORGET_AFTER + Duration::from_secs(1));
        assert_eq!(failed("192.0.2.1"), 2);
    }

    #[test]
    fn a_success_takes_one_step_back() {
        let World { guard, .. } = world();
        let attempt = by("2001:db8::1", "alice");
        guard.failed(attempt);
        guard.failed(attempt);
        guard.succeeded(attempt);
        assert_eq!(guard.failed(attempt).as_secs(), 4);
    }

    #[test]
    fn an_address_past_its_allowance_waits_before_its_password_is_looked_at() {
        let World { clock, guard } = world();
        for number in 0..ADDRESS_ALLOWANCE {
            let name = format!("user{number}");
            assert_eq!(wait(&guard, by("192.0.2.1", &name)), Some(0));
            guard.failed(by("192.0.2.1", &name));
        }
        let next = by("192.0.2.1", "next");
        assert_eq!(wait(&guard, next), Some(0));
        assert_eq!(wait(&guard, next), Some(16));
        assert_eq!(wait(&guard, next), None);
        assert_eq!(wait(&guard, by("192.0.2.2", "next")), Some(0));
        clock.advance(Duration::from_secs(32));
        assert_eq!(wait(&guard, next), Some(0));
    }

    #[test]
    fn a_name_is_guessed_slowly_from_however_many_addresses() {
        let World { guard, .. } = world();
        let owner = by("198.51.100.1", "Alice@example.test");
        guard.succeeded(owner);
        for number in 0..NAME_ALLOWANCE {
            let address = format!("203.0.{number}.1");
            assert_eq!(wait(&guard, by(&address, "alice@example.test")), Some(0));
            guard.failed(by(&address, "alice@example.test"));
        }
        let from = |host: u8| Attempt {
            address: Some(IpAddr::V4(Ipv4Addr::new(192, 0, host, 1))),
            name: "ALICE@example.test",
        };
        let waits: Vec<_> = (0..5).map(|host| wait(&guard, from(host))).collect();
        assert_eq!(waits, [Some(0), Some(5), Some(10), Some(15), None]);
        // Who was here before is not kept out, and others' names are not concerned.
        assert_eq!(wait(&guard, owner), Some(0));
        assert_eq!(wait(&guard, by("203.0.113.1", "bob@example.test")), Some(0));
    }

    #[test]
    fn many_at_once_are_looked_at_by_and_by() {
        let World { guard, .. } = world();
        let from = |host: u8| Attempt {
            address: Some(IpAddr::V4(Ipv4Addr::new(192, 0, host, 1))),
            name: "alice@example.test",
        };
        let mut tickets: Vec<Ticket> = Vec::new();
        for host in 0..10 {
            match guard.attempt(from(host)) {
                Turn::After(Duration::ZERO, ticket) => tickets.push(ticket),
                other => panic!("{other:?}"),
            }
        }
        assert!(matches!(guard.attempt(from(10)), Turn::Again(_)));
        // One was right: the next is looked at. All were wrong: the rest waits long.
        tickets.pop();
        assert_eq!(wait(&guard, from(10)), Some(0));
        for host in 0..10 {
            guard.failed(from(host));
        }
        tickets.clear();
        assert_eq!(wait(&guard, from(11)), Some(0));
        assert_eq!(wait(&guard, from(12)), Some(5));
    }

    #[test]
    fn a_network_past_its_allowance_waits_too() {
        let World { guard, .. } = world();
        for number in 0..NETWORK_ALLOWANCE {
            let (address, name) = (format!("192.0.2.{number}"), format!("user{number}"));
            guard.failed(by(&address, &name));
        }
        assert_eq!(wait(&guard, by("192.0.2.200", "x")), Some(0));
        assert_eq!(wait(&guard, by("192.0.2.201", "y")), Some(1));
        assert_eq!(wait(&guard, by("192.0.3.1", "z")), Some(0));
    }

    #[test]
    fn memory_is_bounded() {
        let World { guard, .. } = world();
        for number in 0..KEYS_MAX + 100 {
            let bits = u32::try_from(number).unwrap() << 8;
            let attempt = Attempt {
                address: Some(IpAddr::V4(Ipv4Addr::from_bits(bits))),
                name: &format!("{number}"),
            };
            guard.failed(attempt);
            guard.succeeded(attempt);
        }
        let memory = guard.memory.lock();
        assert!(memory.names.len() <= KEYS_MAX && memory.known.len() <= KEYS_MAX);
        assert!(memory.addresses.len() <= KEYS_MAX && memory.networks.len() <= KEYS_MAX);
    }
}

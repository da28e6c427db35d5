//! When to try again, when to say that it is late, when to give up. The one place for times.
//!
//! Pure: the caller brings the time and the randomness.

use std::time::Duration;

use jiff::Timestamp;
use rand::{Rng, RngExt};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Waits that double from `first` to `cap`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The wait after the first failure.
    pub first: Duration,
    /// No wait is longer than this (but for the jitter).
    pub cap: Duration,
}

/// A tenth either way, so that what failed together does not come back together.
const JITTER: f64 = 0.1;

impl Backoff {
    /// One recipient that a foreign host put off (greylisting, mailbox busy).
    /// RFC 5321 §4.5.4.1 asks for 30 minutes in general and allows two tries in the first hour;
    /// greylisting hosts are content after five minutes, so the first waits are shorter.
    pub const MESSAGE: Self = Self {
        first: Duration::from_secs(5 * 60),
        cap: HOUR,
    };
    /// One recipient that our own store put off (mailbox full, in maintenance).
    pub const LOCAL_MESSAGE: Self = Self {
        first: MINUTE,
        cap: Duration::from_secs(15 * 60),
    };
    /// A foreign destination that cannot be reached.
    pub const DESTINATION: Self = Self {
        first: MINUTE,
        cap: Duration::from_secs(30 * 60),
    };
    /// A store of ours that cannot be reached: it is usually back within a restart.
    pub const LOCAL_DESTINATION: Self = Self {
        first: Duration::from_secs(1),
        cap: Duration::from_secs(30),
    };
    /// The directory or DNS does not answer.
    pub const LOOKUP: Self = Self {
        first: Duration::from_secs(5),
        cap: Duration::from_secs(5 * 60),
    };

    /// The wait after `failures` failures in a row (at least 1), jittered.
    #[must_use]
    pub fn wait(&self, failures: u32, random: &mut impl Rng) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        let wait = self.first.saturating_mul(1 << doublings).min(self.cap);
        wait.mul_f64(1.0 + random.random_range(-JITTER..=JITTER))
    }
}

/// How long a message may live in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// RFC 5321 §4.5.4.1: "the give-up time generally needs to be at least 4-5 days".
    pub expiry: Duration,
    /// After this long the sender is told, once, that the message is late; `None` is never.
    pub delay_warning: Option<Duration>,
    /// The same as `expiry` for notices, which nobody waits for so long.
    pub notice_expiry: Duration,
}

impl Default for Lifetime {
    fn default() -> Self {
        Self {
            expiry: HOUR * 24 * 5,
            delay_warning: Some(HOUR * 4),
            notice_expiry: HOUR * 24 * 2,
        }
    }
}

impl Lifetime {
    /// When a message that arrived at `arrived` is given up.
    #[must_use]
    pub fn expires(&self, arrived: Timestamp, is_notice: bool) -> Timestamp {
        later(
            arrived,
            if is_notice {
                self.notice_expiry
            } else {
                self.expiry
            },
        )
    }

    /// When its sender is told that it is late.
    #[must_use]
    pub fn warns(&self, arrived: Timestamp) -> Option<Timestamp> {
        self.delay_warning.map(|after| later(arrived, after))
    }
}

/// `time + by`, or the end of time.
#[must_use]
pub fn later(time: Timestamp, by: Duration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// How long ago `then` was; nothing if the clock was set back meanwhile.
#[must_use]
pub fn since(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(then)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn waits_double_up_to_the_cap() {
        let mut random = StdRng::seed_from_u64(1);
        let minutes: Vec<_> = (1..=7)
            .map(|failures| Backoff::MESSAGE.wait(failures, &mut random).as_secs_f64() / 60.0)
            .collect();
        for (wait, expected) in minutes
            .iter()
            .zip([5.0, 10.0, 20.0, 40.0, 60.0, 60.0, 60.0])
        {
            assert!(
                (wait / expected - 1.0).abs() <= JITTER + 1e-9,
                "{minutes:?}"
            );
        }
    }

    #[test]
    fn a_message_is_warned_about_once_and_given_up_after_five_days() {
        let lifetime = Lifetime::default();
        let arrived = Timestamp::UNIX_EPOCH;
        assert_eq!(lifetime.expires(arrived, false).as_second(), 5 * 86_400);
        assert_eq!(lifetime.expires(arrived, true).as_second(), 2 * 86_400);
        assert_eq!(
            lifetime.warns(arrived).map(Timestamp::as_second),
            Some(4 * 3600)
        );
    }

    #[test]
    fn a_clock_set_back_is_no_time_passed() {
        let then = Timestamp::from_second(100).unwrap();
        assert_eq!(since(then, Timestamp::UNIX_EPOCH), Duration::ZERO);
    }

    proptest! {
        #[test]
        fn no_wait_is_beyond_the_cap_or_zero(failures in any::<u32>(), seed in any::<u64>()) {
            let mut random = StdRng::seed_from_u64(seed);
            for backoff in [Backoff::MESSAGE, Backoff::LOCAL_DESTINATION, Backoff::LOOKUP] {
                let wait = backoff.wait(failures, &mut random);
                prop_assert!(wait <= backoff.cap.mul_f64(1.0 + JITTER));
                prop_assert!(wait >= backoff.first.mul_f64(1.0 - JITTER - 1e-9));
            }
        }
    }
}

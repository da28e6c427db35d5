//! The clock. Nothing else in the tree asks the operating system for the time.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use parking_lot::Mutex;

/// A source of wall-clock and monotonic time; cheap to clone.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System,
    Manual(Arc<Mutex<Hands>>),
}

/// Where a manual clock stands.
struct Hands {
    wall: Timestamp,
    monotonic: Instant,
}

impl Clock {
    /// The operating system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `wall` until [`Clock::advance`] moves it.
    #[must_use]
    pub fn manual(wall: Timestamp) -> Self {
        Self(Source::Manual(Arc::new(Mutex::new(Hands {
            wall,
            monotonic: instant(),
        }))))
    }

    /// Moves a manual clock forward; a system clock does not move for anybody.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(hands) = &self.0 {
            let mut hands = hands.lock();
            hands.monotonic += by;
            hands.wall = hands.wall.checked_add(by).unwrap_or(Timestamp::MAX);
        }
    }

    /// The wall clock: for dates that people and protocols see.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => Timestamp::now(),
            Source::Manual(hands) => hands.lock().wall,
        }
    }

    /// The monotonic clock: for deadlines and durations.
    #[must_use]
    pub fn instant(&self) -> Instant {
        match &self.0 {
            Source::System => instant(),
            Source::Manual(hands) => hands.lock().monotonic,
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::System => f.write_str("Clock(system)"),
            Source::Manual(hands) => write!(f, "Clock({})", hands.lock().wall),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the clock"
)]
fn instant() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let (wall, mono) = (clock.now(), clock.instant());
        assert_eq!((clock.now(), clock.instant()), (wall, mono));
        clock.advance(Duration::from_secs(90));
        assert_eq!(clock.now().as_second(), 90);
        assert_eq!(clock.instant() - mono, Duration::from_secs(90));
    }
}

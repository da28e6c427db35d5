//! Waiting for a condition.

use std::time::{Duration, Instant};

/// Asks `condition` until it yields a value, at most for `limit`; panics with `what` after that.
#[track_caller]
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where a test polls"
)]
pub fn wait_for<T>(what: &str, limit: Duration, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(
            Instant::now() < deadline,
            "waited {limit:?} in vain for: {what}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Asks `condition` until it yields a value; `None` if it does not within `limit`.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where a test polls"
)]
pub(crate) fn until<T>(limit: Duration, mut condition: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + limit;
    loop {
        let value = condition();
        if value.is_some() || Instant::now() >= deadline {
            return value;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Lets others work for a time that a plan says; no test asserts it.
#[expect(
    clippy::disallowed_methods,
    reason = "a fault strikes at a planned moment, not at a condition"
)]
pub(crate) fn pass(time: Duration) {
    std::thread::sleep(time);
}

/// The time, to tell how long something took: for bounds that hold on any machine.
#[expect(
    clippy::disallowed_methods,
    reason = "tests have no daemon's clock to ask"
)]
#[must_use]
pub fn now() -> Instant {
    Instant::now()
}

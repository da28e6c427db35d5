//! Time, and words.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use anyhow::bail;
use roost_kit::clock::Clock;
use roost_kit::interrupt;

const PERIOD: Duration = Duration::from_millis(200);

/// A line on standard output; nobody can be told when that fails.
pub(crate) fn say(line: &str) {
    drop(writeln!(io::stdout().lock(), "{line}"));
}

/// How long something took.
pub(crate) struct Timer {
    clock: Clock,
    begin: Instant,
}

impl Timer {
    pub(crate) fn start() -> Self {
        let clock = Clock::system();
        let begin = clock.instant();
        Self { clock, begin }
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.elapsed().as_secs_f64()
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.clock.instant().duration_since(self.begin)
    }
}

/// Asks `condition` until it yields something, at most for `limit`.
pub(crate) fn wait_for<T>(
    what: &str,
    limit: Duration,
    mut condition: impl FnMut() -> Option<T>,
) -> anyhow::Result<T> {
    let timer = Timer::start();
    loop {
        if let Some(value) = condition() {
            return Ok(value);
        }
        if interrupt::happened() {
            bail!("interrupted while it waited for {what}");
        }
        if timer.elapsed() > limit {
            bail!("waited {limit:?} in vain for {what}");
        }
        pause();
    }
}

/// A moment between two questions.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place of this harness that polls"
)]
pub(crate) fn pause() {
    std::thread::sleep(PERIOD);
}

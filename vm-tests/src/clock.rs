//! Time, and words.

use std::fs;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
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

/// The machines that run, by their process ids.
static MACHINES: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// A machine began.
pub(crate) fn machine_began(pid: u32) {
    let mut machines = MACHINES.lock().unwrap_or_else(PoisonError::into_inner);
    machines.push(pid);
}

/// A machine ended.
pub(crate) fn machine_ended(pid: u32) {
    let mut machines = MACHINES.lock().unwrap_or_else(PoisonError::into_inner);
    machines.retain(|one| *one != pid);
}

/// How long the machines have waited for a processor of this one: for so long they stood still, which
/// is nobody's fault, and uses up no patience.
fn stood_still() -> Duration {
    let machines = MACHINES.lock().unwrap_or_else(PoisonError::into_inner);
    machines
        .iter()
        .copied()
        .map(stood_still_by)
        .max()
        .unwrap_or_default()
}

/// By the thread of this process that waited most (`Documentation/scheduler/sched-stats.rst`).
fn stood_still_by(pid: u32) -> Duration {
    let threads = fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten();
    let waits = threads.flatten().filter_map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().nth(1)?.parse().ok()
    });
    waits.max().map(Duration::from_nanos).unwrap_or_default()
}

/// Asks `condition` until it yields something, at most for `limit`, in which machines have a processor.
pub(crate) fn wait_for<T>(
    what: &str,
    limit: Duration,
    mut condition: impl FnMut() -> Option<T>,
) -> anyhow::Result<T> {
    let timer = Timer::start();
    let before = stood_still();
    loop {
        if let Some(value) = condition() {
            return Ok(value);
        }
        if interrupt::happened() {
            bail!("interrupted while it waited for {what}");
        }
        let excused = stood_still().saturating_sub(before);
        if timer.elapsed().saturating_sub(excused) > limit {
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

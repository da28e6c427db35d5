//! What became of each test, in the words of cargo-nextest.

use std::sync::{Mutex, PoisonError};

use roost_kit::interrupt;

use crate::clock::{Timer, say};

/// A test failed, and that was said; what would follow on the same machine is not tried.
#[derive(Debug)]
pub(crate) struct Told;

/// What became of the tests so far.
pub(crate) struct Report {
    all: Timer,
    passed: Mutex<Vec<&'static str>>,
    failed: Mutex<Vec<&'static str>>,
}

impl Default for Report {
    fn default() -> Self {
        Self {
            all: Timer::start(),
            passed: Mutex::default(),
            failed: Mutex::default(),
        }
    }
}

impl Report {
    pub(crate) fn test<T>(
        &self,
        name: &'static str,
        work: impl FnOnce() -> anyhow::Result<T>,
    ) -> Result<T, Told> {
        say(&format!("       START             {name}"));
        let timer = Timer::start();
        let done = match interrupt::happened() {
            true => Err(anyhow::anyhow!("interrupted")),
            false => work(),
        };
        match done {
            Ok(value) => {
                say(&line("PASS", &timer, name));
                note(&self.passed, name);
                Ok(value)
            }
            Err(error) => {
                say(&line("FAIL", &timer, name));
                for line in format!("{error:#}").lines() {
                    say(&format!("             {line}"));
                }
                note(&self.failed, name);
                Err(Told)
            }
        }
    }

    /// Counts as failed what was to run and did not come to it.
    pub(crate) fn close(&self, names: &[&'static str]) {
        for name in names {
            if !self.has(name) {
                say(&format!(
                    "        FAIL             {name}: an earlier test left no machine for it"
                ));
                note(&self.failed, name);
            }
        }
    }

    fn has(&self, name: &&'static str) -> bool {
        [&self.passed, &self.failed].iter().any(|list| {
            list.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .contains(name)
        })
    }

    /// Says the sum; whether all passed.
    pub(crate) fn sum_up(&self, skipped: usize) -> bool {
        let passed = self
            .passed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len();
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        for name in failed.iter() {
            say(&format!("        FAIL             {name}"));
        }
        let failures = match failed.len() {
            0 => String::new(),
            count => format!(", {count} failed"),
        };
        say(&format!(
            "     Summary [{:8.3}s] {} tests run: {passed} passed{failures}, {skipped} skipped",
            self.all.seconds(),
            passed + failed.len(),
        ));
        failed.is_empty()
    }
}

fn note(list: &Mutex<Vec<&'static str>>, name: &'static str) {
    list.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(name);
}

fn line(state: &str, timer: &Timer, name: &str) -> String {
    format!("{state:>12} [{:8.3}s] {name}", timer.seconds())
}

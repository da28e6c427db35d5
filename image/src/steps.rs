//! What is said while things are made: a line a step, with its time.

use std::io::{self, Write};

use roost_kit::clock::Clock;

/// A line on standard error; nobody can be told when that fails.
pub(crate) fn say(line: &str) {
    drop(writeln!(io::stderr().lock(), "{line}"));
}

/// A line on standard output, which is the answer.
pub(crate) fn print(line: &str) -> anyhow::Result<()> {
    Ok(writeln!(io::stdout().lock(), "{line}")?)
}

/// Runs a step of known name, says that it begins and how long it took.
pub(crate) fn step<T>(what: &str, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    let clock = Clock::system();
    let begin = clock.instant();
    let mut stderr = io::stderr().lock();
    drop(write!(stderr, "{what} ... "));
    drop(stderr.flush());
    drop(stderr);
    let done = work();
    let seconds = clock.instant().duration_since(begin).as_secs_f32();
    match &done {
        Ok(_) => say(&format!("{seconds:.1} s")),
        Err(_) => say(&format!("failed after {seconds:.1} s")),
    }
    done
}

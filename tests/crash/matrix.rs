//! A fault at every call that changes the disk.
//!
//! A [`Trial`] is an operation in steps, each of which is acknowledged or not. It is run once
//! without a fault, to learn what the world looks like after each step. Then, for each call that it
//! makes on the disk and each kind of fault, it is run with that fault, the machine or the process
//! stops, and what the next process finds has to be one of those worlds: no earlier than the last
//! step that was acknowledged or shown, no later than the last that was tried.
//!
//! SQLite does its own input and output, past the simulated disk, and so is treated as what the
//! design says it is: derived. Its files are copied whenever a file system was synced, and what a
//! crash leaves of them is that copy, the files as they are now, or the files with the log cut at
//! some byte behind what was synced.

mod point;
mod queue;
mod rooted;
mod store;
pub(crate) mod table;

use point::Trial;
pub(crate) use table::Row;

/// How much is tried.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    /// Decides what survives of unsynced writes.
    pub(crate) seed: u64,
    /// How many such choices are tried at each point.
    pub(crate) rounds: u64,
    /// How far each point is followed.
    pub(crate) depth: Depth,
    /// Told of each operation when it is done.
    pub(crate) told: fn(&Row),
}

/// How far a point is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// To the first recovery and the one after a power cut.
    Short,
    /// Also through faults at every call of recovery itself, at some points.
    Whole,
}

/// Where everything runs.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .unwrap()
}

fn chosen<T: Trial>(trials: Vec<T>, names: &[&str]) -> Vec<T> {
    let wanted = |name: &str| names.iter().any(|some| name.contains(some));
    trials
        .into_iter()
        .filter(|trial| wanted(trial.name()))
        .collect()
}

async fn all<T: Trial>(trials: Vec<T>, names: &[&str], settings: Settings) -> Vec<Row> {
    let mut rows = Vec::new();
    for trial in chosen(trials, names) {
        let row = point::every_point(trial, settings).await;
        (settings.told)(&row);
        rows.push(row);
    }
    rows
}

async fn all_lying<T: Trial>(trials: Vec<T>, names: &[&str], settings: Settings) -> Vec<Row> {
    let mut rows = Vec::new();
    for trial in chosen(trials, names) {
        let row = point::with_lying_syncs(trial, settings).await;
        (settings.told)(&row);
        rows.push(row);
    }
    rows
}

/// The operations of the store whose names contain any of `names`.
pub(crate) async fn stores(settings: Settings, names: &[&str]) -> Vec<Row> {
    all(store::trials().await, names, settings).await
}

/// The operations of the mta's queue whose names contain any of `names`.
pub(crate) async fn queues(settings: Settings, names: &[&str]) -> Vec<Row> {
    all(queue::trials().await, names, settings).await
}

/// As [`stores`], with syncs that do nothing.
pub(crate) async fn lying_stores(settings: Settings, names: &[&str]) -> Vec<Row> {
    all_lying(store::trials().await, names, settings).await
}

/// As [`queues`], with syncs that do nothing.
pub(crate) async fn lying_queues(settings: Settings, names: &[&str]) -> Vec<Row> {
    all_lying(queue::trials().await, names, settings).await
}

//! A part of the crash matrix, small enough for every run of the tests and the same each time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "tests fail by panicking, print why, and own their runtime"
)]

mod matrix;

use matrix::{Depth, Row, Settings, table};

const SETTINGS: Settings = Settings {
    seed: 1,
    rounds: 1,
    depth: Depth::Short,
    told: |_| {},
};

fn shown(rows: &[Row]) -> String {
    let lines = rows
        .iter()
        .map(|row| table::line(row, &row.lost.to_string()));
    std::iter::once(table::header("lost"))
        .chain(lines)
        .collect()
}

fn check(rows: &[Row]) {
    let broken = table::sum(rows).violations;
    assert!(broken.is_empty(), "{}\n{broken:#?}", shown(rows));
    assert!(
        rows.iter().all(|row| row.points > 0 && row.faults > 0),
        "{}",
        shown(rows)
    );
}

#[test]
fn a_fault_at_any_call_loses_nothing_acknowledged_by_the_store() {
    let rows = matrix::runtime().block_on(matrix::stores(
        SETTINGS,
        &["deliver to three, large", "move"],
    ));
    check(&rows);
}

#[test]
fn a_fault_at_any_call_loses_nothing_acknowledged_by_the_queue() {
    let rows = matrix::runtime().block_on(matrix::queues(
        SETTINGS,
        &["take in, large", "a checkpoint meanwhile"],
    ));
    check(&rows);
}

#[test]
fn the_harness_finds_what_is_lost_when_syncs_do_nothing() {
    let rows = matrix::runtime().block_on(async {
        let mut rows = matrix::lying_stores(SETTINGS, &["deliver to three, large"]).await;
        rows.extend(matrix::lying_queues(SETTINGS, &["take in, large"]).await);
        rows
    });
    assert!(rows.iter().all(|row| row.lost > 0), "{}", shown(&rows));
}

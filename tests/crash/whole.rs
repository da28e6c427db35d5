//! The whole crash matrix, as a table: `make crash`.
//!
//! `SEED=N` chooses what survives of unsynced writes, `ROUNDS=N` how many such choices are tried at
//! each point, `ONLY=TEXT` the operations whose names contain it,
//! `DEPTH=short` leaves out faults during recovery. Ends with 1 if a law was broken, or
//! if the same harness finds nothing once syncs do nothing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "it prints its table, fails by panicking, and owns its runtime"
)]

mod matrix;

use std::process::ExitCode;

use matrix::{Depth, Row, Settings, table};

fn number(name: &str, or: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) if !text.is_empty() => text.parse().unwrap_or_else(|_| {
            panic!("{name}={text} is no number");
        }),
        _ => or,
    }
}

fn main() -> ExitCode {
    let settings = Settings {
        seed: number("SEED", 1),
        rounds: number("ROUNDS", 2),
        depth: match std::env::var("DEPTH").as_deref() {
            Ok("short") => Depth::Short,
            _ => Depth::Whole,
        },
        told: |row| {
            print!("{}", table::line(row, &row.violations.len().to_string()));
            for violation in row.violations.iter().take(3) {
                println!("broken: {violation}");
            }
        },
    };
    let only = std::env::var("ONLY").unwrap_or_default();
    println!(
        "crash matrix: SEED={} ROUNDS={}\n\
         At every call that writes, syncs, renames, makes or removes, one by one: the power goes, the\n\
         process dies, EIO once (a sync that fails and then \"succeeds\"), ENOSPC once, a dead disk, a\n\
         disk that is full for a while. Then recovery, the power gone again, recovery, and the laws.\n",
        settings.seed, settings.rounds
    );
    let runtime = matrix::runtime();
    print!("{}", table::header("violations"));
    let rows = runtime.block_on(async {
        let mut rows = matrix::stores(settings, &[&only]).await;
        rows.extend(matrix::queues(settings, &[&only]).await);
        rows
    });
    let sum = table::sum(&rows);
    print!("{}", table::line(&sum, &sum.violations.len().to_string()));
    println!(
        "\nThe same with syncs that do nothing, and the power cut at every call: losses must be found.\n"
    );
    print!("{}", table::header("lost"));
    let proof = Settings {
        told: |row| print!("{}", table::line(row, &row.lost.to_string())),
        ..settings
    };
    let lying = runtime.block_on(async {
        let mut lying = matrix::lying_stores(proof, &[&only]).await;
        lying.extend(matrix::lying_queues(proof, &[&only]).await);
        lying
    });
    (proof.told)(&table::sum(&lying));
    verdict(&rows, &lying)
}

fn verdict(rows: &[Row], lying: &[Row]) -> ExitCode {
    let broken = rows.iter().any(|row| !row.violations.is_empty());
    let silent = rows.iter().any(|row| row.faults == 0);
    let blind = lying.iter().any(|row| row.lost == 0);
    let said = match (broken, silent, blind) {
        (true, _, _) => "failed: a law was broken",
        (_, true, _) => "failed: an operation met no fault",
        (_, _, true) => "failed: the harness did not notice that syncs did nothing",
        (false, false, false) => {
            "passed: no law was broken, and the harness finds losses where there are some"
        }
    };
    println!("\n{said}");
    match broken || silent || blind {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    }
}

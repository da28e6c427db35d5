//! Faults under load, for `make kill` and its like. Exit status 0: nothing acknowledged was lost,
//! and the harness has shown that it would have seen it.
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::panic,
    reason = "a program for developers that prints and fails loudly"
)]

use std::process::{Command, ExitCode};

use roost_tests::fault::disk::Disk;
use roost_tests::fault::{Summary, calls, kill, power};

const USAGE: &str = "usage: cut kill|power|disk|calls [ROUNDS] [SEED]";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |place: usize, otherwise: u64| match words.get(place) {
        None => otherwise,
        Some(word) => word
            .parse()
            .unwrap_or_else(|_| panic!("{word} is no number; {USAGE}")),
    };
    let what = words.first().map_or("", String::as_str);
    let seed = number(2, u64::from(std::process::id()));
    let rounds = |otherwise| u32::try_from(number(1, otherwise)).expect(USAGE);
    println!("seed {seed}");
    let (found, proof) = match what {
        "kill" => (said(kill::kill(rounds(200), seed)), kill::prove_kill(seed)),
        "calls" => {
            if let Some(why) = calls::missing() {
                println!("{what}: SKIPPED, 0 rounds: {why}");
                return ExitCode::from(77);
            }
            (calls::failing_calls(seed), calls::prove_failing_calls(seed))
        }
        "power" | "disk" => {
            if let Some(why) = Disk::missing() {
                println!("{what}: SKIPPED, 0 rounds: {why}");
                return ExitCode::from(77);
            }
            if let Some(code) = in_own_namespace() {
                return code;
            }
            let found = match what {
                "power" => power::power_cuts(rounds(100), seed),
                _ => power::failing_disk(rounds(10), seed),
            };
            (said(found), power::prove_power_cuts(seed))
        }
        _ => {
            println!("{USAGE}");
            return ExitCode::from(64);
        }
    };
    conclude(&found, &proof)
}

/// Prints a result at once, whatever becomes of the proof.
fn said(summary: Summary) -> Summary {
    println!("{summary}");
    summary
}

/// Prints both results; whether both are as they must be.
fn conclude(found: &Summary, proof: &Summary) -> ExitCode {
    println!("\n{found}\n\n{proof}");
    let lost = proof.wrong.iter().any(|wrong| wrong.contains("is lost"));
    let verdict = match (found.wrong.is_empty() && found.rounds > 0, lost) {
        (true, true) => "nothing acknowledged was lost, and the harness finds losses",
        (true, false) => "THE HARNESS FINDS NOTHING: its proof found no loss",
        (false, _) => "VIOLATIONS were found",
    };
    println!("\n{}: {verdict}", found.name);
    match found.wrong.is_empty() && found.rounds > 0 && lost {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// Runs this program again where its mounts are its own and go with it, whatever ends it. `None`
/// where that is so already.
fn in_own_namespace() -> Option<ExitCode> {
    const MARK: &str = "ROOST_CUT_NAMESPACE";
    if std::env::var_os(MARK).is_some() {
        return None;
    }
    let status = Command::new("unshare")
        .args(["--mount", "--propagation", "private"])
        .arg(std::env::current_exe().expect("this program has a path"))
        .args(std::env::args_os().skip(1))
        .env(MARK, "1")
        .status()
        .expect("unshare can be run");
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Some(ExitCode::from(code.unwrap_or(1)))
}

//! Virtual machines that prove the appliance: `make vm-test` runs the short set.
//!
//! A scenario is some ten lines on a [`vm::Vm`]: boot, run something in the guest, wait for a condition,
//! cut the power. Machines are QEMU's; KVM is used where a guest really starts with it, else TCG. The
//! harness talks to a guest by its agent, over a line of its own, so that no test depends on the
//! network that it tests; mail comes from outside, through forwarded ports.

mod agent;
mod clock;
mod lab;
mod mail;
mod scenario;
mod smtp;
mod vm;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use clock::say;
use lab::Lab;

/// Boots the appliance in virtual machines and proves what it promises.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Cli {
    /// The folder with the appliance and the packages
    #[arg(long, value_name = "DIR", default_value = "target/appliance")]
    appliance: PathBuf,
    /// Packages of a later revision, to upgrade to
    #[arg(
        long,
        value_name = "DIR",
        default_value = "target/appliance/next/packages"
    )]
    next: PathBuf,
    /// Only scenarios whose name contains this
    #[arg(value_name = "NAME")]
    only: Option<String>,
    /// All scenarios, not only the short set
    #[arg(long)]
    full: bool,
    /// Only list them
    #[arg(long)]
    list: bool,
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("vm-tests: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> anyhow::Result<bool> {
    let chosen: Vec<_> = scenario::ALL
        .iter()
        .filter(|one| cli.full || one.short || cli.only.is_some())
        .filter(|one| cli.only.as_ref().is_none_or(|only| one.name.contains(only)))
        .collect();
    if cli.list {
        chosen.iter().for_each(|one| say(one.name));
        return Ok(true);
    }
    let lab = Lab::new(&cli.appliance, &cli.next)?;
    say(&format!("machines run by {}", lab.accelerator));
    let (mut passed, mut failed) = (0, Vec::new());
    for one in &chosen {
        say(&format!("--- {}", one.name));
        let timer = clock::Timer::start();
        match (one.run)(&lab) {
            Ok(()) => {
                passed += 1;
                say(&format!("PASS {} ({:.0} s)", one.name, timer.seconds()));
            }
            Err(error) => {
                failed.push(one.name);
                say(&format!(
                    "FAIL {} ({:.0} s): {error:#}",
                    one.name,
                    timer.seconds()
                ));
            }
        }
    }
    for name in &failed {
        say(&format!("failed: {name}"));
    }
    say(&lab.figures());
    say(&format!(
        "vm-tests: {passed} passed, {} failed",
        failed.len()
    ));
    Ok(failed.is_empty())
}

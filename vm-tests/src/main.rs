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
mod report;
mod scenario;
mod smtp;
mod vm;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use clock::say;
use lab::Lab;
use scenario::Scenario;

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
    /// Only machines with a test whose name contains this
    #[arg(value_name = "NAME")]
    only: Option<String>,
    /// Every test, not only the short set
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
    let (chosen, others): (Vec<&Scenario>, Vec<&Scenario>) =
        scenario::ALL.iter().partition(|one| is_chosen(cli, one));
    if cli.list {
        let names = chosen.iter().flat_map(|one| one.tests);
        names.for_each(|name| say(name));
        return Ok(true);
    }
    roost_kit::interrupt::watch()?;
    let lab = Lab::new(&cli.appliance, &cli.next)?;
    say(&format!("machines run by {}", lab.accelerator));
    for one in &chosen {
        // Told already; other machines do not depend on this one.
        drop((one.run)(&lab));
        lab.report.close(one.tests);
    }
    say(&lab.figures());
    Ok(lab
        .report
        .sum_up(others.iter().map(|one| one.tests.len()).sum()))
}

fn is_chosen(cli: &Cli, scenario: &Scenario) -> bool {
    match &cli.only {
        Some(only) => scenario.tests.iter().any(|name| name.contains(only)),
        None => cli.full || scenario.short,
    }
}

//! `roost-image`: packages, repositories and bootable images of Roost.
//!
//! Read [`describe`] for what is packaged, [`package`] for how `.deb` and `.rpm` come from it,
//! [`repository`] for what apt and dnf are pointed at, and [`appliance`] for the disk that boots.
//! Everything made here depends on its inputs alone: times are `SOURCE_DATE_EPOCH`, identifiers are
//! derived, orders are sorted.

mod appliance;
mod binaries;
mod describe;
mod licences;
mod package;
mod repository;
mod run;
mod source;
mod steps;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use source::Source;
use steps::say;

/// Makes packages, repositories and bootable images of Roost.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Cli {
    /// Where the results go
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        default_value = "target/appliance"
    )]
    out: PathBuf,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Build the daemons and make .deb and .rpm packages of them
    Package(package::Options),
    /// Make a signed apt and dnf repository of the packages
    Repo(repository::Options),
    /// Make a bootable appliance from a recipe: raw, qcow2 and OVA
    Build(appliance::Options),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("roost-image: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    roost_kit::interrupt::watch()?;
    let source = Source::find()?;
    let out = std::path::absolute(&cli.out)?;
    std::fs::create_dir_all(&out)?;
    match cli.what {
        What::Package(options) => package::run(&options, &source, &out).map(drop),
        What::Repo(options) => repository::run(&options, &out),
        What::Build(options) => appliance::run(&options, &source, &out),
    }
}

//! `roostctl`: the administrator's command.
//!
//! `roostctl NOUN VERB [NAME] [--flag value]`. Read [`cli`] for the grammar and the file of a noun in
//! [`noun`] for what it does; [`setup`] makes an installed machine a node, [`dev`] runs the whole suite
//! on one machine.

mod authority;
mod cli;
mod dev;
mod failure;
mod import;
mod moment;
mod noun;
mod output;
mod setup;

use std::process::ExitCode;

use cli::Cli;
use failure::Failure;
use output::{Output, say};

fn main() -> ExitCode {
    let cli = match cli::parse() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let output = cli.output();
    match run(cli, &output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            failure.exit().into()
        }
    }
}

fn run(cli: Cli, output: &Output) -> Result<(), Failure> {
    start_log();
    roost_kit::tls::install_default_provider();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::io("cannot start threads", &error))?;
    runtime.block_on(noun::run(cli, output))
}

/// What libraries log is of interest only to whoever asks for it with `ROOST_LOG`.
fn start_log() {
    let clock = roost_kit::clock::Clock::system();
    let quiet = roost_kit::config::LogSettings {
        level: "off".to_owned(),
        socket: None,
    };
    if let Err(error) = roost_kit::log::Log::start("roostctl", "", &quiet, &clock) {
        say(&format!("roostctl: {}: {error}", roost_kit::log::VARIABLE));
    }
}

//! The command line of a daemon.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::config::DEFAULT_FILE;

/// `EX_USAGE` is 64, but shells and clap agree on 2.
const EXIT_USAGE: u8 = 2;

/// What the command line said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Arguments {
    /// The main configuration file.
    pub(super) config: PathBuf,
    /// Only check the configuration.
    pub(super) check: bool,
    /// Drain when standard input ends. Whoever started us holds its other end; when that process
    /// dies, however it dies, we end too.
    pub(super) while_stdin_open: bool,
}

/// What is to be done.
pub(super) enum Asked {
    /// To run.
    Run(Arguments),
    /// Nothing more: help was printed, or the command line was wrong.
    Nothing(ExitCode),
}

pub(super) fn parse(
    name: &'static str,
    version: &'static str,
    words: impl Iterator<Item = OsString>,
) -> Asked {
    match command(name, version).try_get_matches_from(words) {
        Ok(matches) => Asked::Run(arguments(&matches)),
        Err(error) => {
            let fine = matches!(
                error.kind(),
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
            );
            let printed = error.print();
            Asked::Nothing(match (fine, printed) {
                (true, Ok(())) => ExitCode::SUCCESS,
                (true, Err(_)) => ExitCode::FAILURE,
                (false, _) => ExitCode::from(EXIT_USAGE),
            })
        }
    }
}

/// One line on standard output; fails when nobody takes it.
pub(super) fn print(line: &str) -> ExitCode {
    match writeln!(io::stdout(), "{line}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn command(name: &'static str, version: &'static str) -> Command {
    Command::new(name)
        .version(version)
        .arg(
            Arg::new("config")
                .long("config")
                .value_name("FILE")
                .env("ROOST_CONFIG")
                .default_value(DEFAULT_FILE)
                .value_parser(value_parser!(PathBuf))
                .help("The main configuration file; conf.d/*.toml beside it is read too"),
        )
        .arg(
            Arg::new("check")
                .long("check")
                .action(ArgAction::SetTrue)
                .help("Check the configuration, print OK and exit (78: a mistake)"),
        )
        .arg(
            Arg::new("while-stdin-open")
                .long("while-stdin-open")
                .action(ArgAction::SetTrue)
                .hide(true)
                .help("Drain and exit when standard input ends"),
        )
}

fn arguments(matches: &ArgMatches) -> Arguments {
    Arguments {
        config: matches
            .get_one::<PathBuf>("config")
            .cloned()
            .unwrap_or_else(|| PathBuf::from(DEFAULT_FILE)),
        check: matches.get_flag("check"),
        while_stdin_open: matches.get_flag("while-stdin-open"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_read() {
        let command = command("roost-test", "1");
        let matches = command
            .try_get_matches_from(["roost-test", "--config", "/x.toml", "--check"])
            .unwrap();
        assert_eq!(
            arguments(&matches),
            Arguments {
                config: PathBuf::from("/x.toml"),
                check: true,
                while_stdin_open: false,
            }
        );
    }
}

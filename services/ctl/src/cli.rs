//! The grammar of the command line.

mod alerts;
mod directory;
pub(crate) mod examples;
mod logger;
mod mail;
mod proxy;
mod statistics;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;

use crate::dev;
use crate::failure::{Exit, Failure};
use crate::output::{Colour, Format, Output, say, terminal_width};

pub(crate) use alerts::{AlertsVerb, WhichAlert};
pub(crate) use directory::{
    AccountVerb, AliasVerb, ConfigVerb, CosVerb, DomainVerb, ListVerb, Password, ServerVerb,
};
pub(crate) use logger::{Logs, Trace};
pub(crate) use mail::{Flush, Import, MailboxVerb, Messages, QueueVerb, StoreVerb, Verify};
pub(crate) use proxy::{ProxyVerb, UpstreamState, Which};
pub(crate) use statistics::{By, DayReport, Stats, StatsVerb, WindowOptions};

/// Administers Roost.
#[derive(Debug, Parser)]
#[command(
    name = "roostctl",
    version,
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) noun: Noun,
    #[command(flatten)]
    pub(crate) global: Global,
}

/// What every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Every command")]
pub(crate) struct Global {
    /// The node's configuration file
    #[arg(long, global = true, env = "ROOST_CONFIG", value_name = "FILE",
          default_value = roost_kit::config::DEFAULT_FILE)]
    pub(crate) config: PathBuf,
    /// Answer in JSON, all fields or the named ones
    #[arg(long, global = true, value_name = "FIELDS", num_args = 0..=1, require_equals = true,
          default_missing_value = "", value_delimiter = ',')]
    json: Option<Vec<String>>,
    /// Answer with names only
    #[arg(short, long, global = true, conflicts_with = "json")]
    quiet: bool,
    /// No line with column names
    #[arg(short = 'H', long = "no-header", global = true)]
    no_header: bool,
    /// Tabs between columns, exact numbers
    #[arg(short, long, global = true)]
    parsable: bool,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Colour,
    /// Only say what would change
    #[arg(long, global = true)]
    pub(crate) dry_run: bool,
    /// Do not ask
    #[arg(short, long, global = true)]
    pub(crate) yes: bool,
}

/// What a command is about.
#[derive(Debug, Subcommand)]
pub(crate) enum Noun {
    /// Health of every daemon
    Status,
    /// Domains that receive mail here
    #[command(subcommand)]
    Domain(DomainVerb),
    /// Accounts: people with a mailbox
    #[command(subcommand)]
    Account(AccountVerb),
    /// Further addresses of accounts and lists
    #[command(subcommand)]
    Alias(AliasVerb),
    /// Distribution lists
    #[command(subcommand)]
    List(ListVerb),
    /// Classes of service: settings that accounts share
    #[command(subcommand)]
    Cos(CosVerb),
    /// The machines of this installation
    #[command(subcommand)]
    Server(ServerVerb),
    /// Settings of the whole installation
    #[command(subcommand)]
    Config(ConfigVerb),
    /// Mail that waits for delivery
    #[command(subcommand)]
    Queue(QueueVerb),
    /// Where a message is: who sent it, what became of it, step by step
    Trace(Trace),
    /// What the daemons, and everybody who sends syslog here, have said
    Logs(Logs),
    /// Who is connected through this node's proxy, and who is shut out
    #[command(subcommand)]
    Proxy(ProxyVerb),
    /// What is in a mailbox
    #[command(subcommand)]
    Mailbox(MailboxVerb),
    /// How this node keeps mail
    #[command(subcommand)]
    Store(StoreVerb),
    /// Everything about this node's health, and what to do about it
    Doctor,
    /// What the logger's rules found, and who is told
    #[command(subcommand)]
    Alerts(AlertsVerb),
    /// Figures over time: mail, people, daemons, hosts
    Stats(Stats),
    /// Make this machine a node: host name, first domain, administrator
    Setup(Setup),
    /// Run the whole suite on this machine, for trying and testing
    Dev(Dev),
    /// Write a completion script for a shell
    Completion {
        /// The shell
        shell: Shell,
    },
    /// Say which version this is
    Version,
    /// Help on a command; or write all manual pages
    Help {
        /// The command, such as `account create`
        command: Vec<String>,
        /// Write the manual pages into this folder
        #[arg(long, value_name = "DIR", conflicts_with = "command")]
        man: Option<PathBuf>,
    },
}

/// `roostctl dev`
#[derive(Debug, Args)]
pub(crate) struct Dev {
    /// The folder that holds everything
    #[arg(long, value_name = "DIR", default_value = "var")]
    pub(crate) state: PathBuf,
    /// What is added to well-known ports: SMTP is 25 + N
    #[arg(long, value_name = "N", default_value_t = dev::DEFAULT_OFFSET)]
    pub(crate) offset: u16,
    /// Empty the folder first
    #[arg(long)]
    pub(crate) fresh: bool,
}

/// `roostctl setup`
#[derive(Debug, Args)]
pub(crate) struct Setup {
    /// Read the answers from this TOML file (`-` is standard input) instead of asking: host, domain,
    /// administrator, password or password-hash, names
    #[arg(long, value_name = "FILE")]
    pub(crate) answers: Option<PathBuf>,
    /// Only write files; start nothing
    #[arg(long)]
    pub(crate) no_start: bool,
}

impl Cli {
    /// How to answer.
    pub(crate) fn output(&self) -> Output {
        let global = &self.global;
        let format = match (&global.json, global.quiet) {
            (Some(fields), _) => {
                let named = fields.iter().filter(|field| !field.is_empty());
                Format::Json(named.cloned().collect())
            }
            (None, true) => Format::Names,
            (None, false) => Format::Table,
        };
        Output {
            format,
            header: !global.no_header,
            parsable: global.parsable,
            colour: global.color.on(&io::stdout()),
            width: terminal_width(),
        }
    }
}

/// The whole grammar, examples included.
pub(crate) fn command() -> clap::Command {
    examples::add(Cli::command())
}

/// Reads the command line; help and mistakes are printed here.
pub(crate) fn parse() -> Result<Cli, ExitCode> {
    command()
        .try_get_matches()
        .and_then(|matches| Cli::from_arg_matches(&matches))
        .map_err(|error| {
            if error.use_stderr() && wants_json(std::env::args_os()) {
                say(&mistake(&error).json().to_string());
                return Exit::Usage.into();
            }
            let printed = error.print();
            match (error.use_stderr(), printed) {
                (false, Ok(())) => ExitCode::SUCCESS,
                (false, Err(_)) => Exit::Failed.into(),
                (true, _) => Exit::Usage.into(),
            }
        })
}

/// Whether `--json` is on a command line that may have mistakes.
fn wants_json(arguments: impl Iterator<Item = OsString>) -> bool {
    arguments
        .skip(1)
        .take_while(|argument| argument != "--")
        .any(|argument| argument == "--json" || argument.as_encoded_bytes().starts_with(b"--json="))
}

/// A mistake in the command line as scripts read it: the first paragraph says what is wrong.
fn mistake(error: &clap::Error) -> Failure {
    let text = error.render().to_string();
    let first = text.split("\n\n").next().unwrap_or_default();
    let lines: Vec<&str> = first.lines().map(str::trim).collect();
    let message = lines.join(" ");
    let message = message.strip_prefix("error: ").unwrap_or(&message);
    Failure::usage(message).next("roostctl help")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_gets_mistakes_as_json_too() {
        let wants = |arguments: &[&str]| wants_json(arguments.iter().map(OsString::from));
        assert!(wants(&["roostctl", "--json", "nope"]));
        assert!(wants(&["roostctl", "account", "list", "--json=name"]));
        assert!(!wants(&["roostctl", "account", "show", "--", "--json"]));
        assert!(!wants(&["roostctl", "account", "--jsonl"]));

        let error = Cli::try_parse_from(["roostctl", "account", "show", "--json"]).unwrap_err();
        let failure = mistake(&error);
        assert_eq!(failure.json()["error"]["code"], "usage");
        assert_eq!(
            failure.json()["error"]["message"],
            "the following required arguments were not provided: <ADDRESS>"
        );
    }

    #[test]
    fn the_grammar_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn json_takes_fields_only_after_an_equals_sign() {
        let parse = |arguments: &[&str]| {
            let cli = Cli::try_parse_from([&["roostctl"], arguments].concat()).unwrap();
            cli.output().format
        };
        let fields = |names: &[&str]| Format::Json(names.iter().map(ToString::to_string).collect());
        assert_eq!(parse(&["domain", "list", "--json"]), fields(&[]));
        assert_eq!(
            parse(&["--json=name,id", "domain", "list"]),
            fields(&["name", "id"])
        );
        assert_eq!(parse(&["domain", "list", "-q"]), Format::Names);
    }
}

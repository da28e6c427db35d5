//! The grammar of what the logger knows: figures over time.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use roost_kit::config::Period;

/// `roostctl stats`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Stats {
    #[command(subcommand)]
    pub(crate) verb: Option<StatsVerb>,
    /// Series to show, as `stats list` names them; `*` stands for anything. Without any: the few
    /// figures that matter most
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    #[command(flatten)]
    pub(crate) window: WindowOptions,
    /// Answer with comma-separated values, a line a step
    #[arg(long, conflicts_with_all = ["json", "quiet"])]
    pub(crate) csv: bool,
}

/// What `stats` does beside showing series.
#[derive(Debug, Subcommand)]
pub(crate) enum StatsVerb {
    /// List every series
    List,
    /// Mail of a day by domain or account
    Report(DayReport),
    /// Draw a series as an SVG picture, on standard output or into a file
    Chart {
        /// The series, as `stats list` names it; the first that fits is drawn
        name: String,
        #[command(flatten)]
        window: WindowOptions,
        /// Write the picture into this file
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

/// `roostctl stats report`
#[derive(Debug, Clone, Args)]
pub(crate) struct DayReport {
    /// The day, such as 2026-11-24; else today, and with `--send` yesterday
    #[arg(long, value_name = "DAY")]
    pub(crate) day: Option<String>,
    /// By domain or by account
    #[arg(long, value_name = "WHAT", default_value = "domain")]
    pub(crate) by: By,
    /// Only so many, those with the most mail; all by default
    #[arg(long, value_name = "N")]
    pub(crate) top: Option<usize>,
    /// Answer with comma-separated values
    #[arg(long, conflicts_with_all = ["json", "quiet"])]
    pub(crate) csv: bool,
    /// Mail the report now, to whom [statistics.report] names
    #[arg(long, conflicts_with_all = ["csv", "by", "top"])]
    pub(crate) send: bool,
}

/// Whose mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum By {
    /// Of each domain.
    Domain,
    /// Of each account.
    Account,
}

/// A window of time.
#[derive(Debug, Clone, Args)]
pub(crate) struct WindowOptions {
    /// How far back
    #[arg(long, value_name = "TIME", default_value = "1d")]
    pub(crate) since: Period,
    /// The length of a step; the next that is kept is taken
    #[arg(long, value_name = "TIME")]
    pub(crate) step: Option<Period>,
    /// Only of this node
    #[arg(long, value_name = "HOST")]
    pub(crate) node: Option<String>,
}

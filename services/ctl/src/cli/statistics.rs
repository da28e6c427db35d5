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

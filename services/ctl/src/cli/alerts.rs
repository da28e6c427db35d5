//! The grammar of alerts and findings.

use clap::{Args, Subcommand};
use roost_kit::config::Period;

/// `roostctl alerts`
#[derive(Debug, Subcommand)]
pub(crate) enum AlertsVerb {
    /// List what is pending or firing
    List {
        /// What is over since a week, too
        #[arg(long)]
        all: bool,
    },
    /// List every rule and whether it can judge
    Rules,
    /// Tell nobody of a rule for a while; ends at once if it gets worse
    Silence {
        #[command(flatten)]
        which: WhichAlert,
        /// For how long
        #[arg(long = "for", value_name = "TIME", default_value = "7d")]
        lasts: Period,
    },
    /// List the silences
    Silences,
    /// End a silence
    Unsilence {
        /// Its number, as `alerts silences` shows it
        id: u32,
    },
    /// Say that somebody knows: nobody is told again until it is over, or worse
    Acknowledge(WhichAlert),
}

/// Which alert.
#[derive(Debug, Clone, Args)]
pub(crate) struct WhichAlert {
    /// The rule, such as `DISK_FILLING`
    pub(crate) rule: String,
    /// Only of this, such as `store`; else of everything
    #[arg(value_name = "SUBJECT")]
    pub(crate) subject: Option<String>,
    /// Why, for whoever looks next
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) note: String,
}

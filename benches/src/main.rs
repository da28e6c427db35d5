//! `roost-bench`: Roost beside Debian's Dovecot, Postfix and nginx, on the same disk, driven by the same
//! client. Every figure that is claimed of Roost is printed by this program.
//!
//! | module | what it decides |
//! |---|---|
//! | [`delivery`] | the points of `bench-delivery`, and how one is run |
//! | [`logging`] | `bench-logger`: roost-logger beside rsyslog |
//! | [`memory`] | `bench-memory` |
//! | [`proxy`] | `bench-proxy` |
//! | [`server`] | how Roost, Dovecot, Postfix and the sink are set up, started and ended |
//! | [`client`] | the load: SMTP, LMTP, IMAP, one closed loop a connection, on one thread |
//! | [`message`] | the corpus: from a seed, no two messages alike |
//! | [`measure`] | CPU and private memory of process trees, flushes of the disk |
//! | [`report`] | medians, and the line a point |
//!
//! # What makes it fair
//! - Systems take turns within a point, several times; medians are compared.
//! - All write below one folder, sync before they acknowledge, and log every message to a file.
//! - A server's CPU is counted until it is idle again, so that work put off is not work saved.
//! - The best of Dovecot's formats is the peer.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a program for people that measures real time"
)]

mod client;
mod delivery;
mod logging;
mod measure;
mod memory;
mod message;
mod proxy;
mod report;
mod scratch;
mod server;

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};

/// Runs Roost beside Dovecot and Postfix and prints a line a point:
/// `bench NAME roost=… peer=… ratio=… bar=…` (medians; a higher ratio is better for Roost).
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Speed of delivery, each message durable before it is acknowledged
    Delivery(Delivery),
    /// Private memory, idle and with sessions in IDLE
    Memory(Memory),
    /// The logger: lines a second, bytes on the disk, memory, trace of one message
    Logger(Logging),
    /// The proxy: logins, large messages, private memory of idle sessions
    Proxy(Proxying),
}

#[derive(Debug, Args)]
struct Common {
    /// The folder in which all servers write; it must be on the disk that is to be measured
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// What is added to Roost's well-known ports; without it one is found. The peers' ports are
    /// free ones
    #[arg(long)]
    offset: Option<u16>,
    /// Keep the folder, with the servers' logs, when all is done
    #[arg(long)]
    keep: bool,
}

#[derive(Debug, Args)]
struct Delivery {
    #[command(flatten)]
    common: Common,
    /// Only points whose name contains this
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// How often each point is run for each system
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// How long one run is measured, in seconds
    #[arg(long, default_value_t = 2.5)]
    seconds: f64,
    /// Run Roost alone, to profile it
    #[arg(long)]
    alone: bool,
}

#[derive(Debug, Args)]
struct Memory {
    #[command(flatten)]
    common: Common,
    /// How many sessions
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 10_000])]
    sessions: Vec<usize>,
    /// Only Roost
    #[arg(long)]
    alone: bool,
}

#[derive(Debug, Args)]
struct Proxying {
    #[command(flatten)]
    common: Common,
    /// How often each point is run for each system
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// How long one run is measured, in seconds
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// How many idle sessions
    #[arg(long, default_value_t = 20_000)]
    sessions: usize,
    /// Only points whose name contains this
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
}

#[derive(Debug, Args)]
struct Logging {
    #[command(flatten)]
    common: Common,
    /// How often each point is run for each system
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// How many lines; a day of a large node has ten million
    #[arg(long, default_value_t = 1_000_000)]
    lines: usize,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    // The client is one thread on purpose: its share of the CPU can be told, and it leaves the
    // other cores to the servers.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the client")?;
    runtime.block_on(async {
        match arguments.what {
            What::Delivery(options) => delivery::run(options).await,
            What::Memory(options) => memory::run(options).await,
            What::Logger(options) => logging::run(options).await,
            What::Proxy(options) => proxy::run(options).await,
        }
    })
}

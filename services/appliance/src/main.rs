//! `roost-appliance`: what turns a disk image into somebody's mail server.
//!
//! Three steps, each a unit of its own, each looking before it changes anything:
//! [`data`] finds the data disk (it formats only a disk that is blank) and mounts it; [`configure`]
//! takes what the virtual machine was told ([`properties`]) and gives it to the network and to
//! `roostctl setup`; [`console`] shows where to go and the state of the services, asks what nobody
//! told, and names whatever is wrong.

mod configure;
mod console;
mod data;
mod network;
mod nocloud;
mod ovf;
mod properties;
mod state;
mod system;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The appliance's own steps; systemd runs them.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Find the data disk and mount it
    Data,
    /// Let the file system of the data disk fill it, after the disk grew
    Grow,
    /// Name the machine and its network as its properties say
    Network,
    /// Set the node up as its properties say
    Configure,
    /// Show the console
    Console,
    /// Print what the machine was told, without secrets
    Properties,
}

fn main() -> ExitCode {
    let done = match Cli::parse().what {
        What::Data => data::run(),
        What::Grow => data::grow(),
        What::Network => network::run(),
        What::Configure => configure::run(),
        What::Console => console::run(),
        What::Properties => {
            properties::Properties::gather().and_then(|found| system::print(&format!("{found:#?}")))
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            system::say(&format!("roost-appliance: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

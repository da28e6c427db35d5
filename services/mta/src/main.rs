//! The mail transfer agent's daemon.

use std::process::ExitCode;

use roost_kit::Daemon;

fn main() -> ExitCode {
    Daemon::new("roost-mta", env!("CARGO_PKG_VERSION")).run(roost_mta::start)
}

//! The logger's daemon.

use std::process::ExitCode;

use roost_kit::Daemon;

fn main() -> ExitCode {
    Daemon::new("roost-logger", env!("CARGO_PKG_VERSION")).run(roost_logger::start)
}

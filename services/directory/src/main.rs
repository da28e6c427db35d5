//! The directory daemon.

use std::process::ExitCode;

use roost_kit::Daemon;

fn main() -> ExitCode {
    Daemon::new("roost-directory", env!("CARGO_PKG_VERSION")).run(roost_directory::start)
}

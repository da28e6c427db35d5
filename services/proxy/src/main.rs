//! The proxy daemon.

use std::process::ExitCode;

use roost_kit::Daemon;

fn main() -> ExitCode {
    Daemon::new("roost-proxy", env!("CARGO_PKG_VERSION")).run(roost_proxy::start)
}

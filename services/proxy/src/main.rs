//! The proxy daemon.

use std::process::ExitCode;

use roost_kit::Daemon;

fn main() -> ExitCode {
    Daemon::new("roost-proxy", env!("CARGO_PKG_VERSION"))
        .with_successors()
        .run(roost_proxy::start)
}

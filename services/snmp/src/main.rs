//! The SNMP subagent's daemon.

use std::process::ExitCode;

use roost_kit::Daemon;

fn main() -> ExitCode {
    Daemon::new("roost-snmp", env!("CARGO_PKG_VERSION")).run(roost_snmp::start)
}

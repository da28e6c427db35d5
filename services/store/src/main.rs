//! The mail store daemon: LMTP in, IMAP and POP3 out.

use std::process::ExitCode;

use roost_kit::Daemon;

fn main() -> ExitCode {
    Daemon::new("roost-store", env!("CARGO_PKG_VERSION")).run(roost_store::start)
}

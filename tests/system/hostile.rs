//! Hostile input on real sockets: refused in the protocol's own words, with the daemons' memory
//! bounded, everybody else served meanwhile, and nobody restarted ([`roost_tests::Siege`]).

mod crowd;
mod endless;
mod guessing;
mod injected;
mod ldap;
mod mime;
mod pipelined;
mod slow;
mod smuggling;
mod unread;

use roost_tests::{Suite, Wire};

/// How much private memory a daemon may have more at the height of an attack, in MiB, where no
/// message is let in: buffers of sessions, caches, what the allocator keeps.
const SMALL: u64 = 48;

/// A connection to port 25 that has said EHLO.
#[track_caller]
fn smtp(suite: &Suite) -> Wire {
    greeted(Wire::open(suite.port("smtp")), "EHLO hostile.example")
}

/// A connection for LMTP that has said LHLO.
#[track_caller]
fn lmtp(suite: &Suite) -> Wire {
    greeted(Wire::open(suite.port("lmtp")), "LHLO hostile.example")
}

#[track_caller]
fn greeted(mut wire: Wire, hello: &str) -> Wire {
    assert!(wire.reply().starts_with("220 "));
    assert!(wire.smtp(hello).starts_with("250"));
    wire
}

/// A connection to IMAP that has heard the greeting.
#[track_caller]
fn imap(suite: &Suite) -> Wire {
    let mut wire = Wire::open(suite.port("imap"));
    wire.until("* OK");
    wire
}

/// The same, signed in.
#[track_caller]
fn imap_as(suite: &Suite, address: &str) -> Wire {
    let mut wire = imap(suite);
    let login = format!("login LOGIN {address} {}", suite.password(address));
    wire.ask(&login, "login OK");
    wire
}

/// Asserts that a reply begins as it must.
#[track_caller]
fn begins(reply: &str, start: &str) {
    assert!(reply.starts_with(start), "{start:?} was expected: {reply}");
}

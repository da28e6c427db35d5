//! A whole IMAP session on a table of mailboxes: no dialogue makes it panic, or say or hold more than
//! it should, and silence ends it.
#![no_main]
#![allow(unused_must_use, reason = "that it comes to an end is what is tested")]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use roost_proto_imap::Security;
use roost_proto_imap::limits::OUT_OCTETS;

#[path = "../../services/core/proto/imap/tests/session"]
#[allow(dead_code, reason = "the tests use more of these than is needed here")]
mod session {
    pub(crate) mod play;
    pub(crate) mod table;
}
// Where the tests' own files look for each other.
use session::{play, table};

use play::Client;
use table::{Table, message};

fuzz_target!(|octets: &[u8]| {
    let Some((how, octets)) = octets.split_first() else {
        return;
    };
    let table = Table::new("2026-03-01T12:00:00Z".parse().unwrap());
    table.add("Work", None);
    for name in ["plain", "multipart", "nested"] {
        table.deliver("INBOX", &message(name));
    }
    let mut client = match how & 3 {
        0 => Client::new(&table, Security::Tls),
        1 => Client::new(&table, Security::Clear),
        _ => Client::logged_in(&table),
    };
    if how & 3 == 3 {
        client.ask("x SELECT INBOX\r\n");
    }
    let step = usize::from(how >> 2).max(1);
    for piece in octets.chunks(step) {
        client.send(piece);
        assert!(client.high_water < OUT_OCTETS + (64 << 10));
    }
    client.pass(Duration::from_secs(7200));
    assert!(client.closed, "silence ends every session");
});

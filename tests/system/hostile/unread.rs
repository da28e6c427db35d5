//! Clients that ask for much and never read.

use std::time::Duration;

use roost_tests::{Siege, Suite, Wire, message, wait_for};

use super::ldap::read_schema;
use super::{SMALL, imap_as, smtp};

#[test]
fn a_client_that_never_reads_costs_a_buffer_and_then_its_connection() {
    let suite = Suite::start_with("[node]\nwrite_timeout = \"6s\"\n");
    let letter = message::sized("unread", 4 << 20);
    for _ in 0..4 {
        let mut wire = imap_as(&suite, "alice@example.test");
        wire.ask(&format!("a APPEND INBOX {{{}}}", letter.len()), "+");
        wire.send(&letter);
        wire.ask("", "a OK");
    }
    let siege = Siege::lay(&suite);
    let mut crowd = Vec::new();
    for _ in 0..12 {
        let mut wire = imap_as(&suite, "alice@example.test");
        wire.ask("a SELECT INBOX", "a OK");
        wire.send("b FETCH 1:* (BODY.PEEK[])\r\n".repeat(40));
        crowd.push(wire);
        let mut wire = smtp(&suite);
        wire.write_patience(Duration::from_millis(300));
        wire.send("EHLO x\r\n".repeat(200_000));
        crowd.push(wire);
        let mut wire = Wire::open(suite.port("pop3"));
        wire.until("+OK");
        wire.ask("USER alice@example.test", "+OK");
        // One session has the maildrop's listing as it was; all may read it.
        wire.ask(
            &format!("PASS {}", suite.password("alice@example.test")),
            "+OK",
        );
        let stat = wire.ask("STAT", "+OK").pop().unwrap();
        let last = stat.split(' ').nth(1).unwrap();
        wire.send(format!("RETR {last}\r\n").repeat(40));
        crowd.push(wire);
        let mut wire = Wire::open(suite.port("ldap"));
        wire.write_patience(Duration::from_millis(300));
        for number in 1..2_000 {
            wire.send(read_schema(number));
        }
        crowd.push(wire);
    }
    siege.others_are_served();
    siege.lift(&suite, SMALL);
    // Their time is over without their having read a thing.
    wait_for("the deaf to be cut off", Duration::from_secs(60), || {
        let open = [
            ("proxy_health", "roost_proxy_mail_connections_open"),
            ("store_health", "roost_store_readers_connections_open"),
            ("mta_health", "roost_mta_smtp_connections_open"),
        ];
        let none = open.map(|(health, metric)| suite.metric(health, metric)) == [0.0; 3];
        none.then_some(())
    });
    for mut wire in crowd {
        // What had been written is there still; then it ends.
        wire.closes_within(Duration::from_secs(30));
    }
}

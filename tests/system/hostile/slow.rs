//! One octet now and then, and clients that say nothing.

use std::time::Duration;

use roost_tests::{Siege, Suite, Wire};

use super::{SMALL, lmtp, smtp};

/// Times that the daemons would give for real, made short.
const IMPATIENT: &str = "[mta]\nsmtp_timeout = \"6s\"\n\
    [store]\nlogin_timeout = \"3s\"\nlmtp_timeout = \"4s\"\npop3_timeout = \"4s\"\n\
    [directory-server]\nidle_timeout = \"4s\"\n\
    [proxy]\nlogin_timeout = \"3s\"\n\
    [tls]\nhandshake_timeout = \"4s\"\n";

#[test]
fn one_octet_now_and_then_does_not_hold_a_connection() {
    let suite = Suite::start_with(IMPATIENT);
    let siege = Siege::lay(&suite);
    let port = |service: &str| Wire::open(suite.port(service));
    let mut data = smtp(&suite);
    data.smtp("MAIL FROM:<a@outside.test>");
    data.smtp("RCPT TO:<bob@example.test>");
    assert!(data.smtp("DATA").starts_with("354 "));
    let mut last_words = Vec::new();
    let mut wires = [
        ("a command line of SMTP", smtp(&suite), "421 "),
        ("a message of SMTP", data, "421 "),
        ("a command line of LMTP", lmtp(&suite), "421 "),
        ("a command line of IMAP", port("imap"), "* BYE"),
        ("a command line of POP3", port("pop3"), ""),
        ("a request of LDAP", port("ldap"), ""),
        ("a handshake of IMAPS", port("imaps"), ""),
        ("a handshake of submissions", port("submissions"), ""),
    ];
    // The head of a large LDAP request and of a TLS record; everywhere else any octet will do.
    wires[5].1.send([0x30, 0x82, 0x7f, 0xff]);
    wires[6].1.send([0x16, 0x03, 0x01, 0x02, 0x00]);
    wires[7].1.send([0x16, 0x03, 0x01, 0x02, 0x00]);
    for (what, wire, expected) in wires {
        last_words.push((what, expected, dribble(wire)));
    }
    siege.others_are_served();
    for (what, expected, thread) in last_words {
        let (said, octets) = thread.join().unwrap();
        assert!(
            octets < DRIBBLES,
            "{what} held its connection for {octets} octets"
        );
        assert!(said.contains(expected), "{what}: {said:?}");
    }
    siege.lift(&suite, SMALL);
}

/// Many times the longest time that is set above.
const DRIBBLES: usize = 200;

/// Sends an octet each 200 ms until the server has enough; what it said, and how often.
fn dribble(mut wire: Wire) -> std::thread::JoinHandle<(String, usize)> {
    std::thread::spawn(move || {
        let mut reader = wire.again();
        let reading = std::thread::spawn(move || reader.rest());
        let mut sent = 0;
        while sent < DRIBBLES && !reading.is_finished() && wire.send("x") {
            sent += 1;
            pause();
        }
        drop(wire);
        (reading.join().unwrap(), sent)
    })
}

#[expect(clippy::disallowed_methods, reason = "being slow is what is tested")]
fn pause() {
    std::thread::sleep(Duration::from_millis(200));
}

//! SMTP smuggling: only CRLF.CRLF ends a message, whatever mix of CR, LF and dots somebody else might
//! take for its end.

use std::time::Duration;

use roost_tests::{Siege, Suite, Wire, wait_for};

use super::{SMALL, begins, imap_as};

/// What could stand for a line end.
const ENDS: [&str; 7] = ["", "\r", "\n", "\r\n", "\r\r\n", "\n\r", "\r\n\r"];

/// And what for the dot between two of them.
const DOTS: [&str; 3] = [".", "..", ".\0"];

/// Every mix but the one that does end a message.
fn endings() -> Vec<String> {
    let mut endings = Vec::new();
    for before in ENDS {
        for dot in DOTS {
            for after in ENDS {
                let ending = format!("{before}{dot}{after}");
                if !ending.contains("\r\n.\r\n") {
                    endings.push(ending);
                }
            }
        }
    }
    endings
}

#[test]
fn no_mix_of_cr_lf_and_dots_ends_a_message() {
    let suite = Suite::start();
    let siege = Siege::lay(&suite);
    let letters = messages(&mut imap_as(&suite, "alice@example.test"));
    let endings = endings();
    assert!(endings.len() > 120);
    for (service, hello) in [("smtp", "EHLO"), ("lmtp", "LHLO")] {
        let mut wire = super::greeted(
            Wire::open(suite.port(service)),
            &format!("{hello} hostile.example"),
        );
        for (number, ending) in endings.iter().enumerate() {
            deliver(&mut wire, &format!("outer-{service}-{number}"), ending);
        }
        begins(&wire.smtp("QUIT"), "221 ");
    }
    // As many as were sent, and not one of those that were hidden in them.
    let mut imap = imap_as(&suite, "alice@example.test");
    let sent = 2 * endings.len();
    wait_for("what was sent to arrive", Duration::from_secs(60), || {
        let arrived = messages(&mut imap) - letters;
        assert!(arrived <= sent, "{arrived} messages of {sent}");
        (arrived == sent).then_some(())
    });
    imap.ask("e SELECT INBOX", "e OK");
    for (query, count) in [("SUBJECT smuggled", 0), ("SUBJECT outer-", sent)] {
        let answer = imap.ask(&format!("q SEARCH {query}"), "q OK").join(" ");
        let found = answer.split("* SEARCH").nth(1).unwrap_or_default();
        let found = found.split(" q OK").next().unwrap_or_default();
        assert_eq!(found.split_whitespace().count(), count, "{query}: {answer}");
    }
    siege.lift(&suite, SMALL);
}

/// How many messages the inbox has.
#[track_caller]
fn messages(imap: &mut Wire) -> usize {
    let status = imap.ask("s STATUS INBOX (MESSAGES)", "s OK").join(" ");
    let count = status.split("(MESSAGES ").nth(1).unwrap();
    count.split(')').next().unwrap().parse().unwrap()
}

/// One message with another hidden behind `ending`: there is one reply to its end.
#[track_caller]
fn deliver(wire: &mut Wire, subject: &str, ending: &str) {
    begins(&wire.smtp("MAIL FROM:<a@outside.test>"), "250 ");
    begins(&wire.smtp("RCPT TO:<alice@example.test>"), "250 ");
    begins(&wire.smtp("DATA"), "354 ");
    let hidden = "MAIL FROM:<x@outside.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n\
                  Subject: smuggled\r\n\r\nx\r\n";
    wire.send(format!(
        "Subject: {subject}\r\n\r\nfirst{ending}{hidden}.\r\n"
    ));
    begins(&wire.reply(), "250 ");
    // Nothing else was taken for a command: the very next reply is this one's.
    begins(&wire.smtp("VRFY marker"), "252 ");
}

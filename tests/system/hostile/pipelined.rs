//! Much at once: recipients and commands by the thousand.

use std::fmt::Write as _;

use roost_tests::{Siege, Suite, Wire};

use super::{SMALL, begins, imap, imap_as, lmtp, smtp};

/// Sends from one thread and reads in another, as a client must that pipelines more than fits.
fn exchange(mut wire: Wire, octets: String) -> String {
    let mut reader = wire.again();
    let sending = std::thread::spawn(move || wire.send(octets));
    let said = reader.rest();
    sending.join().unwrap();
    said
}

#[test]
fn a_hundred_thousand_recipients_are_too_many() {
    let suite = Suite::start();
    let siege = Siege::lay(&suite);
    for (wire, limit) in [(smtp(&suite), 1000), (lmtp(&suite), 1000)] {
        let mut commands = String::from("MAIL FROM:<a@outside.test>\r\n");
        for _ in 0..100_000 {
            commands.push_str("RCPT TO:<alice@example.test>\r\n");
        }
        commands.push_str("RSET\r\nQUIT\r\n");
        let said = exchange(wire, commands);
        let count = |start: &str| said.lines().filter(|line| line.starts_with(start)).count();
        assert_eq!(count("452 4.5.3 "), 100_000 - limit, "{}", said.len());
        assert_eq!(count("250 2.1.5 "), limit);
        assert!(
            said.lines()
                .last()
                .is_some_and(|line| line.starts_with("221 "))
        );
    }
    // Who does not know whom they write to is cut off before they have tried many.
    let mut guesses = String::from("MAIL FROM:<a@outside.test>\r\n");
    for number in 0..100_000 {
        write!(guesses, "RCPT TO:<nobody{number}@example.test>\r\n").unwrap();
    }
    let said = exchange(smtp(&suite), guesses);
    assert!(said.matches("\n550 5.1.1 ").count() <= 101);
    assert!(
        said.trim_end().lines().last().unwrap().starts_with("421 "),
        "{said}"
    );
    siege.others_are_served();
    siege.lift(&suite, SMALL);
}

#[test]
fn ten_thousand_pipelined_commands_are_answered_or_cut_off() {
    const MANY: usize = 10_000;
    let suite = Suite::start();
    let siege = Siege::lay(&suite);
    let said = exchange(smtp(&suite), "NOOP\r\n".repeat(MANY));
    assert!(
        said.trim_end().lines().last().unwrap().starts_with("421 "),
        "{said}"
    );
    let said = exchange(smtp(&suite), "NONSENSE\r\n".repeat(MANY));
    assert!(
        said.trim_end().lines().last().unwrap().starts_with("421 "),
        "{said}"
    );
    let mut wire = smtp(&suite);
    begins(&wire.smtp("RSET"), "250 ");
    let said = exchange(imap(&suite), "a NONSENSE\r\n".repeat(MANY));
    assert!(
        said.contains("* BYE") && said.matches("a BAD").count() <= 20,
        "{said}"
    );
    let mut commands = String::from("s SELECT INBOX\r\n");
    for number in 0..MANY {
        write!(commands, "n{number} UID FETCH 1:* (FLAGS)\r\n").unwrap();
    }
    commands.push_str("z LOGOUT\r\n");
    let said = exchange(imap_as(&suite, "alice@example.test"), commands);
    let answered = said
        .lines()
        .filter(|line| line.starts_with('n') && line.contains(" OK "))
        .count();
    assert_eq!(answered, MANY);
    let mut wire = Wire::open(suite.port("pop3"));
    begins(&wire.line().unwrap(), "+OK");
    let said = exchange(wire, "NONSENSE\r\n".repeat(MANY));
    assert!(said.matches("-ERR").count() <= 21, "{said}");
    let mut wire = Wire::open(suite.port("pop3"));
    begins(&wire.line().unwrap(), "+OK");
    wire.ask("USER alice@example.test", "+OK");
    wire.ask(
        &format!("PASS {}", suite.password("alice@example.test")),
        "+OK",
    );
    let said = exchange(wire, format!("{}QUIT\r\n", "NOOP\r\n".repeat(MANY)));
    assert_eq!(said.matches("+OK").count(), MANY + 1);
    siege.others_are_served();
    siege.lift(&suite, SMALL);
}

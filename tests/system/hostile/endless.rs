//! Lines and literals without end.

use roost_tests::{Siege, Suite, Wire};

use super::{SMALL, begins, imap, imap_as, lmtp, smtp};

/// More than any buffer; less than what takes long.
const MUCH: usize = 24 << 20;

#[test]
fn a_line_without_end_is_refused_and_held_nowhere() {
    let suite = Suite::start();
    let siege = Siege::lay(&suite);
    for mut wire in [smtp(&suite), lmtp(&suite), submission(&suite)] {
        wire.send("MAIL FROM:<");
        assert_eq!(wire.flood(MUCH), MUCH, "a long line is read past");
        begins(&wire.smtp(">"), "500 5.5.2 ");
        // What follows the line is read as what it is.
        begins(&wire.smtp("NOOP"), "250 ");
        begins(&wire.smtp("QUIT"), "221 ");
    }
    let mut wire = Wire::open(suite.port("pop3"));
    begins(&wire.line().unwrap(), "+OK");
    wire.send("USER ");
    assert_eq!(wire.flood(MUCH), MUCH);
    begins(&wire.smtp(""), "-ERR");
    begins(&wire.smtp("CAPA"), "+OK");
    let mut wire = imap(&suite);
    wire.send("a LOGIN ");
    assert!(
        wire.flood(MUCH) < MUCH,
        "a stranger is not read from for ever"
    );
    let mut wire = imap(&suite);
    wire.send(format!("a LOGIN {}\r\n", "x".repeat(70_000)));
    begins(&wire.line().unwrap(), "a BAD The command line is too long");
    wire.ask("b NOOP", "b OK");
    // Lines within the limit, of many who never end them.
    let mut crowd: Vec<Wire> = (0..200).map(|_| imap(&suite)).collect();
    for wire in &mut crowd {
        wire.send("a LOGIN ");
        wire.send([b'x'; 60_000]);
    }
    siege.others_are_served();
    drop(crowd);
    siege.lift(&suite, SMALL);
}

fn submission(suite: &Suite) -> Wire {
    super::greeted(Wire::open(suite.port("submission")), "EHLO hostile.example")
}

#[test]
fn a_literal_of_any_announced_size_costs_nothing() {
    const GIGABYTE: &str = "1073741824";
    const TWO_TO_64: &str = "18446744073709551616";
    let suite = Suite::start();
    let siege = Siege::lay(&suite);
    for size in [
        GIGABYTE,
        "18446744073709551615",
        TWO_TO_64,
        "99999999999999999999999",
    ] {
        stranger(&suite, size);
        let mut wire = imap_as(&suite, "alice@example.test");
        for form in ["", "~"] {
            let announced = format!("b APPEND INBOX {form}{{{size}}}");
            let answer = wire.ask(&announced, "b ").pop().unwrap();
            let refused = match size {
                GIGABYTE => "b NO [TOOBIG]",
                // RFC 9051 §9: number64 has 63 bits.
                _ => "b BAD",
            };
            // Without UTF8=ACCEPT or BINARY a literal8 may be none at all, which is an answer too.
            assert!(
                answer.starts_with(refused) || form == "~" && answer.starts_with("b BAD"),
                "{answer}"
            );
            wire.ask("c NOOP", "c OK");
        }
        // Nobody waits for a go-ahead here: what follows cannot be told from commands.
        wire.send(format!("d APPEND INBOX {{{size}+}}\r\n"));
        let said = wire.rest();
        assert!(
            said.contains("d NO [TOOBIG]") || said.contains("d BAD"),
            "{said}"
        );
        assert!(said.contains("* BYE"), "{said}");
    }
    // Literals that are let in, of many who never finish them: an account has its share of memory.
    let mut crowd: Vec<Wire> = (0..8)
        .map(|_| imap_as(&suite, "alice@example.test"))
        .collect();
    let mut let_in = 0;
    for wire in &mut crowd {
        wire.send("a APPEND INBOX {40000000}\r\n");
        let answer = wire.line().unwrap();
        if answer.starts_with('+') {
            let_in += 1;
            wire.flood(39 << 20);
        } else {
            begins(&answer, "a NO [LIMIT]");
        }
    }
    assert_eq!(let_in, 3, "128 MiB are an account's share");
    siege.others_are_served();
    drop(crowd);
    siege.lift(&suite, 192);
}

fn stranger(suite: &Suite, size: &str) {
    let mut wire = imap(suite);
    begins(&wire.ask(&format!("a LOGIN {{{size}}}"), "a ")[0], "a BAD");
    wire.ask("b NOOP", "b OK");
    wire.send(format!("c LOGIN {{{size}+}}\r\n"));
    let said = wire.rest();
    assert!(
        said.starts_with("c BAD") && said.contains("* BYE"),
        "{said}"
    );
}

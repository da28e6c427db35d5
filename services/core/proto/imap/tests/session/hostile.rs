//! Input that no honest client sends: sessions survive it, and hold and say little.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use roost_proto_imap::limits::{LINE_OCTETS, OUT_OCTETS};
use roost_proto_imap::{Failure, Security};

use crate::arbitrary::command;
use crate::play::{Client, settings};
use crate::table::{Table, message};
use roost_proto_imap::grammar::Names;

/// A dialogue that touches most of a session.
const DIALOGUE: &str = "1 CAPABILITY\r\n2 LOGIN alice secret\r\n3 ENABLE QRESYNC\r\n\
    4 SELECT INBOX\r\n5 FETCH 1:* (FLAGS ENVELOPE BODYSTRUCTURE BODY.PEEK[1.MIME] BODY[TEXT]<3.9>)\r\n\
    6 UID SEARCH RETURN (SAVE COUNT) OR SUBJECT {3+}\r\nabc NOT (BODY \"x\" SINCE 1-Jan-2026)\r\n\
    7 STORE $ (UNCHANGEDSINCE 9) +FLAGS (\\Deleted $x)\r\n8 EXPUNGE\r\n9 IDLE\r\nDONE\r\n\
    10 APPEND INBOX (\\Seen) {5+}\r\nhello\r\n11 LIST (SUBSCRIBED) \"\" (* %/%) RETURN (STATUS (SIZE))\r\n\
    12 FETCH 1:* (BINARY[2] BINARY.SIZE[1] PREVIEW RFC822)\r\n13 MOVE 1 Work\r\n14 LOGOUT\r\n";

fn table() -> Table {
    let table = Table::new("2026-03-01T12:00:00Z".parse().unwrap());
    table.add("Work", None);
    ["plain", "multipart", "nested", "latin"]
        .iter()
        .for_each(|name| {
            table.deliver("INBOX", &message(name));
        });
    table
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_session_survives_any_octets(pieces in vec(vec(any::<u8>(), 0..60), 0..20)) {
        let table = table();
        let mut client = Client::logged_in(&table);
        client.ask("x SELECT INBOX\r\n");
        for piece in pieces {
            client.send(&piece);
            prop_assert!(client.sent.len() < 1 << 20);
        }
    }

    #[test]
    fn a_session_survives_a_damaged_dialogue(
        damage in vec((any::<Index>(), any::<u8>(), 0..3_u8), 1..6),
        step in 1_usize..400,
    ) {
        let mut octets = DIALOGUE.as_bytes().to_vec();
        for (at, octet, how) in damage {
            let at = at.index(octets.len());
            match how {
                0 => octets[at] = octet,
                1 => octets.insert(at, octet),
                _ => drop(octets.remove(at)),
            }
        }
        let table = table();
        let mut client = Client::new(&table, Security::Tls);
        for piece in octets.chunks(step) {
            client.send(piece);
        }
        client.pass(Duration::from_secs(7200));
        prop_assert!(client.closed, "silence ends every session");
        prop_assert!(client.sent.len() < 1 << 20);
    }

    #[test]
    fn a_session_answers_every_command_exactly_once(commands in vec(command(), 1..12)) {
        let table = table();
        let mut client = Client::logged_in(&table);
        client.ask("x SELECT INBOX\r\n");
        for (number, command) in commands.into_iter().enumerate() {
            if client.closed {
                break;
            }
            let tag = format!("t{number}x");
            let printed = command.print(Names::Utf8);
            let rest = printed.iter().position(|octet| *octet == b' ').unwrap();
            let mut octets = tag.clone().into_bytes();
            octets.extend_from_slice(&printed[rest..]);
            client.send(&octets);
            // What waits for more: IDLE, and exchanges.
            client.say("DONE\r\n");
            let sent = String::from_utf8_lossy(&std::mem::take(&mut client.sent)).into_owned();
            let answers = sent
                .lines()
                .filter(|line| line.starts_with(&format!("{tag} ")))
                .count();
            prop_assert_eq!(answers, 1, "{} was answered {}", String::from_utf8_lossy(&octets), sent);
        }
    }
}

#[test]
fn the_dialogue_itself_goes_well() {
    let mut client = Client::new(&table(), Security::Tls);
    client.say(DIALOGUE);
    let sent = String::from_utf8_lossy(&client.sent).into_owned();
    for tag in 1..=14 {
        assert!(sent.contains(&format!("\r\n{tag} OK ")), "{tag} in {sent}");
    }
    assert!(client.closed);
}

#[test]
fn a_long_fetch_is_produced_as_it_is_taken() {
    let table = table();
    let body = vec![b'x'; 2_000];
    (0..2_000).for_each(|_| table.deliver("INBOX", &body));
    let mut client = Client::logged_in(&table);
    client.ask("x SELECT INBOX\r\n");
    let sent = client.ask("a FETCH 1:* (FLAGS BODY.PEEK[])\r\n");
    assert!(sent.len() > 4_000_000 && sent.ends_with("a OK Completed\r\n"));
    assert!(
        client.high_water < OUT_OCTETS + 16_384,
        "{} octets waited",
        client.high_water
    );
    let sent = client.ask("b STORE 1:* +FLAGS (\\Flagged)\r\n");
    assert_eq!(
        sent.lines()
            .filter(|line| line.contains("\\Flagged"))
            .count(),
        2_004
    );
    assert!(
        client.high_water < OUT_OCTETS + 16_384,
        "{} octets waited",
        client.high_water
    );
}

#[test]
fn a_large_message_is_sent_in_chunks() {
    let table = table();
    table.deliver("INBOX", &vec![b'y'; 5_000_000]);
    let mut client = Client::logged_in(&table);
    client.ask("x SELECT INBOX\r\n");
    let sent = client.ask("a FETCH 5 BODY[]\r\n");
    assert!(sent.contains("{5000000}") && sent.ends_with("a OK Completed\r\n"));
    assert!(
        client.high_water < 1_000_000,
        "{} octets waited",
        client.high_water
    );
}

#[test]
fn a_message_up_to_the_limit_is_taken_in_whole() {
    let table = table();
    let mut client = Client::logged_in(&table);
    client.say("a APPEND INBOX {100000}\r\n");
    client.send(&[b'z'; 100_000]);
    let sent = client.ask("\r\n");
    assert!(sent.starts_with("+ OK\r\na OK [APPENDUID "), "{sent}");
    let sent = client.ask("a APPEND INBOX {100001}\r\n");
    assert!(sent.starts_with("a NO [TOOBIG]"), "{sent}");
}

#[test]
fn an_endless_line_costs_no_memory() {
    let mut client = Client::new(&table(), Security::Tls);
    client.ask("");
    client.say("a NOOP ");
    for _ in 0..40 {
        client.send(&[b'x'; LINE_OCTETS / 8]);
    }
    let sent = client.ask("");
    assert!(
        sent.starts_with("a BAD The command line is too long\r\n* BYE"),
        "{sent}"
    );
    assert!(client.closed);
}

#[test]
fn a_store_that_fails_is_temporary_and_names_nothing() {
    let table = table();
    let mut client = Client::logged_in(&table);
    client.ask("x SELECT INBOX\r\n");
    table.fail(Failure::Unavailable);
    for line in [
        "FETCH 1 ENVELOPE",
        "STORE 1 +FLAGS (\\Seen)",
        "EXPUNGE",
        "COPY 1 Work",
        "SELECT INBOX",
    ] {
        let sent = client.ask(&format!("a {line}\r\n"));
        assert!(sent.contains("a NO [UNAVAILABLE]"), "{line}: {sent}");
    }
}

#[test]
fn pipelined_commands_behind_starttls_are_forgotten() {
    let mut client = Client::new(&table(), Security::Clear);
    client.ask("");
    let sent = client.ask("a STARTTLS\r\nb LOGIN alice secret\r\n");
    assert_eq!(sent, "a OK Begin TLS negotiation now\r\n");
}

#[test]
fn every_way_to_cut_the_dialogue_gives_the_same_answers() {
    let play = |step: usize| {
        let mut client = Client::with(&table(), Security::Tls, settings());
        DIALOGUE
            .as_bytes()
            .chunks(step)
            .for_each(|piece| client.send(piece));
        String::from_utf8_lossy(&client.sent).into_owned()
    };
    let whole = play(DIALOGUE.len());
    for step in [1, 2, 3, 64] {
        assert_eq!(play(step), whole, "in pieces of {step}");
    }
}

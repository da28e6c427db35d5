//! Each limit on what a client sends: up to it all goes well, one past it is answered, and the session
//! goes on.

use roost_proto_imap::limits::{
    ARGUMENTS_OCTETS, FETCH_ITEMS, ID_FIELDS, KEYWORD_OCTETS, KEYWORDS_PER_COMMAND, LINE_OCTETS,
    LITERAL_OCTETS, LITERALS_PER_COMMAND, MAILBOX_NAME_OCTETS, PATTERN_OCTETS, SEARCH_DEPTH,
    SEARCH_KEYS,
};

use crate::play::Client;
use crate::table::{Table, message};

/// `command(n)` is well at `limit` and answered with `refusal` one past it.
#[track_caller]
fn check(limit: usize, refusal: &str, command: impl Fn(usize) -> String) {
    let table = Table::new("2026-03-01T12:00:00Z".parse().unwrap());
    table.deliver("INBOX", &message("plain"));
    let mut client = Client::logged_in(&table);
    client.ask("x SELECT INBOX\r\n");
    let sent = client.ask(&format!("a {}\r\n", command(limit)));
    assert!(sent.contains("a OK"), "at the limit: {sent}");
    let sent = client.ask(&format!("b {}\r\n", command(limit + 1)));
    assert!(
        sent.contains(&format!("b {refusal}")),
        "past the limit: {sent}"
    );
    let sent = client.ask("c NOOP\r\n");
    assert!(sent.contains("c OK"), "afterwards: {sent}");
}

#[test]
fn lines() {
    // `a SEARCH SUBJECT ` and the quotes are part of the line.
    check(
        LINE_OCTETS - 19,
        "BAD The command line is too long",
        |octets| format!("SEARCH SUBJECT \"{}\"", "x".repeat(octets)),
    );
}

#[test]
fn patterns() {
    check(
        PATTERN_OCTETS,
        "BAD Too many octets in a pattern",
        |octets| format!("LIST a (% {})", "x".repeat(octets - 3)),
    );
}

#[test]
fn literals() {
    let literal = |octets: usize| format!("{{{octets}+}}\r\n{}", "x".repeat(octets));
    let most = usize::try_from(LITERAL_OCTETS).unwrap();
    check(most, "BAD [TOOBIG]", |octets| {
        format!("SEARCH SUBJECT {}", literal(octets))
    });
    let all = usize::try_from(ARGUMENTS_OCTETS).unwrap();
    check(all, "BAD [TOOBIG]", |octets| {
        let last = octets - 3 * most;
        let sizes = [most, most, most, last / 2, last - last / 2];
        let keys = sizes.map(|size| format!("SUBJECT {}", literal(size)));
        format!("SEARCH {}", keys.join(" "))
    });
    check(LITERALS_PER_COMMAND, "BAD Too many literals", |count| {
        let keys = vec![format!("SUBJECT {}", literal(1)); count];
        format!("SEARCH {}", keys.join(" "))
    });
}

#[test]
fn names_and_keywords() {
    check(MAILBOX_NAME_OCTETS, "NO [CANNOT]", |octets| {
        format!("CREATE {}", "x".repeat(octets))
    });
    check(KEYWORD_OCTETS, "BAD", |octets| {
        format!("STORE 1 FLAGS ({})", "k".repeat(octets))
    });
    check(KEYWORDS_PER_COMMAND, "BAD Too many keywords", |count| {
        let names: Vec<_> = (0..count).map(|number| format!("k{number}")).collect();
        format!("STORE 1 FLAGS ({})", names.join(" "))
    });
}

#[test]
fn searches() {
    check(SEARCH_DEPTH, "BAD Too many nested search keys", |depth| {
        format!("SEARCH {}ALL{}", "(".repeat(depth), ")".repeat(depth))
    });
    check(SEARCH_DEPTH, "BAD Too many nested search keys", |depth| {
        format!("SEARCH {}ALL", "NOT ".repeat(depth))
    });
    check(SEARCH_KEYS, "BAD Too many search keys", |count| {
        format!("SEARCH {}", vec!["ALL"; count].join(" "))
    });
}

#[test]
fn lists() {
    check(FETCH_ITEMS, "BAD Too many items in a list", |count| {
        format!("FETCH 1 ({})", vec!["UID"; count].join(" "))
    });
    check(FETCH_ITEMS, "BAD Too many items in a list", |count| {
        format!(
            "FETCH 1 BODY.PEEK[HEADER.FIELDS ({})]",
            vec!["To"; count].join(" ")
        )
    });
    check(ID_FIELDS, "BAD Too many items in a list", |count| {
        format!("ID ({})", vec!["\"a\" NIL"; count].join(" "))
    });
}

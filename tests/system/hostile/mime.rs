//! Messages that are hard to read: stored as they are, described with bounded work.

use std::fmt::Write as _;
use std::time::Duration;

use roost_tests::{Siege, Suite, now};

use super::{begins, imap_as, lmtp};

/// What any of the questions below may take, on a machine that does much else, in a debug build.
const ANSWER_MAX: Duration = Duration::from_secs(60);

#[test]
fn a_message_that_is_hard_to_read_is_kept_and_described() {
    let suite = Suite::start_with("[store]\nmessage_size_max = \"64 MiB\"\n");
    let siege = Siege::lay(&suite);
    let mut imap = imap_as(&suite, "alice@example.test");
    imap.ask("x CREATE Hard", "x OK");
    let messages = [
        ("nested", nested(1000)),
        ("nested-messages", nested_messages(1000)),
        ("parts", parts(100_000)),
        ("broken", broken()),
        ("fields", many_fields(200_000)),
        ("addresses", many_addresses(100_000)),
        ("words", encoded_words(50_000)),
    ];
    for (name, message) in &messages {
        let announced = format!("a APPEND Hard {{{}}}", message.len());
        imap.ask(&announced, "+");
        imap.send(message);
        let answer = imap.ask("", "a ").pop().unwrap();
        begins(&answer, "a OK [APPENDUID");
        println!("{name}: {} octets", message.len());
    }
    siege.others_are_served();
    imap.ask("e EXAMINE Hard", "e OK");
    for (number, (name, message)) in (1..).zip(&messages) {
        for item in [
            "ENVELOPE",
            "BODYSTRUCTURE",
            "BODY.PEEK[HEADER.FIELDS (SUBJECT TO)]",
            "BODY.PEEK[1.1.1.MIME]",
            "BINARY.SIZE[1]",
            "PREVIEW",
        ] {
            let begun = now();
            let answer = imap.ask(&format!("f FETCH {number} ({item})"), "f ");
            let size: usize = answer.iter().map(String::len).sum();
            assert!(now() - begun < ANSWER_MAX, "{item} of {name}");
            assert!(size < 4 << 20, "{item} of {name} has {size} octets");
        }
        imap.send(format!("g FETCH {number} BODY.PEEK[]\r\n"));
        let start = imap.line().unwrap();
        assert!(
            start.ends_with(&format!("{{{}}}", message.len())),
            "{name}: {start}"
        );
        assert!(
            imap.octets(message.len()) == *message,
            "{name} did not come back as it came"
        );
        imap.until("g OK");
    }
    for query in [
        "TEXT needle",
        "BODY needle",
        "SUBJECT needle",
        "HEADER X-Field needle",
        "TO needle",
    ] {
        let begun = now();
        let answer = imap.ask(&format!("s SEARCH {query}"), "s ").pop().unwrap();
        begins(&answer, "s OK");
        assert!(now() - begun < ANSWER_MAX, "{query}");
    }
    drop(imap);
    headers_of_fifty_megabytes(&suite, &siege);
    // The largest message is held a few times: as it comes, in the journal's record, on its way out.
    siege.lift(&suite, 384);
}

fn headers_of_fifty_megabytes(suite: &Suite, siege: &Siege) {
    let header = [
        b"X-Long: ".as_slice(),
        &vec![b'h'; 50 << 20],
        b"\r\nSubject: needle\r\n\r\nbody\r\n",
    ];
    let message = header.concat();
    let mut wire = lmtp(suite);
    begins(&wire.smtp("MAIL FROM:<a@outside.test>"), "250 ");
    begins(&wire.smtp("RCPT TO:<alice@example.test>"), "250 ");
    begins(&wire.smtp("DATA"), "354 ");
    wire.send(&message);
    begins(&wire.smtp("."), "250 ");
    siege.others_are_served();
    let mut imap = imap_as(suite, "alice@example.test");
    imap.ask("a SELECT INBOX", "a OK");
    for item in [
        "ENVELOPE",
        "BODYSTRUCTURE",
        "RFC822.SIZE",
        "BODY.PEEK[HEADER.FIELDS (SUBJECT)]",
    ] {
        imap.ask(&format!("b FETCH * ({item})"), "b OK");
    }
    // The mta's own limit is smaller, and said at once where the client says how much comes.
    let mut wire = super::smtp(suite);
    begins(
        &wire.smtp("MAIL FROM:<a@outside.test> SIZE=52428800"),
        "552 5.3.4 ",
    );
    begins(&wire.smtp("MAIL FROM:<a@outside.test>"), "250 ");
    begins(&wire.smtp("RCPT TO:<alice@example.test>"), "250 ");
    begins(&wire.smtp("DATA"), "354 ");
    wire.send(&message);
    begins(&wire.smtp("."), "552 5.3.4 ");
    begins(&wire.smtp("QUIT"), "221 ");
}

fn nested(depth: usize) -> Vec<u8> {
    let mut message = String::from("Subject: nested\r\nMIME-Version: 1.0\r\n");
    for level in 0..depth {
        write!(
            message,
            "Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n"
        )
        .unwrap();
    }
    message.push_str("\r\nneedle\r\n");
    for level in (0..depth).rev() {
        write!(message, "--b{level}--\r\n").unwrap();
    }
    message.into_bytes()
}

fn nested_messages(depth: usize) -> Vec<u8> {
    let level = "Subject: in\r\nContent-Type: message/rfc822\r\n\r\n";
    format!(
        "{}Subject: innermost\r\n\r\nneedle\r\n",
        level.repeat(depth)
    )
    .into_bytes()
}

fn parts(count: usize) -> Vec<u8> {
    let head = "Subject: parts\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n";
    let part = "--b\r\nContent-Type: text/plain\r\n\r\nx\r\n";
    format!("{head}{}--b--\r\n", part.repeat(count)).into_bytes()
}

fn broken() -> Vec<u8> {
    let mut message = b"Subject: =?no-such-charset?q?=ff?= =?utf-8?b?!!!?= =?utf-8?x?a?=\r\n\
        Content-Type: multipart/mixed; boundary=\"a\r\n\r\n--a\r\n"
        .to_vec();
    for charset in [
        "no-such",
        "utf-7",
        "utf-16",
        "iso-2022-jp",
        "gb18030",
        "",
        "\"",
        "x\u{e9}",
    ] {
        message.extend_from_slice(
            format!(
                "Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            )
            .as_bytes(),
        );
        message.extend_from_slice(b"!!!!=A=B==\xff\xfe not base64 ====\r\n=\r\n--a\r\n");
    }
    message
        .extend_from_slice(b"Content-Transfer-Encoding: quoted-printable\r\n\r\n=\r\n=4=zz=\xff=");
    message
}

fn many_fields(count: usize) -> Vec<u8> {
    let mut message = String::new();
    for number in 0..count {
        write!(message, "X-Field: {number}\r\n").unwrap();
    }
    message.push_str("Subject: fields\r\n\r\nneedle\r\n");
    message.into_bytes()
}

fn many_addresses(count: usize) -> Vec<u8> {
    let mut message = String::from("Subject: addresses\r\nTo: ");
    for number in 0..count {
        write!(message, "\"((((\" <a{number}@example.test>,\r\n ").unwrap();
    }
    message.push_str("x@y.test\r\n\r\nneedle\r\n");
    message.into_bytes()
}

fn encoded_words(count: usize) -> Vec<u8> {
    let words = "=?utf-8?q?=C3=A9?=\r\n ".repeat(count);
    format!("Subject: {words}needle\r\n\r\nneedle\r\n").into_bytes()
}

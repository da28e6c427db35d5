//! What is wrong is refused in the protocol's own words, and nothing is lost by it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use roost_tests::Suite;
use roost_tests::client::{Curl, Swaks};

/// Speaks lines to a port and yields everything that comes back until the server closes.
fn dialogue(port: u16, lines: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(40)))
        .unwrap();
    stream.write_all(lines.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn commands_out_of_sequence_get_the_reply_of_the_rfc() {
    let suite = Suite::start();
    let smtp = dialogue(
        suite.port("smtp"),
        "MAIL FROM:<a@b.test>\r\nEHLO client.example\r\nDATA\r\nRCPT TO:<bob@example.test>\r\nQUIT\r\n",
    );
    assert_eq!(smtp.matches("\r\n503 5.5.1").count(), 3, "{smtp}");
    let lmtp = dialogue(
        suite.port("lmtp"),
        "HELO client.example\r\nRCPT TO:<x@y.test>\r\nQUIT\r\n",
    );
    assert!(
        lmtp.contains("\r\n500 5.5.1") || lmtp.contains("\r\n502 5.5.1"),
        "{lmtp}"
    );
    let imap = dialogue(
        suite.port("imap"),
        "a SELECT INBOX\r\nb FETCH 1 FLAGS\r\nc NONSENSE\r\nd LOGOUT\r\n",
    );
    for expected in ["\r\na BAD", "\r\nb BAD", "\r\nc BAD"] {
        assert!(imap.contains(expected), "no {expected:?} in {imap}");
    }
    let pop3 = dialogue(suite.port("pop3"), "STAT\r\nPASS x\r\nNONSENSE\r\nQUIT\r\n");
    assert_eq!(pop3.matches("-ERR").count(), 3, "{pop3}");
}

#[test]
fn a_wrong_password_costs_time_and_tells_nothing() {
    let suite = Suite::start();
    let attempt = |user: &str| {
        let begin = instant();
        let answer = dialogue(
            suite.port("imap"),
            &format!("a LOGIN {user} wrong\r\nb LOGOUT\r\n"),
        );
        (answer.replace(user, "USER"), begin.elapsed())
    };
    let (known, known_time) = attempt("alice@example.test");
    let (unknown, unknown_time) = attempt("nobody@example.test");
    assert!(known.contains("a NO [AUTHENTICATIONFAILED]"), "{known}");
    assert_eq!(lines_after_greeting(&known), lines_after_greeting(&unknown));
    assert!(known_time > Duration::from_secs(1), "{known_time:?}");
    assert!(unknown_time > Duration::from_secs(1), "{unknown_time:?}");
}

#[test]
fn an_unknown_recipient_is_refused_and_postmaster_is_not() {
    let suite = Suite::start();
    let finished = Swaks::mx(&suite)
        .recipient("a@outside.test", "nobody@example.test")
        .finish();
    assert!(finished.stdout().contains("<** 550 5.1.1"), "{finished}");
    let finished = Swaks::mx(&suite)
        .recipient("a@outside.test", "postmaster@example.test")
        .finish();
    assert!(finished.success(), "{finished}");
}

#[test]
fn a_sender_that_is_not_ones_own_is_refused_on_submission() {
    let suite = Suite::start();
    let finished = Swaks::submission(&suite, "alice@example.test")
        .recipient("bob@example.test", "bob@example.test")
        .finish();
    assert!(finished.stdout().contains("<~* 553 5.7.1"), "{finished}");
}

#[test]
fn bare_line_feeds_never_end_data() {
    let suite = Suite::start();
    for (name, end) in [
        ("lf", "\n.\n"),
        ("lf-crlf", "\n.\r\n"),
        ("crlf-lf", "\r\n.\n"),
        ("cr", "\r.\r"),
    ] {
        let smuggled = "MAIL FROM:<x@outside.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n\
                        Subject: smuggled\r\n\r\nx";
        let answer = dialogue(
            suite.port("smtp"),
            &format!(
                "EHLO client.example\r\nMAIL FROM:<a@outside.test>\r\nRCPT TO:<bob@example.test>\r\n\
                 DATA\r\nSubject: outer-{name}\r\n\r\nfirst{end}{smuggled}\r\n.\r\nQUIT\r\n"
            ),
        );
        // One message at most was taken: one reply to the one end of data.
        assert_eq!(answer.matches("\r\n354 ").count(), 1, "{name}: {answer}");
    }
    let found = Curl::new(&suite, "bob@example.test").imap_search("INBOX", "SUBJECT smuggled");
    assert!(found.is_empty(), "{found:?}");
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test measures how long a refusal takes"
)]
fn instant() -> Instant {
    Instant::now()
}

fn lines_after_greeting(answer: &str) -> Vec<&str> {
    answer.lines().skip(1).collect()
}

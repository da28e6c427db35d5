//! Guessing passwords from many addresses.

use std::net::Ipv4Addr;
use std::time::Duration;

use roost_tests::{Siege, Suite, Wire, now};

use super::begins;
use super::ldap::{answer, bind, code};

const VICTIM: &str = "alice@example.test";

#[test]
fn guessing_from_many_addresses_is_slow_and_shuts_nobody_out() {
    let suite = Suite::start();
    // The owner has been here before, from this address.
    let owner = Ipv4Addr::new(127, 1, 1, 1);
    assert!(signs_in(&suite, owner), "the owner must get in before");
    let siege = Siege::lay(&suite);
    // One attempt each from 60 addresses of 60 networks, at one account, all at once.
    let guessers: Vec<_> = (0..60)
        .map(|number| guess(&suite, Ipv4Addr::new(127, 20, number, 1), VICTIM))
        .collect();
    siege.others_are_served();
    let begun = now();
    assert!(signs_in(&suite, owner), "the owner was shut out");
    let waited = now() - begun;
    let (mut refused, mut put_off) = (0, 0);
    for guesser in guessers {
        match guesser.join().unwrap() {
            Said::Wrong => refused += 1,
            Said::TryLater => put_off += 1,
        }
    }
    // Those that were let through at first, and one every five seconds since.
    assert!(
        put_off > 20,
        "{refused} were looked at, {put_off} were put off"
    );
    assert!(
        waited < Duration::from_secs(20),
        "the owner waited {waited:?}"
    );
    let throttled = suite.metric(
        "proxy_health",
        "roost_proxy_logins_total{service=\"imap\",outcome=\"throttled\"}",
    );
    assert!(
        throttled >= f64::from(put_off),
        "{throttled} counted, {put_off} seen"
    );
    logged(&suite, "127.20.7.1");
    siege.lift(&suite, 96);
}

#[test]
fn whether_an_account_exists_is_told_by_nothing() {
    let suite = Suite::start();
    let mut sources = (1_u8..).map(|number| Ipv4Addr::new(127, 40, number, 1));
    let mut times: [Vec<Duration>; 2] = [Vec::new(), Vec::new()];
    let mut words: [Vec<String>; 2] = [Vec::new(), Vec::new()];
    // By turns, each from an address of its own, so that nothing but the name differs.
    for round in 0..7 {
        for (kind, name) in [
            (0, VICTIM.to_owned()),
            (1, format!("nobody{round}@example.test")),
        ] {
            let mut wire = Wire::open_from(sources.next().unwrap(), suite.port("imap"));
            wire.until("* OK");
            let begun = now();
            let said = wire.ask(&format!("a LOGIN {name} wrong"), "a ").join("\n");
            times[kind].push(now() - begun);
            words[kind].push(said);
        }
    }
    assert_eq!(words[0], words[1]);
    let [known, unknown] = times.map(|mut times| {
        times.sort_unstable();
        // Both have waited two seconds for their answer, whatever the machine did beside.
        times[times.len() / 2]
            .saturating_sub(Duration::from_secs(2))
            .as_secs_f64()
    });
    let ratio = known / unknown;
    println!("a known name took {known:.3} s, an unknown one {unknown:.3} s beyond the delay");
    assert!(
        (0.4..2.5).contains(&ratio),
        "known {known} s, unknown {unknown} s"
    );
    // LDAP: the same result and no text for a wrong password, a wrong name, and a name that is none.
    let mut answers = Vec::new();
    for (number, dn) in [
        "uid=alice,ou=people,dc=example,dc=test",
        "uid=nobody,ou=people,dc=example,dc=test",
        "uid=nobody,dc=nowhere",
    ]
    .into_iter()
    .enumerate()
    {
        let source = Ipv4Addr::new(127, 41, u8::try_from(number).unwrap(), 1);
        let mut wire = Wire::open_from(source, suite.port("ldap"));
        wire.send(bind(1, dn, "wrong"));
        let said = answer(&mut wire);
        assert_eq!(code(&said), Some(49), "{said:?}");
        answers.push(said);
    }
    assert!(
        answers.windows(2).all(|pair| pair[0] == pair[1]),
        "{answers:?}"
    );
    // SMTP and POP3 in their own words.
    let mut wire = Wire::open_from(Ipv4Addr::new(127, 42, 1, 1), suite.port("submission"));
    begins(&wire.reply(), "220 ");
    begins(&wire.smtp("EHLO x"), "250");
    begins(&wire.smtp("AUTH PLAIN AG5vYm9keQB3cm9uZw=="), "535 5.7.8 ");
    let mut wire = Wire::open_from(Ipv4Addr::new(127, 42, 2, 1), suite.port("pop3"));
    wire.until("+OK");
    wire.ask("USER nobody@example.test", "+OK");
    let said = wire.ask("PASS wrong", "-ERR").pop().unwrap();
    begins(&said, "-ERR [AUTH]");
}

/// What a guesser hears.
enum Said {
    Wrong,
    TryLater,
}

fn guess(suite: &Suite, source: Ipv4Addr, name: &str) -> std::thread::JoinHandle<Said> {
    let (port, name) = (suite.port("imap"), name.to_owned());
    std::thread::spawn(move || {
        let mut wire = Wire::open_from(source, port);
        wire.until("* OK");
        let said = wire.ask(&format!("a LOGIN {name} guess{source}"), "a ");
        let said = said.last().unwrap();
        if said.starts_with("a NO [AUTHENTICATIONFAILED]") {
            return Said::Wrong;
        }
        begins(said, "a NO [UNAVAILABLE]");
        Said::TryLater
    })
}

fn signs_in(suite: &Suite, source: Ipv4Addr) -> bool {
    let mut wire = Wire::open_from(source, suite.port("imap"));
    wire.until("* OK");
    let said = wire.ask(
        &format!("a LOGIN {VICTIM} {}", suite.password(VICTIM)),
        "a ",
    );
    said.last().is_some_and(|line| line.starts_with("a OK"))
}

/// The log has a line about the failure from which a program can take the address: what is
/// documented for fail2ban.
fn logged(suite: &Suite, address: &str) {
    let log = suite.log();
    let message = format!(": not signed in (from {address}) ");
    let line = log.lines().find(|line| line.contains(&message));
    let line = line.unwrap_or_else(|| panic!("nothing is logged about {address}"));
    // What the peer has chosen itself stands behind it: nobody can have another shut out.
    for field in ["service=\"imap\"", "account=alice@example.test", "outcome="] {
        let at = line.find(field);
        assert!(at > line.find(&message), "{field} in {line}");
    }
}

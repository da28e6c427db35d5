//! One past each limit that no transcript shows.

use std::time::Duration;

use roost_proto_smtp::client::{Client, Protocol, Settings, TlsPolicy};
use roost_proto_smtp::grammar::command::Command;
use roost_proto_smtp::limits::{
    ENVID_MAX, IDLE_COMMANDS_MAX, MESSAGE_GRACE, MESSAGE_RATE_MIN, MESSAGE_TIME_MAX, ORCPT_MAX,
    PIPELINE_DEPTH, REFUSED_RECIPIENTS_MAX,
};
use roost_proto_smtp::{Envelope, Next, Recipient, ReversePath, Role};

use crate::laws::{serve, server};
use crate::script::now;

/// The last line that an MX says to these.
fn last_line(lines: &[&str]) -> String {
    let octets = format!("HELO x\r\n{}", lines.concat());
    let (said, _) = serve(Role::Mx, octets.as_bytes(), &[]);
    String::from_utf8(said)
        .unwrap()
        .lines()
        .last()
        .unwrap()
        .to_owned()
}

#[test]
fn commands_without_mail_end_a_session() {
    let at_most = usize::try_from(IDLE_COMMANDS_MAX).unwrap();
    assert_eq!(last_line(&vec!["NOOP\r\n"; at_most]), "250 2.0.0 Ok");
    let over = last_line(&vec!["NOOP\r\n"; at_most + 1]);
    assert!(over.starts_with("421 4.7.0 "), "{over}");
}

#[test]
fn unknown_recipients_end_a_session() {
    let at_most = usize::try_from(REFUSED_RECIPIENTS_MAX).unwrap();
    let lines = |count| {
        let mut lines = vec!["MAIL FROM:<>\r\n"];
        lines.extend(vec!["RCPT TO:<nobody@example.test>\r\n"; count]);
        lines
    };
    assert!(last_line(&lines(at_most)).starts_with("550 5.1.1 "));
    assert!(last_line(&lines(at_most + 1)).starts_with("421 4.7.0 "));
}

#[test]
fn recipients_over_the_maximum_are_left_for_another_transaction() {
    // The usual maximum is a thousand.
    let lines = |count| {
        let mut lines = vec!["MAIL FROM:<>\r\n"];
        lines.extend(vec!["RCPT TO:<alice@example.test>\r\n"; count]);
        lines
    };
    assert!(last_line(&lines(1000)).starts_with("250 2.1.5 "));
    assert!(last_line(&lines(1001)).starts_with("452 4.5.3 "));
}

#[test]
fn envid_and_orcpt_are_bounded() {
    let mail = |length| format!("MAIL FROM:<> ENVID={}", "e".repeat(length));
    assert!(Command::parse(mail(ENVID_MAX).as_bytes()).is_ok());
    assert!(Command::parse(mail(ENVID_MAX + 1).as_bytes()).is_err());
    let rcpt = |length| format!("RCPT TO:<a@x.test> ORCPT=rfc822;{}", "o".repeat(length));
    assert!(Command::parse(rcpt(ORCPT_MAX).as_bytes()).is_ok());
    assert!(Command::parse(rcpt(ORCPT_MAX + 1).as_bytes()).is_err());
}

/// How long a message may take of which a piece of so many octets comes each minute.
fn message_time(piece: usize) -> Duration {
    let (mut session, _, start) = server(Role::Mx);
    let opening = b"HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n";
    session.input().extend_from_slice(opening);
    let mut clock = start;
    loop {
        while now(session.step(clock)) != Next::Read {}
        clock += Duration::from_secs(60);
        if clock >= session.deadline() {
            break;
        }
        session.input().extend_from_slice(&vec![b'x'; piece]);
    }
    assert_eq!(session.timeout(clock), Next::Close);
    clock - start
}

#[test]
fn a_message_that_trickles_in_ends() {
    let command_time = Duration::from_secs(5 * 60);
    assert_eq!(message_time(1), command_time * MESSAGE_GRACE);
    // A slow line that brings what it must has the time that any message has.
    let enough = usize::try_from(MESSAGE_RATE_MIN * 60).unwrap();
    assert_eq!(message_time(enough), MESSAGE_TIME_MAX);
}

#[test]
fn the_client_sends_a_bounded_number_of_commands_at_once() {
    let mut client = Client::new(Settings {
        protocol: Protocol::Smtp,
        name: "mta.test".into(),
        tls: TlsPolicy::Skip,
        login: None,
    });
    client
        .input()
        .extend_from_slice(b"220 x\r\n250-x\r\n250 PIPELINING\r\n");
    client.step();
    client.output().clear();
    let mut envelope = Envelope::new(ReversePath::Null);
    let recipient = Recipient::new("a@x.test".parse().unwrap());
    envelope.recipients = vec![recipient; 3 * PIPELINE_DEPTH];
    client.send(&envelope, None);
    let mut groups = Vec::new();
    loop {
        let said = client.output().split();
        let commands = said.iter().filter(|&&octet| octet == b'\n').count();
        if commands == 0 {
            break;
        }
        groups.push(commands);
        for _ in 0..commands - usize::from(said.ends_with(b"DATA\r\n")) {
            client.input().extend_from_slice(b"250 Ok\r\n");
        }
        client.step();
    }
    assert_eq!(groups, [PIPELINE_DEPTH, PIPELINE_DEPTH, PIPELINE_DEPTH, 2]);
}

use std::borrow::Cow;

use roost_proto_smtp::grammar::mail::{MailParameters, Ret, Utf8};
use roost_proto_smtp::grammar::rcpt::{Notify, OriginalRecipient};

use super::*;
use crate::outcome::status;

const ORIGINAL: &[u8] =
    b"From: alice@example.test\r\nMessage-ID: <1@example.test>\r\nSubject: hi\r\n\r\nbody\r\n";

fn envelope() -> Envelope {
    let sender = ReversePath::Address("alice@example.test".parse().unwrap());
    let mut envelope = Envelope::new(sender, MailParameters::default());
    envelope.parameters.envid = Some("QQ=1".to_owned());
    envelope
}

fn recipient() -> Recipient {
    let mut recipient = Recipient::plain("bob@outside.test".parse().unwrap());
    recipient.parameters.orcpt = Some(OriginalRecipient {
        kind: "rfc822".to_owned(),
        address: "robert@example.test".to_owned(),
    });
    recipient
}

fn outcome(fate: Fate) -> Outcome {
    Outcome {
        fate,
        status: status::NO_MAILBOX,
        text: "550 5.1.1 <bob@outside.test>: no such user\u{7}".to_owned(),
        remote: Some("mx.outside.test".to_owned()),
        at: Timestamp::from_second(1_700_000_000).unwrap(),
    }
}

fn notice(kind: Kind, envelope: &Envelope, recipient: &Recipient, outcome: &Outcome) -> String {
    let report = Report {
        kind,
        host: "mx.example.test",
        id: QueueId(1),
        envelope,
        recipients: vec![(recipient, outcome)],
        received_from: Some("laptop"),
        arrived: Timestamp::UNIX_EPOCH,
        retry_until: Timestamp::from_second(1_700_100_000).unwrap(),
        returned: Returned::new(Cow::Borrowed(ORIGINAL), kind == Kind::Failure),
    };
    let to = "alice@example.test".parse().unwrap();
    let notice = compose(&report, &to, QueueId(2), Timestamp::UNIX_EPOCH);
    String::from_utf8(notice.content).unwrap()
}

#[track_caller]
fn check(text: &str, expected: &[&str], absent: &[&str]) {
    for line in expected {
        assert!(
            text.contains(&format!("\r\n{line}\r\n")),
            "no line {line:?} in:\n{text}"
        );
    }
    for words in absent {
        assert!(!text.contains(words), "{words:?} in:\n{text}");
    }
}

#[test]
fn a_failure_says_what_happened_to_people_and_programs() {
    let text = notice(
        Kind::Failure,
        &envelope(),
        &recipient(),
        &outcome(Fate::Failed),
    );
    check(
        &text,
        &[
            "To: <alice@example.test>",
            "In-Reply-To: <1@example.test>",
            "Auto-Submitted: auto-replied",
            "Content-Type: multipart/report; report-type=delivery-status;",
            "<robert@example.test>",
            "Content-Type: message/delivery-status",
            "Reporting-MTA: dns; mx.example.test",
            "Original-Envelope-Id: QQ=1",
            "Received-From-MTA: dns; laptop",
            "Arrival-Date: Thu, 01 Jan 1970 00:00:00 +0000",
            "Original-Recipient: rfc822; robert@example.test",
            "Final-Recipient: rfc822; bob@outside.test",
            "Action: failed",
            "Status: 5.1.1",
            "Remote-MTA: dns; mx.outside.test",
            "Diagnostic-Code: smtp; 550 5.1.1 <bob@outside.test>: no such user?",
            "Last-Attempt-Date: Tue, 14 Nov 2023 22:13:20 +0000",
            "Content-Type: message/rfc822",
            "body",
        ],
        &["Will-Retry-Until", "8bit", "\u{7}"],
    );
    assert!(text.ends_with("--\r\n"));
}

#[test]
fn a_delay_says_until_when_and_brings_headers_only() {
    let text = notice(
        Kind::Delay,
        &envelope(),
        &recipient(),
        &outcome(Fate::Deferred),
    );
    check(
        &text,
        &[
            "Action: delayed",
            "Will-Retry-Until: Thu, 16 Nov 2023 02:00:00 +0000",
            "Content-Type: text/rfc822-headers",
            "Subject: hi",
        ],
        &["\r\nbody\r\n"],
    );
}

#[test]
fn success_names_what_kind_it_was() {
    for (fate, action) in [
        (Fate::Delivered, "Action: delivered"),
        (Fate::Relayed, "Action: relayed"),
        (Fate::Expanded, "Action: expanded"),
    ] {
        let text = notice(Kind::Success, &envelope(), &recipient(), &outcome(fate));
        check(&text, &[action], &[]);
    }
}

#[test]
fn international_addresses_stay_readable_only_where_they_can_travel() {
    let mut recipient = recipient();
    recipient.address = "jörg@outside.test".parse().unwrap();
    recipient.parameters.orcpt = None;
    let ascii = notice(
        Kind::Failure,
        &envelope(),
        &recipient,
        &outcome(Fate::Failed),
    );
    check(
        &ascii,
        &["Final-Recipient: utf-8; j\\x{F6}rg@outside.test"],
        &[],
    );
    assert!(ascii.is_ascii());
    let mut envelope = envelope();
    envelope.parameters.utf8 = Some(Utf8);
    let utf8 = notice(Kind::Failure, &envelope, &recipient, &outcome(Fate::Failed));
    check(
        &utf8,
        &[
            "Final-Recipient: utf-8; jörg@outside.test",
            "Content-Type: message/global-delivery-status",
            "Content-Type: message/global",
        ],
        &[],
    );
}

#[test]
fn notify_decides_who_is_told_what() {
    let on = |success, failure, delay| {
        Some(Notify::On {
            success,
            failure,
            delay,
        })
    };
    let table = [
        (None, Fate::Failed, Some(Kind::Failure)),
        (None, Fate::Delivered, None),
        (Some(Notify::Never), Fate::Failed, None),
        (on(true, false, false), Fate::Delivered, Some(Kind::Success)),
        (on(true, false, false), Fate::Relayed, Some(Kind::Success)),
        (on(true, false, false), Fate::Handed, None),
        (on(true, false, false), Fate::Failed, None),
        (on(false, true, false), Fate::Failed, Some(Kind::Failure)),
        (on(true, true, true), Fate::Deferred, None),
    ];
    for (notify, fate, expected) in table {
        let mut recipient = recipient();
        recipient.parameters.notify = notify;
        assert_eq!(
            wanted(&envelope(), &recipient, &outcome(fate)),
            expected,
            "{notify:?} {fate:?}"
        );
        let null = Envelope::new(ReversePath::Null, MailParameters::default());
        assert_eq!(wanted(&null, &recipient, &outcome(fate)), None);
    }
}

#[test]
fn ret_decides_how_much_of_a_failed_message_comes_back() {
    for (kind, ret, length, whole) in [
        (Kind::Failure, None, 1_000, true),
        (Kind::Failure, None, 1_000_000, false),
        (Kind::Failure, Some(Ret::Full), 1_000_000, true),
        (Kind::Failure, Some(Ret::Headers), 10, false),
        (Kind::Delay, Some(Ret::Full), 10, false),
    ] {
        assert_eq!(
            Returned::whole(kind, ret, length),
            whole,
            "{kind:?} {ret:?} {length}"
        );
    }
}

#[test]
fn the_boundary_is_not_in_the_message() {
    let first = boundary_of(b"x");
    let text = format!("{first}\r\n");
    assert_ne!(boundary_of(text.as_bytes()), first);
}

fn boundary_of(original: &[u8]) -> String {
    let envelope = envelope();
    let report = Report {
        kind: Kind::Failure,
        host: "mx.example.test",
        id: QueueId(1),
        envelope: &envelope,
        recipients: Vec::new(),
        received_from: None,
        arrived: Timestamp::UNIX_EPOCH,
        retry_until: Timestamp::UNIX_EPOCH,
        returned: Returned::new(Cow::Borrowed(original), true),
    };
    boundary(&report, QueueId(2))
}

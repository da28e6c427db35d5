//! A message goes in by every door and comes out by every door, octet for octet.

use std::time::Duration;

use roost_tests::client::{Curl, Mbsync, Mutt, Swaks, fetchmail, getmail};
use roost_tests::{Suite, message, wait_for};

const ALICE: &str = "alice@example.test";
const BOB: &str = "bob@example.test";

/// Waits until a message with this subject is in bob's INBOX, and yields its UID.
#[track_caller]
pub(crate) fn arrived(suite: &Suite, address: &str, subject: &str) -> u32 {
    let curl = Curl::new(suite, address);
    wait_for(
        &format!("{subject} in the mailbox of {address}"),
        Duration::from_secs(30),
        || {
            curl.imap_search("INBOX", &format!("SUBJECT \"{subject}\""))
                .first()
                .copied()
        },
    )
}

/// The message without the trace fields that each hop puts on top of it.
#[track_caller]
pub(crate) fn without_trace(received: &[u8], sent: &[u8]) -> bool {
    received.ends_with(sent)
        && received
            .get(..received.len() - sent.len())
            .unwrap()
            .split_inclusive(|octet| *octet == b'\n')
            .all(|line| {
                let folded = line.starts_with(b" ") || line.starts_with(b"\t");
                let trace: [&[u8]; 3] = [b"Received:", b"Return-Path:", b"Delivered-To:"];
                folded || trace.iter().any(|name| line.starts_with(name))
            })
}

#[test]
fn what_swaks_and_curl_send_every_client_reads_octet_for_octet() {
    let suite = Suite::start();
    let swaks = message::plain("by-swaks");
    let finished = Swaks::mx(&suite)
        .message(ALICE, BOB, swaks.as_bytes())
        .finish();
    assert!(finished.success(), "{finished}");
    let curl = message::plain("by-curl");
    Curl::send(&suite, "someone@outside.test", BOB, curl.as_bytes()).ok();
    let submitted = message::plain("by-submission");
    Curl::new(&suite, ALICE)
        .submit(BOB, submitted.as_bytes())
        .ok();

    let mbsync = Mbsync::new(&suite, BOB);
    for sent in [&swaks, &curl, &submitted] {
        let subject = ["by-swaks", "by-curl", "by-submission"]
            .into_iter()
            .find(|subject| sent.contains(&format!("Subject: {subject}\r\n")))
            .unwrap();
        let uid = arrived(&suite, BOB, subject);
        let stored = Curl::new(&suite, BOB).imap_message("INBOX", uid);
        assert!(
            without_trace(&stored, sent.as_bytes()),
            "{}",
            String::from_utf8_lossy(&stored)
        );

        let by_mutt = Mutt::new(&suite, BOB).pipe("INBOX", &format!("~s {subject}"), false);
        assert_eq!(unix(&by_mutt), unix(&stored), "mutt reads {subject}");

        mbsync.sync();
        let files = mbsync.files("INBOX");
        let found = files.iter().map(|file| unix(&std::fs::read(file).unwrap()));
        // mbsync marks its copies with a field of its own; all else is the message.
        let found: Vec<String> = found.map(|text| without_field(&text, "X-TUID")).collect();
        assert!(found.contains(&unix(&stored)), "mbsync reads {subject}");
    }

    let by_getmail = getmail(&suite, BOB);
    let by_fetchmail = fetchmail(&suite, BOB, true);
    for sent in [&swaks, &curl, &submitted] {
        let whole = |text: &String| text.ends_with(&unix(sent.as_bytes()));
        assert!(
            by_getmail
                .iter()
                .map(|mail| unix(mail))
                .any(|mail| whole(&mail)),
            "getmail: {sent}"
        );
        assert!(
            by_fetchmail
                .iter()
                .map(|mail| unix(mail))
                .any(|mail| whole(&mail)),
            "fetchmail: {sent}"
        );
    }
}

#[test]
fn malformed_mime_is_stored_and_served_as_it_came() {
    let suite = Suite::start();
    let sent = message::malformed("malformed");
    Curl::send(&suite, "someone@outside.test", BOB, &sent).ok();
    let uid = arrived(&suite, BOB, "malformed");
    let curl = Curl::new(&suite, BOB);
    let stored = curl.imap_message("INBOX", uid);
    assert!(
        without_trace(&stored, &sent),
        "{}",
        String::from_utf8_lossy(&stored)
    );
    curl.imap_command(
        "INBOX",
        &format!("UID FETCH {uid} (ENVELOPE BODYSTRUCTURE)"),
    );
    let again = message::malformed("malformed-appended");
    curl.imap_append("INBOX", &again);
    let uid = arrived(&suite, BOB, "malformed-appended");
    assert_eq!(curl.imap_message("INBOX", uid), again);
}

#[test]
fn lmtp_answers_for_each_recipient() {
    let suite = Suite::start();
    let text = message::plain("by-lmtp");
    let to = format!("{BOB},nobody@example.test,{ALICE}");
    let finished = Swaks::lmtp(&suite)
        .message("someone@outside.test", &to, text.as_bytes())
        .finish();
    let dialogue = finished.stdout();
    assert!(dialogue.contains("550 5.1.1"), "{finished}");
    assert!(dialogue.matches("250 2.").count() >= 4, "{finished}");
    arrived(&suite, BOB, "by-lmtp");
    arrived(&suite, ALICE, "by-lmtp");
}

#[test]
fn a_list_delivers_once_to_each_member_and_an_alias_to_its_account() {
    let suite = Suite::start();
    suite
        .roostctl()
        .args(["list", "create", "team@example.test"])
        .ok();
    for member in [ALICE, BOB] {
        suite
            .roostctl()
            .args(["list", "add", "team@example.test", member])
            .ok();
    }
    suite
        .roostctl()
        .args(["alias", "create", "robert@example.test", BOB])
        .ok();
    let text = message::plain("to-the-team");
    let to = "team@example.test,robert@example.test";
    let finished = Swaks::mx(&suite)
        .message("someone@outside.test", to, text.as_bytes())
        .finish();
    assert!(finished.success(), "{finished}");
    for address in [ALICE, BOB] {
        arrived(&suite, address, "to-the-team");
        let found = Curl::new(&suite, address).imap_search("INBOX", "SUBJECT to-the-team");
        assert_eq!(found.len(), 1, "{address} has it {} times", found.len());
    }
}

#[test]
fn a_pop3_client_that_deletes_leaves_an_empty_mailbox() {
    let suite = Suite::start();
    let text = message::plain("to-be-fetched");
    Curl::send(&suite, ALICE, BOB, text.as_bytes()).ok();
    arrived(&suite, BOB, "to-be-fetched");
    let fetched = fetchmail(&suite, BOB, false);
    assert!(
        fetched
            .iter()
            .any(|mail| unix(mail).ends_with(&unix(text.as_bytes())))
    );
    assert!(
        Curl::new(&suite, BOB)
            .imap_search("INBOX", "ALL")
            .is_empty()
    );
    assert_eq!(fetchmail(&suite, BOB, false).len(), 0);
}

fn unix(text: &[u8]) -> String {
    String::from_utf8_lossy(text).replace("\r\n", "\n")
}

fn without_field(text: &str, name: &str) -> String {
    text.split_inclusive('\n')
        .filter(|line| !line.starts_with(&format!("{name}:")))
        .collect()
}

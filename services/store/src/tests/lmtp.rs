use roost_proto_smtp::Refusal;

use super::stage::{ALICE, BOB, Stage, without_trace};

const MESSAGE: &str = "From: sender@example.net\r\nSubject: one\r\n\r\n..dots\r\n\tand tabs  \r\n";
const WRITTEN: &str = "From: sender@example.net\r\nSubject: one\r\n\r\n.dots\r\n\tand tabs  \r\n";

async fn only_message(stage: &Stage, account: &str, folder: &str) -> String {
    let mut imap = stage.imap(account).await;
    imap.say(&format!("s SELECT {folder}")).await;
    assert!(imap.until("s OK").await.contains(&"* 1 EXISTS".to_owned()));
    imap.say("f FETCH 1 BODY.PEEK[]").await;
    imap.literal().await
}

#[tokio::test]
async fn delivered_mail_is_read_back_as_it_was_written() {
    let stage = Stage::set().await;
    let replies = stage.deliver(&[ALICE], MESSAGE).await;
    assert!(replies[0].starts_with("250 2.1.5 "), "{replies:?}");
    let stored = only_message(&stage, ALICE, "INBOX").await;
    assert_eq!(without_trace(&stored), WRITTEN);
    assert!(stored.contains("\r\nDelivered-To: alice@example.test\r\n"));
    assert!(stored.contains("for <alice@example.test>"));
}

#[tokio::test]
async fn a_message_for_several_names_none_of_them() {
    let stage = Stage::set().await;
    let replies = stage.deliver(&[ALICE, BOB], MESSAGE).await;
    assert!(
        replies.iter().all(|reply| reply.starts_with("250 ")),
        "{replies:?}"
    );
    let stored = only_message(&stage, ALICE, "INBOX").await;
    assert!(!stored.contains("Delivered-To") && !stored.contains("for <"));
    assert_eq!(
        stored,
        only_message(&stage, BOB, "INBOX").await,
        "one file for both"
    );
}

#[tokio::test]
async fn every_recipient_has_an_answer_of_their_own() {
    let stage = Stage::set().await;
    let mut wire = stage.lmtp().await;
    wire.say("MAIL FROM:<>").await;
    wire.expect("250 ").await;
    wire.say("RCPT TO:<nobody@example.test>").await;
    wire.expect("550 5.1.1 ").await;
    for recipient in [ALICE, BOB] {
        wire.say(&format!("RCPT TO:<{recipient}>")).await;
        wire.expect("250 ").await;
    }
    wire.say("DATA").await;
    wire.expect("354 ").await;
    wire.send(format!("Subject: big\r\n\r\n{}", "x\r\n".repeat(10_000)).as_bytes())
        .await;
    wire.say(".").await;
    wire.expect("250 2.1.5 ").await;
    wire.expect("452 4.2.2 ").await;
}

#[tokio::test]
async fn trouble_of_ours_is_temporary_and_told_at_once() {
    let stage = Stage::set().await;
    stage.accounts.refuse(BOB, Refusal::unavailable());
    let mut wire = stage.lmtp().await;
    wire.say("MAIL FROM:<>").await;
    wire.expect("250 ").await;
    wire.say(&format!("RCPT TO:<{BOB}>")).await;
    wire.expect("451 4.4.3 ").await;
    wire.say(&format!("RCPT TO:<{ALICE}>")).await;
    wire.expect("250 ").await;
}

#[tokio::test]
async fn an_address_twice_is_one_message() {
    let stage = Stage::set().await;
    let replies = stage
        .deliver(&[ALICE, "alice+news@example.test"], MESSAGE)
        .await;
    assert!(
        replies.iter().all(|reply| reply.starts_with("250 ")),
        "{replies:?}"
    );
    only_message(&stage, ALICE, "INBOX").await;
}

#[tokio::test]
async fn a_detail_finds_a_folder_of_its_owners_making_and_no_other() {
    let stage = Stage::set().await;
    let mut imap = stage.imap(ALICE).await;
    imap.say("c CREATE Lists/News").await;
    imap.until("c OK").await;
    stage.deliver(&["alice+news@example.test"], MESSAGE).await;
    stage.deliver(&["alice+trash@example.test"], MESSAGE).await;
    only_message(&stage, ALICE, "Lists/News").await;
    only_message(&stage, ALICE, "INBOX").await;
}

#[tokio::test]
async fn a_message_too_large_is_refused_and_the_session_goes_on() {
    let stage = Stage::set().await;
    let mut wire = stage.lmtp().await;
    wire.say("MAIL FROM:<> SIZE=99999999").await;
    wire.expect("552 5.3.4 ").await;
    wire.say("MAIL FROM:<>").await;
    wire.expect("250 ").await;
    wire.say(&format!("RCPT TO:<{ALICE}>")).await;
    wire.expect("250 ").await;
    wire.say("DATA").await;
    wire.expect("354 ").await;
    wire.send("0123456789abcde\r\n".repeat(70_000).as_bytes())
        .await;
    wire.say(".").await;
    wire.expect("552 5.3.4 ").await;
    wire.say("NOOP").await;
    wire.expect("250 ").await;
}

#[tokio::test]
async fn a_drain_lets_the_message_in_hand_finish() {
    let stage = Stage::set().await;
    let mut wire = stage.lmtp().await;
    for line in ["MAIL FROM:<>", "RCPT TO:<alice@example.test>", "DATA"] {
        wire.say(line).await;
        wire.line().await;
    }
    wire.send(b"Subject: half\r\n").await;
    let tasks = stage.tasks.clone();
    let drain = tasks.shut_down(std::time::Duration::from_secs(20));
    let finish = async {
        wire.send(b"\r\ndone\r\n.\r\n").await;
        wire.expect("250 2.1.5 ").await;
        wire.expect("421 4.3.2 ").await;
        assert_eq!(wire.rest().await, "");
    };
    let (drained, ()) = tokio::join!(drain, finish);
    assert_eq!(drained.sessions_cut, 0);
}

#[tokio::test]
async fn a_message_that_has_been_round_too_often_is_refused() {
    let stage = Stage::set().await;
    let looping = format!("{}{MESSAGE}", "Received: by x\r\n".repeat(100));
    let replies = stage.deliver(&[ALICE], &looping).await;
    assert!(replies[0].starts_with("554 5.4.6 "), "{replies:?}");
}

#[tokio::test]
async fn chunks_are_taken_octet_for_octet() {
    let stage = Stage::set().await;
    let mut wire = stage.lmtp().await;
    for line in [
        "MAIL FROM:<sender@example.net> BODY=8BITMIME",
        "RCPT TO:<alice@example.test>",
    ] {
        wire.say(line).await;
        wire.expect("250 ").await;
    }
    let first = "From: s\u{e9}nder@example.net\r\n\r\n..";
    wire.send(format!("BDAT {}\r\n{first}", first.len()).as_bytes())
        .await;
    wire.expect("250 ").await;
    wire.send(b"BDAT 4 LAST\r\nx.\r\n").await;
    wire.expect("250 2.1.5 ").await;
    let stored = only_message(&stage, ALICE, "INBOX").await;
    assert_eq!(
        without_trace(&stored),
        "From: s\u{e9}nder@example.net\r\n\r\n..x.\r\n"
    );
}

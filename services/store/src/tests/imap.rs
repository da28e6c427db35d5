use std::time::Duration;

use super::stage::{ALICE, BOB, SESSIONS, Stage};
use super::wire::Wire;

const MESSAGE: &str = "From: a@b\r\nSubject: hello\r\n\r\nbody\r\n";

/// Appends by a literal.
async fn append(imap: &mut Wire, folder: &str, flags: &str, message: &str) {
    imap.say(&format!(
        "a APPEND {folder} ({flags}) {{{}}}",
        message.len()
    ))
    .await;
    imap.expect("+ ").await;
    imap.send(message.as_bytes()).await;
    imap.say("").await;
    imap.until("a OK [APPENDUID").await;
}

#[tokio::test]
async fn only_folders_of_messages_are_listed_with_their_uses() {
    let stage = Stage::set().await;
    let mut imap = stage.imap(ALICE).await;
    imap.say("l LIST \"\" *").await;
    let mut listed = imap.until("l OK").await;
    listed.pop();
    listed.sort();
    let has = |text: &str| listed.iter().any(|line| line.contains(text));
    assert!(
        has("\\Trash") && has("\\Sent") && has("\\Drafts") && has("\\Junk"),
        "{listed:#?}"
    );
    assert!(has(" INBOX"), "{listed:#?}");
    assert!(
        !has("Contacts") && !has("Calendar") && !has("Briefcase"),
        "{listed:#?}"
    );
}

#[tokio::test]
async fn appended_mail_is_the_same_octets_with_flags_and_keywords() {
    let stage = Stage::set().await;
    let mut imap = stage.imap(ALICE).await;
    append(&mut imap, "Drafts", "\\Draft $Label1", MESSAGE).await;
    imap.say("s SELECT Drafts").await;
    imap.until("s OK").await;
    imap.say("f FETCH 1 (FLAGS BODY.PEEK[])").await;
    assert_eq!(imap.literal().await, MESSAGE);
    let rest = imap.until("f OK").await.concat();
    assert!(!rest.contains("\\Seen"), "{rest}");
    imap.say("g FETCH 1 (FLAGS ENVELOPE BODYSTRUCTURE)").await;
    let lines = imap.until("g OK").await.concat();
    assert!(
        lines.contains("\\Draft") && lines.contains("$Label1"),
        "{lines}"
    );
    assert!(
        lines.contains("(NIL \"hello\" ((NIL NIL \"a\" \"b\"))"),
        "{lines}"
    );
}

#[tokio::test]
async fn an_idling_client_hears_of_new_mail() {
    let stage = Stage::set().await;
    let mut imap = stage.imap(ALICE).await;
    imap.say("s SELECT INBOX").await;
    imap.until("s OK").await;
    imap.say("i IDLE").await;
    imap.expect("+ ").await;
    stage.deliver(&[ALICE], MESSAGE).await;
    imap.until("* 1 EXISTS").await;
    imap.say("DONE").await;
    imap.until("i OK").await;
}

#[tokio::test]
async fn structures_are_read_ahead_in_order_and_out_of_it() {
    let stage = Stage::set().await;
    let mut imap = stage.imap(ALICE).await;
    // RFC 3502 and RFC 7888: all in one command.
    imap.send(b"a APPEND INBOX").await;
    for number in 0..150 {
        let message = format!("Subject: number {number}\r\n\r\nbody\r\n");
        imap.send(format!(" {{{}+}}\r\n{message}", message.len()).as_bytes())
            .await;
    }
    imap.say("").await;
    imap.until("a OK [APPENDUID").await;
    imap.say("s SELECT INBOX").await;
    imap.until("s OK").await;
    imap.say("f FETCH 1:* ENVELOPE").await;
    let lines = imap.until("f OK").await;
    assert_eq!(lines.len(), 151);
    for (number, line) in lines.iter().take(150).enumerate() {
        assert!(line.contains(&format!("\"number {number}\"")), "{line}");
    }
    imap.say("g FETCH 7,3,100,8 ENVELOPE").await;
    let lines = imap.until("g OK").await.concat();
    for number in [6, 2, 99, 7] {
        assert!(lines.contains(&format!("\"number {number}\"")), "{lines}");
    }
}

#[tokio::test]
async fn folders_are_made_renamed_and_deleted_with_their_parents_in_mind() {
    let stage = Stage::set().await;
    let mut imap = stage.imap(ALICE).await;
    for (command, answer) in [
        ("CREATE a/b/c", "OK"),
        ("CREATE a/b", "NO [ALREADYEXISTS]"),
        ("DELETE a/b", "NO [HASCHILDREN]"),
        ("RENAME a/b x/y", "OK"),
        ("STATUS x/y/c (MESSAGES)", "OK"),
        ("RENAME x x/z", "NO [CANNOT]"),
        ("DELETE INBOX", "NO"),
        ("RENAME Sent Gone", "NO [CANNOT]"),
        ("DELETE Contacts", "NO [NONEXISTENT]"),
        ("SUBSCRIBE x/y", "OK"),
        ("SUBSCRIBE nowhere", "NO [NONEXISTENT]"),
        ("UNSUBSCRIBE nowhere", "OK"),
        ("DELETE x/y/c", "OK"),
        ("DELETE x/y", "OK"),
    ] {
        imap.say(&format!("t {command}")).await;
        let answered = imap.until("t ").await;
        let last = answered.last().unwrap();
        assert!(
            last.starts_with(&format!("t {answer}")),
            "{command}: {last}"
        );
    }
}

#[tokio::test]
async fn an_account_has_so_many_sessions() {
    let stage = Stage::set().await;
    let mut sessions = Vec::new();
    for _ in 0..SESSIONS {
        sessions.push(stage.imap(BOB).await);
    }
    let mut one_more = stage.imap_stranger().await;
    one_more.say(&format!("l LOGIN {BOB} secret")).await;
    one_more.expect("l NO [UNAVAILABLE]").await;
    stage.imap(ALICE).await;
}

#[tokio::test]
async fn a_quota_is_kept() {
    let stage = Stage::set().await;
    let mut imap = stage.imap(BOB).await;
    imap.say("a APPEND INBOX {30000}").await;
    imap.expect("a NO [OVERQUOTA]").await;
    append(&mut imap, "INBOX", "", &"x\r\n".repeat(5_000)).await;
    imap.say("s SELECT INBOX").await;
    imap.until("s OK").await;
    imap.say("c COPY 1 Trash").await;
    imap.expect("c NO [OVERQUOTA]").await;
    imap.say("m MOVE 1 Trash").await;
    imap.until("m OK").await;
}

#[tokio::test]
async fn a_drain_says_goodbye() {
    let stage = Stage::set().await;
    let mut imap = stage.imap(ALICE).await;
    imap.say("i IDLE").await;
    imap.expect("+ ").await;
    let drained = stage.tasks.shut_down(Duration::from_secs(20)).await;
    assert_eq!(drained.sessions_cut, 0);
    assert!(imap.rest().await.starts_with("* BYE "));
}

#[tokio::test]
async fn a_wrong_password_says_no_more_than_a_wrong_name() {
    let answer = async |account: &str| {
        let stage = Stage::set().await;
        let mut imap = stage.imap_stranger().await;
        imap.say(&format!("a LOGIN {account} wrong")).await;
        imap.line().await
    };
    let (wrong_password, wrong_name) = tokio::join!(answer(ALICE), answer("nobody@example.test"));
    assert_eq!(wrong_password, wrong_name);
    assert!(wrong_password.starts_with("a NO [AUTHENTICATIONFAILED]"));
}

#[tokio::test]
async fn a_deleted_mailbox_stays_subscribed_until_somebody_unsubscribes() {
    let stage = Stage::set().await;
    let mut imap = stage.imap(ALICE).await;
    for command in ["CREATE Old/2019", "SUBSCRIBE Old/2019", "DELETE Old/2019"] {
        imap.say(&format!("t {command}")).await;
        imap.until("t OK").await;
    }
    let listed = async |imap: &mut Wire, command: &str| -> Vec<String> {
        imap.say(&format!("l {command}")).await;
        imap.until("l OK").await
    };
    let is_there = |lines: &[String], line: &str| lines.iter().any(|own| own == line);
    let lines = listed(&mut imap, "LSUB \"\" *").await;
    assert!(is_there(&lines, "* LSUB () \"/\" Old/2019"), "{lines:?}");
    let lines = listed(&mut imap, "LIST (SUBSCRIBED) \"\" *").await;
    let missing = "* LIST (\\NonExistent \\HasNoChildren \\Subscribed) \"/\" Old/2019";
    assert!(is_there(&lines, missing), "{lines:?}");
    let lines = listed(&mut imap, "LIST \"\" Old/*").await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    // Whoever subscribes again already is; a mailbox that gets the name has the subscription.
    for command in ["SUBSCRIBE Old/2019", "CREATE Old/2019"] {
        imap.say(&format!("t {command}")).await;
        imap.until("t OK").await;
    }
    let lines = listed(&mut imap, "LIST (SUBSCRIBED) \"\" Old/*").await;
    assert!(
        is_there(
            &lines,
            "* LIST (\\HasNoChildren \\Subscribed) \"/\" Old/2019"
        ),
        "{lines:?}"
    );
    for command in ["DELETE Old/2019", "UNSUBSCRIBE Old/2019"] {
        imap.say(&format!("t {command}")).await;
        imap.until("t OK").await;
    }
    let lines = listed(&mut imap, "LSUB \"\" Old/*").await;
    assert_eq!(lines.len(), 1, "{lines:?}");
}

#[tokio::test]
async fn a_nul_travels_only_where_it_may() {
    let stage = Stage::set().await;
    let mut imap = stage.imap(ALICE).await;
    let body = "a\0b\r\nc\0d\r\n";
    let text = format!("Subject: n\0l\r\n\r\n{body}");
    imap.say(&format!("a APPEND INBOX ~{{{}+}}\r\n{text}", text.len()))
        .await;
    imap.until("a OK").await;
    imap.say("s SELECT INBOX").await;
    imap.until("s OK").await;
    let mut fetched = async |item: &str| -> Vec<u8> {
        imap.say(&format!("f FETCH 1 {item}")).await;
        let octets = imap.octets_until("f OK").await;
        let marker = octets.windows(2).position(|two| two == b"}\r").unwrap();
        octets[marker + 3..].to_vec()
    };
    let replaced: Vec<u8> = body
        .bytes()
        .map(|octet| if octet == 0 { 0x80 } else { octet })
        .collect();
    assert!(fetched("BODY.PEEK[TEXT]").await.starts_with(&replaced));
    assert!(fetched("BODY.PEEK[1]").await.starts_with(&replaced));
    assert!(!fetched("BODY.PEEK[]").await.contains(&0));
    // The second literal is read as it is sent.
    assert!(!fetched("(BODY.PEEK[TEXT] BODY.PEEK[])").await.contains(&0));
    assert!(
        !fetched("(BODY.PEEK[HEADER.FIELDS (SUBJECT)] ENVELOPE)")
            .await
            .contains(&0)
    );
    assert!(fetched("BINARY.PEEK[]").await.starts_with(text.as_bytes()));
}

#[tokio::test]
async fn a_trusted_proxy_logs_in_by_ticket_for_a_client_elsewhere() {
    let stage = Stage::set().await;
    let mut imap = stage.imap_stranger().await;
    imap.say("i ID (\"x-originating-ip\" \"192.0.2.7\" \"x-session-id\" \"abc\")")
        .await;
    imap.until("i OK").await;
    imap.say(&format!("l LOGIN {ALICE} rt1.good")).await;
    imap.until("l OK").await;
    let mut imap = stage.imap_stranger().await;
    imap.say(&format!("l LOGIN {ALICE} rt1.forged")).await;
    imap.until("l NO [AUTHENTICATIONFAILED]").await;
}

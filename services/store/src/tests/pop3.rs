use super::stage::{ALICE, Stage, without_trace};

#[tokio::test]
async fn mail_is_fetched_as_it_was_written_and_removed_at_quit() {
    let stage = Stage::set().await;
    stage
        .deliver(&[ALICE], "From: sender@example.net\r\n\r\n..dot\r\n")
        .await;
    let mut pop3 = stage.pop3(ALICE).await;
    pop3.say("RETR 1").await;
    pop3.expect("+OK").await;
    let mut lines = pop3.until(".").await;
    // `until` stops at the dotted line too, as it begins with a dot.
    while lines.last().unwrap() != "." {
        lines.extend(pop3.until(".").await);
    }
    lines.pop();
    let message: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    assert_eq!(
        without_trace(&message),
        "From: sender@example.net\r\n\r\n..dot\r\n"
    );
    pop3.say("DELE 1").await;
    pop3.expect("+OK").await;
    drop(pop3);

    let mut pop3 = stage.pop3(ALICE).await;
    pop3.say("STAT").await;
    pop3.expect("+OK 1 ").await;
    pop3.say("DELE 1").await;
    pop3.expect("+OK").await;
    pop3.say("QUIT").await;
    pop3.expect("+OK").await;

    let mut pop3 = stage.pop3(ALICE).await;
    pop3.say("STAT").await;
    pop3.expect("+OK 0 ").await;
}

#[tokio::test]
async fn unique_ids_last() {
    let stage = Stage::set().await;
    let message = "From: sender@example.net\r\n\r\nx\r\n";
    stage.deliver(&[ALICE], message).await;
    stage.deliver(&[ALICE], message).await;
    let mut seen = Vec::new();
    for _ in 0..2 {
        let mut pop3 = stage.pop3(ALICE).await;
        pop3.say("UIDL").await;
        pop3.expect("+OK").await;
        seen.push(pop3.until(".").await);
        pop3.say("QUIT").await;
        pop3.expect("+OK").await;
    }
    assert_eq!(seen[0], seen[1]);
    assert_ne!(seen[0][0], seen[0][1]);
}

#[tokio::test]
async fn a_trusted_proxy_says_for_whom_it_speaks() {
    let stage = Stage::set().await;
    let mut pop3 = stage.pop3_stranger().await;
    pop3.say("XCLIENT ADDR=192.0.2.7 PORT=5600 SESSION=abc")
        .await;
    pop3.expect("+OK").await;
    pop3.say("XCLIENT TTL=1").await;
    pop3.expect("-ERR").await;
    pop3.say(&format!("USER {ALICE}\r\nPASS rt1.good")).await;
    pop3.expect("+OK").await;
    pop3.expect("+OK 0 messages").await;
}

//! A directory that is dead or hangs: mail waits, logins are put off, nobody is told that they do
//! not exist, and whoever was seen lately keeps receiving mail.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use roost_tests::fault::imap::Imap;
use roost_tests::fault::line::Lines;
use roost_tests::fault::town::{DIRECTORY, MTA, Town};
use roost_tests::{Run, wait_for};

const MINUTE: Duration = Duration::from_secs(60);

/// The reply to RCPT at a port.
fn recipient(town: &Town, service: &str, address: &str) -> String {
    let mut lines = Lines::connect(town.port(service), MINUTE).unwrap();
    lines.reply().unwrap();
    let hello = if service == "lmtp" { "LHLO" } else { "EHLO" };
    lines.command(&format!("{hello} client.example")).unwrap();
    lines.command("MAIL FROM:<friend@outside.test>").unwrap();
    lines.command(&format!("RCPT TO:<{address}>")).unwrap().1
}

/// Sends a message by SMTP, and yields the last reply.
fn send(town: &Town, address: &str) -> String {
    let mut lines = Lines::connect(town.port("smtp"), MINUTE).unwrap();
    lines.reply().unwrap();
    let rcpt = format!("RCPT TO:<{address}>");
    let commands = [
        "EHLO client.example",
        "MAIL FROM:<friend@outside.test>",
        &rcpt,
        "DATA",
    ];
    for command in commands {
        let (code, text) = lines.command(command).unwrap();
        if code >= 400 {
            return text;
        }
    }
    lines
        .send(b"Subject: away\r\n\r\nIs anybody there?\r\n.\r\n")
        .unwrap();
    lines.reply().unwrap().1
}

/// What logins are answered by IMAP, POP3 and submission.
fn logins(town: &Town, person: &str) -> [String; 3] {
    let password = town.password();
    let mut imap = Lines::connect(town.port("store_imap"), MINUTE).unwrap();
    imap.line().unwrap();
    imap.send(format!("a LOGIN {person} {password}\r\n").as_bytes())
        .unwrap();
    let mut pop3 = Lines::connect(town.port("store_pop3"), MINUTE).unwrap();
    pop3.line().unwrap();
    pop3.send(format!("USER {person}\r\n").as_bytes()).unwrap();
    pop3.line().unwrap();
    pop3.send(format!("PASS {password}\r\n").as_bytes())
        .unwrap();
    let port = town.port("submission").to_string();
    let swaks = Run::new("swaks")
        .args([
            "--server",
            "127.0.0.1",
            "--port",
            &port,
            "--helo",
            "client.example",
            "--tls",
        ])
        .args([
            "--auth",
            "PLAIN",
            "--auth-user",
            person,
            "--auth-password",
            password,
        ])
        .args(["--from", person, "--to", person, "--quit-after", "AUTH"])
        .finish();
    let said = swaks.stdout();
    let refused = said.lines().find(|line| line.starts_with("<~*"));
    let submission = refused.map_or_else(|| said.clone(), str::to_owned);
    [imap.line().unwrap(), pop3.line().unwrap(), submission]
}

fn put_off(logins: &[String; 3]) {
    let [imap, pop3, submission] = logins;
    assert!(imap.starts_with("a NO [UNAVAILABLE]"), "{imap}");
    assert!(pop3.starts_with("-ERR [SYS/TEMP]"), "{pop3}");
    assert!(submission.contains(" 454 4.7.0"), "{submission}");
}

/// Whoever was seen keeps receiving; everybody else is put off.
fn mail_goes_on(town: &Town, seen: &str, others: &[&str]) {
    for service in ["smtp", "lmtp"] {
        let reply = recipient(town, service, seen);
        assert!(reply.starts_with("250"), "{service}: {reply}");
        for address in others {
            let reply = recipient(town, service, address);
            assert!(reply.starts_with("451 4"), "{service} {address}: {reply}");
        }
    }
    let reply = send(town, seen);
    assert!(reply.starts_with("250"), "{reply}");
    town.drain_queue(MINUTE).unwrap();
}

/// Mail that came before the trouble, so that the account is known.
fn get_acquainted(town: &Town, seen: &str) -> Imap {
    let reply = send(town, seen);
    assert!(reply.starts_with("250"), "{reply}");
    town.drain_queue(MINUTE).unwrap();
    let mut imap = Imap::connect(town.port("store_imap"), seen, town.password()).unwrap();
    assert_eq!(imap.select("INBOX").unwrap().exists, 1);
    imap
}

#[test]
fn a_dead_directory_puts_off_and_known_accounts_receive() {
    let mut town = Town::start("", 2);
    let people = town.people().to_vec();
    let [seen, unseen] = people.as_slice() else {
        panic!("two accounts")
    };
    let mut imap = get_acquainted(&town, seen);
    town.kill(DIRECTORY);
    let nobody = "nobody-at-all@example.test";
    let elsewhere = "who@unheard-of.example.test";
    mail_goes_on(&town, seen, &[unseen, nobody, elsewhere]);
    put_off(&logins(&town, seen));
    assert_eq!(
        imap.select("INBOX").unwrap().exists,
        2,
        "whoever is signed in reads on"
    );
    wait_for("the mta to say so", MINUTE, || {
        let page = town.readiness(MTA)?;
        (page.starts_with("HTTP/1.1 503") && page.contains("directory")).then_some(())
    });

    town.run(DIRECTORY);
    town.ready(DIRECTORY);
    wait_for("mail for everybody again", MINUTE, || {
        recipient(&town, "smtp", unseen)
            .starts_with("250")
            .then_some(())
    });
    wait_for("logins again", MINUTE, || {
        logins(&town, unseen)[0].starts_with("a OK").then_some(())
    });
}

#[test]
fn a_directory_that_hangs_is_not_waited_for_long() {
    let town = Town::start("", 2);
    let people = town.people().to_vec();
    let [seen, unseen] = people.as_slice() else {
        panic!("two accounts")
    };
    let mut imap = get_acquainted(&town, seen);
    let directory = town.pid(DIRECTORY);
    kill(directory, Signal::SIGSTOP).unwrap();
    wait_for("the directory to stand still", MINUTE, || {
        let status = std::fs::read_to_string(format!("/proc/{directory}/status")).ok()?;
        status.contains("T (stopped)").then_some(())
    });
    // Every reply comes within the minute that `Lines` waits.
    mail_goes_on(&town, seen, &[unseen]);
    put_off(&logins(&town, seen));

    assert_eq!(imap.select("INBOX").unwrap().exists, 2);
    kill(directory, Signal::SIGCONT).unwrap();
    wait_for("logins again", MINUTE, || {
        logins(&town, unseen)[0].starts_with("a OK").then_some(())
    });
    assert!(send(&town, unseen).starts_with("250"));
}

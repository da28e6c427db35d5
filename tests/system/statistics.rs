//! Figures over time, alerts, and who hears of them.

use std::fs;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use roost_tests::client::{Curl, Swaks};
use roost_tests::peer::{Received, Receiver, Snmp};
use roost_tests::{Run, Suite, message, wait_for};
use serde_json::Value;

const ADMIN: &str = "admin@example.test";
const NODE: &str = "mail.example.test";
const ALERT_RAISED: &str = ".1.3.6.1.4.1.32473.1.3.0.9";
const ALERT_CLEARED: &str = ".1.3.6.1.4.1.32473.1.3.0.10";

/// An answer of `roostctl` in JSON, whatever its exit status.
#[track_caller]
fn json(suite: &Suite, arguments: &[&str]) -> Value {
    let finished = suite.roostctl().args(arguments).arg("--json").finish();
    serde_json::from_str(&finished.stdout()).unwrap_or_else(|error| panic!("{error}: {finished}"))
}

/// What a receiver heard of a daemon that is down, since a moment.
fn heard(receiver: &Receiver, event: &str, daemon: &str, since: i64) -> Vec<(Received, Value)> {
    let received = receiver.received().into_iter();
    let events = received.map(|received| {
        let body: Value = serde_json::from_str(&received.body).unwrap();
        (received, body)
    });
    let wanted = events.filter(|(_, body)| {
        let id = body["id"].as_str().unwrap();
        let (of, began) = id.rsplit_once('/').unwrap();
        body["event"] == event
            && of == format!("SERVICE_DOWN/{daemon}")
            && began.parse::<i64>().unwrap() >= since
    });
    wanted.collect()
}

/// Seconds since 1970.
fn now() -> i64 {
    let text = Run::new("date").arg("+%s").ok_text();
    text.trim().parse().unwrap()
}

/// The signature as a receiver would make it: by a program of its own.
fn signature(secret: &str, text: &str) -> String {
    let told = Run::new("openssl")
        .args(["dgst", "-sha256", "-hmac", secret])
        .input(text)
        .ok_text();
    let hexadecimal = told.trim().rsplit(' ').next().unwrap();
    format!("sha256={hexadecimal}")
}

#[test]
fn a_daemon_that_stops_is_told_to_everybody_until_it_is_back() {
    let receiver = Receiver::start();
    let secret = std::env::temp_dir().join(format!("roost-webhook-secret-{}", std::process::id()));
    fs::write(&secret, "a secret\n").unwrap();
    let suite = Suite::start_with(&format!(
        "[statistics]\ninterval = \"1s\"\n[snmp]\ninterval = \"1s\"\n\
         [alert]\nclear = \"1s\"\noff = [\"DISK_FILLING\", \"MEMORY_LOW\"]\n\
         [alert.service]\nhold = \"1s\"\n\
         [alert.webhook]\nurl = \"{}\"\nsecret = \"{}\"\n",
        receiver.url(),
        secret.display(),
    ));
    let snmp = Snmp::start(suite.scratch(), &suite.state().join("run/agentx"));
    let minute = Duration::from_secs(60);
    wait_for("the rules to be asked", minute, || {
        let rules = json(&suite, &["alerts", "rules"]);
        let service = rules
            .as_array()?
            .iter()
            .find(|rule| rule["rule"] == "SERVICE_DOWN")?;
        (service["state"] == "ok").then_some(())
    });
    let rules = json(&suite, &["alerts", "rules"]);
    for rule in rules.as_array().unwrap() {
        let nothing_to_judge = [
            "SCANNER_DOWN",
            "REPLICATION_LATE",
            "BACKUP_OLD",
            "CLOCK_OFF",
            "DISK_FILLING",
        ];
        if nothing_to_judge.contains(&rule["rule"].as_str().unwrap()) {
            assert_eq!(rule["state"], "not configured", "{rule}");
            assert!(!rule["reason"].as_str().unwrap().is_empty(), "{rule}");
        }
    }

    // Frozen is as good as dead, and `roostctl dev` does not start it again.
    let proxy = suite.pid("roost-proxy");
    // What was told while the suite started is another matter.
    let since = now();
    kill(proxy, Signal::SIGSTOP).unwrap();
    let (fired, body) = wait_for("the webhook", minute, || {
        heard(&receiver, "fired", "roost-proxy", since).pop()
    });
    assert_eq!(fired.request, "POST /alerts HTTP/1.1");
    let stamp = fired.header("roost-timestamp").unwrap();
    let expected = signature("a secret", &format!("{stamp}.{}", fired.body));
    assert_eq!(fired.header("roost-signature"), Some(expected.as_str()));
    assert_eq!(
        (&body["severity"], &body["node"]),
        (&"critical".into(), &NODE.into())
    );

    // Status and doctor say the same, and what to do.
    let doctor = suite.roostctl().arg("doctor").finish();
    assert_eq!(doctor.code(), 3, "{doctor}");
    assert!(doctor.stdout().contains("SERVICE_DOWN"), "{doctor}");
    let status = suite.roostctl().arg("status").finish();
    let said = status.stderr();
    assert!(
        said.contains("critical: SERVICE_DOWN roost-proxy"),
        "{status}"
    );
    assert!(said.contains("journalctl -u roost-proxy"), "{status}");

    // What somebody said about it lives over a crash of the logger.
    let acknowledged = [
        "alerts",
        "acknowledge",
        "SERVICE_DOWN",
        "roost-proxy",
        "--note",
        "on it",
    ];
    assert_eq!(json(&suite, &acknowledged)[0]["acknowledged"], "on it");
    let silence = [
        "alerts",
        "silence",
        "UNIT_RESTARTED",
        "--for",
        "1h",
        "--note",
        "a test",
    ];
    assert_eq!(json(&suite, &silence)["subject"], "*");
    kill(suite.pid("roost-logger"), Signal::SIGKILL).unwrap();
    let alert = wait_for("the logger to be back", minute, || {
        let finished = suite.roostctl().args(["alerts", "list", "--json"]).finish();
        let alerts: Value = serde_json::from_str(&finished.stdout()).ok()?;
        let alerts = alerts.as_array()?.clone();
        alerts
            .into_iter()
            .find(|alert| alert["subject"] == "roost-proxy")
    });
    assert_eq!(alert["acknowledged"], "on it", "{alert}");
    assert_eq!(alert["phase"], "firing", "{alert}");
    let silences = json(&suite, &["alerts", "silences"]);
    assert_eq!(silences[0]["note"], "a test", "{silences}");

    kill(proxy, Signal::SIGCONT).unwrap();
    let (_, over) = wait_for("the end of it", minute, || {
        heard(&receiver, "resolved", "roost-proxy", since).pop()
    });
    assert_eq!(over["id"], body["id"]);
    let times = heard(&receiver, "fired", "roost-proxy", since).len();
    assert_eq!(times, 1, "told once, crash or not");

    for (what, subject) in [
        ("fired", "CRITICAL SERVICE_DOWN roost-proxy"),
        ("resolved", "OVER SERVICE_DOWN roost-proxy"),
    ] {
        let search = format!("SUBJECT \"{subject}\"");
        wait_for(&format!("the mail that it {what}"), minute, || {
            let found = Curl::new(&suite, ADMIN).imap_search("INBOX", &search);
            (!found.is_empty()).then_some(())
        });
    }
    for notification in [ALERT_RAISED, ALERT_CLEARED] {
        wait_for(&format!("notification {notification}"), minute, || {
            snmp.notifications().contains(notification).then_some(())
        });
    }
    assert!(snmp.notifications().contains("SERVICE_DOWN"));
    fs::remove_file(secret).unwrap();
}

/// Runs SQL on the database of the statistics while the logger is there too.
fn sql(suite: &Suite, script: &str) -> String {
    let database = suite.state().join("logger/statistics/statistics.sqlite");
    let program = format!(
        "import sqlite3, time\ndb = sqlite3.connect({:?}, timeout=10)\n{script}\ndb.commit()\n",
        database.display().to_string()
    );
    Run::new("python3").args(["-c", &program]).ok_text()
}

#[test]
fn figures_survive_a_kill_and_a_filling_disk_is_foreseen() {
    let suite = Suite::start_with(
        "[statistics]\ninterval = \"1s\"\n[alert.disk]\nhold = \"0s\"\nfree_percent = 0\n[alert.mail]\nto = []\n",
    );
    let two_minutes = Duration::from_secs(120);
    let points = || {
        let figures = suite
            .roostctl()
            .args([
                "stats",
                "roost_mta_queue_messages",
                "--since",
                "1h",
                "--step",
                "1m",
                "--csv",
            ])
            .finish();
        let text = figures.stdout();
        let lines: Vec<String> = text.lines().skip(1).map(str::to_owned).collect();
        (!lines.is_empty()).then_some(lines)
    };
    let before = wait_for("the first minute", two_minutes, points);
    assert!(
        before[0].contains(&format!(",{NODE},roost_mta_queue_messages,,")),
        "{before:?}"
    );

    // An hour in which the disk of the store filled, so that it would be full within a day.
    let started = suite.pid("roost-logger");
    sql(
        &suite,
        &format!(
            "name = 'volume_free_bytes'\nlabels = 'volume=\"store\"'\n\
             (series,) = db.execute('SELECT id FROM series WHERE name = ? AND labels = ?', (name, labels)).fetchone()\n\
             import os\nfree = os.statvfs({:?})\nfree = free.f_bavail * free.f_frsize\n\
             now = int(time.time()) // 60 * 60\n\
             for minute in range(1, 61):\n  value = free + free / 1440 * minute\n  \
             db.execute('INSERT OR REPLACE INTO recent VALUES (0, ?, ?, ?, ?, ?, 1)', (now - 60 * minute, series, value, value, value))",
            suite.state().join("store").display().to_string()
        ),
    );
    kill(started, Signal::SIGKILL).unwrap();
    let alert = wait_for("the forecast", two_minutes, || {
        let finished = suite.roostctl().args(["alerts", "list", "--json"]).finish();
        let alerts: Value = serde_json::from_str(&finished.stdout()).ok()?;
        let alerts = alerts.as_array()?.clone();
        alerts
            .into_iter()
            .find(|alert| alert["rule"] == "DISK_FILLING" && alert["subject"] == "store")
    });
    let text = alert["text"].as_str().unwrap();
    assert!(
        text.contains("full in") && text.contains("at this rate"),
        "{alert}"
    );
    assert_eq!(alert["severity"], "warning", "{alert}");

    let after = wait_for("the figures to be there again", two_minutes, points);
    for line in &before {
        assert!(after.contains(line), "{line} is not in {after:?}");
    }
    let overview = json(&suite, &["stats", "--since", "1h"]);
    let names: Vec<&str> = overview
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|row| row["figure"].as_str())
        .collect();
    for name in ["queue", "processors", "memory free", "sessions"] {
        assert!(names.contains(&name), "{overview}");
    }
    let file = suite.scratch().join("queue.svg");
    suite
        .roostctl()
        .args(["stats", "chart", "roost_mta_queue_messages", "--output"])
        .arg(&file)
        .ok();
    assert!(
        fs::read_to_string(&file)
            .unwrap()
            .starts_with("<svg xmlns=")
    );
}

/// What the report of today says of an account.
fn volume(suite: &Suite, account: &str) -> Option<Value> {
    let finished = suite
        .roostctl()
        .args(["stats", "report", "--by", "account", "--json"])
        .finish();
    let volumes: Value = serde_json::from_str(&finished.stdout()).ok()?;
    let volumes = volumes.as_array()?.clone();
    volumes.into_iter().find(|volume| volume["name"] == account)
}

/// Sizes of messages as IMAP tells them.
fn sizes(suite: &Suite, account: &str, subject: &str) -> Vec<u64> {
    let mailbox = Curl::new(suite, account);
    let found = mailbox.imap_search("INBOX", &format!("SUBJECT {subject}"));
    found
        .iter()
        .map(|uid| u64::try_from(mailbox.imap_message("INBOX", *uid).len()).unwrap())
        .collect()
}

#[test]
fn the_report_of_a_day_is_what_was_really_sent() {
    let suite = Suite::start();
    let minute = Duration::from_secs(60);
    let (alice, bob) = ("alice@example.test", "bob@example.test");
    for number in 0..3 {
        let text = message::plain("reported");
        let text = format!("{text}{}\r\n", "x".repeat(number * 1_000));
        Swaks::mx(&suite)
            .message("someone@outside.test", alice, text.as_bytes())
            .ok();
    }
    let text = message::plain("reported");
    Swaks::submission(&suite, alice)
        .message(alice, &format!("{bob},{ADMIN}"), text.as_bytes())
        .ok();
    let refused = Swaks::mx(&suite).recipient("someone@outside.test", "nobody@example.test");
    assert!(!refused.finish().success());
    let counted = |account: &str, received: u64, sent: u64| {
        let volume = volume(&suite, account)?;
        (volume["received"] == received && volume["sent"] == sent).then_some(volume)
    };
    let told = wait_for("alice's mail to be counted", minute, || {
        counted(alice, 3, 1)
    });
    assert_eq!(
        (&told["sent"], &told["recipients"]),
        (&1.into(), &2.into()),
        "{told}"
    );
    let arrived = sizes(&suite, alice, "reported");
    assert_eq!(arrived.len(), 3);
    // The store adds fields of its own to what it was given.
    let least: u64 = 3 * u64::try_from(text.len()).unwrap() + 3_000;
    let bytes = told["received_bytes"].as_u64().unwrap();
    assert!(
        (least..=arrived.iter().sum()).contains(&bytes),
        "{told} {arrived:?}"
    );
    wait_for("bob's", minute, || counted(bob, 1, 0));

    // Counted once, crash or not.
    kill(suite.pid("roost-logger"), Signal::SIGKILL).unwrap();
    let again = wait_for("the logger to be back", minute, || volume(&suite, alice));
    assert_eq!(again, told);
    Swaks::mx(&suite)
        .message("someone@outside.test", bob, text.as_bytes())
        .ok();
    wait_for("bob's next", minute, || counted(bob, 2, 0));
    assert_eq!(volume(&suite, alice).unwrap(), told);

    let csv = suite
        .roostctl()
        .args(["stats", "report", "--csv"])
        .ok_text();
    let line = csv
        .lines()
        .find(|line| line.starts_with("example.test,"))
        .unwrap();
    // Three of alice's, two of bob's, one of the administrator's.
    assert!(line.starts_with("example.test,6,"), "{csv}");

    let day = Run::new("date").arg("+%F").ok_text();
    let sent = suite
        .roostctl()
        .args(["stats", "report", "--send", "--day", day.trim()])
        .ok_text();
    assert!(sent.contains("sent to postmaster"), "{sent}");
    let uid = wait_for("the report in the postmaster's mailbox", minute, || {
        let search = "SUBJECT \"6 received, 1 sent\"";
        Curl::new(&suite, ADMIN).imap_search("INBOX", search).pop()
    });
    let report = Curl::new(&suite, ADMIN).imap_message("INBOX", uid);
    let report = String::from_utf8_lossy(&report).into_owned();
    assert!(report.contains("multipart/alternative"), "{report}");
    assert!(
        report.contains("no scanner is part of this node"),
        "{report}"
    );
}

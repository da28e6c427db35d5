//! Starting, stopping, dying and coming back.

use std::fs;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use roost_tests::client::Curl;
use roost_tests::{Suite, message, wait_for};

use crate::delivery::arrived;

const ALICE: &str = "alice@example.test";
const BOB: &str = "bob@example.test";

#[test]
fn a_second_start_keeps_the_mail_and_dev_json_lives_as_long_as_the_suite() {
    let mut suite = Suite::start();
    let text = message::plain("kept");
    Curl::send(&suite, ALICE, BOB, text.as_bytes()).ok();
    arrived(&suite, BOB, "kept");
    let before = Curl::new(&suite, BOB).imap_search("INBOX", "ALL");
    let description = suite.state().join("dev.json");
    assert!(description.exists());
    suite.stop();
    assert!(!description.exists(), "dev.json is removed at the stop");
    suite.run();
    assert_eq!(Curl::new(&suite, BOB).imap_search("INBOX", "ALL"), before);
}

#[test]
fn a_daemon_that_dies_is_restarted_and_keeps_what_it_acknowledged() {
    let suite = Suite::start();
    let text = message::plain("acknowledged");
    Curl::send(&suite, ALICE, BOB, text.as_bytes()).ok();
    arrived(&suite, BOB, "acknowledged");
    for daemon in ["roost-store", "roost-mta", "roost-directory"] {
        kill(suite.pid(daemon), Signal::SIGKILL).unwrap();
    }
    wait_for(
        "roostctl to say that it restarted them",
        Duration::from_secs(30),
        || (suite.log().matches("restart").count() >= 3).then_some(()),
    );
    wait_for("the store to answer again", Duration::from_secs(30), || {
        let answer = Curl::new(&suite, BOB)
            .imaps("")
            .args(["--request", "NOOP"])
            .finish();
        answer.success().then_some(())
    });
    arrived(&suite, BOB, "acknowledged");
    let text = message::plain("after-the-restart");
    wait_for(
        "the mta to take mail again",
        Duration::from_secs(30),
        || {
            Curl::send(&suite, ALICE, BOB, text.as_bytes())
                .finish()
                .success()
                .then_some(())
        },
    );
    arrived(&suite, BOB, "after-the-restart");
}

#[test]
fn mail_waits_while_the_store_is_away() {
    let suite = Suite::start();
    let store = suite.pid("roost-store");
    kill(store, Signal::SIGSTOP).unwrap();
    let text = message::plain("patient");
    Curl::send(&suite, ALICE, BOB, text.as_bytes()).ok();
    kill(store, Signal::SIGCONT).unwrap();
    arrived(&suite, BOB, "patient");
}

#[test]
fn a_mistake_in_the_configuration_stops_a_daemon_with_one_clear_line() {
    let suite = Suite::start();
    let config = suite.dev()["config"].as_str().unwrap().to_owned();
    let folder = suite.scratch().join("broken");
    fs::create_dir_all(&folder).unwrap();
    let text = fs::read_to_string(&config).unwrap();
    for (daemon, table) in [
        ("roost-store", "[store]"),
        ("roost-mta", "[mta]"),
        ("roost-directory", "[directory-server]"),
    ] {
        let broken = folder.join(format!("{daemon}.toml"));
        fs::write(
            &broken,
            text.replace(table, &format!("{table}\nstaet = \"/x\"")),
        )
        .unwrap();
        let finished = suite
            .program(daemon)
            .arg("--config")
            .arg(&broken)
            .arg("--check")
            .finish();
        assert_eq!(finished.code(), 78, "{finished}");
        let said = finished.stderr();
        assert_eq!(said.trim_end().lines().count(), 1, "{finished}");
        let line = 1 + text.lines().position(|line| line.trim() == table).unwrap() + 1;
        assert!(
            said.contains(&format!("{daemon}.toml:{line}")),
            "{finished}"
        );
        assert!(
            said.contains("staet") && said.contains("state"),
            "{finished}"
        );
        let finished = suite
            .program(daemon)
            .arg("--config")
            .arg(&config)
            .arg("--check")
            .finish();
        assert_eq!(finished.code(), 0, "{finished}");
    }
}

#[test]
fn a_second_mta_on_the_same_queue_says_that_it_is_taken() {
    let suite = Suite::start();
    let config = suite.dev()["config"].as_str().unwrap();
    let text = fs::read_to_string(config).unwrap();
    let (before, mta) = text.split_once("[mta]").unwrap();
    // The same queue, with places of its own.
    let mine = mta
        .lines()
        .take_while(|line| !line.starts_with('['))
        .filter(|line| line.starts_with("state"))
        .collect::<String>();
    let second = suite.scratch().join("second.toml");
    let places = "smtp = []\nsubmission = []\nsubmissions = []\nhealth = []";
    let control = suite.scratch().join("second.sock");
    let text = format!(
        "{before}[mta]\n{mine}\n{places}\ncontrol = \"{}\"\n",
        control.display()
    );
    fs::write(&second, text).unwrap();
    let finished = suite
        .program("roost-mta")
        .arg("--config")
        .arg(&second)
        .finish();
    assert!(!finished.success(), "{finished}");
    let said = format!("{}{}", finished.stdout(), finished.stderr());
    assert!(
        said.contains("another process uses the queue in"),
        "{finished}"
    );
}

#[test]
fn status_names_every_daemon() {
    let suite = Suite::start();
    let status = suite.roostctl().args(["status", "--json"]).ok_text();
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    for daemon in ["roost-directory", "roost-store", "roost-mta", "roost-proxy"] {
        assert!(status.to_string().contains(daemon), "{status}");
    }
}

/// The files of all messages.
fn blobs(suite: &Suite) -> Vec<std::path::PathBuf> {
    let folders = fs::read_dir(suite.state().join("store/blobs")).unwrap();
    folders
        .flat_map(|folder| fs::read_dir(folder.unwrap().path()).unwrap())
        .map(|file| file.unwrap().path())
        .collect()
}

#[test]
fn a_message_that_the_disk_lost_is_found_and_taken_back_while_the_store_serves() {
    let suite = Suite::start();
    let text = message::plain("verified");
    Curl::send(&suite, ALICE, BOB, text.as_bytes()).ok();
    arrived(&suite, BOB, "verified");
    let verify = |arguments: &[&str]| {
        let verify = suite.roostctl().args(["store", "verify"]);
        verify.args(arguments.iter().copied()).finish()
    };
    let well = verify(&[]);
    assert!(well.success(), "{well}");
    assert!(well.stderr().contains("all is well"), "{well}");
    for blob in blobs(&suite) {
        fs::remove_file(blob).unwrap();
    }
    let found = verify(&["--json", "--mailbox", BOB]);
    assert_eq!(found.code(), 1, "{found}");
    let said: serde_json::Value = serde_json::from_str(&found.stdout()).unwrap();
    // A file that others share is told of with everybody's message.
    let is_bobs = |finding: &serde_json::Value| {
        finding["kind"] == "blob-missing"
            && finding["account"] == BOB
            && finding["folder"] == "Inbox"
    };
    assert!(said.as_array().unwrap().iter().any(is_bobs), "{said}");
    let repaired = verify(&["--repair"]);
    assert!(repaired.success(), "{repaired}");
    let uid = *Curl::new(&suite, BOB)
        .imap_search("INBOX", "ALL")
        .last()
        .unwrap();
    let octets = Curl::new(&suite, BOB).imap_message("INBOX", uid);
    assert!(String::from_utf8_lossy(&octets).contains("verified"));
    assert!(verify(&[]).success());
    let figures = suite.roostctl().args(["store", "show", "--json"]).ok_text();
    let figures: serde_json::Value = serde_json::from_str(&figures).unwrap();
    assert_eq!(figures["damaged"], 0, "{figures}");
}

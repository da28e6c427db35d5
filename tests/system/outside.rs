//! Mail for the outside world, through the MX that the test's resolver names.

use std::fs;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use roost_tests::client::{Curl, Mutt, Swaks};
use roost_tests::peer::{Dns, Postfix};
use roost_tests::{Suite, message, wait_for};

use crate::delivery::arrived;

const ALICE: &str = "alice@example.test";

struct World {
    postfix: Postfix,
    _dns: Dns,
    _scratch: tempfile::TempDir,
    settings: String,
}

/// A Postfix that is the MX of outside.test, and the resolver that says so.
fn world() -> World {
    let scratch = tempfile::Builder::new()
        .prefix("roost-world-")
        .tempdir()
        .unwrap();
    let postfix = Postfix::start(scratch.path());
    let dns = Dns::start(
        scratch.path(),
        "mx-host=outside.test,mx.outside.test,10\nhost-record=mx.outside.test,127.0.0.1",
    );
    let settings = format!(
        "[mta]\nname_servers = [\"{}\"]\nsmtp_port = {}\n",
        dns.address(),
        postfix.port()
    );
    World {
        postfix,
        _dns: dns,
        _scratch: scratch,
        settings,
    }
}

#[test]
fn a_message_to_an_outside_domain_goes_to_its_mx() {
    let world = world();
    let suite = Suite::start_with(&world.settings);
    let text = message::plain("to-a-friend");
    Curl::new(&suite, ALICE)
        .submit("friend@outside.test", text.as_bytes())
        .ok();
    let received = wait_for("the message at the MX", Duration::from_secs(30), || {
        world
            .postfix
            .received()
            .into_iter()
            .find(|mail| mail.contains("Subject: to-a-friend"))
    });
    let body = text.split_once("\r\n\r\n").unwrap().1.replace("\r\n", "\n");
    assert!(
        received.ends_with(&body),
        "{received}\n{}",
        world.postfix.log()
    );
}

#[test]
fn a_refused_message_comes_back_as_a_report_that_mutt_shows() {
    let world = world();
    let suite = Suite::start_with(&world.settings);
    let text = message::plain("to-a-stranger");
    Curl::new(&suite, ALICE)
        .submit("stranger@outside.test", text.as_bytes())
        .ok();
    let uid = arrived(&suite, ALICE, "Undeliver");
    let report = Curl::new(&suite, ALICE).imap_message("INBOX", uid);
    let report = String::from_utf8(report).unwrap();
    for expected in [
        "multipart/report",
        "report-type=",
        "message/delivery-status",
        "Final-Recipient: rfc822;",
        "Action: failed",
        "Status: 5.1.1",
        "Diagnostic-Code: smtp;",
        "Return-Path: <>",
    ] {
        assert!(report.contains(expected), "no {expected} in {report}");
    }
    let shown = Mutt::new(&suite, ALICE).pipe("INBOX", "~s Undeliver", true);
    let shown = String::from_utf8_lossy(&shown);
    assert!(
        shown.contains("stranger@outside.test"),
        "mutt shows {shown}"
    );
}

#[test]
fn mail_waits_for_the_tls_that_it_needs_until_a_reload_says_that_it_does_not() {
    let world = world();
    let strict = format!(
        "{}[mta.outbound_tls.domains]\n\"outside.test\" = \"encrypt\"\n",
        world.settings
    );
    let suite = Suite::start_with(&strict);
    let text = message::plain("sealed");
    Curl::new(&suite, ALICE)
        .submit("friend@outside.test", text.as_bytes())
        .ok();
    wait_for("the reason why it waits", Duration::from_secs(30), || {
        let list = suite.roostctl().args(["queue", "list", "--json"]).ok_text();
        list.contains("TLS is required (level encrypt)")
            .then_some(())
    });
    assert!(world.postfix.received().is_empty());
    let settings = suite.state().join("etc/conf.d/50-test.toml");
    fs::write(settings, &world.settings).unwrap();
    kill(suite.pid("roost-mta"), Signal::SIGHUP).unwrap();
    wait_for("the reload", Duration::from_secs(30), || {
        suite
            .log()
            .contains("settings of [mta] are in force")
            .then_some(())
    });
    suite.roostctl().args(["queue", "retry", "--all"]).ok();
    wait_for("the message at the MX", Duration::from_secs(30), || {
        let received = world.postfix.received();
        received
            .iter()
            .any(|mail| mail.contains("Subject: sealed"))
            .then_some(())
    });
}

#[test]
fn relaying_is_refused_to_whoever_has_not_signed_in() {
    let suite = Suite::start();
    let finished = Swaks::mx(&suite)
        .recipient("a@outside.test", "b@elsewhere.test")
        .finish();
    assert!(finished.stdout().contains("<** 554 5.7.1"), "{finished}");
    let finished = Swaks::to(&suite, "submission")
        .recipient(ALICE, "b@elsewhere.test")
        .finish();
    assert!(finished.stdout().contains("<** 530 5.7."), "{finished}");
}

//! `roostctl` on a running suite, and the directory through foreign LDAP clients.

use roost_tests::client::{Curl, Swaks};
use roost_tests::{Run, Suite};

#[test]
fn a_new_domain_and_account_receive_mail_at_once() {
    let suite = Suite::start();
    suite.roostctl().args(["domain", "create", "new.test"]).ok();
    suite
        .roostctl()
        .args([
            "account",
            "create",
            "carol@new.test",
            "--password-file",
            "-",
        ])
        .input("a-good-long-password\n")
        .ok();
    let finished = Swaks::mx(&suite)
        .recipient("a@outside.test", "carol@new.test")
        .finish();
    assert!(finished.success(), "{finished}");
    let accounts = suite
        .roostctl()
        .args(["account", "list", "--json"])
        .ok_text();
    let accounts: serde_json::Value = serde_json::from_str(&accounts).unwrap();
    assert!(
        accounts.to_string().contains("carol@new.test"),
        "{accounts}"
    );
}

#[test]
fn a_changed_password_is_the_one_that_counts() {
    let suite = Suite::start();
    suite
        .roostctl()
        .args([
            "account",
            "set-password",
            "bob@example.test",
            "--password-file",
            "-",
        ])
        .input("another-long-password\n")
        .ok();
    let old = Curl::new(&suite, "bob@example.test")
        .imaps("INBOX")
        .finish();
    assert!(!old.success(), "the old password still works");
    let url = format!("imaps://localhost:{}/INBOX", suite.port("imaps"));
    Run::new("curl")
        .args([
            "--silent",
            "--show-error",
            "--user",
            "bob@example.test:another-long-password",
        ])
        .arg("--cacert")
        .arg(suite.ca())
        .args([&url, "--request", "NOOP"])
        .ok();
}

#[test]
fn an_error_says_what_on_what_and_what_next() {
    let suite = Suite::start();
    let finished = suite
        .roostctl()
        .args([
            "account",
            "create",
            "dave@exmaple.test",
            "--password-file",
            "-",
        ])
        .input("a-good-long-password\n")
        .finish();
    assert_eq!(finished.code(), 1, "{finished}");
    let said = finished.stderr();
    assert!(said.contains("dave@exmaple.test"), "{said}");
    assert!(
        said.contains("example.test"),
        "the nearest domain is named: {said}"
    );
    assert!(said.contains("domain create"), "what to do is said: {said}");
}

#[test]
fn a_message_on_hold_waits_in_the_queue_until_it_is_released() {
    let suite = Suite::start_with("[mta]\nname_servers = [\"127.0.0.1:9\"]\n");
    let text = roost_tests::message::plain("held");
    Curl::new(&suite, "alice@example.test")
        .submit("x@outside.test", text.as_bytes())
        .ok();
    let list = || -> serde_json::Value {
        let text = suite.roostctl().args(["queue", "list", "--json"]).ok_text();
        serde_json::from_str(&text).unwrap()
    };
    let waiting = list();
    let first = waiting.as_array().and_then(|list| list.first()).cloned();
    let first = first.unwrap_or_else(|| panic!("one message waits: {waiting}"));
    let id = first["id"]
        .as_str()
        .unwrap_or_else(|| panic!("an id in {first}"))
        .to_owned();
    suite.roostctl().args(["queue", "hold", &id]).ok();
    assert!(list().to_string().contains("held"), "{}", list());
    suite.roostctl().args(["queue", "release", &id]).ok();
    suite
        .roostctl()
        .args(["queue", "delete", &id, "--yes"])
        .ok();
    assert_eq!(list(), serde_json::json!([]));
}

#[test]
fn ldapsearch_shows_the_owner_more_than_a_stranger() {
    let suite = Suite::start();
    let url = format!("ldap://127.0.0.1:{}", suite.port("ldap"));
    let dn = "uid=bob,ou=people,dc=example,dc=test";
    let search = |bind: &[&str]| {
        Run::new("ldapsearch")
            .args(["-LLL", "-x", "-H", &url])
            .args(bind)
            .args(["-b", "dc=example,dc=test", "(uid=bob)"])
            .finish()
    };
    let anonymous = search(&[]);
    assert!(
        !anonymous.stdout().contains("bob@example.test"),
        "{anonymous}"
    );
    let owner = search(&["-D", dn, "-w", &suite.password("bob@example.test")]);
    assert!(owner.stdout().contains("mail: bob@example.test"), "{owner}");
    assert!(!owner.stdout().contains("userPassword"), "{owner}");
}

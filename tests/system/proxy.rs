//! The front door: sessions that are joined with a store, cut, shut out, and found again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use roost_tests::client::{Curl, Secure, Wire};
use roost_tests::peer::{Dovecot, Memcached, Nginx, free_port};
use roost_tests::{Node, Run, Suite, message, wait_for};

const ALICE: &str = "alice@example.test";
const BOB: &str = "bob@example.test";
/// The second store and its address, and the second proxy's.
const STORE2: &str = "store2.example.test";
const STORE2_AT: &str = "127.0.0.2";
const PROXY2_AT: &str = "127.0.0.3";
const A_WHILE: Duration = Duration::from_secs(30);

fn imap(suite: &Suite, account: &str) -> Wire {
    let port = suite.port("imap");
    Wire::imap("127.0.0.1", port, account, &suite.password(account))
}

#[test]
fn a_session_is_joined_with_the_store_which_knows_the_client_and_not_the_password() {
    let suite = Suite::start();
    let mut alice = imap(&suite, ALICE);
    alice.say("a SELECT INBOX\r\nb UID SEARCH ALL");
    alice.until("b OK");
    let listed = suite
        .roostctl()
        .args(["proxy", "sessions", "--json"])
        .ok_text();
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let session = &listed[0];
    assert_eq!(session["account"], ALICE, "{listed}");
    assert_eq!(session["store"], "mail.example.test", "{listed}");
    // The store's line names the client's port and the proxy's session.
    let (peer, id) = (session["peer"].as_str().unwrap(), session["id"].as_str());
    let via = format!("via={}", id.unwrap());
    let told = suite
        .log()
        .lines()
        .any(|line| line.contains(&via) && line.contains(peer) && line.contains("signed in"));
    assert!(told, "{}", suite.log());
    alice.say("c LOGOUT");
    let last = alice.rest();
    assert!(last.contains("* BYE") && last.contains("c OK"), "{last}");
}

#[test]
fn commands_behind_the_login_reach_the_store() {
    let suite = Suite::start();
    let mut wire = Wire::connect("127.0.0.1", suite.port("imap"));
    let password = suite.password(ALICE);
    wire.say(&format!(
        "proxy LOGIN {ALICE} {{{}}}\r\n{password}\r\na SELECT INBOX\r\nb LOGOUT",
        password.len()
    ));
    let heard = wire.rest();
    for expected in ["+ ", "proxy OK [CAPABILITY", "a OK [READ-WRITE]", "b OK"] {
        assert!(heard.contains(expected), "no {expected:?} in {heard}");
    }
    let mut wire = Wire::connect("127.0.0.1", suite.port("pop3"));
    wire.say(&format!("USER {ALICE}\r\nPASS {password}\r\nSTAT\r\nQUIT"));
    let heard = wire.rest();
    assert_eq!(heard.matches("+OK").count(), 5, "{heard}");
}

#[test]
fn a_wrong_password_never_reaches_a_store_and_a_stranger_cannot_forge_a_ticket() {
    let suite = Suite::start();
    let mut wire = Wire::connect("127.0.0.1", suite.port("imap"));
    wire.say(&format!("a LOGIN {ALICE} wrong"));
    let refused = wire.until("a NO");
    assert!(refused.contains("[AUTHENTICATIONFAILED]"), "{refused}");
    let ticket = format!("rt1.{}", "A".repeat(75));
    for service in ["imap", "store_imap"] {
        let mut wire = Wire::connect("127.0.0.1", suite.port(service));
        wire.say(&format!("a LOGIN {ALICE} {ticket}"));
        let refused = wire.until("a NO");
        assert!(refused.contains("[AUTHENTICATIONFAILED]"), "{refused}");
    }
}

#[test]
fn an_administrator_cuts_sessions_and_shuts_addresses_out() {
    let suite = Suite::start();
    let (mut alice, mut bob) = (imap(&suite, ALICE), imap(&suite, BOB));
    alice.say("a SELECT INBOX\r\nb IDLE");
    alice.until("+ ");
    let drained = suite
        .roostctl()
        .args(["proxy", "drain", "--account", ALICE])
        .ok_text();
    assert!(drained.contains("1 session cut"), "{drained}");
    let last = alice.rest();
    assert!(last.contains("* BYE [UNAVAILABLE]"), "{last}");
    bob.say("n NOOP");
    bob.until("n OK");

    suite
        .roostctl()
        .args(["proxy", "ban", "127.0.0.1", "--for", "1h"])
        .ok();
    let refused = Wire::connect("127.0.0.1", suite.port("imap")).rest();
    assert!(refused.starts_with("* BYE Not served"), "{refused}");
    let refused = Wire::connect("127.0.0.1", suite.port("pop3")).rest();
    assert!(refused.starts_with("-ERR [SYS/PERM]"), "{refused}");
    let bans = suite.roostctl().args(["proxy", "bans"]).ok_text();
    assert!(bans.contains("127.0.0.1"), "{bans}");
    suite.roostctl().args(["proxy", "unban", "127.0.0.1"]).ok();
    imap(&suite, ALICE);
}

#[test]
fn who_has_signed_in_waits_for_a_store_that_restarts() {
    let suite = Suite::start();
    let old = imap(&suite, ALICE);
    kill(suite.pid("roost-store"), Signal::SIGKILL).unwrap();
    // The session through the dead process has ended; a new one is served as soon as can be.
    old.rest();
    imap(&suite, ALICE);
}

#[test]
fn a_balancer_says_who_the_client_is() {
    let suite = Suite::start_with("[proxy]\nbalancers = [\"127.0.0.0/8\"]\n");
    let mut wire = Wire::connect("127.0.0.1", suite.port("imap"));
    wire.say("PROXY TCP4 192.0.2.77 192.0.2.1 4711 143");
    let greeting = wire.until("* OK");
    // Not this machine any more: no password in the clear.
    assert!(greeting.contains("LOGINDISABLED"), "{greeting}");
    wire.say("a LOGOUT");
    wire.rest();
    wait_for("the log to name the client", A_WHILE, || {
        suite.log().contains("192.0.2.77:4711").then_some(())
    });
    let mut wire = Wire::connect("127.0.0.1", suite.port("imap"));
    wire.say("a LOGOUT");
    assert_eq!(wire.rest(), "", "no header, no service");
}

#[test]
fn a_hostile_client_costs_nobody_else_their_session() {
    let suite = Suite::start();
    let mut bob = imap(&suite, BOB);
    let port = suite.port("imap");
    let mut huge = Wire::connect("127.0.0.1", port);
    huge.flood(&format!("a LOGIN {}", "x".repeat(1 << 20)));
    let mut literal = Wire::connect("127.0.0.1", port);
    literal.say("a LOGIN {99999999999+}");
    let half_open: Vec<_> = (0..50).map(|_| Wire::connect("127.0.0.1", port)).collect();
    let mut garbage = Wire::connect("127.0.0.1", suite.port("imaps"));
    garbage.say("GET / HTTP/1.1");
    huge.rest();
    let refused = literal.rest();
    assert!(
        refused.contains("BAD") || refused.contains("BYE"),
        "{refused}"
    );
    garbage.rest();
    bob.say("n NOOP");
    bob.until("n OK");
    drop(half_open);
    imap(&suite, ALICE);
}

/// A second store and a second proxy beside the suite, each with an address of its own.
fn second_nodes(suite: &Suite) -> (Node, Node) {
    second_nodes_with(suite, "")
}

/// The same with settings of the proxy's own.
fn second_nodes_with(suite: &Suite, more: &str) -> (Node, Node) {
    let port = |service: &str| suite.port(service);
    suite.roostctl().args(["server", "create", STORE2]).ok();
    suite
        .roostctl()
        .args(["server", "set", STORE2])
        .arg(format!("zimbraServiceHostname={STORE2_AT}"))
        .arg(format!("zimbraImapBindPort={}", port("store_imap")))
        .arg(format!("zimbraPop3BindPort={}", port("store_pop3")))
        .arg(format!("zimbraLmtpBindPort={}", port("lmtp")))
        .ok();
    let at = |host: &str, service: &str| format!("\"{host}:{}\"", port(service));
    let state = suite.scratch().join("store2-state");
    let settings = format!(
        "[store]\nstate = {state:?}\nlmtp = {}\nimap = {}\nimaps = []\npop3 = {}\npop3s = []\n\
         lookup = []\nhealth = {}\n\
         control = {:?}\n",
        at(STORE2_AT, "lmtp"),
        at(STORE2_AT, "store_imap"),
        at(STORE2_AT, "store_pop3"),
        at(STORE2_AT, "store_health"),
        suite.scratch().join("store2.sock"),
    );
    let place = (STORE2_AT, port("store_imap"));
    let store = Node::start(suite, "roost-store", STORE2, &settings, place);
    let settings = format!(
        "[proxy]\nimap = {}\nimaps = {}\npop3 = {}\npop3s = []\nhttp = []\nhttps = []\nhealth = {}\ncontrol = {:?}\n\
         linger = \"0s\"\n{more}\n\
         [proxy.stores.\"mail.example.test\"]\nimap = {}\npop3 = {}\n",
        at(PROXY2_AT, "imap"),
        at(PROXY2_AT, "imaps"),
        at(PROXY2_AT, "pop3"),
        at(PROXY2_AT, "proxy_health"),
        suite.scratch().join("proxy2.sock"),
        at("127.0.0.1", "store_imap"),
        at("127.0.0.1", "store_pop3"),
    );
    let place = (PROXY2_AT, port("imap"));
    let proxy = Node::start(
        suite,
        "roost-proxy",
        "proxy2.example.test",
        &settings,
        place,
    );
    (store, proxy)
}

/// Moves an account's home. What is in the mailbox stays behind.
fn move_to(suite: &Suite, account: &str, store: &str) {
    suite
        .roostctl()
        .args(["account", "set", account])
        .arg(format!("zimbraMailHost={store}"))
        .ok();
}

#[test]
fn accounts_of_either_store_are_reached_by_either_proxy_and_a_move_cuts_over() {
    let suite = Suite::start();
    let (_store, _proxy) = second_nodes(&suite);
    let port = suite.port("imap");
    let log_in =
        |host: &str, account: &str| Wire::imap(host, port, account, &suite.password(account));
    for host in ["127.0.0.1", PROXY2_AT] {
        log_in(host, ALICE);
    }
    let mut moved = [log_in("127.0.0.1", BOB), log_in(PROXY2_AT, BOB)];
    for session in &mut moved {
        session.say("a SELECT INBOX\r\nb IDLE");
        session.until("+ ");
    }
    move_to(&suite, BOB, STORE2);
    for session in moved {
        let last = session.rest();
        assert!(last.contains("* BYE") && last.contains("moved"), "{last}");
    }
    // Both proxies lead to the new store at once, where mail arrives now.
    let text = message::plain("at-the-new-store");
    Curl::send(&suite, ALICE, BOB, text.as_bytes()).ok();
    for host in ["127.0.0.1", PROXY2_AT] {
        wait_for("mail at the new store", A_WHILE, || {
            let mut bob = log_in(host, BOB);
            bob.say("a SELECT INBOX\r\nb SEARCH SUBJECT at-the-new-store");
            bob.until("b OK").contains("* SEARCH 1").then_some(())
        });
    }
}

#[test]
fn only_the_sessions_of_a_dead_process_end() {
    let suite = Suite::start();
    let (mut store, mut proxy) = second_nodes(&suite);
    move_to(&suite, BOB, STORE2);
    let port = suite.port("imap");
    let log_in =
        |host: &str, account: &str| Wire::imap(host, port, account, &suite.password(account));
    let lives = |session: &mut Wire| {
        session.say("n NOOP");
        session.until("n OK");
    };
    let mut alice = log_in("127.0.0.1", ALICE);
    let mut alice2 = log_in(PROXY2_AT, ALICE);
    let mut bob = log_in("127.0.0.1", BOB);
    lives(&mut alice2);

    proxy.kill();
    alice2.rest();
    lives(&mut alice);
    lives(&mut bob);
    log_in("127.0.0.1", ALICE);
    proxy.run();
    log_in(PROXY2_AT, BOB);

    store.kill();
    bob.rest();
    lives(&mut alice);
    // While the store is away its users wait, and are served when it is back.
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| log_in("127.0.0.1", BOB));
        store.run();
        lives(&mut waiting.join().unwrap());
    });
    lives(&mut alice);
}

#[test]
fn proxies_share_routes_and_bans_through_memcached_and_can_do_without() {
    let memcached = Memcached::start();
    let place = format!("memcached = [\"127.0.0.1:{}\"]\n", memcached.port);
    let suite = Suite::start_with(&format!("[proxy]\n{place}"));
    let (_store, proxy) = second_nodes_with(&suite, &place);
    move_to(&suite, BOB, STORE2);
    let port = suite.port("imap");
    let log_in = |host: &str| Wire::imap(host, port, BOB, &suite.password(BOB));
    let key = format!("route:proto=imap;user={BOB}");
    let route = format!("{STORE2_AT}:{}", suite.port("store_imap"));
    log_in(PROXY2_AT);
    assert_eq!(memcached.get(&key).as_deref(), Some(route.as_str()));
    log_in("127.0.0.1");
    // A route that leads nowhere, or to the wrong store, is found out at once.
    for wrong in [
        "127.0.0.1:1".to_owned(),
        format!("127.0.0.1:{}", suite.port("store_imap")),
    ] {
        memcached.set(&key, &wrong);
        log_in("127.0.0.1");
        assert_eq!(
            memcached.get(&key).as_deref(),
            Some(route.as_str()),
            "after {wrong}"
        );
    }
    // A move is noticed without anybody signing in.
    move_to(&suite, BOB, "mail.example.test");
    wait_for("the route to be forgotten", A_WHILE, || {
        memcached.get(&key).is_none().then_some(())
    });

    let banned = |run: Run| run.args(["proxy", "bans"]).ok_text().contains("192.0.2.9");
    suite.roostctl().args(["proxy", "ban", "192.0.2.9"]).ok();
    wait_for("the other proxy to know", A_WHILE, || {
        banned(proxy.roostctl()).then_some(())
    });
    proxy.roostctl().args(["proxy", "unban", "192.0.2.9"]).ok();
    wait_for("the first proxy to know", A_WHILE, || {
        (!banned(suite.roostctl())).then_some(())
    });

    drop(memcached);
    for host in ["127.0.0.1", PROXY2_AT] {
        log_in(host);
    }
}

#[test]
fn wrong_passwords_at_several_proxies_count_together() {
    let memcached = Memcached::start();
    let place = format!("memcached = [\"127.0.0.1:{}\"]\n", memcached.port);
    let bans = "[proxy.bans]\nfailures = 4\nnever = []\n";
    let suite = Suite::start_with(&format!("[proxy]\n{place}{bans}"));
    let (_store, _proxy) = second_nodes_with(&suite, &format!("{place}{bans}"));
    let port = suite.port("imap");
    for host in ["127.0.0.1", PROXY2_AT, "127.0.0.1", PROXY2_AT] {
        let mut wire = Wire::connect(host, port);
        wire.say(&format!("a LOGIN {ALICE} wrong"));
        wire.until("a NO");
    }
    for host in ["127.0.0.1", PROXY2_AT] {
        wait_for("the address to be shut out", A_WHILE, || {
            let refused = Wire::connect(host, port).line()?;
            refused.starts_with("* BYE Not served").then_some(())
        });
    }
}

#[test]
fn a_script_is_managed_through_the_proxy() {
    let scratch = tempfile::tempdir().unwrap();
    let dovecot = Dovecot::start(scratch.path());
    let port = free_port();
    let suite = Suite::start_with(&format!(
        "[proxy]\nsieve = \"127.0.0.1:{port}\"\n\
         [proxy.stores.\"mail.example.test\"]\nsieve = \"127.0.0.1:{}\"\n",
        dovecot.sieve
    ));
    let credentials = |password: &str| {
        let plain = format!("\0{ALICE}\0{password}");
        Run::new("base64").arg("--wrap=0").input(plain).ok_text()
    };
    let mut wire = Wire::connect("127.0.0.1", port);
    let greeting = wire.until("OK");
    for expected in [
        "\"SASL\" \"",
        "PLAIN",
        "\"SIEVE\" \"fileinto\"",
        "\"STARTTLS\"",
    ] {
        assert!(greeting.contains(expected), "no {expected} in {greeting}");
    }
    wire.say("LISTSCRIPTS");
    wire.until("NO \"Authenticate first\"");
    wire.say("NOOP \"a\"");
    wire.until("OK (TAG \"a\")");
    wire.say(&format!(
        "AUTHENTICATE \"PLAIN\" \"{}\"",
        credentials("wrong")
    ));
    wire.until("NO \"Name or password wrong\"");
    // By challenge and literal, with a command right behind.
    let right = credentials(&suite.password(ALICE));
    wire.say("AUTHENTICATE \"PLAIN\"");
    wire.until("\"\"");
    wire.say(&format!(
        "{{{}+}}\r\n{right}\r\nPUTSCRIPT \"one\" {{7+}}\r\nkeep;\r\n",
        right.len()
    ));
    wire.until("OK");
    wire.until("OK");
    wire.say("LISTSCRIPTS");
    wire.until("\"one\"");
    let sessions = suite.roostctl().args(["proxy", "sessions"]).ok_text();
    assert!(
        sessions.contains("sieve") && sessions.contains(ALICE),
        "{sessions}"
    );
    suite.roostctl().args(["proxy", "drain", "--all"]).ok();
    let last = wire.rest();
    assert!(last.contains("BYE (TRYLATER)"), "{last}");
    assert!(
        !dovecot.log().contains(&suite.password(ALICE)),
        "{}",
        dovecot.log()
    );

    let mut secure = Secure::starttls(&suite, "sieve", port);
    secure.say(format!("AUTHENTICATE \"PLAIN\" \"{right}\"\r\nLOGOUT\r\n"));
    let heard = String::from_utf8_lossy(&secure.rest()).into_owned();
    assert!(heard.matches("OK").count() >= 2, "{heard}");
}

#[test]
fn an_account_signs_in_only_so_fast() {
    let suite = Suite::start();
    suite
        .roostctl()
        .args(["config", "set", "zimbraReverseProxyUserLoginLimit=3"])
        .ok();
    let log_in = |account: &str| {
        let mut wire = Wire::connect("127.0.0.1", suite.port("imap"));
        wire.say(&format!(
            "a LOGIN {account} \"{}\"",
            suite.password(account)
        ));
        wire.until("a ")
    };
    let refused = wait_for("the limit to hold", A_WHILE, || {
        let answer = log_in(ALICE);
        answer.contains("a NO").then_some(answer)
    });
    assert!(refused.contains("[UNAVAILABLE]"), "{refused}");
    assert!(log_in(BOB).contains("a OK"));
}

#[test]
fn a_new_program_takes_over_and_no_session_is_dropped() {
    let suite = Suite::start();
    let (_store, mut proxy) = second_nodes(&suite);
    let port = suite.port("imap");
    let mut old = Wire::imap(PROXY2_AT, port, ALICE, &suite.password(ALICE));
    old.say("a SELECT INBOX\r\nb IDLE");
    old.until("+ ");
    let stop = AtomicBool::new(false);
    // Nobody is refused meanwhile.
    let greeted = std::thread::scope(|scope| {
        let knocking = scope.spawn(|| {
            let mut greeted = 0;
            while !stop.load(Ordering::SeqCst) {
                let mut wire = Wire::connect(PROXY2_AT, port);
                wire.until("* OK");
                wire.say("a LOGOUT");
                wire.rest();
                greeted += 1;
            }
            greeted
        });
        proxy.upgrade();
        stop.store(true, Ordering::SeqCst);
        knocking.join().unwrap()
    });
    assert!(greeted > 0);
    let new = Wire::imap(PROXY2_AT, port, BOB, &suite.password(BOB));
    let listed = proxy.roostctl().args(["proxy", "sessions"]).ok_text();
    assert!(listed.contains(BOB) && !listed.contains(ALICE), "{listed}");
    // The old session goes on, and its process ends with it.
    old.say("DONE");
    old.until("b OK");
    old.say("c LOGOUT");
    old.until("c OK");
    proxy.wait_for_first();
    drop(new);
    Wire::imap(PROXY2_AT, port, ALICE, &suite.password(ALICE));
}

/// What `openssl s_client` tells of a connection to the proxy's IMAPS.
fn handshake(suite: &Suite, name: &str, more: &[&str]) -> String {
    Run::new("openssl")
        .args(["s_client", "-ign_eof", "-servername", name])
        .args(["-connect", &format!("127.0.0.1:{}", suite.port("imaps"))])
        .args(more)
        .input("a LOGOUT\r\n")
        .finish()
        .stdout()
}

#[test]
fn tls_sessions_are_resumed_at_another_process_and_certificates_come_as_they_are_asked_for() {
    let scratch = tempfile::tempdir().unwrap();
    let at = |name: &str| scratch.path().join(name).display().to_string();
    let (secret, folder, session) = (at("secret"), at("certificates"), at("session"));
    std::fs::write(&secret, [7; 48]).unwrap();
    std::fs::create_dir(&folder).unwrap();
    let suite = Suite::start_with(&format!(
        "[tls]\nticket_secret = {secret:?}\nfolder = {folder:?}\n"
    ));
    let first = handshake(&suite, "localhost", &["-sess_out", &session]);
    assert!(first.contains("New, TLSv1.3"), "{first}");
    kill(suite.pid("roost-proxy"), Signal::SIGKILL).unwrap();
    wait_for(
        "the session to be resumed at a new process",
        A_WHILE,
        || {
            let again = handshake(&suite, "localhost", &["-sess_in", &session]);
            assert!(!again.contains("New, TLSv1.3"), "{again}");
            again.contains("Reused, TLSv1.3").then_some(())
        },
    );

    let asked = || handshake(&suite, "mail.other.test", &[]);
    assert!(!asked().contains("other.test"), "nobody has that name yet");
    let pem = Run::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
        ])
        .args(["-nodes", "-subj", "/CN=mail.other.test", "-keyout", "-"])
        .args(["-addext", "subjectAltName=DNS:mail.other.test"])
        .ok();
    std::fs::write(format!("{folder}/mail.other.test.pem"), pem).unwrap();
    let open = imap(&suite, ALICE);
    wait_for("the new certificate", A_WHILE, || {
        asked().contains("CN = mail.other.test").then_some(())
    });
    let mut open = open;
    open.say("n NOOP");
    open.until("n OK");
}

#[test]
fn stock_nginx_finds_our_stores_by_route_lookup() {
    let suite = Suite::start();
    let (_store, _proxy) = second_nodes(&suite);
    move_to(&suite, BOB, STORE2);
    let nginx = Nginx::start(&suite);
    for account in [ALICE, BOB] {
        let password = suite.password(account);
        let mut wire = Wire::connect("127.0.0.1", nginx.imap);
        wire.say(&format!("a LOGIN {account} \"{password}\""));
        wire.until("a OK");
        wire.say("b SELECT INBOX");
        wire.until("b OK");
        let mut wire = Wire::connect("127.0.0.1", nginx.pop3);
        wire.until("+OK");
        for line in [format!("USER {account}"), format!("PASS {password}")] {
            wire.say(&line);
            wire.until("+OK");
        }
    }
    let mut wire = Wire::connect("127.0.0.1", nginx.imap);
    wire.say("a LOGIN nobody@example.test x");
    let refused = wire.until("a NO");
    assert!(
        refused.contains("user not found:nobody@example.test"),
        "{refused}"
    );
    let mut wire = Wire::connect("127.0.0.1", nginx.imap);
    wire.say(&format!("a LOGIN {ALICE} wrong"));
    wire.until("a NO [AUTHENTICATIONFAILED]");
}

//! Ten thousand connections that do nothing, and one address that has too many.

use std::net::Ipv4Addr;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use roost_tests::{Siege, Suite, Wire, wait_for};

use super::begins;

const MANY: u32 = 10_000;
const SMTP_BUSY: &str = "421 4.3.2 Too many connections";

#[test]
fn ten_thousand_idle_connections_leave_room_for_others() {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    assert!(
        hard > u64::from(MANY) + 1000,
        "10,000 connections need as many files: ulimit -Hn {hard}"
    );
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).unwrap();
    let suite = Suite::start_with(&format!(
        "[store.connections.readers]\ntotal = {}\n[store]\nlogin_timeout = \"10m\"\n\
         [proxy]\nlogin_timeout = \"10m\"\n",
        MANY + 200
    ));
    // The front door, and the one behind it.
    for (service, health, metric) in [
        ("imap", "proxy_health", "roost_proxy_mail_connections_open"),
        (
            "store_imap",
            "store_health",
            "roost_store_readers_connections_open",
        ),
    ] {
        let siege = Siege::lay(&suite);
        let port = suite.port(service);
        let crowd: Vec<Wire> = (0..MANY)
            .map(|number| {
                // 200 from each address.
                let [_, _, third, fourth] = (number / 200 + 2).to_be_bytes();
                Wire::open_from(Ipv4Addr::new(127, 9, third, fourth), port)
            })
            .collect();
        wait_for("all to be let in", Duration::from_secs(60), || {
            (suite.metric(health, metric) >= f64::from(MANY)).then_some(())
        });
        siege.others_are_served();
        // A session that says nothing costs some kilobytes.
        siege.lift(&suite, 160);
        drop(crowd);
        wait_for("all to be gone", Duration::from_secs(60), || {
            (suite.metric(health, metric) < 10.0).then_some(())
        });
    }
}

#[test]
fn an_address_has_so_many_connections_and_the_next_is_told() {
    let limits = "per_address = 5\nexempt = [\"127.0.0.1\"]\n";
    let suite = Suite::start_with(&format!(
        "[proxy.connections]\n{limits}[store.connections.lmtp]\n{limits}\
         [mta.connections.smtp]\ntotal = 40\n{limits}[mta.connections.submission]\n{limits}\
         [directory-server.connections]\n{limits}"
    ));
    let siege = Siege::lay(&suite);
    // Each service with an address of its own: some count together, and what was just closed may still
    // be counted.
    for (network, (service, busy)) in (1..).zip([
        ("smtp", SMTP_BUSY),
        ("submission", SMTP_BUSY),
        ("lmtp", SMTP_BUSY),
        ("imap", "* BYE [UNAVAILABLE] Too many connections"),
        ("pop3", "-ERR [SYS/TEMP] Too many connections"),
        ("ldap", ""),
    ]) {
        let port = suite.port(service);
        let from = |last: u8| Wire::open_from(Ipv4Addr::new(127, 3, network, last), port);
        let _held: Vec<Wire> = (0..5).map(|_| from(1)).collect();
        let said = from(1).rest();
        begins(&said, busy);
        assert!(
            said.contains("too many connections") || service != "ldap",
            "{said:?}"
        );
        // Others have theirs.
        let mut other = from(2);
        other.send("x\r\n");
        assert!(!other.octets(1).is_empty());
        siege.others_are_served();
    }
    siege.lift(&suite, super::SMALL);
    // All together have so many.
    let port = suite.port("smtp");
    let from = |last: u8| Wire::open_from(Ipv4Addr::new(127, 4, 4, last), port);
    let held: Vec<Wire> = (0..8)
        .flat_map(|last| (0..5).map(move |_| from(last)))
        .collect();
    begins(&from(9).rest(), SMTP_BUSY);
    drop(held);
    let refused = suite.metric("mta_health", "roost_mta_smtp_connections_refused_total");
    assert!(refused >= 2.0, "{refused}");
}

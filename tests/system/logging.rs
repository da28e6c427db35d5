//! The logger under foreign senders, and the story of a message that it tells.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use roost_tests::client::Curl;
use roost_tests::peer::{Dns, Postfix, Sender, Target, loggen};
use roost_tests::{Run, Suite, message, wait_for};
use serde_json::Value;

const ALICE: &str = "alice@example.test";
const BOB: &str = "bob@example.test";
const ADMIN: &str = "admin@example.test";
const PATIENCE: Duration = Duration::from_secs(60);

/// Lines that the logger has, as `roostctl logs` gives them.
fn logs(suite: &Suite, arguments: &[&str]) -> Vec<Value> {
    let run = suite.roostctl().args(["logs", "--json", "-n", "100000"]);
    let text = run.args(arguments).ok_text();
    serde_json::from_str(&text).unwrap()
}

/// How often each text came of those with a word in them.
fn texts(suite: &Suite, word: &str) -> BTreeMap<String, usize> {
    let mut texts = BTreeMap::new();
    for line in logs(suite, &[word]) {
        // The question itself is logged too.
        if line["daemon"] != "roost-logger" {
            let text = line["text"].as_str().unwrap().to_owned();
            *texts.entry(text).or_insert(0) += 1;
        }
    }
    texts
}

fn trace(suite: &Suite, arguments: &[&str]) -> Vec<Value> {
    let text = suite.roostctl().args(["trace", "--json"]).args(arguments);
    serde_json::from_str(&text.ok_text()).unwrap()
}

fn status<'a>(story: &'a Value, address: &str) -> &'a str {
    let recipients = story["recipients"].as_array().unwrap();
    let found = recipients.iter().find(|one| one["address"] == address);
    found.map_or("", |one| one["status"].as_str().unwrap())
}

#[test]
fn one_trace_tells_of_a_message_that_waited_was_delivered_to_two_and_bounced_for_a_third() {
    let scratch = tempfile::tempdir().unwrap();
    let postfix = Postfix::start(scratch.path());
    let dns = Dns::start(
        scratch.path(),
        "mx-host=outside.test,mx.outside.test,10\nhost-record=mx.outside.test,127.0.0.1",
    );
    let lenient = format!(
        "[mta]\nname_servers = [\"{}\"]\nsmtp_port = {}\n",
        dns.address(),
        postfix.port()
    );
    // The host outside has no TLS: its mail waits.
    let strict = format!("{lenient}[mta.outbound_tls.domains]\n\"outside.test\" = \"encrypt\"\n");
    let suite = Suite::start_with(&strict);
    let text = message::plain("a long way");
    Curl::new(&suite, ALICE)
        .submit(BOB, text.as_bytes())
        .args(["--mail-rcpt", ADMIN, "--mail-rcpt", "stranger@outside.test"])
        .ok();
    let stranger = "stranger@outside.test";
    let story = wait_for("the message to wait", PATIENCE, || {
        let stories = trace(&suite, &["--to", stranger, "--status", "deferred"]);
        stories.into_iter().next()
    });
    assert_eq!(status(&story, stranger), "deferred");
    fs::write(suite.state().join("etc/conf.d/50-test.toml"), &lenient).unwrap();
    kill(suite.pid("roost-mta"), Signal::SIGHUP).unwrap();
    wait_for("the reload", PATIENCE, || {
        let log = suite.log();
        log.contains("settings of [mta] are in force").then_some(())
    });
    suite.roostctl().args(["queue", "retry", "--all"]).ok();
    let story = wait_for("the bounce", PATIENCE, || {
        let stories = trace(&suite, &["--from", ALICE, "--status", "bounced"]);
        let story = stories.into_iter().next()?;
        // The report about it has been delivered too.
        let events = story["events"].as_array().unwrap();
        let is_told = events
            .iter()
            .any(|event| event["event"] == "delivered" && event["fields"]["account"] == ALICE);
        is_told.then_some(story)
    });
    assert_eq!(status(&story, BOB), "sent");
    assert_eq!(status(&story, ADMIN), "sent");
    assert_eq!(status(&story, stranger), "bounced");
    assert_eq!(story["account"], ALICE);
    let id = story["queue_ids"][0].as_str().unwrap();
    let told = suite.roostctl().args(["trace", "--queue-id", id]).ok_text();
    for part in [
        "signed in as alice@example.test",
        "by ESMTPSA",
        "delivered to bob@example.test, folder INBOX",
        "delivered to admin@example.test, folder INBOX",
        "stranger@outside.test deferred",
        "stranger@outside.test bounced by ",
        "failure notice to alice@example.test queued as ",
        "(2 attempts)",
    ] {
        assert!(told.contains(part), "no {part:?} in:\n{told}");
    }
    let begins = told.find("deferred").unwrap();
    assert!(begins < told.rfind("bounced by").unwrap(), "{told}");
    // By what stands in the message, and as Zimbra's scripts know it.
    let identity = story["message_id"].as_str().unwrap();
    assert_eq!(trace(&suite, &["--message-id", identity]).len(), 1);
    assert_eq!(trace(&suite, &["--subject", "a long way"]).len(), 1);
    assert_eq!(trace(&suite, &["--from", BOB]).len(), 0);
    let zimbra = suite
        .roostctl()
        .args(["trace", "--zimbra", "--queue-id", id]);
    let zimbra = zimbra.ok_text();
    assert!(
        zimbra.contains(&format!("Message ID '{identity}'\n{ALICE} -->\n\t")),
        "{zimbra}"
    );
    // Who asked what is written down.
    let asked = wait_for("the note of the question", PATIENCE, || {
        logs(&suite, &["messages traced"]).pop()
    });
    assert!(
        asked["fields"]["who"].as_str().unwrap().contains("(uid "),
        "{asked}"
    );
}

#[test]
fn lines_of_many_kinds_are_kept_safely_and_none_forges_another() {
    let suite = Suite::start();
    let port = suite.port("syslog");
    let logger = |options: &[&str], text: &str| {
        Run::new("logger")
            .args(["--server", "127.0.0.1", "--port", &port.to_string()])
            .args(options)
            .args(["--tag", "forge", text])
            .ok();
    };
    logger(&["--tcp", "--rfc3164"], "one \x1b]0;title\x07\x1b[2J");
    logger(&["--tcp", "--rfc5424", "--octet-count"], "two grüße");
    logger(&["--udp", "--rfc5424"], "three %n%s%x");
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    udp.send_to(
        b"<13>Feb 31 99:99:99 h forge: four\0\xff\xfe",
        ("127.0.0.1", port),
    )
    .unwrap();
    udp.send_to(
        b"<13>1 1999-01-01T00:00:00Z h forge - - - five",
        ("127.0.0.1", port),
    )
    .unwrap();
    let mut tcp = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let long = "x".repeat(1_000_000);
    let sent = format!(
        "<13>h forge: six {long}\n50 <13>1 - h forge - - - a\n<14>1 - h b - - - b      99\n"
    );
    tcp.write_all(sent.as_bytes()).unwrap();
    tcp.write_all(b"<13>forge: seven").unwrap();
    tcp.shutdown(std::net::Shutdown::Write).unwrap();
    // Its end is the acknowledgement.
    assert_eq!(tcp.read(&mut [0; 1]).unwrap(), 0);
    let lines = wait_for("all lines", PATIENCE, || {
        let mut lines = logs(&suite, &[]);
        lines.retain(|line| line["facility"] == "user");
        (lines.len() >= 9).then_some(lines)
    });
    let text = |word: &str| {
        let found = lines.iter().filter(|line| {
            let text = line["text"].as_str().unwrap();
            text.contains(word)
        });
        let found: Vec<&Value> = found.collect();
        assert_eq!(found.len(), 1, "{word}: {found:?}");
        found[0]["text"].as_str().unwrap().to_owned()
    };
    assert_eq!(text("one"), "one \\u{1b}]0;title\\u{7}\\u{1b}[2J");
    assert!(text("grüße").ends_with("two grüße"));
    assert!(text("three").ends_with("three %n%s%x"));
    assert!(
        text("four").ends_with("four\\u{0}\\xff\\xfe"),
        "{}",
        text("four")
    );
    assert_eq!(text("five"), "five");
    let six = text("six");
    assert!(six.len() > 60_000 && six.len() < 70_000, "{}", six.len());
    assert!(text("<14>").starts_with("a\\n<14>1"), "it is one line");
    assert_eq!(text("seven"), "seven");
    let shown = suite.roostctl().args(["logs", "-n", "1000"]).ok();
    let is_odd = |octet: &u8| octet.is_ascii_control() && *octet != b'\n';
    assert!(!shown.iter().any(is_odd), "control characters are shown");
    let metrics = Run::new("curl")
        .arg("--silent")
        .arg(format!(
            "http://127.0.0.1:{}/metrics",
            suite.port("logger_health")
        ))
        .ok_text();
    assert!(
        metrics.contains("\nroost_logger_lines_cut_total 1\n"),
        "{metrics}"
    );
}

#[test]
fn loggen_loses_nothing_over_tcp_and_tls() {
    let suite = Suite::start();
    for (number, port, options) in [
        (1, "syslog", ["--inet", "--stream"]),
        (2, "syslog_tls", ["--use-ssl", "--quiet"]),
    ] {
        loggen()
            .args([
                "--rate",
                "100000",
                "--size",
                "200",
                "--active-connections",
                "5",
            ])
            .args([
                "--number",
                "2000",
                "--interval",
                "60",
                "--quiet",
                "--no-framing",
            ])
            .args(options)
            .args(["127.0.0.1", &suite.port(port).to_string()])
            .ok();
        let stored = wait_for("every line", PATIENCE, || {
            let stored = texts(&suite, "seq:").values().sum::<usize>();
            (stored >= 10_000 * number).then_some(stored)
        });
        assert_eq!(stored, 10_000 * number);
    }
}

#[test]
fn what_is_acknowledged_survives_kills_and_comes_once() {
    let rounds: u32 = std::env::var("ROUNDS").map_or(4, |rounds| rounds.parse().unwrap());
    let suite = Suite::start();
    let port = suite.port("syslog");
    let mut acknowledged = Vec::new();
    for round in 0..rounds {
        // Whole connections, until the kill breaks one.
        let pid = logger_pid(&suite).unwrap();
        let mut connections = 0;
        loop {
            let Ok(mut tcp) = TcpStream::connect(("127.0.0.1", port)) else {
                break;
            };
            let name = format!("kept-{round}-{connections}-");
            let lines: String = (0..50)
                .map(|number| format!("<14>1 - h keep - - - {name}{number:02}\n"))
                .collect();
            let is_sent = tcp.write_all(lines.as_bytes()).is_ok()
                && tcp.shutdown(std::net::Shutdown::Write).is_ok();
            if is_sent && matches!(tcp.read(&mut [0; 1]), Ok(0)) {
                acknowledged.push(name);
            } else {
                break;
            }
            connections += 1;
            if connections == 5 + round % 7 {
                kill(pid, Signal::SIGKILL).unwrap();
            }
            assert!(connections < 1_000, "the logger lives on");
        }
        wait_for("the logger to be back", PATIENCE, || {
            TcpStream::connect(("127.0.0.1", port)).ok()
        });
        wait_for("its new process", PATIENCE, || {
            logger_pid(&suite).filter(|now| *now != pid)
        });
    }
    wait_for("answers", PATIENCE, || {
        let asked = suite.roostctl().args(["logs", "-n", "1"]).finish();
        asked.success().then_some(())
    });
    let kept = texts(&suite, "kept-");
    for name in &acknowledged {
        for number in 0..50 {
            let text = format!("{name}{number:02}");
            assert_eq!(kept.get(&text), Some(&1), "{text} of {acknowledged:?}");
        }
    }
    assert!(
        acknowledged.len() >= rounds as usize * 5,
        "{acknowledged:?}"
    );
}

/// The logger's process, which changes.
fn logger_pid(suite: &Suite) -> Option<Pid> {
    let dev = fs::read(suite.state().join("dev.json")).ok()?;
    let dev: Value = serde_json::from_slice(&dev).ok()?;
    let pid = dev["pids"]["roost-logger"].as_i64()?;
    Some(Pid::from_raw(i32::try_from(pid).ok()?))
}

/// A network namespace whose link can be taken down; removed with the value.
struct Namespace {
    name: String,
    subnet: u8,
}

impl Namespace {
    /// Needs the right to make one.
    fn new() -> Self {
        let number = std::process::id();
        let subnet = u8::try_from(number % 250).unwrap();
        let name = format!("rl{number}");
        let this = Self { name, subnet };
        let (name, near, far) = (&this.name, this.near(), format!("{}f", this.name));
        for command in [
            format!("netns add {name}"),
            format!("link add {name}n type veth peer name {far} netns {name}"),
            format!("addr add {near}/24 dev {name}n"),
            format!("link set {name}n up"),
            format!("-n {name} addr add 10.213.{subnet}.2/24 dev {far}"),
            format!("-n {name} link set {far} up"),
            format!("-n {name} link set lo up"),
        ] {
            Run::new("ip").args(command.split(' ')).ok();
        }
        this
    }

    /// Our end of the link.
    fn near(&self) -> String {
        format!("10.213.{}.1", self.subnet)
    }

    fn set(&self, state: &str) {
        let device = format!("{}n", self.name);
        Run::new("ip").args(["link", "set", &device, state]).ok();
    }

    /// What makes a command run in it.
    fn prefix(&self) -> Vec<String> {
        ["ip", "netns", "exec", &self.name]
            .map(str::to_owned)
            .to_vec()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let removed = Run::new("ip").args(["netns", "del", &self.name]).finish();
        println!("{}: {removed}", self.name);
    }
}

/// Lines before, during and after a cut of the link all come, and each of them once.
fn through_a_cut(sender: impl Fn(&Path, &[String], Target<'_>) -> Sender, over_tls: bool) {
    const LINES: usize = 300;
    let namespace = Namespace::new();
    let scratch = tempfile::tempdir().unwrap();
    let mut suite = Suite::start();
    let (port, tls_port) = (suite.port("syslog"), suite.port("syslog_tls"));
    let settings =
        format!("[logger]\nsyslog = \"0.0.0.0:{port}\"\nsyslog_tls = \"0.0.0.0:{tls_port}\"\n");
    fs::write(suite.state().join("etc/conf.d/50-test.toml"), settings).unwrap();
    suite.stop();
    suite.run();
    let (host, ca) = (namespace.near(), suite.ca());
    let target = Target {
        host: &host,
        port: if over_tls { tls_port } else { port },
        ca: over_tls.then_some(ca.as_path()),
    };
    let sender = sender(scratch.path(), &namespace.prefix(), target);
    let log = |begin: usize, end: usize| {
        for number in begin..end {
            sender.logger().arg(format!("carried {number:04}")).ok();
        }
    };
    log(0, LINES / 3);
    wait_for("the first lines", PATIENCE, || {
        (!texts(&suite, "carried").is_empty()).then_some(())
    });
    namespace.set("down");
    log(LINES / 3, LINES / 3 * 2);
    // What is sent into a dead link shows itself by not coming.
    let before = texts(&suite, "carried").len();
    assert!(before < LINES / 3 * 2, "the link is not down");
    namespace.set("up");
    log(LINES / 3 * 2, LINES);
    let carried = wait_for("every line", PATIENCE * 3, || {
        let carried = texts(&suite, "carried");
        (carried.len() >= LINES).then_some(carried)
    });
    let often: Vec<_> = carried.iter().filter(|(_, count)| **count != 1).collect();
    assert!(often.is_empty(), "{often:?}");
    assert_eq!(carried.len(), LINES);
}

#[test]
fn rsyslog_carries_every_line_once_over_tls_through_a_cut_link() {
    through_a_cut(Sender::rsyslog, true);
}

#[test]
fn syslog_ng_carries_every_line_once_over_tls_through_a_cut_link() {
    through_a_cut(Sender::syslog_ng, true);
}

#[test]
fn a_trace_at_one_logger_tells_what_happened_on_another_node() {
    let centre = Suite::start();
    let node = Suite::start_with(&format!(
        "[logger]\nforward = {{ to = \"localhost:{}\", ca = \"{}\" }}\n",
        centre.port("syslog_tls"),
        centre.ca().display()
    ));
    let text = message::plain("from afar");
    Curl::new(&node, ALICE).submit(BOB, text.as_bytes()).ok();
    let story = wait_for("the story", PATIENCE, || {
        let stories = trace(&centre, &["--subject", "from afar", "--status", "sent"]);
        stories.into_iter().next()
    });
    assert_eq!(status(&story, BOB), "sent");
    let delivered = story["events"].as_array().unwrap().iter();
    let delivered = delivered.filter(|event| event["event"] == "delivered");
    assert_eq!(delivered.count(), 1, "{story}");
}

//! The web side of the front door: requests led to stores and upstreams, static files, WebSocket,
//! and clients that mean no good.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::time::Duration;

use roost_tests::client::{Curl, Secure, Wire};
use roost_tests::peer::{Origin, free_port};
use roost_tests::{Suite, wait_for};

const A_WHILE: Duration = Duration::from_secs(30);

/// The suite with a web interface of its store, and an upstream of two servers.
struct Web {
    suite: Suite,
    store: Origin,
    one: Origin,
    two: Origin,
}

impl Web {
    fn start() -> Self {
        Self::start_with("")
    }

    fn start_with(settings: &str) -> Self {
        let [store, one, two] = ["the store", "server one", "server two"].map(Origin::start);
        let settings = format!(
            "[proxy.stores.\"mail.example.test\"]\nhttp = \"127.0.0.1:{}\"\n\
             [proxy.web.upstreams.calls]\npaths = [\"/calls/\"]\nhealth = \"/calls/health\"\n\
             servers = [\"127.0.0.1:{}\", \"127.0.0.1:{}\"]\n{settings}",
            store.port, one.port, two.port
        );
        Self {
            suite: Suite::start_with(&settings),
            store,
            one,
            two,
        }
    }

    fn get(&self, path: &str) -> String {
        Curl::https(&self.suite, path).ok_text()
    }

    /// The servers of the upstream, as `roostctl` shows them.
    fn state_of(&self, origin: &Origin) -> String {
        let listed = self
            .suite
            .roostctl()
            .args(["proxy", "upstreams", "--json"])
            .ok_text();
        let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
        let servers = listed.as_array().unwrap();
        let own = format!("127.0.0.1:{}", origin.port);
        let server = servers.iter().find(|server| server["server"] == *own);
        server.unwrap()["state"].as_str().unwrap().to_owned()
    }
}

#[track_caller]
fn has(answer: &str, expected: &[&str]) {
    for expected in expected {
        assert!(answer.contains(expected), "no {expected:?} in {answer}");
    }
}

#[test]
fn a_request_reaches_the_store_of_whom_it_concerns_by_either_version() {
    let web = Web::start();
    for version in ["--http1.1", "--http2"] {
        let answer = Curl::https(&web.suite, "/home/alice@example.test/Calendar?fmt=ics")
            .args([version, "--header", "X-Forwarded-For: 192.0.2.66"])
            .ok_text();
        has(
            &answer,
            &[
                " 200",
                "the store\nGET /home/alice@example.test/Calendar?fmt=ics HTTP/1.1",
                "x-forwarded-for: 127.0.0.1",
                "x-forwarded-proto: https",
                "via: 1.1 mail.example.test",
                "strict-transport-security: max-age=31536000",
                "x-content-type-options: nosniff",
            ],
        );
        assert!(!answer.contains("192.0.2.66"), "{answer}");
    }
    // One connection served both: it was kept.
    assert_eq!(web.store.connections(), 1);
    for (path, status) in [
        ("/home/nobody@example.test/", " 404"),
        ("/principals/users/bob@example.test/", " 200"),
        ("/dav/", " 401"),
        (
            "/Microsoft-Server-ActiveSync?User=alice%40example.test",
            " 200",
        ),
        ("/service/soap", " 200"),
        ("/.well-known/carddav", " 301"),
        ("/none", " 404"),
    ] {
        has(web.get(path).lines().next().unwrap(), &[status]);
    }
    let basic = Curl::https(&web.suite, "/ews/Exchange.asmx")
        .args(["--user", "bob@example.test:x", "--data-binary", "12345"])
        .ok_text();
    has(&basic, &["POST /ews/Exchange.asmx", "body: 5"]);
}

#[test]
fn a_store_without_a_web_interface_has_an_honest_page() {
    let suite = Suite::start();
    let answer = Curl::https(&suite, "/home/alice@example.test/").ok_text();
    has(&answer, &[" 404", "no web interface"]);
    // A place at which nobody listens: the store is away.
    let settings = format!(
        "[proxy]\ngrace = \"300ms\"\n[proxy.stores.\"mail.example.test\"]\nhttp = \"127.0.0.1:{}\"\n",
        free_port()
    );
    let suite = Suite::start_with(&settings);
    let answer = Curl::https(&suite, "/home/alice@example.test/").ok_text();
    has(&answer, &[" 503", "retry-after: 5"]);
}

#[test]
fn who_comes_in_the_clear_is_sent_to_https() {
    let suite = Suite::start();
    let mut wire = Wire::connect("127.0.0.1", suite.port("http"));
    wire.say("GET /a?b HTTP/1.1\r\nHost: localhost:1\r\nConnection: close\r\n");
    let answer = wire.rest();
    let place = format!("location: https://localhost:{}/a?b", suite.port("https"));
    has(&answer, &["HTTP/1.1 308", &place]);
}

#[test]
fn uploads_and_downloads_are_streamed_within_limits() {
    let web = Web::start_with("[proxy.web]\nupload_max = \"3 MB\"\n");
    let file = web.suite.scratch().join("upload");
    let upload = |size: usize, version: &str, more: &[&str]| {
        fs::write(&file, vec![0; size]).unwrap();
        Curl::https(&web.suite, "/calls/upload")
            .args([version, "--header", "Expect:", "--upload-file"])
            .arg(&file)
            .args(more)
            .finish()
            .stdout()
    };
    for version in ["--http1.1", "--http2"] {
        has(
            &upload(2_500_000, version, &[]),
            &[" 200", "PUT /calls/upload", "body: 2500000"],
        );
        let chunked = ["--header", "Transfer-Encoding: chunked"];
        if version == "--http1.1" {
            has(&upload(2_500_000, version, &chunked), &["body: 2500000"]);
        }
        let refused = upload(3_500_000, version, &[]);
        if version == "--http1.1" {
            has(&refused, &[" 413"]);
        } else {
            // curl 7.88 takes the end of a stream that it still writes to for an error (RFC 9113 §8.1
            // says that it is none), and shows nothing.
            wait_for("the answer", A_WHILE, || {
                web.suite
                    .log()
                    .contains("HTTP/2.0\" status=413")
                    .then_some(())
            });
        }
        let answer = web.get("/calls/bytes/5000000");
        assert!(answer.ends_with("xxxx") && answer.len() > 5_000_000);
    }
}

#[test]
fn events_come_one_by_one_and_a_socket_is_joined() {
    let web = Web::start();
    let url = format!(
        "https://localhost:{}/home/bob@example.test/events",
        web.suite.port("https")
    );
    let mut child = Command::new("curl")
        .args(["--silent", "--no-buffer", "--max-time", "50", "--cacert"])
        .arg(web.suite.ca())
        .arg(url)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut events = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    events.read_line(&mut first).unwrap();
    assert_eq!(first, "data: first\n");
    web.store.release();
    let mut rest = String::new();
    events.read_to_string(&mut rest).unwrap();
    assert!(
        rest.contains("data: second") && child.wait().unwrap().success(),
        "{rest}"
    );

    let mut socket = Secure::connect(&web.suite, "https", "http/1.1");
    socket.say(
        "GET /home/bob@example.test/socket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    );
    assert_eq!(socket.line(), "HTTP/1.1 101 Switching Protocols");
    let mut head = Vec::new();
    loop {
        match socket.line() {
            end if end.is_empty() => break,
            header => head.push(header),
        }
    }
    assert!(head.contains(&"upgrade: websocket".to_owned()), "{head:?}");
    // Nothing of HTTP any more: bare LF and all.
    for word in ["one", "\u{0} two \r three"] {
        socket.say(format!("{word}\n"));
        assert_eq!(socket.line(), word);
    }
}

#[test]
fn an_upstream_is_looked_after_and_drained() {
    let web = Web::start();
    let asks = || {
        let answers: Vec<String> = (0..6).map(|_| web.get("/calls/x")).collect();
        ["server one", "server two"].map(|name| {
            answers
                .iter()
                .filter(|answer| answer.contains(name))
                .count()
        })
    };
    assert!(asks().iter().all(|count| *count > 0));
    let one = format!("127.0.0.1:{}", web.one.port);
    let steer = |state: &str| {
        let args = ["proxy", "upstream", "calls", &one, state];
        web.suite.roostctl().args(args).ok();
    };
    steer("drain");
    assert_eq!(web.state_of(&web.one), "draining");
    assert_eq!(asks(), [0, 6]);
    steer("resume");
    assert!(asks().iter().all(|count| *count > 0));

    // A server that goes away is noticed; until then its requests go to the other one.
    let Web {
        suite,
        one,
        two,
        store,
    } = web;
    let port = two.port;
    drop(two);
    for _ in 0..6 {
        has(&Curl::https(&suite, "/calls/x").ok_text(), &["server one"]);
    }
    let web = Web {
        suite,
        store,
        two: Origin::start_at("server two", port),
        one,
    };
    wait_for("the server to be well", A_WHILE, || {
        (web.state_of(&web.two) == "well" && web.get("/calls/x").contains("server two"))
            .then_some(())
    });
}

#[test]
fn only_what_changes_nothing_is_asked_twice() {
    let web = Web::start();
    let post = Curl::https(&web.suite, "/home/bob@example.test/die")
        .args(["--data", "x"])
        .ok_text();
    has(&post, &[" 502"]);
    assert_eq!(web.store.requests(), 1);
    let web = Web::start();
    has(
        &web.get("/home/bob@example.test/die"),
        &[" 200", "GET /home"],
    );
    assert_eq!(web.store.requests(), 2);
}

#[test]
fn static_files_are_compressed_and_known_again() {
    let folder = tempfile::tempdir().unwrap();
    let text = "all work and no play ".repeat(500);
    fs::write(folder.path().join("index.html"), &text).unwrap();
    fs::write(folder.path().join("large.bin"), vec![7; 3_000_000]).unwrap();
    let settings = format!("[proxy.web]\nfiles = {:?}\n", folder.path());
    let suite = Suite::start_with(&settings);
    for version in ["--http1.1", "--http2"] {
        let head = Curl::https(&suite, "/")
            .args([version, "--head", "--compressed"])
            .ok_text();
        has(
            &head,
            &[
                " 200",
                "content-encoding: ",
                "etag: ",
                "vary: accept-encoding",
            ],
        );
        let whole = Curl::https(&suite, "/")
            .args([version, "--compressed"])
            .ok_text();
        assert!(whole.ends_with(&text), "{version}");
        let tag = head
            .lines()
            .find_map(|line| line.strip_prefix("etag: "))
            .unwrap();
        let known = Curl::https(&suite, "/")
            .args([
                version,
                "--compressed",
                "--header",
                &format!("If-None-Match: {tag}"),
            ])
            .ok_text();
        has(&known, &[" 304"]);
        let part = Curl::https(&suite, "/large.bin")
            .args([version, "--range", "5-9"])
            .ok_text();
        has(
            &part,
            &[
                " 206",
                "content-range: bytes 5-9/3000000",
                "\u{7}\u{7}\u{7}\u{7}\u{7}",
            ],
        );
    }
}

/// A frame of HTTP/2 (RFC 9113 §4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// A GET of / as HPACK has it.
const HEAD: &[u8] = b"\x82\x87\x84\x41\x09localhost";

#[test]
fn ambiguous_and_greedy_requests_are_refused_while_others_are_served() {
    let web = Web::start_with("[proxy.web]\nhead_time = \"2s\"\n");
    let port = web.suite.port("http");
    let smuggled = "0\r\n\r\nGET /calls/smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    let slow: Vec<Wire> = (0..50)
        .map(|_| {
            let mut slow = Wire::connect("127.0.0.1", port);
            slow.say("GET / HTTP/1.1");
            slow
        })
        .collect();
    let bomb = format!("X: {}\r\n", "y".repeat(1000)).repeat(80);
    let many = "X: y\r\n".repeat(2000);
    let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(100_000));
    for (request, status) in [
        (
            format!(
                "POST /calls/x HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n{smuggled}"
            ),
            "400",
        ),
        (
            format!(
                "POST /calls/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n{smuggled}"
            ),
            "400",
        ),
        (
            format!(
                "POST /calls/x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\n{smuggled}"
            ),
            "400",
        ),
        (
            format!(
                "POST /calls/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n{smuggled}"
            ),
            "400",
        ),
        (
            format!(
                "POST /calls/x HTTP/1.1\r\nHost: a\r\nX: y\r\n Content-Length: 44\r\n\r\n{smuggled}"
            ),
            "400",
        ),
        ("GET /calls/x HTTP/1.1\nHost: a\n\n".to_owned(), "400"),
        (
            "GET /calls/x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".to_owned(),
            "400",
        ),
        ("GET /calls/x HTTP/1.1\r\n\r\n".to_owned(), "400"),
        (format!("GET / HTTP/1.1\r\nHost: a\r\n{bomb}\r\n"), "4"),
        (format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n"), "4"),
        (long, "4"),
    ] {
        let shown = request.get(..80).unwrap_or(&request).to_owned();
        // The same in the clear and under TLS, where the upstream would be reached.
        let mut clear = Wire::connect("127.0.0.1", port);
        clear.flood(&request);
        let mut secure = Secure::connect(&web.suite, "https", "http/1.1");
        secure.say(&request);
        for answer in [
            clear.rest(),
            String::from_utf8_lossy(&secure.rest()).into_owned(),
        ] {
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status}")),
                "{shown:?}: {answer}"
            );
            assert_eq!(
                answer.matches("HTTP/1.1 ").count(),
                1,
                "{shown:?}: {answer}"
            );
        }
    }
    let served = web.get("/calls/x");
    has(&served, &[" 200"]);
    assert!(
        !web.suite.log().contains("smuggled"),
        "a smuggled request was served"
    );
    // Who is slow is gone by now or soon, and said nothing that was answered.
    for slow in slow {
        let said = slow.rest();
        assert!(
            said.is_empty() || said.starts_with("HTTP/1.1 408"),
            "{said}"
        );
    }
}

#[test]
fn floods_of_http2_end_their_connection_only() {
    let web = Web::start();
    let preface = || {
        let mut octets = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        octets.extend(frame(4, 0, 0, &[]));
        octets
    };
    // Streams that are reset as soon as they are open (CVE-2023-44487).
    let mut resets = preface();
    for stream in 0..20_000 {
        let number = 2 * stream + 1;
        resets.extend(frame(1, 5, number, HEAD));
        resets.extend(frame(3, 0, number, &8_u32.to_be_bytes()));
    }
    // A head that does not end (CVE-2024-27316).
    let mut endless = preface();
    endless.extend(frame(1, 1, 1, HEAD));
    for _ in 0..2_000 {
        endless.extend(frame(9, 0, 1, &[0x40, 1, b'a', 1, b'b'].repeat(200)));
    }
    for flood in [resets, endless] {
        let mut hostile = Secure::connect(&web.suite, "https", "h2");
        hostile.say(&flood);
        let heard = hostile.rest();
        let goodbye = heard
            .windows(9)
            .any(|head| head[3] == 7 && head[5..] == [0, 0, 0, 0]);
        assert!(goodbye, "no GOAWAY in {heard:?}");
        let served = Curl::https(&web.suite, "/calls/x").arg("--http2").ok_text();
        has(&served, &[" 200"]);
    }
}

#[test]
fn wrong_passwords_over_http_shut_an_address_out() {
    let web = Web::start_with("[proxy.bans]\nfailures = 3\nnever = []\n");
    for _ in 0..3 {
        let answer = Curl::https(&web.suite, "/ews/private")
            .args(["--user", "bob@example.test:wrong"])
            .ok_text();
        has(&answer, &[" 401"]);
    }
    let bans = web.suite.roostctl().args(["proxy", "bans"]).ok_text();
    assert!(bans.contains("127.0.0.1"), "{bans}");
    assert!(!Curl::https(&web.suite, "/calls/x").finish().success());
}

//! Commands that were sent in clear before TLS began, and what is no TLS at all.

use roost_tests::{Run, Siege, Suite, Wire};

use super::ldap::{start_tls, whoami};
use super::{SMALL, begins, imap, smtp};

#[test]
fn commands_injected_before_tls_are_never_executed() {
    let suite = Suite::start();
    let siege = Siege::lay(&suite);
    for service in ["smtp", "submission"] {
        let mut wire = super::greeted(Wire::open(suite.port(service)), "EHLO hostile.example");
        wire.send("STARTTLS\r\nRSET\r\nMAIL FROM:<a@outside.test>\r\n");
        let said = wire.rest();
        assert!(
            !said.contains("250 ") && said.lines().count() == 1,
            "{service}: {said}"
        );
    }
    let mut wire = imap(&suite);
    wire.send("a STARTTLS\r\nb NOOP\r\nc LOGIN alice@example.test x\r\n");
    wire.half_close();
    let said = wire.rest();
    assert!(
        said.starts_with("a ") && !said.contains("\r\nb ") && !said.contains("\r\nc "),
        "{said}"
    );
    let mut wire = Wire::open(suite.port("pop3"));
    wire.until("+OK");
    wire.send("STLS\r\nCAPA\r\nUSER alice@example.test\r\n");
    wire.half_close();
    let said = wire.rest();
    assert!(said.matches("\r\n").count() <= 1, "{said}");
    let mut wire = Wire::open(suite.port("ldap"));
    let mut both = start_tls(1);
    both.extend(whoami(2));
    wire.send(both);
    let said = wire.rest();
    assert!(!said.contains("dn:") && !said.is_empty(), "{said:?}");
    injected_behind_tls(&suite);
    siege.lift(&suite, SMALL);
}

/// Where TLS begins all the same, with a real client on the other side, nothing of what came in clear
/// is answered behind it.
fn injected_behind_tls(suite: &Suite) {
    let script = "import socket, ssl, sys\n\
        for port, hello, start, ask in [\n\
            (SMTP, b'EHLO x\\r\\n', b'STARTTLS\\r\\n', b'EHLO y\\r\\n'),\n\
            (IMAP, b'', b'a STARTTLS\\r\\n', b'c CAPABILITY\\r\\n'),\n\
            (POP3, b'', b'STLS\\r\\n', b'CAPA\\r\\n')]:\n\
            \x20s = socket.create_connection(('127.0.0.1', port)); s.settimeout(30)\n\
            \x20s.recv(4096)\n\
            \x20if hello: s.sendall(hello); s.recv(4096)\n\
            \x20s.sendall(start + b'NOOP\\r\\n')\n\
            \x20said = s.recv(4096)\n\
            \x20ctx = ssl.create_default_context(cafile=sys.argv[1])\n\
            \x20try:\n\
            \x20 t = ctx.wrap_socket(s, server_hostname='localhost')\n\
            \x20except (ssl.SSLError, OSError):\n\
            \x20 print(port, 'no TLS', said); continue\n\
            \x20t.sendall(ask)\n\
            \x20print(port, 'upgraded', t.recv(4096))\n";
    let script = ["SMTP", "IMAP", "POP3"]
        .into_iter()
        .fold(script.to_owned(), |script, name| {
            let port = suite.port(&name.to_ascii_lowercase());
            script.replace(&format!("({name},"), &format!("({port},"))
        });
    let said = Run::new("python3")
        .args(["-c", &script])
        .arg(suite.ca())
        .ok_text();
    assert_eq!(said.lines().count(), 3, "{said}");
    for line in said.lines().filter(|line| line.contains(" upgraded ")) {
        // The answer is the one to what was asked under TLS, not to the NOOP before.
        let answers_ours =
            line.contains("250-") || line.contains("CAPABILITY") || line.contains("+OK");
        assert!(answers_ours && !line.contains("NOOP completed"), "{line}");
    }
}

#[test]
fn what_is_no_tls_is_turned_away() {
    let suite = Suite::start();
    let siege = Siege::lay(&suite);
    let garbage: [&[u8]; 6] = [
        b"EHLO client.example\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        &[0; 4096],
        &[0xff; 4096],
        // A record of the largest length with nothing in it, and one that is longer than allowed.
        &[0x16, 0x03, 0x01, 0x40, 0x00],
        &[0x16, 0x03, 0x01, 0xff, 0xff, 0x01],
    ];
    for service in ["imaps", "pop3s", "submissions", "ldaps"] {
        for octets in garbage {
            let mut wire = Wire::open(suite.port(service));
            wire.send(octets);
            wire.half_close();
            // An alert at most, and the end.
            let said = wire.octets(usize::MAX);
            assert!(said.len() < 64, "{service}: {said:?}");
        }
    }
    let mut wire = smtp(&suite);
    begins(&wire.smtp("STARTTLS"), "220 ");
    wire.send("MAIL FROM:<a@b.test>\r\n");
    assert!(!wire.rest().contains("250"), "a session in clear went on");
    // A thousand handshakes that never go on.
    let crowd: Vec<Wire> = (0..1000)
        .map(|_| {
            let mut wire = Wire::open(suite.port("imaps"));
            wire.send([0x16, 0x03, 0x01]);
            wire
        })
        .collect();
    siege.others_are_served();
    drop(crowd);
    siege.lift(&suite, SMALL);
}

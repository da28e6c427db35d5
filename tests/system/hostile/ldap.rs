//! LDAP: filters nested deep, lengths that lie, and octets that are none of it.

use roost_tests::{Siege, Suite, Wire};

use super::SMALL;

#[test]
fn filters_nested_ten_thousand_deep_are_refused() {
    let suite = Suite::start();
    let siege = Siege::lay(&suite);
    let present = element(0x87, b"objectClass");
    for (tag, depth) in [
        (0xa2, 10_000),
        (0xa0, 10_000),
        (0xa1, 10_000),
        (0xa2, 65),
        (0xa0, 65),
    ] {
        let filter = (0..depth).fold(present.clone(), |inner, _| element(tag, &inner));
        let mut wire = Wire::open(suite.port("ldap"));
        wire.send(request(1, &search("", 0, &filter)));
        let said = answer(&mut wire);
        // protocolError (2), and the connection goes on: the envelope was sound.
        assert_eq!(code(&said), Some(2), "{said:?}");
        wire.send(whoami(2));
        assert_eq!(code(&answer(&mut wire)), Some(0));
    }
    // Wide ones too: the time that one entry costs is bounded.
    let wide = element(0xa1, &present.repeat(20_000));
    let mut wire = Wire::open(suite.port("ldap"));
    wire.send(request(1, &search("", 0, &wide)));
    let said = wire.octets(40);
    assert!(!said.is_empty());
    siege.others_are_served();
    siege.lift(&suite, SMALL);
}

#[test]
fn lengths_that_lie_are_never_believed() {
    let suite = Suite::start();
    let siege = Siege::lay(&suite);
    let liars: [&[u8]; 12] = [
        // A message of 2 GB, of 2^64 - 1 octets, of more than 64 bits, of indefinite length.
        &[0x30, 0x84, 0x7f, 0xff, 0xff, 0xff],
        &[0x30, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        &[0x30, 0x89, 1, 0, 0, 0, 0, 0, 0, 0, 0],
        &[0x30, 0x80, 0x02, 0x01, 0x01, 0x42, 0x00, 0x00, 0x00],
        // Elements longer than what holds them.
        &[0x30, 0x05, 0x02, 0x01, 0x01, 0x60, 0x7f],
        &[0x30, 0x05, 0x02, 0x84, 0xff, 0xff, 0xff],
        &[0x30, 0x03, 0x02, 0x05, 0x01],
        // No message id; one of nine octets; a negative one.
        &[0x30, 0x00],
        &[0x30, 0x0b, 0x02, 0x09, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        &[0x30, 0x05, 0x02, 0x01, 0xff, 0x42, 0x00],
        // Not LDAP at all.
        b"GET / HTTP/1.1\r\n\r\n",
        &[0xff; 64],
    ];
    for liar in liars {
        let mut wire = Wire::open(suite.port("ldap"));
        wire.send(liar);
        wire.half_close();
        let said = wire.octets(usize::MAX);
        // A notice of disconnection (RFC 4511 §4.4.1), and the end.
        let notice = b"1.3.6.1.4.1.1466.20036";
        let noticed = said.windows(notice.len()).any(|window| window == notice);
        assert!(
            noticed || code(&said) == Some(2),
            "{liar:?} was answered {said:?}"
        );
    }
    // Large messages that are announced, let in by their size, and never come: by many.
    let mut crowd: Vec<Wire> = (0..500).map(|_| Wire::open(suite.port("ldap"))).collect();
    for wire in &mut crowd {
        wire.send([0x30, 0x83, 0x03, 0xff, 0xf0]);
    }
    siege.others_are_served();
    drop(crowd);
    siege.lift(&suite, SMALL);
}

/// One element of BER.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match content.len() {
        short @ 0..128 => out.push(u8::try_from(short).unwrap()),
        long => {
            out.push(0x84);
            out.extend(u32::try_from(long).unwrap().to_be_bytes());
        }
    }
    out.extend_from_slice(content);
    out
}

fn request(id: u16, operation: &[u8]) -> Vec<u8> {
    let [high, low] = id.to_be_bytes();
    let mut content = element(0x02, &[0, high, low]);
    content.extend_from_slice(operation);
    element(0x30, &content)
}

fn search(base: &str, scope: u8, filter: &[u8]) -> Vec<u8> {
    let mut content = element(0x04, base.as_bytes());
    content.extend(element(0x0a, &[scope]));
    content.extend(element(0x0a, &[0]));
    content.extend(element(0x02, &[0]));
    content.extend(element(0x02, &[0]));
    content.extend(element(0x01, &[0]));
    content.extend_from_slice(filter);
    let all: Vec<u8> = [&b"*"[..], b"+"]
        .iter()
        .flat_map(|name| element(0x04, name))
        .collect();
    content.extend(element(0x30, &all));
    element(0x63, &content)
}

/// A request whose answer is large, and open to everybody.
pub(super) fn read_schema(id: u16) -> Vec<u8> {
    request(
        id,
        &search("cn=Subschema", 0, &element(0x87, b"objectClass")),
    )
}

/// RFC 4511 §4.14.
pub(super) fn start_tls(id: u16) -> Vec<u8> {
    request(
        id,
        &element(0x77, &element(0x80, b"1.3.6.1.4.1.1466.20037")),
    )
}

/// RFC 4532.
pub(super) fn whoami(id: u16) -> Vec<u8> {
    request(
        id,
        &element(0x77, &element(0x80, b"1.3.6.1.4.1.4203.1.11.3")),
    )
}

/// A simple bind.
pub(super) fn bind(id: u16, dn: &str, password: &str) -> Vec<u8> {
    let mut content = element(0x02, &[3]);
    content.extend(element(0x04, dn.as_bytes()));
    content.extend(element(0x80, password.as_bytes()));
    request(id, &element(0x60, &content))
}

/// One whole message of the server; empty where it has closed.
pub(super) fn answer(wire: &mut Wire) -> Vec<u8> {
    let mut said = wire.octets(2);
    let length = match said.get(1) {
        None => return said,
        Some(short @ 0..128) => usize::from(*short),
        Some(long) => {
            let octets = wire.octets(usize::from(long & 0x7f));
            said.extend_from_slice(&octets);
            octets
                .iter()
                .fold(0, |length, octet| length << 8 | usize::from(*octet))
        }
    };
    said.extend(wire.octets(length));
    said
}

/// The result code of an answer.
pub(super) fn code(answer: &[u8]) -> Option<u8> {
    let at = answer.windows(2).position(|pair| pair == [0x0a, 0x01])?;
    answer.get(at + 2).copied()
}

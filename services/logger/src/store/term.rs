//! By what a line can be found without reading all: a number made of what it is and its value.
//!
//! The numbers are short and two values may share one, so whoever finds a line by a term looks at
//! the line too. Their making is part of the format of segment files.

use crc_fast::{CrcAlgorithm, Digest};

use crate::syslog::{Message, OWN_DATA};

/// The longest value of which all counts.
const VALUE_MAX: usize = 512;

/// What a term says of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// The host that it names.
    Host = b'h',
    /// The program.
    App = b'p',
    /// The text of a line of ours: which event it tells.
    Event = b'e',
    /// The name of a message in a queue.
    QueueId = b'q',
    /// A `Message-ID`.
    MessageId = b'm',
    /// The envelope's sender.
    From = b'f',
    /// A recipient, in whatever form.
    To = b't',
    /// An account.
    Account = b'a',
    /// A client, by address or name.
    Client = b'c',
    /// A subject's digest.
    SubjectHash = b's',
}

/// A term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term(pub(super) u32);

impl Term {
    /// The term for a value. Letters of either case are the same.
    #[must_use]
    pub fn new(kind: Kind, value: &[u8]) -> Self {
        let mut digest = Digest::new(CrcAlgorithm::Crc64Nvme);
        digest.update(&[kind as u8]);
        let mut lower = [0; 64];
        let value = value.get(..VALUE_MAX).unwrap_or(value);
        for piece in value.chunks(lower.len()) {
            let (room, _) = lower.split_at_mut(piece.len());
            room.copy_from_slice(piece);
            room.make_ascii_lowercase();
            digest.update(room);
        }
        Self(u32::try_from(digest.finalize() >> 32).unwrap_or(0))
    }
}

/// Gives every term of a line to `each`; the same one may come twice.
pub fn terms(message: &Message<'_>, mut each: impl FnMut(Term)) {
    for (kind, value) in [(Kind::Host, message.host()), (Kind::App, message.app())] {
        if !value.is_empty() {
            each(Term::new(kind, value));
        }
    }
    let fields = message.fields(OWN_DATA);
    let mut is_ours = false;
    for (name, value) in fields {
        is_ours = true;
        if let Some(kind) = kind(name) {
            values(kind, &value, |value| each(Term::new(kind, value)));
        }
    }
    if is_ours {
        each(Term::new(Kind::Event, message.text()));
    }
}

/// What a field of ours is found by.
#[must_use]
pub fn kind(field: &str) -> Option<Kind> {
    match field {
        "queue_id" | "about" => Some(Kind::QueueId),
        "message_id" => Some(Kind::MessageId),
        "from" => Some(Kind::From),
        "to" | "original_to" | "recipients" => Some(Kind::To),
        "account" => Some(Kind::Account),
        "peer" | "client" => Some(Kind::Client),
        "subject_hash" => Some(Kind::SubjectHash),
        _ => None,
    }
}

/// The values that one field holds: recipients are separated by spaces, and a peer's port does not
/// count.
pub fn values(kind: Kind, value: &[u8], mut each: impl FnMut(&[u8])) {
    match kind {
        _ if value.is_empty() => {}
        Kind::To => value
            .split(|octet| *octet == b' ')
            .map(without_brackets)
            .filter(|one| !one.is_empty())
            .for_each(each),
        Kind::Client => each(host_of(value)),
        Kind::From | Kind::MessageId => each(without_brackets(value)),
        _ => each(value),
    }
}

/// RFC 5321 §4.1.2, RFC 5322 §3.6.4: the brackets around a path or a `Message-ID` are not part of it.
#[must_use]
pub fn without_brackets(value: &[u8]) -> &[u8] {
    let inside = value
        .strip_prefix(b"<")
        .and_then(|value| value.strip_suffix(b">"));
    inside.unwrap_or(value)
}

/// An address without its port: `192.0.2.1:25`, `[2001:db8::1]:25`.
#[must_use]
pub fn host_of(peer: &[u8]) -> &[u8] {
    if let Some(rest) = peer.strip_prefix(b"[") {
        let end = rest.iter().position(|octet| *octet == b']');
        return end.and_then(|end| rest.get(..end)).unwrap_or(peer);
    }
    let mut colons = memchr::memchr_iter(b':', peer);
    match (colons.next(), colons.next()) {
        (Some(colon), None) => peer.get(..colon).unwrap_or(peer),
        _ => peer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_terms_of_its_fields() {
        let line = br#"<22>1 - mx roost-mta 1 - [roost@32473 queue_id="Q1" peer="[2001:db8::1]:25" recipients="a@b c@d"] accepted"#;
        let mut found = Vec::new();
        terms(&Message::read(line), |term| found.push(term));
        let expected = [
            (Kind::Host, "MX"),
            (Kind::App, "roost-mta"),
            (Kind::QueueId, "q1"),
            (Kind::Client, "2001:db8::1"),
            (Kind::To, "a@b"),
            (Kind::To, "c@d"),
            (Kind::Event, "accepted"),
        ];
        let expected = expected.map(|(kind, value)| Term::new(kind, value.as_bytes()));
        assert_eq!(found, expected);
    }

    #[test]
    fn the_numbers_are_part_of_the_format() {
        assert_eq!(
            Term::new(Kind::QueueId, b"Q1"),
            Term::new(Kind::QueueId, b"q1")
        );
        assert_ne!(
            Term::new(Kind::QueueId, b"q1"),
            Term::new(Kind::MessageId, b"q1")
        );
        let long = "x".repeat(100);
        assert_eq!(
            [
                Term::new(Kind::Host, b""),
                Term::new(Kind::From, long.as_bytes())
            ]
            .map(|term| term.0),
            [1_432_197_177, 2_794_620_921]
        );
    }

    #[test]
    fn a_port_does_not_count() {
        for (peer, host) in [
            ("192.0.2.1:25", "192.0.2.1"),
            ("[::1]:25", "::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("mx.example.test", "mx.example.test"),
            ("local", "local"),
        ] {
            assert_eq!(host_of(peer.as_bytes()), host.as_bytes(), "{peer}");
        }
    }
}

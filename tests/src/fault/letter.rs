//! Messages that can be told apart and checked to the octet.

use std::fmt::Write as _;

use rand::RngExt as _;
use rand::rngs::StdRng;

/// The field that carries a message's token. Whatever servers put on top stands before it.
const FIELD: &str = "X-Cut: ";

/// The digest of what must come back unchanged: everything from the token's field on.
pub type Digest = [u8; 32];

/// A message with a token of its own.
#[derive(Debug, Clone)]
pub struct Letter {
    /// Unique in a run.
    pub token: String,
    /// The message, with CRLF.
    pub octets: Vec<u8>,
}

impl Letter {
    /// A message of some size: mostly a few KiB, now and then one that is too large to travel in
    /// a journal's record.
    pub fn new(token: String, random: &mut StdRng) -> Self {
        let size = match random.random_range(0..100) {
            0..80 => random.random_range(300..6_000),
            80..94 => random.random_range(6_000..100_000),
            _ => random.random_range(140_000..260_000),
        };
        Self::sized(token, size, random)
    }

    /// A message of about `size` octets.
    pub fn sized(token: String, size: usize, random: &mut StdRng) -> Self {
        let mut text = format!(
            "{FIELD}{token}\r\nFrom: Cut <cut@outside.test>\r\nTo: people@example.test\r\n\
             Subject: {token}\r\nDate: Tue, 24 Nov 2026 10:00:00 +0100\r\n\
             Message-ID: <{token}@cut.test>\r\n\r\n.a line that begins with a dot\r\n..\r\n"
        );
        while text.len() < size {
            let number: u64 = random.random();
            write!(text, "{number:016x} the quick brown fox {number:x}\r\n").unwrap();
        }
        Self {
            token,
            octets: text.into_bytes(),
        }
    }

    /// What has to come back.
    pub fn digest(&self) -> Digest {
        *blake3::hash(&self.octets).as_bytes()
    }

    /// The message as DATA carries it: with its dots doubled, and the end.
    pub fn stuffed(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.octets.len() + 64);
        for line in self.octets.split_inclusive(|octet| *octet == b'\n') {
            if line.first() == Some(&b'.') {
                out.push(b'.');
            }
            out.extend_from_slice(line);
        }
        out.extend_from_slice(b".\r\n");
        out
    }
}

/// The token and digest of a message as it is stored; `None` where it is none of ours.
pub fn read(octets: &[u8]) -> Option<(String, Digest)> {
    let field = FIELD.as_bytes();
    let at = octets
        .windows(field.len())
        .position(|window| window == field)?;
    let ours = octets.get(at..)?;
    let rest = ours.get(field.len()..)?;
    let end = rest.iter().position(|octet| *octet == b'\r')?;
    let token = String::from_utf8_lossy(rest.get(..end)?).into_owned();
    Some((token, *blake3::hash(ours).as_bytes()))
}

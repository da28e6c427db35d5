//! The corpus. It follows from a seed, so that all systems and all runs get the same kind of mail,
//! and each message has a number in it, so that none can be stored as a copy of another.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const SEED: u64 = 2026;
/// Different texts in a corpus.
const TEXTS: usize = 64;
/// What is replaced by the number of a message; as wide as its digits.
const SLOT: &[u8] = b"0000000000000000";
const WORDS: [&str; 40] = [
    "meeting",
    "report",
    "the",
    "a",
    "of",
    "quarter",
    "server",
    "please",
    "find",
    "attached",
    "invoice",
    "for",
    "your",
    "review",
    "and",
    "let",
    "me",
    "know",
    "if",
    "you",
    "have",
    "any",
    "questions",
    "regards",
    "mailbox",
    "delivery",
    "storage",
    "project",
    "tomorrow",
    "lunch",
    "budget",
    "customer",
    "release",
    "with",
    "we",
    "should",
    "discuss",
    "this",
    "before",
    "friday",
];

/// Messages of about one size.
#[derive(Debug)]
pub(crate) struct Corpus {
    texts: Vec<Text>,
}

#[derive(Debug, Clone)]
struct Text {
    octets: Vec<u8>,
    slots: Vec<usize>,
}

/// A message that can be numbered anew: a connection has its own.
#[derive(Debug)]
pub(crate) struct Letters {
    texts: Vec<Text>,
    next: usize,
}

impl Corpus {
    /// Messages of `size` octets, a little less or more.
    pub(crate) fn new(size: usize) -> Self {
        let mut random = StdRng::seed_from_u64(SEED + size as u64);
        let texts = (0..TEXTS).map(|_| Text::new(size, &mut random)).collect();
        Self { texts }
    }

    /// A connection's own copy.
    pub(crate) fn letters(&self, connection: usize) -> Letters {
        let mut texts = self.texts.clone();
        // So that connections do not send the same text at the same time.
        texts.rotate_left(connection * 7 % TEXTS);
        // A few are enough for one connection, and stay in the processor's cache.
        texts.truncate(8);
        Letters { texts, next: 0 }
    }
}

impl Letters {
    /// The next message, as it is sent: CRLF at every end of a line, no line that begins with a dot.
    pub(crate) fn number(&mut self, number: u64) -> &[u8] {
        let at = self.next % self.texts.len().max(1);
        self.next += 1;
        let digits = format!("{number:016}");
        let Some(text) = self.texts.get_mut(at) else {
            return &[];
        };
        for slot in &text.slots {
            if let Some(place) = text.octets.get_mut(*slot..*slot + SLOT.len()) {
                place.copy_from_slice(digits.as_bytes());
            }
        }
        &text.octets
    }
}

impl Text {
    fn new(size: usize, random: &mut StdRng) -> Self {
        let slot = String::from_utf8_lossy(SLOT).into_owned();
        let subject = words(5, random);
        let mut text = format!(
            "Received: from client.example.test (client.example.test [192.0.2.7])\r\n\
             \tby mx.example.test with ESMTPS id {slot}\r\n\
             \tfor <user@example.test>; Tue, 24 Nov 2026 10:00:00 +0000\r\n\
             From: Erika Beispiel <erika@sender.example>\r\n\
             To: A Reader <user@example.test>\r\n\
             Subject: {subject}\r\n\
             Date: Tue, 24 Nov 2026 10:00:00 +0000\r\n\
             Message-ID: <{slot}.bench@sender.example>\r\n\
             X-Mailer: roost-bench\r\n\
             MIME-Version: 1.0\r\n"
        );
        match (size > 16 * 1024, random.random_bool(0.5)) {
            (true, _) => attached(&mut text, size, random),
            (false, true) => alternative(&mut text, size, random),
            (false, false) => {
                text.push_str("Content-Type: text/plain; charset=utf-8\r\n\r\n");
                prose(&mut text, size, random);
            }
        }
        let octets = text.into_bytes();
        let slots = (0..octets.len().saturating_sub(SLOT.len()))
            .filter(|at| octets.get(*at..at + SLOT.len()) == Some(SLOT))
            .collect();
        Self { octets, slots }
    }
}

fn alternative(text: &mut String, size: usize, random: &mut StdRng) {
    text.push_str("Content-Type: multipart/alternative; boundary=\"b1\"\r\n\r\n");
    text.push_str("--b1\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n");
    prose(text, size * 2 / 5, random);
    text.push_str("--b1\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body><p>\r\n");
    prose(text, size - 40, random);
    text.push_str("</p></body></html>\r\n--b1--\r\n");
}

fn attached(text: &mut String, size: usize, random: &mut StdRng) {
    text.push_str("Content-Type: multipart/mixed; boundary=\"b1\"\r\n\r\n");
    text.push_str("--b1\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n");
    let so_far = text.len();
    prose(text, so_far + 2048, random);
    text.push_str(
        "--b1\r\nContent-Type: application/octet-stream; name=\"data.bin\"\r\n\
         Content-Transfer-Encoding: base64\r\n\
         Content-Disposition: attachment; filename=\"data.bin\"\r\n\r\n",
    );
    while text.len() < size - 16 {
        let line: [u8; 54] = random.random();
        text.push_str(&STANDARD.encode(line));
        text.push_str("\r\n");
    }
    text.push_str("--b1--\r\n");
}

/// Lines until the text has `size` octets.
fn prose(text: &mut String, size: usize, random: &mut StdRng) {
    while text.len() < size {
        text.push_str(&words(10, random));
        text.push_str("\r\n");
    }
}

fn words(count: usize, random: &mut StdRng) -> String {
    let one = |random: &mut StdRng| {
        let at = random.random_range(0..WORDS.len());
        WORDS.get(at).copied().unwrap_or_default()
    };
    (0..count)
        .map(|_| one(random))
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_their_size_and_differ() {
        for size in [4096, 65_536] {
            let corpus = Corpus::new(size);
            let mut letters = corpus.letters(3);
            let first = letters.number(1).to_vec();
            assert!(first.len().abs_diff(size) < 200, "{}", first.len());
            assert!(first.ends_with(b"\r\n"));
            for number in 2..20 {
                let other = letters.number(number);
                assert_ne!(first, other);
                let text = String::from_utf8(other.to_vec()).unwrap();
                assert!(text.contains(&format!("<{number:016}.bench@")));
                assert!(!text.contains("\n."));
            }
        }
    }
}

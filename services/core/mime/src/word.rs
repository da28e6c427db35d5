//! Encoded words (RFC 2047).

use crate::limits::ENCODED_WORD_MAX;
use crate::{charset, transfer};

/// The longest charset and language of an encoded word that are considered.
const CHARSET_MAX: usize = 64;

/// Decodes the encoded words of an unfolded value; the rest is taken for UTF-8 where valid, else
/// for windows-1252. White space between two encoded words is dropped (§6.2), and words of one
/// charset are decoded together, since many mailers cut inside a character.
#[must_use]
pub fn decode(value: &[u8]) -> String {
    let mut text = Text::default();
    let mut rest = value;
    while let Some(at) = memchr::memmem::find(rest, b"=?") {
        let (before, from) = rest.split_at_checked(at).unwrap_or_default();
        match EncodedWord::parse(from) {
            Some((word, after)) => {
                text.raw(before, true);
                text.word(&word);
                rest = after;
            }
            None => {
                let (mark, after) = rest.split_at_checked(at + 2).unwrap_or_default();
                text.raw(mark, false);
                rest = after;
            }
        }
    }
    text.raw(rest, false);
    text.finish()
}

/// `=?charset*language?encoding?text?=`
struct EncodedWord<'a> {
    charset: &'a [u8],
    octets: Vec<u8>,
}

impl<'a> EncodedWord<'a> {
    /// Reads the word at the start of `from`, also gives what follows it. Spaces within the text
    /// are let pass: mailers forget to encode them.
    fn parse(from: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let rest = from.strip_prefix(b"=?")?;
        let window = rest.get(..CHARSET_MAX).unwrap_or(rest);
        let charset = rest.get(..memchr::memchr(b'?', window)?)?;
        if charset.is_empty() || !charset.iter().all(|octet| octet.is_ascii_graphic()) {
            return None;
        }
        let [encoding, b'?', rest @ ..] = rest.get(charset.len() + 1..)? else {
            return None;
        };
        let window = rest.get(..ENCODED_WORD_MAX).unwrap_or(rest);
        let length = memchr::memmem::find(window, b"?=")?;
        let encoded = rest.get(..length)?;
        let octets = match encoding {
            b'q' | b'Q' => q(encoded),
            b'b' | b'B' => transfer::base64(encoded, ENCODED_WORD_MAX),
            _ => return None,
        };
        Some((Self { charset, octets }, rest.get(length + 2..)?))
    }
}

/// RFC 2047 §4.2.
fn q(encoded: &[u8]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    while let Some((&first, after)) = rest.split_first() {
        let (octet, next) = match (first, after) {
            (b'_', _) => (b' ', after),
            (b'=', [high, low, next @ ..]) => match transfer::hex_octet(*high, *low) {
                Some(octet) => (octet, next),
                None => (first, after),
            },
            _ => (first, after),
        };
        octets.push(octet);
        rest = next;
    }
    octets
}

/// The text as it is put together.
#[derive(Default)]
struct Text<'a> {
    done: String,
    /// Encoded words of one charset, not yet decoded.
    charset: &'a [u8],
    pending: Vec<u8>,
    after_word: bool,
}

impl<'a> Text<'a> {
    fn raw(&mut self, octets: &[u8], before_word: bool) {
        let between_words = before_word && self.after_word && octets.trim_ascii().is_empty();
        if octets.is_empty() || between_words {
            return;
        }
        self.flush();
        self.after_word = false;
        self.done.push_str(&charset::guess(octets));
    }

    fn word(&mut self, word: &EncodedWord<'a>) {
        if !self.charset.eq_ignore_ascii_case(word.charset) {
            self.flush();
        }
        self.charset = word.charset;
        self.pending.extend_from_slice(&word.octets);
        self.after_word = true;
    }

    fn flush(&mut self) {
        if !self.pending.is_empty() {
            self.done
                .push_str(&charset::decode(self.charset, &self.pending));
            self.pending.clear();
        }
    }

    fn finish(mut self) -> String {
        self.flush();
        self.done
    }
}

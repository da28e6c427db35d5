//! Transfer encodings (RFC 2045 §6), decoded leniently and to a bound.

use std::borrow::Cow;

/// How a body's octets are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transfer {
    /// `7bit`, `8bit`, `binary`.
    Identity,
    /// RFC 2045 §6.7.
    QuotedPrintable,
    /// RFC 2045 §6.8.
    Base64,
}

impl Transfer {
    /// By its name, without regard to case; `None` for one that RFC 2045 does not have.
    #[must_use]
    pub fn named(name: &[u8]) -> Option<Self> {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        match () {
            () if is("7bit") || is("8bit") || is("binary") => Some(Self::Identity),
            () if is("quoted-printable") => Some(Self::QuotedPrintable),
            () if is("base64") => Some(Self::Base64),
            () => None,
        }
    }

    /// Decodes `encoded` to at most `max` octets. What the encoding does not allow is skipped
    /// (RFC 2045 §6.8) or kept as it is (§6.7).
    #[must_use]
    pub fn decode(self, encoded: &[u8], max: usize) -> Cow<'_, [u8]> {
        match self {
            Self::Identity => Cow::Borrowed(encoded.get(..max).unwrap_or(encoded)),
            Self::QuotedPrintable => Cow::Owned(quoted_printable(encoded, max)),
            Self::Base64 => Cow::Owned(base64(encoded, max)),
        }
    }
}

/// Padding ends a quantum but not the content: some mailers encode line by line.
pub(crate) fn base64(encoded: &[u8], max: usize) -> Vec<u8> {
    let mut octets = Vec::with_capacity((encoded.len() / 4 * 3 + 3).min(max));
    let (mut bits, mut count) = (0_u32, 0);
    for &digit in encoded {
        if octets.len() >= max {
            break;
        }
        match base64_value(digit) {
            Some(value) => {
                bits = bits << 6 | u32::from(value);
                count += 1;
                if count == 4 {
                    let [_, first, second, third] = bits.to_be_bytes();
                    octets.extend([first, second, third]);
                    (bits, count) = (0, 0);
                }
            }
            None if digit == b'=' => {
                flush_quantum(&mut octets, bits, count);
                (bits, count) = (0, 0);
            }
            None => {}
        }
    }
    flush_quantum(&mut octets, bits, count);
    octets.truncate(max);
    octets
}

/// The octets of a quantum of two or three digits.
fn flush_quantum(octets: &mut Vec<u8>, bits: u32, count: u32) {
    let whole = match count {
        2 => 1,
        3 => 2,
        _ => return,
    };
    let [_, aligned @ ..] = (bits << (6 * (4 - count))).to_be_bytes();
    octets.extend(aligned.into_iter().take(whole));
}

fn base64_value(digit: u8) -> Option<u8> {
    match digit {
        b'A'..=b'Z' => Some(digit - b'A'),
        b'a'..=b'z' => Some(digit - b'a' + 26),
        b'0'..=b'9' => Some(digit - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

fn quoted_printable(encoded: &[u8], max: usize) -> Vec<u8> {
    let mut octets = Vec::with_capacity(encoded.len().min(max));
    for line in encoded.split_inclusive(|&octet| octet == b'\n') {
        if octets.len() >= max {
            break;
        }
        quoted_printable_line(line, &mut octets);
    }
    octets.truncate(max);
    octets
}

/// RFC 2045 §6.7 (3): white space at a line's end was added on the way and is dropped.
fn quoted_printable_line(line: &[u8], octets: &mut Vec<u8>) {
    let content = line.trim_ascii_end();
    let line_break = match line {
        [.., b'\r', b'\n'] => &b"\r\n"[..],
        [.., b'\n'] => b"\n",
        // The last line keeps its spaces: nothing says that its end is here.
        _ => line.get(content.len()..).unwrap_or_default(),
    };
    let (content, line_break) = match content.strip_suffix(b"=") {
        Some(content) => (content, &[][..]),
        None => (content, line_break),
    };
    let mut rest = content;
    while let Some((&first, after)) = rest.split_first() {
        let escaped = match (first, after) {
            (b'=', [high, low, ..]) => hex_octet(*high, *low),
            _ => None,
        };
        octets.push(escaped.unwrap_or(first));
        rest = match escaped {
            Some(_) => after.get(2..).unwrap_or_default(),
            None => after,
        };
    }
    octets.extend_from_slice(line_break);
}

/// The octet that two hexadecimal digits of either case name.
pub(crate) fn hex_octet(high: u8, low: u8) -> Option<u8> {
    let digit = |octet: u8| char::from(octet).to_digit(16);
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}

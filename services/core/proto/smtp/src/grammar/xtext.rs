//! xtext (RFC 3461 §4): text that survives as the value of a parameter.

use std::fmt::Write as _;

/// Decodes xtext; `None` where it is not. Non-ASCII characters pass as they are: under SMTPUTF8 a
/// value may hold them (RFC 6533 §3, utf-8-addr-unitext).
pub(crate) fn decode(text: &str) -> Option<String> {
    let mut plain = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            // hexchar = "+" 2(%x30-39 / %x41-46)
            b'+' => plain.push(hex(bytes.next()?)? << 4 | hex(bytes.next()?)?),
            b'=' | 0..=b' ' | 0x7f => return None,
            _ => plain.push(byte),
        }
    }
    let plain = String::from_utf8(plain).ok()?;
    // Whatever prints the value later must not be able to break out of a line.
    (!plain.chars().any(char::is_control)).then_some(plain)
}

/// Encodes text as xtext.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            // xchar = any ASCII CHAR between "!" (33) and "~" (126) inclusive, except "+" and "="
            '!'..='~' if char != '+' && char != '=' => encoded.push(char),
            _ if char.is_ascii() => {
                // A `String` takes whatever is written to it.
                write!(encoded, "+{:02X}", u32::from(char)).unwrap_or_default();
            }
            _ => encoded.push(char),
        }
    }
    encoded
}

fn hex(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        // Lower case is not xtext, but seen.
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn xtext_is_exact() {
        assert_eq!(decode("a+2Bb+3Dc").as_deref(), Some("a+b=c"));
        assert_eq!(encode("a+b=c d"), "a+2Bb+3Dc+20d");
        for bad in ["+", "+4", "+GG", "a=b", "a b", "+0D+0A", "+FF", "\u{7f}"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(text in "[^\\p{Cc}]{0,40}") {
            prop_assert_eq!(decode(&encode(&text)), Some(text));
        }
    }
}

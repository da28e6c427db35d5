//! xtext, the quoting of ESMTP parameters (RFC 3461 §4), and its Unicode form (RFC 6533 §3).

use std::fmt::Write as _;

/// Encodes `text` as xtext. It has only printable US-ASCII: callers use [`utf8_xtext`] otherwise.
#[must_use]
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && byte != b'+' && byte != b'=' {
            out.push(char::from(byte));
        } else {
            push_hex(&mut out, '+', byte.into());
        }
    }
    out
}

/// Encodes an internationalised address in US-ASCII, as `utf-8-addr-xtext` (RFC 6533 §3).
#[must_use]
pub fn utf8_xtext(address: &str) -> String {
    let mut out = String::with_capacity(address.len());
    for character in address.chars() {
        if character.is_ascii_graphic() && !matches!(character, '+' | '=' | '\\') {
            out.push(character);
        } else {
            out.push('\\');
            out.push('x');
            out.push('{');
            push_hex(&mut out, '\0', character.into());
            out.push('}');
        }
    }
    out
}

/// Appends `value` in upper-case hexadecimal of two or more digits, after `mark` if there is one.
fn push_hex(out: &mut String, mark: char, value: u32) {
    if mark != '\0' {
        out.push(mark);
    }
    // Writing to a String cannot fail.
    if write!(out, "{value:02X}").is_err() {
        out.push('?');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xtext_quotes_plus_equals_and_space() {
        assert_eq!(encode("bob+x=1@example.test"), "bob+2Bx+3D1@example.test");
        assert_eq!(encode("a b"), "a+20b");
    }

    #[test]
    fn unicode_becomes_code_points() {
        assert_eq!(utf8_xtext("jörg@exämple"), "j\\x{F6}rg@ex\\x{E4}mple");
    }
}

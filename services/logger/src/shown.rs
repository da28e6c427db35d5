//! Octets of anybody as text that is safe on a screen: what could end a line, move a cursor, hide or
//! reorder text is written out.

use jiff::Timestamp;

/// A moment as answers have it, `2026-11-24T16:11:19.123456Z`: of earlier and later ones, the texts are
/// in the same order.
#[must_use]
pub fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

/// As text.
#[must_use]
pub fn shown(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len());
    for chunk in octets.utf8_chunks() {
        for letter in chunk.valid().chars() {
            match letter {
                letter if letter.is_control() => text.extend(letter.escape_default()),
                // Marks of direction, and what is not seen at all.
                '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{2069}'
                | '\u{feff}' => text.extend(letter.escape_unicode()),
                letter => text.push(letter),
            }
        }
        for octet in chunk.invalid() {
            text.push_str(&format!("\\x{octet:02x}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_moves_the_cursor() {
        assert_eq!(
            shown(b"a\x1b[2J\r\n\0\xff \xe2\x80\xae\xc2\x9bm gr\xc3\xbc\xc3\x9fe"),
            "a\\u{1b}[2J\\r\\n\\u{0}\\xff \\u{202e}\\u{9b}m gr\u{fc}\u{df}e"
        );
    }
}

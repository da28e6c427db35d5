//! The text of a part, for searching and for previews.

use mail_parser::decoders::html::html_to_text;

use crate::charset;
use crate::limits::{PREVIEW_CHARS_MAX, PREVIEW_SOURCE_MAX};
use crate::structure::{Part, PartRef, Structure};
use crate::transfer::Transfer;

/// The text of a part as its author wrote it, HTML and all: `encoded` is the part's body, of which
/// at most `octets_max` decoded octets are used. An unknown transfer encoding is taken as none.
#[must_use]
pub fn decoded(part: &Part, encoded: &[u8], octets_max: usize) -> String {
    let transfer = part.transfer().unwrap_or(Transfer::Identity);
    let octets = transfer.decode(encoded, octets_max);
    let charset = part.charset().map(|charset| &**charset);
    charset::decode(charset.unwrap_or_default(), &octets)
}

/// As [`decoded`], with HTML's tags removed.
#[must_use]
pub fn readable(part: &Part, encoded: &[u8], octets_max: usize) -> String {
    let text = decoded(part, encoded, octets_max);
    if part.media_subtype.is("html") {
        html_to_text(&text)
    } else {
        text
    }
}

/// The part that a preview is made from: the first plain text that is no attachment, else the
/// first text of any kind.
#[must_use]
pub fn preview_part(structure: &Structure) -> Option<PartRef<'_>> {
    let texts = || {
        structure
            .parts()
            .filter(|part| part.is_text() && !part.is_attachment() && !part.body.is_empty())
    };
    texts()
        .find(|part| part.media_subtype.is("plain"))
        .or_else(|| texts().find(|part| part.media_subtype.is("html")))
        .or_else(|| texts().next())
}

/// A preview (RFC 8970) of a part whose body begins with `encoded`: one line, runs of white space
/// as single spaces, without controls and invisible formatting, which could make a list of
/// messages say what no message says.
#[must_use]
pub fn preview(part: &Part, encoded: &[u8]) -> String {
    let encoded = encoded.get(..PREVIEW_SOURCE_MAX).unwrap_or(encoded);
    let text = readable(part, encoded, PREVIEW_SOURCE_MAX);
    let mut preview = String::new();
    for word in text.split_whitespace() {
        let word: String = word.chars().filter(|&letter| is_shown(letter)).collect();
        if word.is_empty() {
            continue;
        }
        if !preview.is_empty() {
            preview.push(' ');
        }
        preview.push_str(&word);
        if preview.chars().count() >= PREVIEW_CHARS_MAX {
            break;
        }
    }
    preview.chars().take(PREVIEW_CHARS_MAX).collect()
}

/// Controls, zero-width and direction-changing characters are not shown.
fn is_shown(letter: char) -> bool {
    !letter.is_control()
        && !matches!(letter,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

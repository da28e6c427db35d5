//! String preparation (RFC 4518).

use unicode_normalization::UnicodeNormalization;

/// Whether case counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    /// It does not.
    Ignored,
    /// It does.
    Kept,
}

/// Which piece of a value is prepared: spaces at its ends are insignificant only where the value
/// itself ends (RFC 4518 §2.6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// All of it.
    Whole,
    /// How it begins.
    Initial,
    /// Somewhere in it.
    Any,
    /// How it ends.
    Last,
}

/// Maps, folds, normalises and handles insignificant spaces. `None` for what is no UTF-8.
pub(super) fn prepare(value: &[u8], case: Case, piece: Piece) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(value).ok()?;
    if text.is_ascii() {
        let mut out = String::with_capacity(text.len());
        out.extend(text.chars().filter_map(map));
        if case == Case::Ignored {
            out.make_ascii_lowercase();
        }
        return Some(spaces(&out, piece));
    }
    let mapped: String = text.chars().filter_map(map).collect();
    let normal: String = match case {
        // Folding after decomposition, so that compatibility characters fold too (RFC 3454 B.2).
        Case::Ignored => mapped.nfkc().flat_map(fold).nfkc().collect(),
        Case::Kept => mapped.nfkc().collect(),
    };
    Some(spaces(&normal, piece))
}

/// Lines with `$` between them, each prepared for itself.
pub(super) fn prepare_list(value: &[u8]) -> Option<Vec<u8>> {
    let lines: Option<Vec<Vec<u8>>> = value
        .split(|octet| *octet == b'$')
        .map(|line| prepare(line, Case::Ignored, Piece::Whole))
        .collect();
    Some(lines?.join(&b'$'))
}

/// Text without the characters that do not count in it.
pub(super) fn without(value: &[u8], ignored: &[u8]) -> Option<Vec<u8>> {
    std::str::from_utf8(value).ok()?;
    Some(
        value
            .iter()
            .copied()
            .filter(|octet| !ignored.contains(octet))
            .collect(),
    )
}

/// RFC 4518 §2.2: controls and invisible characters vanish, separators become spaces.
fn map(character: char) -> Option<char> {
    match character {
        '\t' | '\n' | '\u{b}' | '\u{c}' | '\r' | '\u{85}' => Some(' '),
        '\u{ad}'
        | '\u{34f}'
        | '\u{180b}'..='\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2064}'
        | '\u{206a}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffc}' => None,
        c if c.is_control() => None,
        c if c.is_whitespace() => Some(' '),
        c => Some(c),
    }
}

/// Case folding: as lower case, and the few characters that become two letters.
fn fold(character: char) -> impl Iterator<Item = char> {
    let expanded: Option<[char; 2]> = match character {
        '\u{df}' | '\u{1e9e}' => Some(['s', 's']),
        _ => None,
    };
    // A final sigma is a sigma (RFC 3454 B.2).
    let single = if character == '\u{3c2}' {
        '\u{3c3}'
    } else {
        character
    };
    let lower = expanded.is_none().then(|| single.to_lowercase());
    expanded
        .into_iter()
        .flatten()
        .chain(lower.into_iter().flatten())
}

/// RFC 4518 §2.6.1: runs of spaces count as one, and none counts at the ends of the value.
fn spaces(text: &str, piece: Piece) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for octet in text.bytes() {
        if octet != b' ' || out.last() != Some(&b' ') {
            out.push(octet);
        }
    }
    if matches!(piece, Piece::Whole | Piece::Last) && out.last() == Some(&b' ') && out.len() > 1 {
        out.pop();
    }
    if matches!(piece, Piece::Whole | Piece::Initial) && out.first() == Some(&b' ') && out.len() > 1
    {
        out.remove(0);
    }
    out
}

/// Approximate matching: the words of `asserted` appear in `value` in this order, each at the
/// beginning of a word, accents aside.
#[must_use]
pub fn contains_words(value: &[u8], asserted: &[u8]) -> Option<bool> {
    let value = words(value)?;
    let asserted = words(asserted)?;
    let mut rest = value.iter();
    Some(
        !asserted.is_empty()
            && asserted
                .iter()
                .all(|word| rest.any(|own| own.starts_with(word.as_str()))),
    )
}

fn words(value: &[u8]) -> Option<Vec<String>> {
    let text = std::str::from_utf8(value).ok()?;
    let plain: String = text
        .nfkd()
        .filter(|c| !unicode_normalization::char::is_combining_mark(*c))
        .flat_map(fold)
        .collect();
    Some(
        plain
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect(),
    )
}

//! Octets in a charset to text.

use mail_parser::decoders::charsets::map::charset_decoder;

/// Longest charset name that is looked up; IANA's longest is 45.
const CHARSET_NAME_MAX: usize = 45;

/// Decodes `octets`, with anything that the charset does not have replaced.
///
/// An unknown charset, none, or `us-ascii` with 8-bit octets is taken for UTF-8 where that is
/// valid, else for windows-1252: what mailers that lie about it mean.
#[must_use]
pub fn decode(charset: &[u8], octets: &[u8]) -> String {
    let name = name_of(charset);
    if is_undeclared(name) {
        return guess(octets);
    }
    if name.eq_ignore_ascii_case(b"utf-8") || name.eq_ignore_ascii_case(b"utf8") {
        return String::from_utf8_lossy(octets).into_owned();
    }
    match charset_decoder(name) {
        Some(decoder) => decoder(octets),
        None => guess(octets),
    }
}

/// Decodes `octets`, `None` when the charset is unknown: for `SEARCH CHARSET`, which must say so.
#[must_use]
pub fn decode_known(charset: &[u8], octets: &[u8]) -> Option<String> {
    is_known(charset).then(|| decode(charset, octets))
}

/// Whether [`decode`] knows the charset.
#[must_use]
pub fn is_known(charset: &[u8]) -> bool {
    let name = name_of(charset);
    !name.is_empty() && (name.eq_ignore_ascii_case(b"utf-8") || charset_decoder(name).is_some())
}

/// UTF-8 where valid, else windows-1252.
#[must_use]
pub fn guess(octets: &[u8]) -> String {
    match std::str::from_utf8(octets) {
        Ok(text) => text.to_owned(),
        Err(_) => encoding_rs::WINDOWS_1252
            .decode_without_bom_handling(octets)
            .0
            .into_owned(),
    }
}

/// The name without RFC 2231 §5's language; empty when too long to be one.
fn name_of(charset: &[u8]) -> &[u8] {
    let name = charset.trim_ascii();
    let name = name.split(|&octet| octet == b'*').next().unwrap_or(name);
    match name.len() {
        0..=CHARSET_NAME_MAX => name,
        _ => &[],
    }
}

fn is_undeclared(name: &[u8]) -> bool {
    name.is_empty()
        || name.eq_ignore_ascii_case(b"us-ascii")
        || name.eq_ignore_ascii_case(b"ascii")
        || name.eq_ignore_ascii_case(b"unknown-8bit")
        || name.eq_ignore_ascii_case(b"default")
}

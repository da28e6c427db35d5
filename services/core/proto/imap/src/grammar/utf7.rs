//! Modified UTF-7 (RFC 3501 §5.1.3): mailbox names for clients that have not enabled UTF-8.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet::IMAP_MUTF7;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};

/// Base64 with `,` in place of `/` and no padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(&IMAP_MUTF7, NO_PAD);

/// Writes a name in modified UTF-7.
#[must_use]
pub fn encode(name: &str) -> Cow<'_, str> {
    let plain = |c: char| matches!(c, ' '..='~') && c != '&';
    if name.chars().all(plain) {
        return Cow::Borrowed(name);
    }
    let mut wire = String::with_capacity(name.len() * 2);
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let end = rest
            .find(|c| plain(c) != plain(first))
            .unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        rest = after;
        if plain(first) {
            wire.push_str(run);
        } else {
            shift(run, &mut wire);
        }
    }
    Cow::Owned(wire)
}

/// A run without printable ASCII, except for `&`, which is `&-` where it can be.
fn shift(run: &str, wire: &mut String) {
    let mut rest = run;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('&') {
            wire.push_str("&-");
            rest = after;
            continue;
        }
        let (encoded, after) = rest.split_at(rest.find('&').unwrap_or(rest.len()));
        let units: Vec<u8> = encoded.encode_utf16().flat_map(u16::to_be_bytes).collect();
        wire.push('&');
        BASE64.encode_string(units, wire);
        wire.push('-');
        rest = after;
    }
}

/// Reads a name in modified UTF-7; none when it is not.
#[must_use]
pub fn decode(wire: &[u8]) -> Option<Cow<'_, str>> {
    let text = std::str::from_utf8(wire)
        .ok()
        .filter(|text| text.is_ascii())?;
    if !text.contains('&') {
        return Some(Cow::Borrowed(text));
    }
    let mut name = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, shifted)) = rest.split_once('&') {
        name.push_str(before);
        let (encoded, after) = shifted.split_once('-')?;
        rest = after;
        if encoded.is_empty() {
            name.push('&');
            continue;
        }
        let octets = BASE64.decode(encoded).ok()?;
        let (pairs, []) = octets.as_chunks::<2>() else {
            return None;
        };
        let units = pairs.iter().map(|pair| u16::from_be_bytes(*pair));
        for unit in char::decode_utf16(units) {
            name.push(unit.ok()?);
        }
    }
    name.push_str(rest);
    Some(Cow::Owned(name))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(name: &str, wire: &str) {
        assert_eq!(encode(name), wire);
        assert_eq!(decode(wire.as_bytes()).as_deref(), Some(name));
    }

    #[test]
    fn examples() {
        // RFC 3501 §5.1.3
        check("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-");
        check("Entwürfe", "Entw&APw-rfe");
        check("R&D", "R&-D");
        check("ü&ü", "&APw-&-&APw-");
        check("😀", "&2D3eAA-");
        check("plain", "plain");
    }

    #[test]
    fn what_is_not_modified_utf7_is_refused() {
        for wire in ["&", "R&D", "&AA-", "&2D0-", "&!!!!-", "a&U"] {
            assert_eq!(decode(wire.as_bytes()), None, "{wire}");
        }
        assert_eq!(decode("ü".as_bytes()), None);
    }

    proptest! {
        #[test]
        fn names_come_back(name in "\\PC{0,30}") {
            let wire = encode(&name);
            prop_assert!(wire.is_ascii());
            prop_assert_eq!(decode(wire.as_bytes()).unwrap(), name.as_str());
        }

        #[test]
        fn anything_can_be_read(wire in proptest::collection::vec(any::<u8>(), 0..40)) {
            let plain = decode(&wire).is_some_and(|name| name.as_bytes() == wire);
            prop_assert!(!plain || wire.is_ascii());
        }
    }
}

//! Types → octets: the primitives. Commands are printed in `command`, responses in
//! [`super::response`].

mod command;

use std::fmt;

pub(crate) use command::{print_path, print_section};

use super::cursor::{Names, is_astring_char, is_atom_char};
use super::utf7;
use crate::out::Out;
use crate::types::MailboxName;

/// Longer strings are sent as literals, so that a client need not hold a long line.
const QUOTED_OCTETS: usize = 1000;

/// Where octets are printed to.
pub trait Wire {
    /// Appends `octets`.
    fn put(&mut self, octets: &[u8]);

    /// Appends what `value` displays.
    fn show(&mut self, value: impl fmt::Display)
    where
        Self: Sized,
    {
        struct Text<'a, W>(&'a mut W);
        impl<W: Wire> fmt::Write for Text<'_, W> {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                self.0.put(text.as_bytes());
                Ok(())
            }
        }
        // Only a `Display` that lies about its own failure could fail here.
        let printed = fmt::write(&mut Text(self), format_args!("{value}"));
        debug_assert!(printed.is_ok());
    }
}

impl Wire for Vec<u8> {
    fn put(&mut self, octets: &[u8]) {
        self.extend_from_slice(octets);
    }
}

impl Wire for Out {
    fn put(&mut self, octets: &[u8]) {
        Self::put(self, octets);
    }
}

/// The octets with 0x80 for each NUL, which no string may hold (RFC 3501 §4.3.1).
pub(crate) fn without_nul(octets: &[u8]) -> Vec<u8> {
    let replaced = |octet: &u8| if *octet == 0 { 0x80 } else { *octet };
    octets.iter().map(replaced).collect()
}

/// `string`: quoted where that is possible in 7 bits, else a literal.
pub(crate) fn string(wire: &mut impl Wire, octets: &[u8]) {
    let quotable = |octet: &u8| matches!(octet, 0x20..=0x7e | b'\t');
    if octets.len() <= QUOTED_OCTETS && octets.iter().all(quotable) {
        quoted(wire, octets);
    } else if octets.contains(&0) {
        literal(wire, &without_nul(octets));
    } else {
        literal(wire, octets);
    }
}

/// `quoted`: the caller knows that nothing in it needs a literal.
pub(crate) fn quoted(wire: &mut impl Wire, octets: &[u8]) {
    wire.put(b"\"");
    for piece in octets.split_inclusive(|octet| matches!(octet, b'"' | b'\\')) {
        match piece {
            [start @ .., special @ (b'"' | b'\\')] => {
                wire.put(start);
                wire.put(&[b'\\', *special]);
            }
            plain => wire.put(plain),
        }
    }
    wire.put(b"\"");
}

/// A literal as a server sends it (synchronising in form, though nobody waits).
pub(crate) fn literal(wire: &mut impl Wire, octets: &[u8]) {
    wire.show(format_args!("{{{}}}\r\n", octets.len()));
    wire.put(octets);
}

/// `nstring`
pub(crate) fn nstring(wire: &mut impl Wire, octets: Option<&[u8]>) {
    match octets {
        Some(octets) => string(wire, octets),
        None => wire.put(b"NIL"),
    }
}

/// `astring`: an atom where possible.
pub(crate) fn astring(wire: &mut impl Wire, octets: &[u8]) {
    // An atom NIL would read as nothing in places where `nstring` stands.
    if !octets.is_empty()
        && octets.iter().all(|octet| is_astring_char(*octet))
        && !octets.eq_ignore_ascii_case(b"NIL")
    {
        wire.put(octets);
    } else {
        string(wire, octets);
    }
}

/// `mailbox` in the session's encoding.
pub(crate) fn mailbox(wire: &mut impl Wire, name: &MailboxName, names: Names) {
    encoded(wire, name.as_str(), names, is_atom_char);
}

/// A name or a pattern, bare when all its octets are `plain`.
pub(crate) fn encoded(wire: &mut impl Wire, name: &str, names: Names, plain: fn(u8) -> bool) {
    let text = match names {
        Names::Utf7 => utf7::encode(name),
        Names::Utf8 => name.into(),
    };
    let octets = text.as_bytes();
    if !octets.is_empty()
        && octets.iter().all(|octet| plain(*octet))
        && !octets.eq_ignore_ascii_case(b"NIL")
    {
        wire.put(octets);
    } else if octets.iter().any(|octet| matches!(octet, b'\r' | b'\n')) {
        // No name has these; a pattern or a reference may, and finds nothing.
        literal(wire, octets);
    } else {
        // RFC 9051 §9: `quoted` may hold UTF-8 there.
        quoted(wire, octets);
    }
}

/// `items` with spaces between.
pub(crate) fn spaced<W: Wire, T>(
    wire: &mut W,
    items: impl IntoIterator<Item = T>,
    mut print: impl FnMut(&mut W, T),
) {
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            wire.put(b" ");
        }
        print(wire, item);
    }
}

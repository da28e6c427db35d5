//! What becomes of a CR or LF that stands alone in a message.
//!
//! RFC 5321 §2.3.8: they must not be sent. Servers that took `LF . LF` or `LF . CR LF` for the end of
//! a message, next to servers that relayed it as text, made "SMTP smuggling" possible. So:
//!
//! 1. A bare CR or LF never ends a message, on no listener, whoever sends it.
//! 2. A bare LF ends a line of the text: it becomes CRLF. Of two dots after it, one was added by a
//!    client that ends lines so, and goes; a single one is text, and stays.
//! 3. A bare CR does not end a line: it becomes a space.
//! 4. So nothing we store or pass on has one, and nobody behind us can be fooled with our help.
//!
//! This is what Postfix 3.9 does by default (`smtpd_forbid_bare_newline = normalize` and
//! `cleanup_replace_stray_cr_lf = yes`). Scripts and old devices that send LF keep working, which is
//! why the rule is the same on every listener. A server that must not alter what it takes sets
//! [`crate::session::BareNewlines::Refuse`] and answers 550 5.6.11 at the end of such a message, as
//! Exchange does. Our client applies the same rule to what it sends.

use bytes::{BufMut, Bytes, BytesMut};

/// Whether a message came with a bare CR or LF.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purity {
    /// Every line ended with CRLF.
    #[default]
    Pure,
    /// At least one bare CR or LF was replaced.
    Replaced,
}

/// A filter that makes every line end CRLF, whatever the chunks are.
#[derive(Debug, Default)]
pub struct Newlines {
    purity: Purity,
    /// The last octet was a CR, which is not yet known to be bare.
    after_cr: bool,
}

impl Newlines {
    /// The next octets, filtered. A CR at their end is kept back until the next call.
    pub fn push(&mut self, octets: &[u8]) -> Bytes {
        let mut out = BytesMut::with_capacity(octets.len() + octets.len() / 16 + 2);
        self.push_to(octets, &mut out);
        out.freeze()
    }

    /// The same, appended to `out`.
    pub fn push_to(&mut self, mut octets: &[u8], out: &mut BytesMut) {
        while !octets.is_empty() {
            if self.after_cr {
                self.after_cr = false;
                if let Some(rest) = octets.strip_prefix(b"\n") {
                    out.extend_from_slice(b"\r\n");
                    octets = rest;
                } else {
                    self.purity = Purity::Replaced;
                    out.put_u8(b' ');
                }
                continue;
            }
            let end = memchr::memchr2(b'\r', b'\n', octets).unwrap_or(octets.len());
            let (text, rest) = octets.split_at(end);
            out.extend_from_slice(text);
            octets = match rest.split_first() {
                Some((b'\r', rest)) => {
                    self.after_cr = true;
                    rest
                }
                Some((_, rest)) => {
                    self.purity = Purity::Replaced;
                    out.extend_from_slice(b"\r\n");
                    rest
                }
                None => rest,
            };
        }
    }

    /// What was kept back, when nothing follows.
    pub fn finish(&mut self) -> Bytes {
        match std::mem::take(&mut self.after_cr) {
            true => {
                self.purity = Purity::Replaced;
                Bytes::from_static(b" ")
            }
            false => Bytes::new(),
        }
    }

    /// Whether anything was replaced so far.
    #[must_use]
    pub fn purity(&self) -> Purity {
        self.purity
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole(input: &[u8]) -> (Vec<u8>, Purity) {
        let mut newlines = Newlines::default();
        let mut out = newlines.push(input).to_vec();
        out.extend_from_slice(&newlines.finish());
        (out, newlines.purity())
    }

    #[test]
    fn bare_ones_are_replaced() {
        for (input, output, purity) in [
            ("a\r\nb\r\n", "a\r\nb\r\n", Purity::Pure),
            ("a\nb", "a\r\nb", Purity::Replaced),
            ("a\rb", "a b", Purity::Replaced),
            ("a\r\r\n", "a \r\n", Purity::Replaced),
            ("a\n\r", "a\r\n ", Purity::Replaced),
            ("\r\n\r\n", "\r\n\r\n", Purity::Pure),
            ("", "", Purity::Pure),
        ] {
            assert_eq!(
                whole(input.as_bytes()),
                (output.into(), purity),
                "{input:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_split_makes_a_difference(input in "[a.\r\n]{0,40}", cuts in any::<Vec<u8>>()) {
            let mut newlines = Newlines::default();
            let mut out = Vec::new();
            let mut rest = input.as_bytes();
            for cut in cuts {
                let (chunk, later) = rest.split_at(usize::from(cut).min(rest.len()));
                out.extend_from_slice(&newlines.push(chunk));
                rest = later;
            }
            out.extend_from_slice(&newlines.push(rest));
            out.extend_from_slice(&newlines.finish());
            prop_assert_eq!((&out, newlines.purity()), (&whole(input.as_bytes()).0, whole(input.as_bytes()).1));
            let text = String::from_utf8(out).unwrap().replace("\r\n", "");
            prop_assert!(!text.contains(['\r', '\n']));
        }
    }
}

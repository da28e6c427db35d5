//! Messages as multi-line responses (RFC 1939 §3): every line ends CRLF, and one that begins with a dot
//! gets another.
//!
//! A stored message keeps its octets as they came. Where one has a bare LF, it goes out as CRLF, since
//! clients read lines by LF and would take `LF . CRLF` for the end of the response.

use bytes::{BufMut, BytesMut};

/// Writes one message, in any pieces.
#[derive(Debug)]
pub struct Writer {
    at: At,
    part: Part,
}

/// What the last octet written was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    LineStart,
    /// A CR at a line's start.
    StartCr,
    Text,
    /// A CR after text.
    Cr,
}

/// Which part of the message, and how much of it is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// All of it is wanted, so nobody counts.
    Whole,
    /// In the header section; this many lines of the body follow.
    Header { lines: u64 },
    /// In the body; this many lines are left.
    Body { lines: u64 },
}

/// Whether the writer wants more of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    /// Yes.
    More,
    /// No: all lines that were asked for are out.
    Nothing,
}

impl Writer {
    /// A writer of whole messages (RETR).
    #[must_use]
    pub fn whole() -> Self {
        Self::of(Part::Whole)
    }

    /// A writer of the header section and `lines` lines of the body (TOP).
    #[must_use]
    pub fn top(lines: u64) -> Self {
        Self::of(Part::Header { lines })
    }

    fn of(part: Part) -> Self {
        Self {
            at: At::LineStart,
            part,
        }
    }

    /// Appends the next octets of the message to `out`, as far as they are wanted.
    pub fn push(&mut self, octets: &[u8], out: &mut BytesMut) -> Wants {
        for line in octets.split_inclusive(|&octet| octet == b'\n') {
            if self.part == (Part::Body { lines: 0 }) {
                return Wants::Nothing;
            }
            self.line(line, out);
        }
        match self.part {
            Part::Body { lines: 0 } => Wants::Nothing,
            Part::Whole | Part::Header { .. } | Part::Body { .. } => Wants::More,
        }
    }

    /// A line, or a piece of one.
    fn line(&mut self, piece: &[u8], out: &mut BytesMut) {
        if self.at == At::LineStart && piece.starts_with(b".") {
            out.put_u8(b'.');
        }
        let Some(text) = piece.strip_suffix(b"\n") else {
            out.extend_from_slice(piece);
            self.at = match (self.at, piece) {
                (At::LineStart, b"\r") => At::StartCr,
                _ if piece.ends_with(b"\r") => At::Cr,
                _ => At::Text,
            };
            return;
        };
        let is_crlf = match self.at {
            At::StartCr | At::Cr if text.is_empty() => true,
            _ => text.ends_with(b"\r"),
        };
        let is_empty = matches!(
            (self.at, text),
            (At::LineStart, b"" | b"\r") | (At::StartCr, b"")
        );
        out.extend_from_slice(text);
        out.extend_from_slice(if is_crlf { b"\n" } else { b"\r\n" });
        self.at = At::LineStart;
        self.count(is_empty);
    }

    fn count(&mut self, is_empty: bool) {
        self.part = match self.part {
            Part::Header { lines } if is_empty => Part::Body { lines },
            Part::Body { lines } => Part::Body {
                lines: lines.saturating_sub(1),
            },
            part => part,
        };
    }

    /// Appends the end of the response to `out`.
    pub fn finish(&mut self, out: &mut BytesMut) {
        match self.at {
            At::LineStart => {}
            At::Text => out.extend_from_slice(b"\r\n"),
            At::StartCr | At::Cr => out.extend_from_slice(b"\n"),
        }
        self.at = At::LineStart;
        out.extend_from_slice(b".\r\n");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn write(mut writer: Writer, pieces: &[&[u8]]) -> String {
        let mut out = BytesMut::new();
        for piece in pieces {
            // What was written may be sent, and gone, at any time.
            if writer.push(piece, &mut out) == Wants::Nothing {
                break;
            }
        }
        writer.finish(&mut out);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn messages_are_stuffed_and_ended() {
        for (message, response) in [
            ("", ".\r\n"),
            ("a\r\n", "a\r\n.\r\n"),
            ("a", "a\r\n.\r\n"),
            ("a\r", "a\r\n.\r\n"),
            (".", "..\r\n.\r\n"),
            ("a\r\n.\r\n..b\r\n", "a\r\n..\r\n...b\r\n.\r\n"),
            ("a\n.\nb\n", "a\r\n..\r\nb\r\n.\r\n"),
            ("a\r.\r\n", "a\r.\r\n.\r\n"),
        ] {
            assert_eq!(
                write(Writer::whole(), &[message.as_bytes()]),
                response,
                "{message:?}"
            );
        }
    }

    #[test]
    fn top_counts_body_lines() {
        let message = b"A: b\r\nC: d\r\n\r\none\r\n\r\nthree\r\n";
        for (lines, response) in [
            (0, "A: b\r\nC: d\r\n\r\n.\r\n"),
            (1, "A: b\r\nC: d\r\n\r\none\r\n.\r\n"),
            (2, "A: b\r\nC: d\r\n\r\none\r\n\r\n.\r\n"),
            (9, "A: b\r\nC: d\r\n\r\none\r\n\r\nthree\r\n.\r\n"),
        ] {
            assert_eq!(write(Writer::top(lines), &[message]), response, "{lines}");
        }
        assert_eq!(write(Writer::top(5), &[b"A: b"]), "A: b\r\n.\r\n");
    }

    proptest! {
        #[test]
        fn no_split_makes_a_difference(
            message in "[a.\r\n]{0,40}",
            lines in proptest::option::of(0u64..5),
            cuts in any::<Vec<u8>>(),
        ) {
            let writer = || lines.map_or_else(Writer::whole, Writer::top);
            let (mut pieces, mut rest) = (Vec::new(), message.as_bytes());
            for cut in cuts {
                let (piece, later) = rest.split_at(usize::from(cut % 8).min(rest.len()));
                pieces.push(piece);
                rest = later;
            }
            pieces.push(rest);
            let response = write(writer(), &pieces);
            prop_assert_eq!(&response, &write(writer(), &[message.as_bytes()]));
            // Only the last line is a dot alone, to a reader of CRLF as to one of LF.
            let before_end = response.strip_suffix(".\r\n").unwrap();
            prop_assert!(!before_end.split('\n').any(|line| line == "." || line == ".\r"));
        }
    }
}

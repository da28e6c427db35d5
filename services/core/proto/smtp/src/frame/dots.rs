//! Transparency (RFC 5321 §4.5.2): the dots that keep a message apart from its end.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::newlines::{Newlines, Purity};

/// Reads the message of a DATA command: removes the added dots and finds the end, in any chunks.
#[derive(Debug, Default)]
pub struct Unstuffer {
    state: State,
    purity: Purity,
    done: bool,
}

/// What the octets before say about the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// They were CRLF (that of the DATA command, at first).
    #[default]
    LineStart,
    /// CRLF and a dot, which is kept back.
    Dot,
    /// CRLF, a dot and CR.
    DotCr,
    /// They were a bare LF.
    BareStart,
    /// A bare LF and a dot, which is kept back.
    BareDot,
    /// Text.
    Text,
    /// Text and CR.
    Cr,
}

/// Whether the message is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// More is to come.
    Open,
    /// CRLF.CRLF was read; what is left of the input are commands.
    Reached(Purity),
}

impl Unstuffer {
    /// Takes message octets off the front of `input` up to the message's end, if it is there.
    pub fn push(&mut self, input: &mut BytesMut) -> (Bytes, End) {
        let mut out = BytesMut::with_capacity(input.len() + input.len() / 16);
        while !self.done && !input.is_empty() {
            self.step(input, &mut out);
        }
        match self.done {
            true => (out.freeze(), End::Reached(self.purity)),
            false => (out.freeze(), End::Open),
        }
    }

    /// One run of text, or one octet that matters.
    fn step(&mut self, input: &mut BytesMut, out: &mut BytesMut) {
        if self.state == State::Text {
            let run = memchr::memchr2(b'\r', b'\n', input).unwrap_or(input.len());
            out.extend_from_slice(input.get(..run).unwrap_or_default());
            input.advance(run);
        }
        if !input.has_remaining() {
            return;
        }
        let octet = input.get_u8();
        self.state = match (self.state, octet) {
            (State::LineStart, b'.') => State::Dot,
            (State::Dot, b'\r') => State::DotCr,
            (State::DotCr, b'\n') => {
                self.done = true;
                State::LineStart
            }
            // The dot was an added one, and its line goes on: with a CR that turned out bare.
            (State::DotCr, _) => {
                self.bare_cr(out);
                self.text(octet, out)
            }
            // A client that ends lines with LF adds its dots after LF, too; so of two, one is added.
            // A single one is text: it came from a client that adds dots after CRLF only.
            (State::BareStart, b'.') => State::BareDot,
            (State::BareDot, b'.') => self.text(octet, out),
            (State::BareDot, _) => {
                out.put_u8(b'.');
                self.text(octet, out)
            }
            (State::Cr, b'\n') => {
                out.extend_from_slice(b"\r\n");
                State::LineStart
            }
            (State::Cr, _) => {
                self.bare_cr(out);
                self.text(octet, out)
            }
            (State::LineStart | State::BareStart | State::Dot | State::Text, _) => {
                self.text(octet, out)
            }
        };
    }

    fn text(&mut self, octet: u8, out: &mut BytesMut) -> State {
        match octet {
            b'\r' => State::Cr,
            b'\n' => {
                self.purity = Purity::Replaced;
                out.extend_from_slice(b"\r\n");
                State::BareStart
            }
            _ => {
                out.put_u8(octet);
                State::Text
            }
        }
    }

    fn bare_cr(&mut self, out: &mut BytesMut) {
        self.purity = Purity::Replaced;
        out.put_u8(b' ');
    }
}

/// Writes the message of a DATA command: adds the dots and the end, in any chunks.
#[derive(Debug)]
pub struct Stuffer {
    newlines: Newlines,
    state: Written,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    LineStart,
    Text,
}

impl Default for Stuffer {
    fn default() -> Self {
        Self {
            newlines: Newlines::default(),
            state: Written::LineStart,
        }
    }
}

impl Stuffer {
    /// Appends the next octets of the message to `out`.
    pub fn push(&mut self, octets: &[u8], out: &mut BytesMut) {
        let clean = self.newlines.push(octets);
        self.stuff(&clean, out);
    }

    /// Appends the end of the message to `out`.
    pub fn finish(&mut self, out: &mut BytesMut) {
        let kept = self.newlines.finish();
        self.stuff(&kept, out);
        if self.state == Written::Text {
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b".\r\n");
    }

    fn stuff(&mut self, clean: &[u8], out: &mut BytesMut) {
        for line in clean.split_inclusive(|&octet| octet == b'\n') {
            if self.state == Written::LineStart && line.starts_with(b".") {
                out.put_u8(b'.');
            }
            out.extend_from_slice(line);
            self.state = match line.ends_with(b"\n") {
                true => Written::LineStart,
                false => Written::Text,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The message, what follows it, and its purity; `None` when the end was not found.
    fn read(wire: &[u8]) -> Option<(String, String, Purity)> {
        let mut input = BytesMut::from(wire);
        let (content, end) = Unstuffer::default().push(&mut input);
        match end {
            End::Open => None,
            End::Reached(purity) => Some((
                String::from_utf8(content.to_vec()).unwrap(),
                String::from_utf8(input.to_vec()).unwrap(),
                purity,
            )),
        }
    }

    #[test]
    fn dots_are_removed_exactly() {
        for (wire, message) in [
            (".\r\n", ""),
            ("a\r\n.\r\n", "a\r\n"),
            ("..\r\n.\r\n", ".\r\n"),
            ("...\r\n.\r\n", "..\r\n"),
            (".a\r\n.\r\n", "a\r\n"),
            ("a.\r\n.\r\n", "a.\r\n"),
            ("\r\n\r\n.\r\n", "\r\n\r\n"),
            ("a\r\n..\r\n..b\r\n.\r\n", "a\r\n.\r\n.b\r\n"),
        ] {
            let expected = (message.to_owned(), String::new(), Purity::Pure);
            assert_eq!(read(wire.as_bytes()), Some(expected), "{wire:?}");
        }
    }

    #[test]
    fn dots_after_a_bare_newline_are_text_or_added_in_pairs() {
        for (wire, message) in [
            ("a\n.b\n.\nc\r\n.\r\n", "a\r\n.b\r\n.\r\nc\r\n"),
            ("a\n..b\n..\nc\r\n.\r\n", "a\r\n.b\r\n.\r\nc\r\n"),
            ("a\n...\n\r\n.\r\n", "a\r\n..\r\n\r\n"),
        ] {
            let expected = (message.to_owned(), String::new(), Purity::Replaced);
            assert_eq!(read(wire.as_bytes()), Some(expected), "{wire:?}");
        }
    }

    /// Every mix of CR and LF before, and CR, LF and nothing after a dot: only one of them is an end.
    #[test]
    fn nothing_else_ends_a_message() {
        let ends = [
            "", "\r", "\n", "\r\n", "\n\r", "\r\r\n", "\r\n\n", "\r\r", "\n\n", "\0\r\n", " \r\n",
        ];
        for before in ends {
            for after in ends {
                let wire = format!("a{before}.{after}MAIL FROM:<b@x.test>\r\n.\r\nQUIT\r\n");
                let (message, rest, purity) = read(wire.as_bytes()).unwrap();
                let ended_early = before.ends_with("\r\n") && after.starts_with("\r\n");
                assert_eq!(rest != "QUIT\r\n", ended_early, "{wire:?}");
                assert_eq!(message.contains("MAIL FROM"), !ended_early, "{wire:?}");
                let bare = message.replace("\r\n", "").contains(['\r', '\n']);
                assert!(!bare, "{wire:?} became {message:?}");
                let pure = wire.replace("\r\n", "");
                if !ended_early {
                    assert_eq!(
                        purity == Purity::Pure,
                        !pure.contains(['\r', '\n']),
                        "{wire:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_looks_like_an_end_stays_text_and_goes_out_stuffed() {
        let (message, _, _) = read(b"a\n.\r\nMAIL FROM:<b@x.test>\r\n.\r\n").unwrap();
        assert_eq!(message, "a\r\n.\r\nMAIL FROM:<b@x.test>\r\n");
        let mut out = BytesMut::new();
        let mut stuffer = Stuffer::default();
        stuffer.push(message.as_bytes(), &mut out);
        stuffer.finish(&mut out);
        assert_eq!(&out[..], b"a\r\n..\r\nMAIL FROM:<b@x.test>\r\n.\r\n");
    }

    fn split_read(wire: &[u8], cuts: &[u8]) -> (Vec<u8>, Vec<u8>, End) {
        let mut unstuffer = Unstuffer::default();
        let (mut message, mut rest, mut input) = (Vec::new(), wire, BytesMut::new());
        let mut end = End::Open;
        for cut in cuts.iter().copied().chain([255]) {
            let (chunk, later) = rest.split_at(usize::from(cut).min(rest.len()));
            rest = later;
            input.extend_from_slice(chunk);
            if end == End::Open {
                let (content, reached) = unstuffer.push(&mut input);
                message.extend_from_slice(&content);
                end = reached;
            }
        }
        input.extend_from_slice(rest);
        (message, input.to_vec(), end)
    }

    proptest! {
        #[test]
        fn no_split_makes_a_difference(wire in "[a.\r\n]{0,60}", cuts in any::<Vec<u8>>()) {
            prop_assert_eq!(
                split_read(wire.as_bytes(), &cuts),
                split_read(wire.as_bytes(), &[255])
            );
        }

        #[test]
        fn what_is_stuffed_is_read_back(
            lines in proptest::collection::vec("[a. ]{0,6}", 0..8),
            cuts in any::<Vec<u8>>(),
        ) {
            let message: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
            let (mut out, mut stuffer) = (BytesMut::new(), Stuffer::default());
            let mut rest = message.as_bytes();
            for cut in cuts {
                let (chunk, later) = rest.split_at(usize::from(cut).min(rest.len()));
                stuffer.push(chunk, &mut out);
                rest = later;
            }
            stuffer.push(rest, &mut out);
            stuffer.finish(&mut out);
            prop_assert_eq!(read(&out), Some((message, String::new(), Purity::Pure)));
        }
    }
}

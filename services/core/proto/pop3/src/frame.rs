//! Bytes into lines. The only code that buffers input.

use bytes::{Buf, Bytes, BytesMut};

use crate::limits::LINE_MAX;

/// One line of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// Without its line end. RFC 1939 §3 wants CRLF; a bare LF is taken too, as nothing in this
    /// protocol could be smuggled with one: clients send no messages.
    Line(Bytes),
    /// Over [`LINE_MAX`]; it was skipped.
    TooLong,
}

/// Where the next line begins.
#[derive(Debug, Default)]
pub(crate) struct Framer {
    /// How much of the input has no LF; it is not searched twice.
    searched: usize,
    skipping: bool,
}

impl Framer {
    /// Takes one line off the front of `input`, or nothing when there is not yet one.
    pub(crate) fn next(&mut self, input: &mut BytesMut) -> Option<Frame> {
        let unseen = input.get(self.searched..).unwrap_or_default();
        let Some(at) = memchr::memchr(b'\n', unseen) else {
            self.searched = input.len();
            if input.len() >= LINE_MAX || self.skipping {
                self.skipping = true;
                self.searched = 0;
                input.clear();
            }
            return None;
        };
        let end = std::mem::take(&mut self.searched) + at;
        let mut line = input.split_to(end).freeze();
        input.advance(1);
        if std::mem::take(&mut self.skipping) || line.len() >= LINE_MAX {
            return Some(Frame::TooLong);
        }
        if line.last() == Some(&b'\r') {
            line.truncate(line.len() - 1);
        }
        Some(Frame::Line(line))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frames(chunks: &[&[u8]]) -> Vec<Frame> {
        let (mut framer, mut input, mut frames) = (Framer::default(), BytesMut::new(), Vec::new());
        for chunk in chunks {
            input.extend_from_slice(chunk);
            while let Some(frame) = framer.next(&mut input) {
                frames.push(frame);
            }
        }
        frames
    }

    #[test]
    fn a_long_line_is_skipped_exactly() {
        let long = vec![b'x'; LINE_MAX + 1];
        let line = Frame::Line(Bytes::from_static(b"NOOP"));
        assert_eq!(
            frames(&[&long, b"x\r\nNOOP\r\n"]),
            [Frame::TooLong, line.clone()]
        );
        assert_eq!(frames(&[&long, &long, b"\nNOOP\n"]), [Frame::TooLong, line]);
    }

    proptest! {
        #[test]
        fn no_split_makes_a_difference(input in "[ab\r\n]{0,40}", cut in 0usize..40) {
            let (first, second) = input.as_bytes().split_at(cut.min(input.len()));
            prop_assert_eq!(frames(&[first, second]), frames(&[input.as_bytes()]));
        }
    }
}

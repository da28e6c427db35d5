//! Octets of a stream → lines (RFC 6587, RFC 5425 §4.3).
//!
//! Each message says itself how it is framed: one that begins with a digit other than 0, and has a
//! space and `<` after its digits, is counted; every other ends with a line feed.

/// The most digits of a count: a message of 9,999,999 octets is nobody's.
const DIGITS_MAX: usize = 7;

/// Cuts one stream.
#[derive(Debug)]
pub struct Framer {
    line_max: usize,
    skipping: Skipping,
}

/// What is left of a line whose beginning was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Skipping {
    Nothing,
    Octets(usize),
    ToLineFeed,
}

/// A line that was taken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken<'a> {
    /// The line, without its frame.
    pub line: &'a [u8],
    /// Whether it was longer than allowed: this is its beginning.
    pub is_cut: bool,
}

impl Framer {
    /// Lines longer than `line_max` are cut there, and their rest is dropped.
    #[must_use]
    pub const fn new(line_max: usize) -> Self {
        Self {
            line_max,
            skipping: Skipping::Nothing,
        }
    }

    /// Whether no line is half taken.
    #[must_use]
    pub fn is_between_lines(&self) -> bool {
        self.skipping == Skipping::Nothing
    }

    /// Takes a line off the front of `octets`: how many octets are done with, and the line if there
    /// is one. Neither means that more octets must come first; then at most `line_max` and a count
    /// are there.
    pub fn take<'a>(&mut self, octets: &'a [u8]) -> (usize, Option<Taken<'a>>) {
        match self.skipping {
            Skipping::Nothing => self.begin(octets),
            Skipping::Octets(left) => {
                let done = left.min(octets.len());
                self.skipping = match left - done {
                    0 => Skipping::Nothing,
                    left => Skipping::Octets(left),
                };
                (done, None)
            }
            Skipping::ToLineFeed => match memchr::memchr(b'\n', octets) {
                Some(end) => {
                    self.skipping = Skipping::Nothing;
                    (end + 1, None)
                }
                None => (octets.len(), None),
            },
        }
    }

    /// What an orderly end of the stream leaves: a last line that no line feed ended.
    #[must_use]
    pub fn last<'a>(&self, octets: &'a [u8]) -> Option<Taken<'a>> {
        let is_counted = matches!(count(octets), Count::Is { .. });
        let is_line = self.is_between_lines() && !is_counted;
        taken(octets, false).filter(|_| is_line)
    }

    fn begin<'a>(&mut self, octets: &'a [u8]) -> (usize, Option<Taken<'a>>) {
        match count(octets) {
            Count::Unclear => (0, None),
            Count::Is { digits, length } => self.counted(octets, digits + 1, length),
            Count::No => self.ended(octets),
        }
    }

    fn counted<'a>(
        &mut self,
        octets: &'a [u8],
        head: usize,
        length: usize,
    ) -> (usize, Option<Taken<'a>>) {
        let kept = length.min(self.line_max);
        let Some(line) = octets.get(head..head + kept) else {
            return (0, None);
        };
        if length > kept {
            self.skipping = Skipping::Octets(length - kept);
        }
        (head + kept, taken(line, length > kept))
    }

    fn ended<'a>(&mut self, octets: &'a [u8]) -> (usize, Option<Taken<'a>>) {
        // One more than allowed, for the line feed itself.
        let reach = octets.get(..=self.line_max).unwrap_or(octets);
        match memchr::memchr(b'\n', reach) {
            Some(end) => (
                end + 1,
                octets.get(..end).and_then(|line| taken(line, false)),
            ),
            None if octets.len() > self.line_max => {
                self.skipping = Skipping::ToLineFeed;
                let line = octets.get(..self.line_max).unwrap_or(octets);
                (self.line_max, taken(line, true))
            }
            None => (0, None),
        }
    }
}

/// A line without what some senders add to its end; none if nothing is left.
fn taken(line: &[u8], is_cut: bool) -> Option<Taken<'_>> {
    let mut line = line;
    while let [rest @ .., b'\n' | b'\r' | 0] = line {
        line = rest;
    }
    (!line.is_empty()).then_some(Taken { line, is_cut })
}

/// Whether a message begins with its length.
enum Count {
    Is { digits: usize, length: usize },
    No,
    Unclear,
}

fn count(octets: &[u8]) -> Count {
    let mut length = 0;
    let mut digits = 0;
    loop {
        match octets.get(digits) {
            None if digits == 0 => return Count::Unclear,
            Some(b'0') if digits == 0 => return Count::No,
            Some(digit @ b'0'..=b'9') if digits < DIGITS_MAX => {
                length = length * 10 + usize::from(digit - b'0');
                digits += 1;
            }
            Some(b' ') if digits > 0 => break,
            None => return Count::Unclear,
            Some(_) => return Count::No,
        }
    }
    match octets.get(digits + 1) {
        Some(b'<') => Count::Is { digits, length },
        Some(_) => Count::No,
        None => Count::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Everything that comes out of octets that arrive in such pieces.
    fn cut(line_max: usize, octets: &[u8], piece: usize) -> Vec<(String, bool)> {
        let mut framer = Framer::new(line_max);
        let mut buffer = Vec::new();
        let mut lines = Vec::new();
        for piece in octets.chunks(piece) {
            buffer.extend_from_slice(piece);
            loop {
                let (done, taken) = framer.take(&buffer);
                lines.extend(taken.map(shown));
                if done == 0 {
                    break;
                }
                buffer.drain(..done);
            }
            assert!(buffer.len() <= line_max + DIGITS_MAX + 1);
        }
        lines.extend(framer.last(&buffer).map(shown));
        lines
    }

    fn shown(taken: Taken<'_>) -> (String, bool) {
        (
            String::from_utf8_lossy(taken.line).into_owned(),
            taken.is_cut,
        )
    }

    #[track_caller]
    fn check(octets: &[u8], expected: &[(&str, bool)]) {
        for piece in [1, 2, 3, 7, 1000] {
            let lines = cut(10, octets, piece);
            let lines: Vec<_> = lines
                .iter()
                .map(|(line, cut)| (line.as_str(), *cut))
                .collect();
            assert_eq!(lines, expected, "in pieces of {piece}");
        }
    }

    #[test]
    fn both_framings_may_alternate() {
        check(
            b"5 <1>a\n<1>b\n4 <1>c6 <1>d\r\n<1>e",
            &[
                ("<1>a", false),
                ("<1>b", false),
                ("<1>c", false),
                ("<1>d", false),
                ("<1>e", false),
            ],
        );
    }

    #[test]
    fn a_line_that_begins_with_a_number_is_a_line() {
        check(
            b"12 apples\n007\n3\n12345678 <\n",
            &[
                ("12 apples", false),
                ("007", false),
                ("3", false),
                ("12345678 <", false),
            ],
        );
    }

    #[test]
    fn a_long_line_is_cut_and_the_next_is_whole() {
        check(
            b"<1>0123456789\n<1>b\n14 <1>01234567\n90<1>c\n",
            &[
                ("<1>0123456", true),
                ("<1>b", false),
                ("<1>0123456", true),
                ("<1>c", false),
            ],
        );
        check(
            b"<1>0123456\n<1>b\n",
            &[("<1>0123456", false), ("<1>b", false)],
        );
    }

    #[test]
    fn a_counted_message_that_is_not_whole_is_none() {
        check(b"4 <1>a9 <1>b", &[("<1>a", false)]);
    }

    proptest! {
        #[test]
        fn any_octets_in_any_pieces_give_the_same_lines(
            octets in prop::collection::vec(
                prop_oneof![Just(b'\n'), Just(b'<'), Just(b' '), Just(b'3'), any::<u8>()], 0..200),
            piece in 1_usize..20,
        ) {
            prop_assert_eq!(cut(10, &octets, piece), cut(10, &octets, 1000));
        }
    }
}

//! Bytes into frames: command lines, and the octets of messages by DATA or BDAT. The only code that
//! knows where one ends and the next begins.
//!
//! A line that is too long or badly ended is skipped exactly, so that what follows it is read as what
//! it is. **Only CRLF.CRLF ends DATA**; see [`newlines`] for what becomes of a bare CR or LF.

pub mod dots;
pub mod newlines;

use bytes::{Buf, Bytes, BytesMut};

use crate::limits::LINE_MAX;
use dots::{End, Unstuffer};
use newlines::{Newlines, Purity};

/// One whole thing that a client sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A line, without its CRLF.
    Line(Bytes),
    /// A line that ended with a bare LF; it was skipped.
    BareLine,
    /// A line over [`LINE_MAX`]; it was skipped.
    LongLine,
    /// Octets of the message, dots removed and line ends made CRLF.
    Content(Bytes),
    /// The message's end by DATA, or a chunk's by BDAT.
    End(Purity),
}

/// Where the next frame begins.
#[derive(Debug)]
pub struct Framer {
    mode: Mode,
    /// How much of the input has no LF; it is not searched twice.
    searched: usize,
}

#[derive(Debug)]
enum Mode {
    Lines,
    /// The rest of a line that is too long.
    Skip,
    Data(Unstuffer),
    Chunk {
        left: u64,
        filter: Filter,
    },
}

/// What happens to the octets of a BDAT chunk.
#[derive(Debug)]
pub(crate) enum Filter {
    /// BINARYMIME: nothing.
    Exact,
    /// Line ends are made CRLF; the state goes on from chunk to chunk.
    Newlines(Newlines),
    /// They belong to no message.
    Discard,
}

impl Default for Framer {
    fn default() -> Self {
        Self {
            mode: Mode::Lines,
            searched: 0,
        }
    }
}

impl Framer {
    /// Makes what follows the message of a DATA command.
    pub(crate) fn data(&mut self) {
        self.mode = Mode::Data(Unstuffer::default());
    }

    /// Makes what follows a BDAT chunk of `size` octets.
    pub(crate) fn chunk(&mut self, size: u64, filter: Filter) {
        self.mode = Mode::Chunk { left: size, filter };
    }

    /// Takes one frame off the front of `input`, or nothing when there is not yet one.
    pub(crate) fn next(&mut self, input: &mut BytesMut) -> Option<Frame> {
        match &mut self.mode {
            Mode::Lines => self.line(input),
            Mode::Skip => self.skip(input),
            Mode::Data(unstuffer) => {
                let (content, end) = unstuffer.push(input);
                match end {
                    _ if !content.is_empty() => Some(Frame::Content(content)),
                    End::Open => None,
                    End::Reached(purity) => {
                        self.mode = Mode::Lines;
                        Some(Frame::End(purity))
                    }
                }
            }
            Mode::Chunk { .. } => self.content(input),
        }
    }

    fn line(&mut self, input: &mut BytesMut) -> Option<Frame> {
        let unseen = input.get(self.searched..).unwrap_or_default();
        let Some(at) = memchr::memchr(b'\n', unseen) else {
            self.searched = input.len();
            if input.len() >= LINE_MAX {
                self.mode = Mode::Skip;
                return self.skip(input);
            }
            return None;
        };
        let mut line = input.split_to(self.searched + at + 1).freeze();
        self.searched = 0;
        if line.len() > LINE_MAX {
            return Some(Frame::LongLine);
        }
        line.truncate(line.len() - 1);
        if line.last() != Some(&b'\r') {
            return Some(Frame::BareLine);
        }
        line.truncate(line.len() - 1);
        Some(Frame::Line(line))
    }

    fn skip(&mut self, input: &mut BytesMut) -> Option<Frame> {
        self.searched = 0;
        let Some(at) = memchr::memchr(b'\n', input) else {
            input.clear();
            return None;
        };
        input.advance(at + 1);
        self.mode = Mode::Lines;
        Some(Frame::LongLine)
    }

    fn content(&mut self, input: &mut BytesMut) -> Option<Frame> {
        let Mode::Chunk { left, filter } = &mut self.mode else {
            return None;
        };
        if *left == 0 {
            let purity = match filter {
                Filter::Newlines(newlines) => newlines.purity(),
                Filter::Exact | Filter::Discard => Purity::Pure,
            };
            return Some(Frame::End(purity));
        }
        if input.is_empty() {
            return None;
        }
        let here = usize::try_from(*left).map_or(input.len(), |left| left.min(input.len()));
        *left -= here as u64;
        let octets = input.split_to(here);
        let content = match filter {
            Filter::Exact => octets.freeze(),
            Filter::Newlines(newlines) => newlines.push(&octets),
            Filter::Discard => Bytes::new(),
        };
        match content.is_empty() {
            true => self.content(input),
            false => Some(Frame::Content(content)),
        }
    }

    /// Makes what follows lines again, after the end of a chunk; gives back the chunk's filter.
    pub(crate) fn lines(&mut self) -> Option<Filter> {
        match std::mem::replace(&mut self.mode, Mode::Lines) {
            Mode::Chunk { filter, .. } => Some(filter),
            Mode::Lines | Mode::Skip | Mode::Data(_) => None,
        }
    }
}

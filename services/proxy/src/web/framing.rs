//! Whether what a client sends over HTTP/1.1 can be read in one way only.
//!
//! A request whose end two servers see at different places carries a second one past the first
//! (request smuggling). What could be read in two ways is refused here, octet for octet, before the
//! server sees it: both lengths at once, lengths given twice, folded headers, lines that end in a bare
//! LF, blanks before a colon, chunks whose size is dressed up. RFC 9112 §6.3, §11.2.

use super::limits::{CHUNK_LINE_MAX, HEAD_MAX, TRAILER_MAX};

/// Follows one connection.
#[derive(Debug, Default)]
pub(super) struct Framing {
    state: State,
    /// The line that is not whole yet.
    line: Vec<u8>,
    head: Head,
    /// Octets of lines since the head or the trailer began.
    lines_octets: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    RequestLine,
    Header,
    Body(u64),
    ChunkSize,
    ChunkData(u64),
    ChunkEnd,
    Trailer,
}

/// What a head has said about its body.
#[derive(Debug, Default)]
struct Head {
    is_old: bool,
    length: Option<u64>,
    is_chunked: bool,
}

/// Something that may be read in two ways.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ambiguous {
    /// So many octets of what was looked at are not part of it.
    pub(super) before: usize,
}

impl Framing {
    /// Looks at what has come.
    pub(super) fn check(&mut self, octets: &[u8]) -> Result<(), Ambiguous> {
        let mut at = 0;
        while let Some(rest) = octets.get(at..).filter(|rest| !rest.is_empty()) {
            let available = rest.len() as u64;
            match self.state {
                State::Body(left) => {
                    let taken = left.min(available);
                    at += taken as usize;
                    self.state = match left - taken {
                        0 => State::RequestLine,
                        left => State::Body(left),
                    };
                }
                State::ChunkData(left) => {
                    let taken = left.min(available);
                    at += taken as usize;
                    self.state = match left - taken {
                        0 => State::ChunkEnd,
                        left => State::ChunkData(left),
                    };
                }
                _ => {
                    let end = rest.iter().position(|octet| *octet == b'\n');
                    let piece = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
                    let allowed = self.limit().saturating_sub(self.lines_octets);
                    let ambiguous = Ambiguous {
                        before: at + piece.len().min(allowed),
                    };
                    if piece.len() > allowed {
                        return Err(ambiguous);
                    }
                    self.lines_octets += piece.len() + usize::from(end.is_some());
                    if end.is_none() {
                        self.line.extend_from_slice(piece);
                        return Ok(());
                    }
                    let judged = if self.line.is_empty() {
                        self.judge(piece)
                    } else {
                        self.line.extend_from_slice(piece);
                        let line = std::mem::take(&mut self.line);
                        self.judge(&line)
                    };
                    // The LF itself is withheld: without it no line is complete.
                    self.state = judged.ok_or(ambiguous)?;
                    at += piece.len() + 1;
                }
            }
        }
        Ok(())
    }

    const fn limit(&self) -> usize {
        match self.state {
            State::RequestLine | State::Header => HEAD_MAX,
            State::Trailer => TRAILER_MAX,
            _ => CHUNK_LINE_MAX,
        }
    }

    /// What follows a line, which is without its LF; nothing where it must be refused.
    fn judge(&mut self, line: &[u8]) -> Option<State> {
        let line = line.strip_suffix(b"\r")?;
        if line.iter().any(|octet| matches!(octet, b'\r' | 0)) {
            return None;
        }
        match self.state {
            // RFC 9112 §2.2: an empty line before a request is nothing.
            State::RequestLine if line.is_empty() => Some(State::RequestLine),
            State::RequestLine => {
                self.head = Head {
                    is_old: line.ends_with(b" HTTP/1.0"),
                    ..Head::default()
                };
                Some(State::Header)
            }
            State::Header if line.is_empty() => Some(self.end_of_head()),
            State::Header => self.header(line).map(|()| State::Header),
            State::ChunkSize => self.chunk(line),
            State::ChunkEnd => {
                self.lines_octets = 0;
                line.is_empty().then_some(State::ChunkSize)
            }
            State::Trailer if line.is_empty() => {
                self.lines_octets = 0;
                Some(State::RequestLine)
            }
            State::Trailer => split(line).map(|_| State::Trailer),
            State::Body(_) | State::ChunkData(_) => None,
        }
    }

    fn header(&mut self, line: &[u8]) -> Option<()> {
        let (name, value) = split(line)?;
        let has_length = self.head.length.is_some() || self.head.is_chunked;
        if name.eq_ignore_ascii_case(b"content-length") {
            self.head.length = Some(decimal(value).filter(|_| !has_length)?);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            let plain = value.eq_ignore_ascii_case(b"chunked") && !self.head.is_old;
            self.head.is_chunked = (plain && !has_length).then_some(true)?;
        }
        Some(())
    }

    fn end_of_head(&mut self) -> State {
        self.lines_octets = 0;
        match (self.head.is_chunked, self.head.length) {
            (true, _) => State::ChunkSize,
            (false, None | Some(0)) => State::RequestLine,
            (false, Some(length)) => State::Body(length),
        }
    }

    /// RFC 9112 §7.1.1: extensions that are not known are ignored; what hides in long ones is not.
    fn chunk(&mut self, line: &[u8]) -> Option<State> {
        let digits = line.iter().take_while(|octet| octet.is_ascii_hexdigit());
        let (size, extension) = line.split_at_checked(digits.count())?;
        let fair = extension.is_empty() || extension.starts_with(b";");
        if !fair || extension.iter().any(u8::is_ascii_control) {
            return None;
        }
        let size = hexadecimal(size)?;
        self.lines_octets = 0;
        Some(match size {
            0 => State::Trailer,
            size => State::ChunkData(size),
        })
    }
}

/// A header's name and value; nothing for a folded line or a name with blanks.
fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|octet| *octet == b':')?;
    let (name, value) = line.split_at_checked(colon)?;
    let token = |octet: &u8| octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(octet);
    if name.is_empty() || !name.iter().all(token) {
        return None;
    }
    Some((name, value.get(1..)?.trim_ascii()))
}

fn decimal(text: &[u8]) -> Option<u64> {
    let plain = !text.is_empty() && text.len() <= 18 && text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text)
        .ok()
        .filter(|_| plain)?
        .parse()
        .ok()
}

fn hexadecimal(text: &[u8]) -> Option<u64> {
    let plain = !text.is_empty() && text.len() <= 15;
    let text = std::str::from_utf8(text).ok().filter(|_| plain)?;
    u64::from_str_radix(text, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whole, and octet by octet, the judgement is the same.
    #[track_caller]
    fn check(octets: &str) -> Option<usize> {
        let whole = Framing::default().check(octets.as_bytes());
        let mut framing = Framing::default();
        let singly = octets
            .as_bytes()
            .chunks(1)
            .enumerate()
            .find_map(|(at, one)| framing.check(one).err().map(|_| at));
        let before = whole.err().map(|ambiguous| ambiguous.before);
        assert_eq!(before, singly, "{octets:?}");
        before
    }

    #[test]
    fn what_is_plain_passes() {
        for octets in [
            "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "\r\nPOST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n\n\n\n\nGET / HTTP/1.0\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabc\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding:Chunked\r\n\r\n1;a=b\r\nx\r\n0\r\nT: v\r\n\r\n",
        ] {
            assert_eq!(check(octets), None, "{octets:?}");
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        let large = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(HEAD_MAX));
        for head in [
            "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 5, 5\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: +5\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 0x5\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length:\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n",
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding : chunked\r\n\r\n",
            "GET / HTTP/1.1\r\nX: a\r\n b: c\r\n\r\n",
            "GET / HTTP/1.1\nHost: a\n\n",
            "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\0\r\n\r\n",
            "GET / HTTP/1.1\r\n: a\r\n\r\n",
            large.as_str(),
        ] {
            assert!(check(head).is_some(), "{head:?}");
        }
    }

    #[test]
    fn chunks_are_what_they_seem() {
        let long = format!("4;{}\r\n", "x".repeat(CHUNK_LINE_MAX));
        let many = format!("0\r\n{}", "T: v\r\n".repeat(TRAILER_MAX));
        for chunk in [
            "4\nabcd\r\n",
            "0x4\r\nabcd\r\n",
            " 4\r\nabcd\r\n",
            "4 \r\nabcd\r\n",
            "\r\n",
            "FFFFFFFFFFFFFFFF1\r\n",
            "4\r\nabcdx\r\n",
            "4;a\nb\r\nabcd\r\n",
            "0\r\nT: v\n\r\n",
            "0\r\n folded\r\n\r\n",
            &long,
            &many,
        ] {
            let octets = format!("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}");
            assert!(check(&octets).is_some(), "{chunk:?}");
        }
    }
}

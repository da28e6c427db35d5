//! mbox files: messages after lines that begin with `From `.
//!
//! A message ends before an empty line and the next such line. Inside a message, writers quote lines
//! that begin with `From `: mboxo puts `>` before those, mboxrd before `>From ` too, so that only
//! mboxrd can be undone exactly.

use std::io::{self, BufRead, BufReader, Read};

use jiff::Timestamp;
use roost_mime::date::SentDate;
use roost_mime::header::Fields;

/// How lines that begin with `From ` are quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Quoting {
    /// `>From ` and `>>From ` lose one `>`.
    Mboxrd,
    /// Only `>From ` loses its `>`.
    Mboxo,
    /// Nothing is changed.
    None,
}

/// Where a message lies in its file, and what the file says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) flags: Vec<String>,
    pub(super) arrived: Option<Timestamp>,
}

/// Header lines that are kept of each message while scanning, for `Status` and `X-Status`.
const HEADER_KEPT_MAX: usize = 64 << 10;

/// Finds the messages of a file.
pub(super) fn scan(file: impl Read) -> io::Result<Vec<Found>> {
    let mut reader = BufReader::with_capacity(256 << 10, file);
    let mut found: Vec<Found> = Vec::new();
    let mut line = Vec::new();
    let mut offset: u64 = 0;
    // The length of the empty line just before, which belongs to the separator.
    let mut empty_before = Some(0);
    let mut header = Header::default();
    loop {
        let length = next_line(&mut reader, &mut line)?;
        if length == 0 {
            break;
        }
        if let Some(empty) = empty_before
            && line.starts_with(b"From ")
        {
            end_message(&mut found, offset - empty, &mut header);
            found.push(Found {
                start: offset + length,
                end: offset + length,
                flags: Vec::new(),
                arrived: arrived(&line),
            });
            empty_before = None;
        } else {
            let is_empty = matches!(line.as_slice(), b"\n" | b"\r\n");
            empty_before = is_empty.then_some(length);
            header.take(&line, is_empty);
        }
        offset += length;
    }
    let tail = empty_before.unwrap_or(0);
    end_message(&mut found, offset - tail, &mut header);
    Ok(found)
}

/// Reads a line, and keeps no more of it than could matter; its whole length, 0 at the end.
fn next_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<u64> {
    line.clear();
    let mut length = 0;
    loop {
        let available = reader.fill_buf()?;
        let end = available.iter().position(|octet| *octet == b'\n');
        let count = end.map_or(available.len(), |end| end + 1);
        let kept = count.min((HEADER_KEPT_MAX + 1).saturating_sub(line.len()));
        line.extend_from_slice(available.get(..kept).unwrap_or_default());
        let is_last = end.is_some() || count == 0;
        reader.consume(count);
        length += count as u64;
        if is_last {
            return Ok(length);
        }
    }
}

fn end_message(found: &mut [Found], end: u64, header: &mut Header) {
    if let Some(last) = found.last_mut() {
        last.end = end.max(last.start);
        last.flags = flags(&header.octets);
    }
    *header = Header::default();
}

/// The header of the message that is being passed.
#[derive(Default)]
struct Header {
    octets: Vec<u8>,
    over: bool,
}

impl Header {
    fn take(&mut self, line: &[u8], is_empty: bool) {
        self.over |= is_empty || self.octets.len() + line.len() > HEADER_KEPT_MAX;
        if !self.over {
            self.octets.extend_from_slice(line);
        }
    }
}

/// The date after the sender in `From sender Tue Nov 24 10:00:00 2026`.
fn arrived(from_line: &[u8]) -> Option<Timestamp> {
    let rest = from_line.strip_prefix(b"From ")?;
    let space = rest.iter().position(|byte| *byte == b' ')?;
    SentDate::parse(rest.get(space..)?).map(|date| date.instant)
}

/// The flags that mail programs keep in `Status` (R: read) and `X-Status` (A, F, T, D).
fn flags(header: &[u8]) -> Vec<String> {
    let mut flags = Vec::new();
    for field in Fields::new(header) {
        let letters: &[(u8, &str)] = if field.is("Status") {
            &[(b'R', "\\Seen")]
        } else if field.is("X-Status") {
            &[
                (b'A', "\\Answered"),
                (b'F', "\\Flagged"),
                (b'T', "\\Draft"),
                (b'D', "\\Deleted"),
            ]
        } else {
            continue;
        };
        let value = field.unfolded();
        for (letter, flag) in letters {
            if value.contains(letter) {
                flags.push((*flag).to_owned());
            }
        }
    }
    flags
}

/// Undoes the quoting of one line.
pub(super) fn unquoted(line: &[u8], quoting: Quoting) -> &[u8] {
    let Some(rest) = line.strip_prefix(b">") else {
        return line;
    };
    let quoted = match quoting {
        Quoting::None => false,
        Quoting::Mboxo => rest.starts_with(b"From "),
        Quoting::Mboxrd => {
            let marks = rest.iter().take_while(|byte| **byte == b'>').count();
            rest.get(marks..)
                .is_some_and(|rest| rest.starts_with(b"From "))
        }
    };
    if quoted { rest } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &[u8] = b"From alice@example.test Tue Nov 24 10:00:00 2026\n\
        Subject: one\nStatus: RO\nX-Status: AF\n\nFrom here on it is text? No: no empty line before.\n\
        text\n\nFrom bob  Tue Nov 24 11:00:00 2026\nSubject: two\n\n>From quoted\nStatus: no header\n";

    fn text(found: &Found) -> &'static str {
        let range = usize::try_from(found.start).unwrap()..usize::try_from(found.end).unwrap();
        std::str::from_utf8(&FILE[range]).unwrap()
    }

    #[test]
    fn messages_begin_after_an_empty_line_and_from() {
        // The line "From here on" follows the empty line of the header: mbox cannot tell it apart,
        // which is why writers quote it.
        let quoted = String::from_utf8(FILE.to_vec())
            .unwrap()
            .replace("\nFrom here", "\n>From here");
        let found = scan(quoted.as_bytes()).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].flags, ["\\Seen", "\\Answered", "\\Flagged"]);
        assert_eq!(
            found[0].arrived.unwrap().to_string(),
            "2026-11-24T10:00:00Z"
        );
        assert_eq!(found[1].flags, [""; 0]);
        assert_eq!(
            found[1].arrived.unwrap().to_string(),
            "2026-11-24T11:00:00Z"
        );
        assert_eq!(scan(FILE).unwrap().len(), 3);
        assert!(text(&scan(FILE).unwrap()[0]).ends_with("X-Status: AF\n"));
    }

    #[test]
    fn the_separators_empty_line_is_not_part_of_the_message() {
        let found = scan(b"From a\nSubject: x\n\nbody\n\nFrom b\nSubject: y\n\nend\n\n".as_slice())
            .unwrap();
        let length = found[0].end - found[0].start;
        assert_eq!(length, "Subject: x\n\nbody\n".len() as u64);
        assert_eq!(
            found[1].end - found[1].start,
            "Subject: y\n\nend\n".len() as u64
        );
    }

    #[test]
    fn a_line_without_end_is_not_held() {
        let long = [b"From a\nSubject: x\n\n".as_slice(), &vec![b'x'; 3 << 20]].concat();
        let found = scan(long.as_slice()).unwrap();
        assert_eq!((found[0].start, found[0].end), (7, long.len() as u64));
        let mut line = Vec::new();
        let mut reader = BufReader::new(long.as_slice());
        while next_line(&mut reader, &mut line).unwrap() > 0 {
            assert!(line.capacity() <= 4 * HEADER_KEPT_MAX);
        }
    }

    #[test]
    fn quoting_is_undone_as_it_was_done() {
        for (line, rd, o) in [
            ("From x", "From x", "From x"),
            (">From x", "From x", "From x"),
            (">>From x", ">From x", ">>From x"),
            ("> From x", "> From x", "> From x"),
            (">Fromage", ">Fromage", ">Fromage"),
        ] {
            assert_eq!(unquoted(line.as_bytes(), Quoting::Mboxrd), rd.as_bytes());
            assert_eq!(unquoted(line.as_bytes(), Quoting::Mboxo), o.as_bytes());
            assert_eq!(unquoted(line.as_bytes(), Quoting::None), line.as_bytes());
        }
    }
}

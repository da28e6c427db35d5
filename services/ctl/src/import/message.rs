//! One message as it is sent: its octets with CRLF, flags, date and name.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use jiff::Timestamp;
use roost_mime::date::SentDate;
use roost_mime::header::Fields;

use super::mbox::{Quoting, unquoted};
use super::source::{Entry, Part, Source};

/// The largest message that is read; servers refuse smaller ones.
const SIZE_MAX: u64 = 1 << 30;
/// Hex digits of the digest in an EMAILID.
const EMAIL_ID_DIGITS: usize = 30;

/// A message in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) octets: Vec<u8>,
    pub(super) flags: Vec<String>,
    pub(super) date: Option<Timestamp>,
}

impl Message {
    /// Reads a message of a source.
    pub(super) fn read(entry: &Entry, source: &Source, quoting: Quoting) -> io::Result<Self> {
        let missing = || io::Error::from(io::ErrorKind::NotFound);
        let path = source.files.get(entry.file).ok_or_else(missing)?;
        let octets = match entry.part {
            Part::Whole => with_crlf(&read_part(path, 0, u64::MAX)?, Quoting::None),
            Part::Mbox { start, end } => with_crlf(&read_part(path, start, end)?, quoting),
        };
        Ok(Self {
            date: entry.arrived.or_else(|| date_of(&octets)),
            flags: entry.flags.clone(),
            octets,
        })
    }

    /// The name that the store gives to these octets (RFC 8474 EMAILID).
    pub(super) fn email_id(&self) -> String {
        let digest = blake3::hash(&self.octets).to_hex();
        format!("M{}", digest.get(..EMAIL_ID_DIGITS).unwrap_or(&digest))
    }
}

fn read_part(path: &Path, start: u64, end: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let end = end.min(file.metadata()?.len());
    let length = end.saturating_sub(start);
    if length > SIZE_MAX {
        return Err(io::Error::other(format!(
            "{length} octets are too many for a message"
        )));
    }
    file.seek(SeekFrom::Start(start))?;
    let mut octets = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    file.take(length).read_to_end(&mut octets)?;
    Ok(octets)
}

/// Line ends become CRLF, as mail has them on the wire.
fn with_crlf(octets: &[u8], quoting: Quoting) -> Vec<u8> {
    let mut wire = Vec::with_capacity(octets.len() + octets.len() / 40);
    for line in octets.split_inclusive(|byte| *byte == b'\n') {
        let line = unquoted(line, quoting);
        match line.strip_suffix(b"\n") {
            Some(text) => {
                wire.extend_from_slice(text.strip_suffix(b"\r").unwrap_or(text));
                wire.extend_from_slice(b"\r\n");
            }
            None => wire.extend_from_slice(line),
        }
    }
    wire
}

/// When a message arrived, by its newest trace field, or else by its own date.
fn date_of(octets: &[u8]) -> Option<Timestamp> {
    let received = Fields::new(octets).named("Received").and_then(|field| {
        let value = field.unfolded().into_owned();
        let semicolon = value.iter().rposition(|byte| *byte == b';')?;
        SentDate::parse(value.get(semicolon + 1..)?)
    });
    received
        .or_else(|| SentDate::parse(&Fields::new(octets).named("Date")?.unfolded()))
        .map(|date| date.instant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_become_crlf_once() {
        assert_eq!(
            with_crlf(b"a\nb\r\nc\rd\n\n>From e", Quoting::Mboxrd),
            b"a\r\nb\r\nc\rd\r\n\r\nFrom e"
        );
    }

    #[test]
    fn the_newest_trace_field_tells_the_arrival() {
        let date = |text: &str| date_of(text.as_bytes()).map(|date| date.to_string());
        let sent = "Date: Tue, 24 Nov 2026 10:00:00 +0100\r\n";
        assert_eq!(
            date(&format!("{sent}\r\n")).unwrap(),
            "2026-11-24T09:00:00Z"
        );
        let received = "Received: from a by b; Tue, 24 Nov 2026\r\n 10:00:07 +0000\r\n";
        assert_eq!(
            date(&format!("{received}{sent}\r\n")).unwrap(),
            "2026-11-24T10:00:07Z"
        );
        assert_eq!(date("Subject: none\r\n\r\n"), None);
    }
}

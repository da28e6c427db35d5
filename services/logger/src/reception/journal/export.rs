//! The journal's export format: fields one a line, an empty line after each entry; a value that is no
//! text is preceded by its length (<https://systemd.io/JOURNAL_EXPORT_FORMATS/>).

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

use super::{Fields, is_own};

/// A longer value is cut; what `journalctl` gives is 64 MB at most.
const VALUE_MAX: usize = 1 << 20;
/// An entry with more fields loses the rest.
const FIELDS_MAX: usize = 256;

/// One entry of the journal.
#[derive(Debug, Default)]
pub(super) struct Entry {
    fields: Fields,
    /// Names in the order in which they came.
    names: Vec<String>,
}

impl Entry {
    pub(super) fn get(&self, name: &str) -> Option<&[u8]> {
        self.fields.get(name).map(Vec::as_slice)
    }

    /// The place after it.
    pub(super) fn cursor(&self) -> Option<String> {
        let cursor = self.get("__CURSOR")?;
        String::from_utf8(cursor.to_vec()).ok()
    }

    /// The fields that its program gave it.
    pub(super) fn own(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.names
            .iter()
            .filter(|name| is_own(name))
            .filter_map(|name| Some((name.as_str(), self.get(name)?)))
    }

    fn add(&mut self, name: &str, value: &[u8]) {
        if self.names.len() < FIELDS_MAX && !self.fields.contains_key(name) {
            self.names.push(name.to_owned());
            self.fields.insert(name.to_owned(), value.to_vec());
        }
    }
}

/// Reads entries; what it has of one survives when [`Parser::next`] is dropped.
#[derive(Debug, Default)]
pub(super) struct Parser {
    entry: Entry,
    state: State,
    have: Vec<u8>,
}

#[derive(Debug, Default, Clone)]
enum State {
    /// A line: a field, or the end of the entry.
    #[default]
    Line,
    /// The length of the value of this field.
    Length(String),
    /// A value of so many octets, and a line feed.
    Value(String, u64),
}

impl Parser {
    /// The next entry; None at the end. Cancel-safe.
    pub(super) async fn next(
        &mut self,
        reader: &mut (impl AsyncBufRead + Unpin),
    ) -> io::Result<Option<Entry>> {
        loop {
            let piece = reader.fill_buf().await?;
            if piece.is_empty() {
                return Ok(None);
            }
            let (taken, is_whole) = self.wanted(piece);
            let taken = taken.min(piece.len());
            let kept = VALUE_MAX.saturating_sub(self.have.len()).min(taken);
            self.have
                .extend_from_slice(piece.get(..kept).unwrap_or_default());
            if let State::Value(_, left) = &mut self.state {
                *left -= taken as u64;
            }
            reader.consume(taken);
            if is_whole && let Some(entry) = self.complete() {
                return Ok(Some(entry));
            }
        }
    }

    /// How much of a piece belongs to what is being read, and whether that is whole with it.
    fn wanted(&self, piece: &[u8]) -> (usize, bool) {
        let counted = |left: u64| {
            let left = usize::try_from(left).unwrap_or(usize::MAX);
            (left, left <= piece.len())
        };
        match &self.state {
            State::Line => match memchr::memchr(b'\n', piece) {
                Some(end) => (end + 1, true),
                None => (piece.len(), false),
            },
            State::Length(_) => counted(8_u64.saturating_sub(self.have.len() as u64)),
            State::Value(_, left) => counted(*left),
        }
    }

    /// What is being read is whole: the entry, if that ends it.
    fn complete(&mut self) -> Option<Entry> {
        let have = std::mem::take(&mut self.have);
        match std::mem::take(&mut self.state) {
            State::Line => {
                let line = have.strip_suffix(b"\n").unwrap_or(&have);
                if line.is_empty() {
                    let entry = std::mem::take(&mut self.entry);
                    return (!entry.names.is_empty()).then_some(entry);
                }
                match memchr::memchr(b'=', line) {
                    Some(equals) => {
                        let (name, value) = line.split_at(equals);
                        let value = value.get(1..).unwrap_or_default();
                        self.entry.add(&String::from_utf8_lossy(name), value);
                    }
                    None => {
                        self.state = State::Length(String::from_utf8_lossy(line).into_owned());
                    }
                }
            }
            State::Length(name) => {
                let length = have.as_slice().try_into().map_or(0, u64::from_le_bytes);
                self.state = State::Value(name, length.saturating_add(1));
            }
            State::Value(name, _) => {
                let value = have.strip_suffix(b"\n").unwrap_or(&have);
                self.entry.add(&name, value);
            }
        }
        None
    }
}

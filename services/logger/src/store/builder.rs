//! When a block and when a segment is complete.

use std::io;
use std::sync::Arc;

use zstd::bulk::Compressor;

use super::block::{BODY_BYTES, Block, Columns, DICTIONARY_BYTES, Shapes};
use super::index::Postings;
use super::line::Line;
use super::segment::{self, About, BLOCK_BYTES_MAX, Foot, Frame};
use super::term::{self, Term};
use crate::syslog::Message;

/// How many bytes of lines make a segment: what a restart may have to read again.
pub const SEGMENT_BYTES: u64 = 24 << 20;
/// How many pairs of term and block make a segment, which bounds the memory for them.
const POSTINGS_MAX: usize = 1 << 20;
/// How hard zstd tries. Higher levels gain little on logs, and cost much.
const LEVEL: i32 = 4;
/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// A segment that grows.
pub struct Builder {
    foot: Foot,
    shapes: Shapes,
    frames: Vec<Frame>,
    postings: Postings,
    columns: Columns,
    about: About,
    compressor: Compressor<'static>,
    dictionary: Arc<[u8]>,
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder")
            .field("foot", &self.foot)
            .finish_non_exhaustive()
    }
}

/// What a reader needs of a segment that grows.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// What it holds so far.
    pub foot: Foot,
    /// Its shapes.
    pub shapes: Shapes,
    /// Its complete blocks.
    pub frames: Vec<Frame>,
    /// Those of them, and whether the block that grows, that may have each of the terms asked for.
    pub found: Vec<Vec<u16>>,
    /// The columns of the block that grows, if it has a line.
    pub growing: Option<(About, Vec<u8>)>,
    dictionary: Arc<[u8]>,
}

impl Builder {
    /// An empty segment whose first line has this number.
    ///
    /// # Errors
    /// When there is no memory for the compression.
    pub fn new(first_line: u64) -> io::Result<Self> {
        Ok(Self {
            foot: Foot::empty(first_line),
            shapes: Shapes::default(),
            frames: Vec::new(),
            postings: Postings::default(),
            columns: Columns::default(),
            about: About::empty(),
            compressor: Compressor::new(LEVEL)?,
            dictionary: Arc::default(),
        })
    }

    /// What it holds so far.
    #[must_use]
    pub const fn foot(&self) -> &Foot {
        &self.foot
    }

    /// Whether it must be sealed before a line that came at `received` is added.
    #[must_use]
    pub fn is_complete(&self, received: i64) -> bool {
        let is_another_day =
            received.div_euclid(DAY) != self.foot.begin.div_euclid(DAY) && received > self.foot.end;
        self.foot.lines > 0
            && (self.foot.plain_bytes >= SEGMENT_BYTES
                || self.postings.len() >= POSTINGS_MAX
                || self.frames.len() >= usize::from(u16::MAX) - 1
                || is_another_day)
    }

    /// Adds a line.
    ///
    /// # Errors
    /// When a block cannot be compressed.
    pub fn push(&mut self, line: &Line<'_>) -> io::Result<()> {
        let is_full = self.columns.body_bytes() + line.octets.len() > BLOCK_BYTES_MAX / 2;
        if is_full && self.columns.lines() > 0 {
            self.close()?;
        }
        let message = Message::read(line.octets);
        self.columns.push(line, &message, &mut self.shapes);
        term::terms(&message, |term| self.postings.add(term));
        for (begin, end) in [
            (&mut self.foot.begin, &mut self.foot.end),
            (&mut self.about.begin, &mut self.about.end),
        ] {
            *begin = (*begin).min(line.received);
            *end = (*end).max(line.received);
        }
        self.about.severities |= 1 << (message.priority.severity as u8);
        self.about.lines += 1;
        self.foot.lines += 1;
        self.foot.plain_bytes += line.octets.len() as u64 + 1;
        if self.columns.body_bytes() >= BODY_BYTES {
            self.close()?;
        }
        Ok(())
    }

    /// The last of the journal's records whose lines were added.
    pub const fn reached(&mut self, sequence: u64) {
        self.foot.sequence = sequence;
    }

    /// Completes the block that grows.
    fn close(&mut self) -> io::Result<()> {
        let number = u16::try_from(self.frames.len()).map_err(io::Error::other)?;
        let plain = self.columns.bytes();
        let bytes = self.compressor.compress(&plain)?;
        self.about.plain = u32::try_from(plain.len()).map_err(io::Error::other)?;
        if number == 0 {
            let length = plain.len().min(DICTIONARY_BYTES);
            self.dictionary = plain.get(..length).unwrap_or_default().into();
            self.compressor.set_dictionary(LEVEL, &self.dictionary)?;
        }
        self.postings.close(number);
        self.frames.push(Frame {
            bytes: bytes.into(),
            about: std::mem::replace(&mut self.about, About::empty()),
        });
        self.columns.clear();
        Ok(())
    }

    /// The bytes of its file.
    ///
    /// # Errors
    /// When a block cannot be compressed.
    pub fn seal(&mut self) -> io::Result<Vec<u8>> {
        if self.columns.lines() > 0 {
            self.close()?;
        }
        segment::write(self.foot, &self.frames, &self.shapes, &mut self.postings)
    }

    /// What a reader needs to find lines with these terms; all lines if there is none.
    #[must_use]
    pub fn snapshot(&self, terms: &[Term]) -> Snapshot {
        let growing = u16::try_from(self.frames.len()).unwrap_or(u16::MAX);
        let found = terms.iter().map(|term| {
            let mut blocks = self.postings.blocks(*term);
            if self.postings.recent_has(*term) {
                blocks.push(growing);
            }
            blocks
        });
        Snapshot {
            foot: self.foot,
            shapes: self.shapes.clone(),
            frames: self.frames.clone(),
            found: found.collect(),
            growing: (self.columns.lines() > 0).then(|| (self.about, self.columns.bytes())),
            dictionary: Arc::clone(&self.dictionary),
        }
    }
}

impl Snapshot {
    /// How many blocks there are.
    #[must_use]
    pub fn blocks(&self) -> usize {
        self.frames.len() + usize::from(self.growing.is_some())
    }

    /// What is known of a block.
    #[must_use]
    pub fn about(&self, number: u16) -> Option<About> {
        match self.frames.get(usize::from(number)) {
            Some(frame) => Some(frame.about),
            None => self.growing.as_ref().map(|(about, _)| *about),
        }
    }

    /// One block.
    #[must_use]
    pub fn block(&self, number: u16) -> Option<Block> {
        let columns = match self.frames.get(usize::from(number)) {
            Some(frame) => {
                let dictionary: &[u8] = if number == 0 { &[] } else { &self.dictionary };
                segment::inflate(&frame.bytes, frame.about.plain, dictionary).ok()?
            }
            None => self.growing.as_ref()?.1.clone(),
        };
        Block::read(columns, &self.shapes)
    }
}

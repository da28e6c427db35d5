//! The bytes of a segment file. It is written whole or not at all, and never changes.
//!
//! ```text
//! magic "RoostLs1"
//! frames      the blocks, each compressed ([`super::block`])
//! shapes      compressed
//! directory   of each block: 48 bytes ([`Frame`])
//! pages       ┐ the index ([`super::index`])
//! fences      ┘
//! foot        128 bytes ([`Foot`]), with checksums of itself and of all but frames
//! ```
//!
//! All integers are little-endian; a checksum is CRC-32C.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crc_fast::{CrcAlgorithm, Digest};
use parking_lot::Mutex;
use roost_kit::disk::{Disk, DiskFile};
use zstd::bulk::Decompressor;

use super::block::{Block, DICTIONARY_BYTES, Shapes};
use super::index::{Place, Postings};
use super::term::Term;

const MAGIC: &[u8; 8] = b"RoostLs1";
const FOOT_MAGIC: u64 = u64::from_le_bytes(*b"RoostLe1");
/// The format that this program writes, and the only one that it reads.
const FORMAT: u64 = 1;
const FOOT_BYTES: usize = 128;
const ENTRY_BYTES: usize = 48;
/// What a block may become: its columns are little more than its bodies, of which the last may be a
/// long line.
pub(super) const BLOCK_BYTES_MAX: usize = 8 << 20;
/// What all shapes may become.
const SHAPES_BYTES_MAX: usize = 16 << 20;

/// What a segment holds, in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Foot {
    /// The number of its first line; lines are numbered from 1 without gaps.
    pub first_line: u64,
    /// How many lines it has.
    pub lines: u64,
    /// The last of the journal's records that is in it.
    pub sequence: u64,
    /// When the first of its lines came, in milliseconds since 1970.
    pub begin: i64,
    /// When the last of its lines came.
    pub end: i64,
    /// How many bytes its lines had.
    pub plain_bytes: u64,
    shapes: u64,
    directory: u64,
    pages: u64,
    fences: u64,
    foot: u64,
    checksum: u64,
}

/// A compressed block and what is known of it.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Its bytes.
    pub bytes: Arc<[u8]>,
    /// What is known of it.
    pub about: About,
}

/// What is known of a block without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct About {
    offset: u64,
    length: u32,
    /// How many bytes its columns have.
    pub plain: u32,
    checksum: u32,
    /// How many lines it has.
    pub lines: u32,
    /// When the first of its lines came.
    pub begin: i64,
    /// When the last of its lines came.
    pub end: i64,
    /// A bit for each severity of its lines.
    pub severities: u8,
}

/// Writes a segment's bytes.
pub(super) fn write(
    mut foot: Foot,
    frames: &[Frame],
    shapes: &Shapes,
    postings: &mut Postings,
) -> io::Result<Vec<u8>> {
    let mut out = MAGIC.to_vec();
    let mut directory = Vec::with_capacity(frames.len() * ENTRY_BYTES);
    for frame in frames {
        let about = About {
            offset: out.len() as u64,
            length: u32::try_from(frame.bytes.len()).map_err(io::Error::other)?,
            checksum: checksum(&[&frame.bytes]),
            ..frame.about
        };
        about.write(&mut directory);
        out.extend_from_slice(&frame.bytes);
    }
    let mut plain = Vec::new();
    shapes.write(&mut plain);
    foot.shapes = out.len() as u64;
    out.extend_from_slice(&zstd::bulk::compress(&plain, 3)?);
    foot.directory = out.len() as u64;
    out.extend_from_slice(&directory);
    let (pages, fences) = postings.write();
    foot.pages = out.len() as u64;
    out.extend_from_slice(&pages);
    foot.fences = out.len() as u64;
    out.extend_from_slice(&fences);
    foot.foot = out.len() as u64;
    let tail = usize::try_from(foot.shapes).map_err(io::Error::other)?;
    foot.checksum = u64::from(checksum(&[out.get(tail..).unwrap_or_default()]));
    out.extend_from_slice(&foot.bytes());
    Ok(out)
}

fn checksum(parts: &[&[u8]]) -> u32 {
    let mut digest = Digest::new(CrcAlgorithm::Crc32Iscsi);
    for part in parts {
        digest.update(part);
    }
    u32::try_from(digest.finalize()).unwrap_or(0)
}

impl Foot {
    /// Of a segment without lines.
    pub(super) fn empty(first_line: u64) -> Self {
        Self {
            first_line,
            begin: i64::MAX,
            end: i64::MIN,
            ..Self::default()
        }
    }

    fn words(&self) -> [u64; 14] {
        [
            FORMAT,
            self.first_line,
            self.lines,
            self.sequence,
            self.begin.cast_unsigned(),
            self.end.cast_unsigned(),
            self.plain_bytes,
            self.shapes,
            self.directory,
            self.pages,
            self.fences,
            self.foot,
            self.checksum,
            FOOT_MAGIC,
        ]
    }

    fn bytes(&self) -> [u8; FOOT_BYTES] {
        let mut bytes = [0; FOOT_BYTES];
        for (room, word) in bytes.chunks_exact_mut(8).zip(self.words()) {
            room.copy_from_slice(&word.to_le_bytes());
        }
        let own = checksum(&[bytes.get(..112).unwrap_or_default()]);
        if let Some(room) = bytes.get_mut(112..116) {
            room.copy_from_slice(&own.to_le_bytes());
        }
        bytes
    }

    fn read(bytes: &[u8; FOOT_BYTES], length: u64) -> Option<Self> {
        let mut words = [0; 14];
        for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(8)) {
            *word = u64::from_le_bytes(bytes.try_into().ok()?);
        }
        let [
            _,
            first_line,
            lines,
            sequence,
            begin,
            end,
            plain_bytes,
            shapes,
            directory,
            pages,
            fences,
            foot,
            checksum,
            _,
        ] = words;
        let read = Self {
            first_line,
            lines,
            sequence,
            begin: begin.cast_signed(),
            end: end.cast_signed(),
            plain_bytes,
            shapes,
            directory,
            pages,
            fences,
            foot,
            checksum,
        };
        let is_whole = read.bytes() == *bytes && foot + FOOT_BYTES as u64 == length;
        let is_ordered = [8, shapes, directory, pages, fences, foot].is_sorted();
        (is_whole && is_ordered).then_some(read)
    }

    fn blocks(&self) -> u64 {
        (self.pages - self.directory) / ENTRY_BYTES as u64
    }

    const fn index(&self) -> Place {
        Place {
            pages: self.pages,
            fences: self.fences,
            end: self.foot,
        }
    }
}

impl About {
    /// Of a block without lines.
    pub(super) fn empty() -> Self {
        Self {
            begin: i64::MAX,
            end: i64::MIN,
            ..Self::default()
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.offset.to_le_bytes());
        for word in [self.length, self.plain, self.checksum, self.lines] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        out.extend_from_slice(&self.begin.to_le_bytes());
        out.extend_from_slice(&self.end.to_le_bytes());
        out.extend_from_slice(&[self.severities, 0, 0, 0, 0, 0, 0, 0]);
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let long = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
        Some(Self {
            offset: long(0)?,
            length: word(8)?,
            plain: word(12)?,
            checksum: word(16)?,
            lines: word(20)?,
            begin: long(24)?.cast_signed(),
            end: long(32)?.cast_signed(),
            severities: *bytes.get(40)?,
        })
    }
}

/// Why a segment cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SegmentError {
    /// The operating system refused.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Its bytes are not what was written.
    #[error("{} is damaged: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Which part.
        what: String,
    },
}

/// A segment file.
#[derive(Debug)]
pub struct Sealed {
    path: PathBuf,
    file: Box<dyn DiskFile>,
    /// What it holds.
    pub foot: Foot,
    /// The size of the file.
    pub bytes: u64,
    loaded: Mutex<Option<Arc<Loaded>>>,
}

/// What is needed to read any block of a segment.
#[derive(Debug)]
pub struct Loaded {
    /// Its shapes.
    pub shapes: Shapes,
    /// Its blocks.
    pub directory: Vec<About>,
    dictionary: Vec<u8>,
}

impl Sealed {
    /// Opens a file, and checks all of it but its blocks.
    ///
    /// # Errors
    /// When it cannot be read or is damaged.
    pub fn open(disk: &dyn Disk, path: &Path) -> Result<Self, SegmentError> {
        let unreadable = |source| SegmentError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let damaged = |what: &str| SegmentError::Damaged {
            path: path.to_owned(),
            what: what.to_owned(),
        };
        let file = disk.open_read_only(path).map_err(unreadable)?;
        let length = file.length().map_err(unreadable)?;
        let at = length.checked_sub(FOOT_BYTES as u64);
        let at = at.ok_or_else(|| damaged("it is too short"))?;
        let mut bytes = [0; FOOT_BYTES];
        file.read_exact_at(&mut bytes, at).map_err(unreadable)?;
        let foot = Foot::read(&bytes, length).ok_or_else(|| damaged("its foot"))?;
        let mut tail = vec![0; usize::try_from(foot.foot - foot.shapes).unwrap_or(0)];
        file.read_exact_at(&mut tail, foot.shapes)
            .map_err(unreadable)?;
        if u64::from(checksum(&[&tail])) != foot.checksum {
            return Err(damaged("its index"));
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            foot,
            bytes: length,
            loaded: Mutex::new(None),
        })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The blocks that may have a term.
    ///
    /// # Errors
    /// When it cannot be read or is damaged.
    pub fn find(&self, term: Term) -> Result<Vec<u16>, SegmentError> {
        let found = self.foot.index().find(self.file.as_ref(), term);
        found.map_err(|error| self.unreadable(error))
    }

    /// What is needed to read its blocks; kept until [`Sealed::forget`].
    ///
    /// # Errors
    /// When it cannot be read or is damaged.
    pub fn load(&self) -> Result<Arc<Loaded>, SegmentError> {
        let mut kept = self.loaded.lock();
        if let Some(loaded) = kept.as_ref() {
            return Ok(Arc::clone(loaded));
        }
        let shapes = self.piece(self.foot.shapes, self.foot.directory)?;
        let shapes = zstd::bulk::decompress(&shapes, SHAPES_BYTES_MAX);
        let shapes = shapes.ok().and_then(|shapes| Shapes::read(&shapes));
        let shapes = shapes.ok_or_else(|| self.damaged("its shapes"))?;
        let directory = self.piece(self.foot.directory, self.foot.pages)?;
        let directory: Vec<About> = directory
            .chunks_exact(ENTRY_BYTES)
            .filter_map(About::read)
            .collect();
        if directory.len() as u64 != self.foot.blocks() {
            return Err(self.damaged("its directory"));
        }
        let mut dictionary = Vec::new();
        if directory.len() > 1 {
            dictionary = self.frame(&directory, 0, &[])?;
            dictionary.truncate(DICTIONARY_BYTES);
        }
        let loaded = Arc::new(Loaded {
            shapes,
            directory,
            dictionary,
        });
        *kept = Some(Arc::clone(&loaded));
        Ok(loaded)
    }

    /// Gives up what [`Sealed::load`] keeps.
    pub fn forget(&self) {
        *self.loaded.lock() = None;
    }

    /// One block.
    ///
    /// # Errors
    /// When it cannot be read or is damaged.
    pub fn block(&self, loaded: &Loaded, number: u16) -> Result<Block, SegmentError> {
        let dictionary = match number {
            0 => &[],
            _ => loaded.dictionary.as_slice(),
        };
        let columns = self.frame(&loaded.directory, number, dictionary)?;
        Block::read(columns, &loaded.shapes).ok_or_else(|| self.damaged(&format!("block {number}")))
    }

    fn frame(
        &self,
        directory: &[About],
        number: u16,
        dictionary: &[u8],
    ) -> Result<Vec<u8>, SegmentError> {
        let damaged = || self.damaged(&format!("block {number}"));
        let about = directory.get(usize::from(number)).ok_or_else(damaged)?;
        let bytes = self.piece(about.offset, about.offset + u64::from(about.length))?;
        if checksum(&[&bytes]) != about.checksum {
            return Err(damaged());
        }
        inflate(&bytes, about.plain, dictionary).map_err(|_| damaged())
    }

    fn piece(&self, begin: u64, end: u64) -> Result<Vec<u8>, SegmentError> {
        let length = end.saturating_sub(begin).min(self.bytes);
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        let read = self.file.read_exact_at(&mut bytes, begin);
        read.map_err(|error| self.unreadable(error))?;
        Ok(bytes)
    }

    fn damaged(&self, what: &str) -> SegmentError {
        SegmentError::Damaged {
            path: self.path.clone(),
            what: what.to_owned(),
        }
    }

    fn unreadable(&self, source: io::Error) -> SegmentError {
        SegmentError::Unreadable {
            path: self.path.clone(),
            source,
        }
    }
}

/// The columns of a frame.
pub(super) fn inflate(frame: &[u8], plain: u32, dictionary: &[u8]) -> io::Result<Vec<u8>> {
    let plain = usize::try_from(plain).map_err(io::Error::other)?;
    Decompressor::with_dictionary(dictionary)?.decompress(frame, plain.min(BLOCK_BYTES_MAX))
}

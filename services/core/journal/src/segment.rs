//! The files of a journal and their names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use roost_kit::disk::Disk;

use crate::error::{Doing, OpenError};
use crate::format::{HEADER_BYTES, Sequence};

const SEGMENT: &str = "segment-";
const SPARE: &str = "spare-";

/// A segment that holds records, or the one that is written.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    pub(crate) number: u64,
    pub(crate) path: Arc<Path>,
    /// The sequence of its first record.
    pub(crate) first: Sequence,
    /// Where its records are; several where something between them is damaged.
    pub(crate) extents: Vec<Extent>,
}

/// An unbroken run of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) offset: u64,
    pub(crate) end: u64,
    pub(crate) first: Sequence,
}

impl Extent {
    /// What its segment began with, as far as its first extent tells: where something is gone before
    /// it, at least one record.
    pub(crate) fn follows(&self) -> Sequence {
        match self.offset > HEADER_BYTES {
            true => self.first.previous(),
            false => self.first,
        }
    }
}

/// What a journal's directory holds.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// By number.
    pub(crate) segments: Vec<(u64, PathBuf)>,
    pub(crate) spares: Vec<(u64, PathBuf)>,
    /// Spares that were being made.
    pub(crate) unfinished: Vec<PathBuf>,
}

impl Listing {
    pub(crate) fn read(disk: &dyn Disk, directory: &Path) -> Result<Self, OpenError> {
        let mut listing = Self::default();
        for name in disk.list(directory).doing("list", directory)? {
            let path = directory.join(&name);
            let Some(name) = name.to_str() else { continue };
            if let Some(number) = numbered(name, SEGMENT) {
                listing.segments.push((number, path));
            } else if let Some(number) = numbered(name, SPARE) {
                listing.spares.push((number, path));
            } else if name.starts_with(SPARE) {
                listing.unfinished.push(path);
            }
        }
        listing.segments.sort();
        listing.spares.sort();
        Ok(listing)
    }
}

/// Where segment `number` is.
pub(crate) fn segment_path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{SEGMENT}{number:012}"))
}

/// Where spare `number` is.
pub(crate) fn spare_path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{SPARE}{number:012}"))
}

/// Where a spare is while it is made.
pub(crate) fn unfinished_path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{SPARE}{number:012}.new"))
}

fn numbered(name: &str, prefix: &str) -> Option<u64> {
    let digits = name.strip_prefix(prefix)?;
    if digits.len() < 12 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_recognised() {
        assert_eq!(numbered("segment-000000000042", SEGMENT), Some(42));
        assert_eq!(numbered("segment-42", SEGMENT), None);
        assert_eq!(numbered("spare-000000000001.new", SPARE), None);
    }
}

//! Which blocks hold a term: the terms of a segment, sorted, in pages.
//!
//! ```text
//! pages    one after the other; each of TERMS_A_PAGE terms, ascending (the last one fewer):
//!          difference to the term before (varint; of a page's first: the term itself),
//!          number of blocks × 2, or if it is one: block × 2 + 1 (varint),
//!          else the differences between its blocks (varint)
//! fences   of each page: its first term u32, where it begins u32 (little-endian)
//! ```

use std::io;

use roost_kit::disk::DiskFile;

use super::term::Term;
use super::varint;

/// How many terms are read to find one.
const TERMS_A_PAGE: usize = 128;
/// The bytes of a fence.
const FENCE: usize = 8;

/// Terms and the blocks in which they are, collected while a segment grows.
#[derive(Debug, Default)]
pub struct Postings {
    /// Block by block, in each ascending, until [`Postings::write`] sorts them all.
    pairs: Vec<(Term, u16)>,
    /// Where each sorted run ends.
    ends: Vec<usize>,
    /// Of the block that grows.
    recent: Vec<Term>,
}

impl Postings {
    /// A line of the block that grows has this term.
    pub fn add(&mut self, term: Term) {
        self.recent.push(term);
    }

    /// The block that grew is the one of this number.
    pub fn close(&mut self, block: u16) {
        self.recent.sort_unstable();
        self.recent.dedup();
        self.pairs
            .extend(self.recent.drain(..).map(|term| (term, block)));
        self.ends.push(self.pairs.len());
    }

    /// How many pairs of term and block there are, without the block that grows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Whether the block that grows may have a term.
    #[must_use]
    pub fn recent_has(&self, term: Term) -> bool {
        self.recent.contains(&term)
    }

    /// The closed blocks that may have a term.
    #[must_use]
    pub fn blocks(&self, term: Term) -> Vec<u16> {
        let mut blocks = Vec::new();
        let mut begin = 0;
        for end in self.ends.iter().copied().chain([self.pairs.len()]) {
            let run = self.pairs.get(begin..end).unwrap_or_default();
            let first = run.partition_point(|(one, _)| *one < term);
            let of_term = run.iter().skip(first).take_while(|(one, _)| *one == term);
            blocks.extend(of_term.map(|(_, block)| *block));
            begin = end;
        }
        blocks
    }

    /// The pages, and the fences.
    pub(super) fn write(&mut self) -> (Vec<u8>, Vec<u8>) {
        self.pairs.sort_unstable();
        self.ends = vec![self.pairs.len()];
        let (mut pages, mut fences) = (Vec::new(), Vec::new());
        let mut last = 0;
        for (number, of_term) in self.pairs.chunk_by(|a, b| a.0 == b.0).enumerate() {
            let Some((Term(term), first)) = of_term.first().copied() else {
                continue;
            };
            if number % TERMS_A_PAGE == 0 {
                let at = u32::try_from(pages.len()).unwrap_or(u32::MAX);
                fences.extend_from_slice(&term.to_le_bytes());
                fences.extend_from_slice(&at.to_le_bytes());
                last = 0;
            }
            varint::put(u64::from(term - last), &mut pages);
            last = term;
            if of_term.len() == 1 {
                varint::put(u64::from(first) << 1 | 1, &mut pages);
                continue;
            }
            varint::put((of_term.len() as u64) << 1, &mut pages);
            let mut before = 0;
            for (_, block) in of_term {
                varint::put(u64::from(block - before), &mut pages);
                before = *block;
            }
        }
        (pages, fences)
    }
}

/// Where the index of a segment file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Where its pages begin.
    pub pages: u64,
    /// Where its fences begin, which is where its pages end.
    pub fences: u64,
    /// Where its fences end.
    pub end: u64,
}

impl Place {
    /// The blocks that may have a term, ascending.
    ///
    /// # Errors
    /// When the file cannot be read, or its bytes are no index.
    pub fn find(&self, file: &dyn DiskFile, term: Term) -> io::Result<Vec<u16>> {
        let count = (self.end - self.fences) / FENCE as u64;
        // The last fence whose term is not past ours.
        let (mut low, mut high) = (0, count);
        let mut page = None;
        while low < high {
            let middle = low + (high - low) / 2;
            let (first, at) = self.fence(file, middle)?;
            if first <= term.0 {
                page = Some((middle, at));
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let Some((number, begin)) = page else {
            return Ok(Vec::new());
        };
        let end = match number + 1 < count {
            true => u64::from(self.fence(file, number + 1)?.1),
            false => self.fences - self.pages,
        };
        let length = end.checked_sub(u64::from(begin)).ok_or_else(damaged)?;
        let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        file.read_exact_at(&mut bytes, self.pages + u64::from(begin))?;
        search(&bytes, term).ok_or_else(damaged)
    }

    fn fence(&self, file: &dyn DiskFile, number: u64) -> io::Result<(u32, u32)> {
        let mut bytes = [0; FENCE];
        file.read_exact_at(&mut bytes, self.fences + number * FENCE as u64)?;
        let [a, b, c, d, e, f, g, h] = bytes;
        Ok((
            u32::from_le_bytes([a, b, c, d]),
            u32::from_le_bytes([e, f, g, h]),
        ))
    }
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the index is damaged")
}

/// The blocks of a term in its page; none where the bytes are no page.
fn search(mut page: &[u8], term: Term) -> Option<Vec<u16>> {
    let page = &mut page;
    let mut at = 0_u64;
    while !page.is_empty() {
        at += varint::take(page)?;
        let head = varint::take(page)?;
        let is_it = at == u64::from(term.0);
        if head & 1 == 1 {
            if is_it {
                return Some(vec![u16::try_from(head >> 1).ok()?]);
            }
        } else {
            let mut blocks = Vec::new();
            let mut block = 0;
            for _ in 0..head >> 1 {
                block += varint::take(page)?;
                if is_it {
                    blocks.push(u16::try_from(block).ok()?);
                }
            }
            if is_it {
                return Some(blocks);
            }
        }
        if at > u64::from(term.0) {
            break;
        }
    }
    Some(Vec::new())
}

#[cfg(test)]
mod tests {
    use roost_kit::disk::{Disk, RealDisk};

    use super::*;

    #[test]
    fn terms_are_found_where_they_are() {
        let mut postings = Postings::default();
        // Far apart, near, first and last.
        let terms: Vec<Term> = (0..1000_u32)
            .map(|n| Term(n.wrapping_mul(4_294_967)))
            .collect();
        for block in 0..5_u16 {
            for (number, term) in terms.iter().enumerate() {
                if number % 5 == usize::from(block) || number % 100 == 0 {
                    postings.add(*term);
                    postings.add(*term);
                }
            }
            assert!(postings.recent_has(terms[usize::from(block)]));
            postings.close(block);
        }
        assert_eq!(postings.blocks(terms[7]), [2]);
        let (pages, fences) = postings.write();
        let folder = tempfile::tempdir().unwrap();
        let file = RealDisk.create(&folder.path().join("index")).unwrap();
        let place = Place {
            pages: 3,
            fences: 3 + pages.len() as u64,
            end: 3 + (pages.len() + fences.len()) as u64,
        };
        file.write_all_at(&pages, 3).unwrap();
        file.write_all_at(&fences, place.fences).unwrap();
        for (number, term) in terms.iter().enumerate() {
            let blocks = place.find(file.as_ref(), *term).unwrap();
            match number % 100 {
                0 => assert_eq!(blocks, [0, 1, 2, 3, 4]),
                _ => assert_eq!(blocks, [u16::try_from(number % 5).unwrap()]),
            }
        }
        for absent in [1, 4_294_966, u32::MAX] {
            assert_eq!(place.find(file.as_ref(), Term(absent)).unwrap(), [0_u16; 0]);
        }
        let empty = Place {
            pages: 0,
            fences: 0,
            end: 0,
        };
        assert_eq!(empty.find(file.as_ref(), Term(1)).unwrap(), [0_u16; 0]);
    }
}

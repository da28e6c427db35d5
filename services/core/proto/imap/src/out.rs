//! What waits to be sent. A session appends; the server writes it to the socket and takes away what has
//! been written. Large bodies are held by reference, never copied.

use std::collections::VecDeque;
use std::fmt;

use bytes::{Buf, Bytes, BytesMut};

/// Small texts are collected in one buffer up to this size before a new one is begun.
const RUN_OCTETS: usize = 16 * 1024;

/// A slice at least this long is kept as its own chunk instead of being copied.
const SHARE_OCTETS: usize = 2 * 1024;

/// The octets that wait for the client.
#[derive(Debug)]
pub struct Out {
    chunks: VecDeque<Bytes>,
    tail: BytesMut,
    waiting: usize,
    mark: usize,
}

impl Out {
    /// An empty buffer; sessions stop to produce above `mark` octets.
    #[must_use]
    pub fn new(mark: usize) -> Self {
        Self {
            chunks: VecDeque::new(),
            tail: BytesMut::new(),
            waiting: 0,
            mark,
        }
    }

    /// Appends a copy of `octets`.
    pub fn put(&mut self, octets: &[u8]) {
        if self.tail.len() >= RUN_OCTETS {
            self.seal();
        }
        self.tail.extend_from_slice(octets);
        self.waiting += octets.len();
    }

    /// Appends `octets`, by reference when they are many.
    pub fn share(&mut self, octets: Bytes) {
        if octets.len() < SHARE_OCTETS {
            return self.put(&octets);
        }
        self.seal();
        self.waiting += octets.len();
        self.chunks.push_back(octets);
    }

    /// Whether enough waits that a session stops to produce.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.waiting >= self.mark
    }

    /// How many octets wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// Takes everything that waits.
    #[must_use]
    pub fn take_all(&mut self) -> Bytes {
        let all = self.waiting;
        self.copy_to_bytes(all)
    }

    fn seal(&mut self) {
        if !self.tail.is_empty() {
            self.chunks.push_back(self.tail.split().freeze());
        }
    }
}

impl fmt::Write for Out {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.put(text.as_bytes());
        Ok(())
    }
}

/// For `AsyncWriteExt::write_buf` and `write_all_buf`.
impl Buf for Out {
    fn remaining(&self) -> usize {
        self.waiting
    }

    fn chunk(&self) -> &[u8] {
        self.chunks.front().map_or(&self.tail, |first| first)
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [std::io::IoSlice<'a>]) -> usize {
        let chunks = self.chunks.iter().map(|chunk| &chunk[..]);
        let tail = std::iter::once(&self.tail[..]).filter(|tail| !tail.is_empty());
        let mut filled = 0;
        for (slot, chunk) in slices.iter_mut().zip(chunks.chain(tail)) {
            *slot = std::io::IoSlice::new(chunk);
            filled += 1;
        }
        filled
    }

    fn advance(&mut self, mut count: usize) {
        assert!(count <= self.waiting, "more was written than waited");
        self.waiting -= count;
        while let Some(first) = self.chunks.front_mut() {
            if count < first.len() {
                return first.advance(count);
            }
            count -= first.len();
            self.chunks.pop_front();
        }
        self.tail.advance(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_come_out_in_order_whatever_their_size() {
        let mut out = Out::new(100);
        out.put(b"one ");
        out.share(Bytes::from_static(b"two "));
        out.share(Bytes::from(vec![b'x'; SHARE_OCTETS]));
        out.put(b" end");
        assert_eq!(out.len(), 8 + SHARE_OCTETS + 4);
        assert!(out.is_full());
        let mut slices = [std::io::IoSlice::new(&[]); 8];
        assert_eq!(out.chunks_vectored(&mut slices), 3);
        out.advance(6);
        assert_eq!(out.chunk(), b"o ");
        let rest = out.take_all();
        assert!(rest.starts_with(b"o xxx") && rest.ends_with(b"x end"));
        assert!(out.is_empty() && !out.is_full());
    }
}

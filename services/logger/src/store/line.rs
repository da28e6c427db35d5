//! What is kept of a line, and its bytes in the journal.
//!
//! ```text
//! batch   one or more of: source, time (ms since 1970, varint), bytes of lines (varint), lines
//! source  transport u8, length of the address u8 (0, 4 or 16), address
//! line    length × 2 + 1 if it was cut (varint), the line
//! ```

use std::fmt;
use std::net::IpAddr;

use bytes::Bytes;

use super::varint;

/// How a line came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Transport {
    /// A datagram from the network.
    Udp = 1,
    /// A stream in the clear.
    Tcp = 2,
    /// A stream over TLS.
    Tls = 3,
    /// A datagram on this machine.
    Local = 4,
    /// This machine's journal.
    Journal = 5,
}

impl Transport {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Udp, Self::Tcp, Self::Tls, Self::Local, Self::Journal];

    /// Its name in answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Local => "local",
            Self::Journal => "journal",
        }
    }
}

/// From where a line came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source {
    /// How.
    pub transport: Transport,
    /// From which host; none for this machine's own.
    pub address: Option<IpAddr>,
}

impl Source {
    /// From this machine.
    #[must_use]
    pub const fn own(transport: Transport) -> Self {
        Self {
            transport,
            address: None,
        }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.push(self.transport as u8);
        match self.address {
            None => out.push(0),
            Some(IpAddr::V4(address)) => {
                out.push(4);
                out.extend_from_slice(&address.octets());
            }
            Some(IpAddr::V6(address)) => {
                out.push(16);
                out.extend_from_slice(&address.octets());
            }
        }
    }

    pub(super) fn take(bytes: &mut &[u8]) -> Option<Self> {
        let head = varint::take_bytes(bytes, 2)?;
        let [transport, length] = <[u8; 2]>::try_from(head).ok()?;
        let transport = Transport::ALL
            .into_iter()
            .find(|one| *one as u8 == transport)?;
        let address = varint::take_bytes(bytes, usize::from(length))?;
        let address = match length {
            0 => None,
            4 => Some(IpAddr::from(<[u8; 4]>::try_from(address).ok()?)),
            16 => Some(IpAddr::from(<[u8; 16]>::try_from(address).ok()?)),
            _ => return None,
        };
        Some(Self { transport, address })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            Some(address) => write!(f, "{}:{address}", self.transport.name()),
            None => f.write_str(self.transport.name()),
        }
    }
}

/// One line, as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// From where.
    pub source: Source,
    /// When, in milliseconds since 1970.
    pub received: i64,
    /// Whether it was longer than allowed, and this is its beginning.
    pub is_cut: bool,
    /// Without its frame.
    pub octets: &'a [u8],
}

/// Lines that become durable together, or not at all.
#[derive(Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    /// The lines of one source and time.
    group: Vec<u8>,
    head: Option<(Source, i64)>,
    lines: u64,
}

impl Batch {
    /// Adds a line.
    pub fn push(&mut self, line: Line<'_>) {
        let head = (line.source, line.received);
        if self.head != Some(head) {
            self.close();
            self.head = Some(head);
        }
        let length = line.octets.len() as u64;
        varint::put(length << 1 | u64::from(line.is_cut), &mut self.group);
        self.group.extend_from_slice(line.octets);
        self.lines += 1;
    }

    fn close(&mut self) {
        if let Some((source, received)) = self.head.take() {
            source.write(&mut self.bytes);
            varint::put_signed(received, &mut self.bytes);
            varint::put(self.group.len() as u64, &mut self.bytes);
            self.bytes.append(&mut self.group);
        }
    }

    /// How many lines there are.
    #[must_use]
    pub const fn lines(&self) -> u64 {
        self.lines
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.lines == 0
    }

    /// About how many bytes it has.
    #[must_use]
    pub fn size(&self) -> usize {
        self.bytes.len() + self.group.len()
    }

    /// Its bytes for the journal.
    #[must_use]
    pub fn into_bytes(mut self) -> Bytes {
        self.close();
        Bytes::from(self.bytes)
    }
}

/// The lines of a batch, from the bytes that the journal kept. Bytes that are none end them: the
/// journal's checksums say that only a program wrote these.
#[derive(Debug, Clone)]
pub struct Lines<'a> {
    rest: &'a [u8],
    group: &'a [u8],
    source: Source,
    received: i64,
}

impl<'a> Lines<'a> {
    /// Reads a batch.
    #[must_use]
    pub const fn read(batch: &'a [u8]) -> Self {
        Self {
            rest: batch,
            group: &[],
            source: Source::own(Transport::Local),
            received: 0,
        }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        while self.group.is_empty() {
            self.source = Source::take(&mut self.rest)?;
            self.received = varint::take_signed(&mut self.rest)?;
            let bytes = varint::take_size(&mut self.rest)?;
            self.group = varint::take_bytes(&mut self.rest, bytes)?;
        }
        let head = varint::take(&mut self.group)?;
        let length = usize::try_from(head >> 1).ok()?;
        Some(Line {
            source: self.source,
            received: self.received,
            is_cut: head & 1 == 1,
            octets: varint::take_bytes(&mut self.group, length)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_gives_its_lines_back() {
        let far = |address: &str| Source {
            transport: Transport::Udp,
            address: Some(address.parse().unwrap()),
        };
        let line = |source, received, is_cut, octets| Line {
            source,
            received,
            is_cut,
            octets,
        };
        let lines = [
            line(far("192.0.2.1"), 5, false, b"a".as_slice()),
            line(far("192.0.2.1"), 5, true, b"\0\xff\n"),
            line(far("2001:db8::1"), -6, false, b"b"),
            line(Source::own(Transport::Journal), 7, false, &[b'x'; 300]),
        ];
        let mut batch = Batch::default();
        for line in lines {
            batch.push(line);
        }
        assert_eq!(batch.lines(), 4);
        let bytes = batch.into_bytes();
        assert_eq!(Lines::read(&bytes).collect::<Vec<_>>(), lines);
        for length in 0..bytes.len() {
            assert!(Lines::read(bytes.get(..length).unwrap()).count() < 4);
        }
    }
}

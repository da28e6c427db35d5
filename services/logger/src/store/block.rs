//! Lines ⇄ compressed columns.
//!
//! Most of a line is what its program always writes: that is its *shape*, kept once a segment. A
//! block has the columns
//!
//! ```text
//! lines            varint
//! shape            of each line: its number (varint)
//! received         of each line: milliseconds since the line before (signed varint)
//! time             of each line whose shape has one: microseconds since the time before (signed)
//! length           of each line: of its body (varint)
//! bodies           one after the other
//! ```
//!
//! compressed as one zstd frame, all but a segment's first with the beginning of that first block as
//! the dictionary.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::line::{Line, Source};
use super::varint;
use crate::syslog::{Message, Style, time};

/// How many bytes of bodies make a block: enough to compress well, and read in a moment.
pub const BODY_BYTES: usize = 192 << 10;
/// How much of the first block helps to compress the others.
pub const DICTIONARY_BYTES: usize = 64 << 10;
/// A segment's shapes; a line more of a new shape is kept as it is.
const SHAPES_MAX: usize = 8192;
/// How many shapes are compared before one is looked up.
const RECENT: usize = 24;
/// A longer beginning is no program's habit.
const HEAD_MAX: usize = 512;

/// What lines of one program have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Shape {
    /// From where they came.
    pub source: Source,
    /// Whether they are the beginnings of longer ones.
    pub is_cut: bool,
    /// How the time is written that stands between `before` and `after`.
    pub style: Option<Style>,
    /// What comes before the time.
    pub before: Vec<u8>,
    /// What comes after the time, before the body.
    pub after: Vec<u8>,
}

/// A segment's shapes, by number.
#[derive(Debug, Clone, Default)]
pub struct Shapes {
    list: Vec<Arc<Shape>>,
    numbers: HashMap<Arc<Shape>, u32>,
    /// The numbers that were asked for last: most lines have one of these.
    recent: VecDeque<u32>,
}

/// A shape whose parts are still in the line.
#[derive(Debug, Clone, Copy)]
struct Outline<'a> {
    source: Source,
    is_cut: bool,
    style: Option<Style>,
    before: &'a [u8],
    after: &'a [u8],
}

impl Outline<'_> {
    fn is(&self, shape: &Shape) -> bool {
        self.before == shape.before
            && self.after == shape.after
            && self.style == shape.style
            && self.is_cut == shape.is_cut
            && self.source == shape.source
    }
}

impl Shapes {
    /// The shape of a number.
    #[must_use]
    pub fn get(&self, number: u32) -> Option<&Arc<Shape>> {
        self.list.get(usize::try_from(number).ok()?)
    }

    /// All, in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Shape>> {
        self.list.iter()
    }

    fn number(&mut self, outline: Outline<'_>) -> Option<u32> {
        let is_it = |number: &u32| self.get(*number).is_some_and(|shape| outline.is(shape));
        if let Some(number) = self.recent.iter().copied().find(is_it) {
            return Some(number);
        }
        let number = self.number_of(Shape {
            source: outline.source,
            is_cut: outline.is_cut,
            style: outline.style,
            before: outline.before.to_vec(),
            after: outline.after.to_vec(),
        })?;
        if self.recent.len() >= RECENT {
            self.recent.pop_back();
        }
        self.recent.push_front(number);
        Some(number)
    }

    fn number_of(&mut self, shape: Shape) -> Option<u32> {
        if let Some(number) = self.numbers.get(&shape) {
            return Some(*number);
        }
        let number = u32::try_from(self.list.len()).ok()?;
        // The plain shapes, one a source, are always let in.
        let is_plain = shape.style.is_none() && shape.before.is_empty();
        if self.list.len() >= SHAPES_MAX && !is_plain {
            return None;
        }
        let shape = Arc::new(shape);
        self.list.push(Arc::clone(&shape));
        self.numbers.insert(shape, number);
        Some(number)
    }

    /// Their bytes.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        varint::put(self.list.len() as u64, out);
        for shape in &self.list {
            shape.source.write(out);
            out.push(u8::from(shape.is_cut));
            match shape.style {
                None => out.push(0),
                Some(Style::Bsd) => out.push(1),
                Some(Style::Zoneless { digits }) => out.push(16 + digits),
                Some(Style::Rfc3339 { digits, offset }) => {
                    out.push(2 + digits);
                    out.push(u8::from(offset.is_some()));
                    varint::put_signed(i64::from(offset.unwrap_or(0)), out);
                }
            }
            for part in [&shape.before, &shape.after] {
                varint::put(part.len() as u64, out);
                out.extend_from_slice(part);
            }
        }
    }

    pub(super) fn read(mut bytes: &[u8]) -> Option<Self> {
        let bytes = &mut bytes;
        let mut shapes = Self::default();
        for number in 0..u32::try_from(varint::take(bytes)?).ok()? {
            let source = Source::take(bytes)?;
            let flags = varint::take_bytes(bytes, 2)?;
            let [is_cut, style] = <[u8; 2]>::try_from(flags).ok()?;
            let style = match style {
                0 => None,
                1 => Some(Style::Bsd),
                digits @ 16.. => Some(Style::Zoneless {
                    digits: digits - 16,
                }),
                digits => {
                    let has_offset = varint::take_bytes(bytes, 1)? == [1];
                    let minutes = i16::try_from(varint::take_signed(bytes)?).ok()?;
                    Some(Style::Rfc3339 {
                        digits: digits - 2,
                        offset: has_offset.then_some(minutes),
                    })
                }
            };
            let mut part = || {
                let length = varint::take_size(bytes)?;
                Some(varint::take_bytes(bytes, length)?.to_vec())
            };
            let shape = Arc::new(Shape {
                source,
                is_cut: is_cut == 1,
                style,
                before: part()?,
                after: part()?,
            });
            shapes.list.push(Arc::clone(&shape));
            shapes.numbers.insert(shape, number);
        }
        Some(shapes)
    }
}

/// A block that grows.
#[derive(Debug, Default)]
pub struct Columns {
    lines: u64,
    shapes: Vec<u8>,
    received: Vec<u8>,
    times: Vec<u8>,
    lengths: Vec<u8>,
    bodies: Vec<u8>,
    last_received: i64,
    last_time: i64,
}

impl Columns {
    /// Adds a line whose parts are known.
    pub fn push(&mut self, line: &Line<'_>, message: &Message<'_>, known: &mut Shapes) {
        let octets = line.octets;
        let parts = message.time.and_then(|stamp| {
            let end = message.time_at + stamp.length;
            let before = octets.get(..message.time_at)?;
            let after = octets.get(end..message.body_at)?;
            let fits = before.len() + after.len() <= HEAD_MAX;
            let number = known.number(Outline {
                source: line.source,
                is_cut: line.is_cut,
                style: Some(fits.then_some(stamp.style)?),
                before,
                after,
            })?;
            Some((number, stamp.value, octets.get(message.body_at..)?))
        });
        let (number, body) = match parts {
            Some((number, value, body)) => {
                varint::put_signed(value.wrapping_sub(self.last_time), &mut self.times);
                self.last_time = value;
                (number, body)
            }
            None => {
                let plain = known.number(Outline {
                    source: line.source,
                    is_cut: line.is_cut,
                    style: None,
                    before: &[],
                    after: &[],
                });
                (plain.unwrap_or(0), octets)
            }
        };
        varint::put(u64::from(number), &mut self.shapes);
        varint::put_signed(line.received - self.last_received, &mut self.received);
        self.last_received = line.received;
        varint::put(body.len() as u64, &mut self.lengths);
        self.bodies.extend_from_slice(body);
        self.lines += 1;
    }

    /// How many lines there are.
    #[must_use]
    pub const fn lines(&self) -> u64 {
        self.lines
    }

    /// How many bytes of bodies there are.
    #[must_use]
    pub const fn body_bytes(&self) -> usize {
        self.bodies.len()
    }

    /// The columns one after the other.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let columns = [
            &self.shapes,
            &self.received,
            &self.times,
            &self.lengths,
            &self.bodies,
        ];
        let total: usize = columns.iter().map(|column| column.len()).sum();
        let mut bytes = Vec::with_capacity(total + 10);
        varint::put(self.lines, &mut bytes);
        for column in columns {
            bytes.extend_from_slice(column);
        }
        bytes
    }

    /// Forgets the lines, but not the memory for them.
    pub fn clear(&mut self) {
        self.lines = 0;
        self.last_received = 0;
        self.last_time = 0;
        for column in [
            &mut self.shapes,
            &mut self.received,
            &mut self.times,
            &mut self.lengths,
            &mut self.bodies,
        ] {
            column.clear();
        }
    }
}

/// A block that was read.
#[derive(Debug)]
pub struct Block {
    bytes: Vec<u8>,
    rows: Vec<Row>,
    bodies_at: usize,
}

/// One line of a block.
#[derive(Debug, Clone, Copy)]
struct Row {
    shape: u32,
    received: i64,
    /// The value of the time, where the shape has one.
    time: i64,
    /// Where its body ends; it begins where the one before ends.
    end: usize,
}

/// A line of a block, put together again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// From where.
    pub source: Source,
    /// When it came, in milliseconds since 1970.
    pub received: i64,
    /// Whether it is the beginning of a longer one.
    pub is_cut: bool,
    /// As it came.
    pub octets: Vec<u8>,
}

impl Block {
    /// Reads columns; none if they are none.
    #[must_use]
    pub fn read(bytes: Vec<u8>, shapes: &Shapes) -> Option<Self> {
        let mut rest = bytes.as_slice();
        let rest = &mut rest;
        let count = varint::take_size(rest)?;
        // A line takes a byte in three columns at least.
        if count > rest.len() / 3 {
            return None;
        }
        let mut rows = Vec::with_capacity(count);
        for _ in 0..count {
            rows.push(Row {
                shape: u32::try_from(varint::take(rest)?).ok()?,
                received: 0,
                time: 0,
                end: 0,
            });
        }
        let mut received = 0_i64;
        for row in &mut rows {
            received = received.wrapping_add(varint::take_signed(rest)?);
            row.received = received;
        }
        let mut time = 0_i64;
        for row in &mut rows {
            if shapes.get(row.shape)?.style.is_some() {
                time = time.wrapping_add(varint::take_signed(rest)?);
                row.time = time;
            }
        }
        let mut end = 0_usize;
        for row in &mut rows {
            end = end.checked_add(varint::take_size(rest)?)?;
            row.end = end;
        }
        if end != rest.len() {
            return None;
        }
        let bodies_at = bytes.len() - end;
        Some(Self {
            bytes,
            rows,
            bodies_at,
        })
    }

    /// How many lines there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// All bodies, one after the other.
    #[must_use]
    pub fn bodies(&self) -> &[u8] {
        self.bytes.get(self.bodies_at..).unwrap_or_default()
    }

    /// The line whose body holds a place in [`Block::bodies`].
    #[must_use]
    pub fn line_at(&self, place: usize) -> usize {
        self.rows.partition_point(|row| row.end <= place)
    }

    /// The shape's number of a line.
    #[must_use]
    pub fn shape(&self, line: usize) -> Option<u32> {
        self.rows.get(line).map(|row| row.shape)
    }

    /// When a line came.
    #[must_use]
    pub fn received(&self, line: usize) -> Option<i64> {
        self.rows.get(line).map(|row| row.received)
    }

    /// What differs in a line from others of its shape.
    #[must_use]
    pub fn body(&self, line: usize) -> Option<&[u8]> {
        let begin = match line.checked_sub(1) {
            Some(before) => self.rows.get(before)?.end,
            None => 0,
        };
        self.bodies().get(begin..self.rows.get(line)?.end)
    }

    /// A line, whole.
    #[must_use]
    pub fn entry(&self, line: usize, shapes: &Shapes) -> Option<Entry> {
        let row = self.rows.get(line)?;
        let shape = shapes.get(row.shape)?;
        let body = self.body(line)?;
        let mut octets =
            Vec::with_capacity(shape.before.len() + shape.after.len() + body.len() + 40);
        octets.extend_from_slice(&shape.before);
        if let Some(style) = shape.style {
            time::write(style, row.time, &mut octets);
        }
        octets.extend_from_slice(&shape.after);
        octets.extend_from_slice(body);
        Some(Entry {
            source: shape.source,
            received: row.received,
            is_cut: shape.is_cut,
            octets,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::Transport;

    fn round(lines: &[(i64, bool, Vec<u8>)]) {
        let source = Source::own(Transport::Local);
        let mut shapes = Shapes::default();
        let mut columns = Columns::default();
        for (received, is_cut, octets) in lines {
            let line = Line {
                source,
                received: *received,
                is_cut: *is_cut,
                octets,
            };
            columns.push(&line, &Message::read(octets), &mut shapes);
        }
        let mut written = Vec::new();
        shapes.write(&mut written);
        let shapes = Shapes::read(&written).unwrap();
        let block = Block::read(columns.bytes(), &shapes).unwrap();
        assert_eq!(block.len(), lines.len());
        for (at, (received, is_cut, octets)) in lines.iter().enumerate() {
            let expected = Entry {
                source,
                received: *received,
                is_cut: *is_cut,
                octets: octets.clone(),
            };
            assert_eq!(block.entry(at, &shapes), Some(expected));
        }
    }

    #[test]
    fn lines_come_back_to_the_octet() {
        let lines = [
            "<22>1 2026-11-24T16:11:19.123Z mx roost-mta 12 - [a@1 b=\"c\"] accepted",
            "<22>1 2026-11-24T16:11:19.223Z mx roost-mta 12 - - delivery",
            "<22>Nov 24 16:11:19 mx postfix/qmgr[1]: removed",
            "<22>Nov  4 16:11:18 mx postfix/qmgr[1]: removed",
            "<22>Nov 4 16:11:18 a bad time",
            "\u{1b}[31m red",
            "",
        ];
        let lines: Vec<_> = lines
            .iter()
            .enumerate()
            .map(|(at, line)| (at as i64 * 7 - 3, at == 2, line.as_bytes().to_vec()))
            .collect();
        round(&lines);
    }

    #[test]
    fn a_place_in_the_bodies_tells_its_line() {
        let mut shapes = Shapes::default();
        let mut columns = Columns::default();
        for octets in ["abc", "", "de"] {
            let line = Line {
                source: Source::own(Transport::Tcp),
                received: 0,
                is_cut: false,
                octets: octets.as_bytes(),
            };
            columns.push(&line, &Message::read(line.octets), &mut shapes);
        }
        let block = Block::read(columns.bytes(), &shapes).unwrap();
        assert_eq!(block.bodies(), b"abcde");
        assert_eq!([0, 2, 3, 4].map(|place| block.line_at(place)), [0, 0, 2, 2]);
        assert_eq!(block.body(2), Some(b"de".as_slice()));
    }

    proptest! {
        #[test]
        fn any_octets_come_back(
            lines in prop::collection::vec(
                (any::<i32>().prop_map(i64::from), any::<bool>(),
                 prop_oneof![
                    prop::collection::vec(any::<u8>(), 0..40),
                    "<[0-9]{1,3}>(1 )?[0-9T:.Z-]{0,30} [a-z]{0,3} [a-z]{0,3}(\\[[0-9]\\])?: .{0,9}"
                        .prop_map(String::into_bytes),
                    "<14>[JFMASOND][a-z]{2} [ 123][0-9] [012][0-9]:[0-5][0-9]:[0-5][0-9] a b: .{0,9}"
                        .prop_map(String::into_bytes),
                 ]),
                0..20),
        ) {
            round(&lines);
        }

        #[test]
        fn any_bytes_are_a_block_or_none(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            drop(Block::read(bytes.clone(), &Shapes::default()));
            drop(Shapes::read(&bytes));
        }
    }
}

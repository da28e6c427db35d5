//! Every instance that the agent knows at a moment, in order.

use std::collections::BTreeMap;
use std::ops::Bound;

use jiff::{Timestamp, tz::TimeZone};

use crate::oid::Oid;

/// The longest text that a `SnmpAdminString` or `DisplayString` carries (RFC 3411, RFC 2579).
const TEXT_MAX: usize = 255;

/// The value of an instance, as SMIv2 has them (RFC 2578, section 7.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// `Integer32` and enumerations.
    Integer(i32),
    /// `OCTET STRING` and what is made of it.
    Octets(Vec<u8>),
    /// `OBJECT IDENTIFIER`
    Oid(Oid),
    /// `IpAddress`
    IpAddress([u8; 4]),
    /// `Counter32`
    Counter32(u32),
    /// `Gauge32` and `Unsigned32`
    Gauge32(u32),
    /// `TimeTicks`: hundredths of a second.
    TimeTicks(u32),
    /// `Opaque`
    Opaque(Vec<u8>),
    /// `Counter64`
    Counter64(u64),
    /// `NULL`
    Null,
}

impl Value {
    /// Text, cut at a character to what a string of SNMP holds.
    #[must_use]
    pub fn text(text: &str) -> Self {
        let end = text.floor_char_boundary(TEXT_MAX.min(text.len()));
        Self::Octets(text.as_bytes().get(..end).unwrap_or_default().to_vec())
    }

    /// A gauge, which stays at its largest value when the figure is larger (RFC 2578, section 7.1.7).
    #[must_use]
    pub fn gauge(figure: u64) -> Self {
        Self::Gauge32(u32::try_from(figure).unwrap_or(u32::MAX))
    }

    /// A counter of 32 bits, which wraps (RFC 2578, section 7.1.6).
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the counter wraps by definition"
    )]
    pub const fn counter32(figure: u64) -> Self {
        Self::Counter32(figure as u32)
    }

    /// Seconds as hundredths, which wrap (RFC 2578, section 7.1.8).
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "TimeTicks wrap by definition"
    )]
    pub const fn ticks(seconds: u64) -> Self {
        Self::TimeTicks(seconds.wrapping_mul(100) as u32)
    }

    /// A `TruthValue` (RFC 2579).
    #[must_use]
    pub const fn truth(is: bool) -> Self {
        Self::Integer(if is { 1 } else { 2 })
    }

    /// A `DateAndTime` (RFC 2579) of eleven octets, in UTC.
    #[must_use]
    pub fn date(at: Timestamp) -> Self {
        let at = TimeZone::UTC.to_datetime(at);
        let year = u16::try_from(at.year()).unwrap_or_default().to_be_bytes();
        let small = |part: i8| u8::try_from(part).unwrap_or_default();
        Self::Octets(vec![
            year[0],
            year[1],
            small(at.month()),
            small(at.day()),
            small(at.hour()),
            small(at.minute()),
            small(at.second()),
            0,
            b'+',
            0,
            0,
        ])
    }
}

/// Instances and their values; built anew at each look at the node, and never changed afterwards.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tree(BTreeMap<Oid, Value>);

impl Tree {
    /// Adds the scalar `object`.
    pub fn scalar(&mut self, object: &Oid, value: Value) {
        self.0.insert(object.with(&[0]), value);
    }

    /// Adds a row: `entry` is the table's entry object, `columns` the accessible columns.
    pub fn row(
        &mut self,
        entry: &Oid,
        index: &[u32],
        columns: impl IntoIterator<Item = (u32, Value)>,
    ) {
        for (column, value) in columns {
            self.0.insert(entry.with(&[column]).with(index), value);
        }
    }

    /// The value of exactly this instance.
    #[must_use]
    pub fn get(&self, instance: &Oid) -> Option<&Value> {
        self.0.get(instance)
    }

    /// Whether some instance of the object that `instance` names exists: tells `noSuchInstance` from
    /// `noSuchObject` as far as can be told from instances.
    #[must_use]
    pub fn has_object(&self, instance: &Oid) -> bool {
        let Some((_, object)) = instance.parts().split_last() else {
            return false;
        };
        let object = Oid::new(object);
        self.0
            .range(object.clone()..)
            .next()
            .is_some_and(|(found, _)| found.is_under(&object))
    }

    /// The first instance after `from` (or at it, if `include`) and before `end`; an empty `end` is
    /// no bound.
    #[must_use]
    pub fn next(&self, from: &Oid, include: bool, end: &Oid) -> Option<(&Oid, &Value)> {
        let from = match include {
            true => Bound::Included(from),
            false => Bound::Excluded(from),
        };
        self.0
            .range((from, Bound::Unbounded))
            .next()
            .filter(|(found, _)| end.parts().is_empty() || *found < end)
    }

    /// How many instances there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Oid, &Value)> {
        self.0.iter()
    }
}

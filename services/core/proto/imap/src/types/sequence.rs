//! Sets of message numbers: as the client writes them, and resolved.

use std::fmt;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;

use smallvec::SmallVec;

use super::Uid;

/// A number in a sequence set: a value, or `*` for the largest in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// A number.
    Value(NonZeroU32),
    /// `*`
    Largest,
}

impl Number {
    fn resolve(self, largest: u32) -> u32 {
        match self {
            Self::Value(value) => value.get(),
            Self::Largest => largest,
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(value) => value.fmt(f),
            Self::Largest => f.write_str("*"),
        }
    }
}

/// RFC 9051 §9 `sequence-set`, or RFC 5182's `$`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sequence {
    /// Numbers and ranges.
    Set(SequenceSet),
    /// The result of the last SEARCH that saved one.
    Saved,
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set(set) => set.fmt(f),
            Self::Saved => f.write_str("$"),
        }
    }
}

/// Numbers and ranges in the order and direction in which they were written; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequenceSet(pub SmallVec<[(Number, Number); 2]>);

impl SequenceSet {
    /// The ranges, ascending and disjoint, `*` being `largest`; empty ones for an empty mailbox
    /// (`largest` zero) are left out.
    #[must_use]
    pub fn resolve(&self, largest: u32) -> Vec<RangeInclusive<u32>> {
        let mut ranges: Vec<_> = self
            .0
            .iter()
            .map(|(from, to)| (from.resolve(largest), to.resolve(largest)))
            // RFC 9051 §9 seq-range: 2:4 and 4:2 are the same.
            .map(|(from, to)| (from.min(to), from.max(to)))
            .filter(|(_, to)| *to > 0)
            .collect();
        ranges.sort_unstable();
        let mut merged: Vec<RangeInclusive<u32>> = Vec::with_capacity(ranges.len());
        for (from, to) in ranges {
            match merged.last_mut() {
                Some(last) if from <= last.end().saturating_add(1) => {
                    *last = *last.start()..=to.max(*last.end());
                }
                _ => merged.push(from..=to),
            }
        }
        merged
    }

    /// The largest plain number that it names.
    #[must_use]
    pub fn largest_named(&self) -> Option<u32> {
        self.0
            .iter()
            .flat_map(|(from, to)| [*from, *to])
            .filter_map(|number| match number {
                Number::Value(value) => Some(value.get()),
                Number::Largest => None,
            })
            .max()
    }
}

impl fmt::Display for SequenceSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (from, to)) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            if from == to {
                from.fmt(f)?
            } else {
                write!(f, "{from}:{to}")?
            }
        }
        Ok(())
    }
}

/// UIDs in the order given, printed with runs of ascending neighbours joined (`uid-set`).
#[derive(Clone, Copy, Debug)]
pub struct UidSet<'a>(pub &'a [Uid]);

impl fmt::Display for UidSet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print_runs(f, self.0.iter().map(|uid| uid.get()))
    }
}

/// Numbers in the order given, printed as a `sequence-set` with runs of ascending neighbours joined.
#[derive(Clone, Copy, Debug)]
pub struct Runs<'a>(pub &'a [u32]);

impl fmt::Display for Runs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print_runs(f, self.0.iter().copied())
    }
}

/// Ranges in the order given, printed as a `sequence-set`.
#[derive(Clone, Copy, Debug)]
pub struct Ranges<'a>(pub &'a [RangeInclusive<u32>]);

impl fmt::Display for Ranges<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, range) in self.0.iter().enumerate() {
            let (start, end) = (range.start(), range.end());
            let comma = if at > 0 { "," } else { "" };
            if start == end {
                write!(f, "{comma}{start}")?
            } else {
                write!(f, "{comma}{start}:{end}")?
            }
        }
        Ok(())
    }
}

fn print_runs(f: &mut fmt::Formatter<'_>, numbers: impl IntoIterator<Item = u32>) -> fmt::Result {
    let mut numbers = numbers.into_iter().peekable();
    let mut first = true;
    while let Some(start) = numbers.next() {
        let mut end = start;
        while let Some(next) = numbers.next_if(|next| end.checked_add(1) == Some(*next)) {
            end = next;
        }
        if !first {
            f.write_str(",")?;
        }
        first = false;
        if start == end {
            write!(f, "{start}")?
        } else {
            write!(f, "{start}:{end}")?
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(ranges: &[(u32, u32)]) -> SequenceSet {
        let number = |n: u32| NonZeroU32::new(n).map_or(Number::Largest, Number::Value);
        SequenceSet(
            ranges
                .iter()
                .map(|(a, b)| (number(*a), number(*b)))
                .collect(),
        )
    }

    #[test]
    fn ranges_are_sorted_merged_and_turned_round() {
        assert_eq!(
            set(&[(5, 3), (1, 1), (2, 2), (9, 0)]).resolve(7),
            [1..=5, 7..=9]
        );
        assert_eq!(set(&[(0, 0)]).resolve(0), []);
        assert_eq!(set(&[(1, 0)]).resolve(0), [0..=1]);
    }

    #[test]
    fn runs_are_joined_in_the_order_given() {
        let uids: Vec<_> = [4, 5, 6, 2, 9].into_iter().filter_map(Uid::new).collect();
        assert_eq!(UidSet(&uids).to_string(), "4:6,2,9");
        assert_eq!(set(&[(5, 3), (1, 1), (7, 0)]).to_string(), "5:3,1,7:*");
    }
}

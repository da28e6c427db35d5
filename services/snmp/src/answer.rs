//! What a request gets of a tree (RFC 2741, section 7.2.3).

use crate::tree::Tree;
use crate::wire::{Binding, Found, Range};

/// The most bindings of an answer to a GetBulk; a manager asks again for more.
const BULK_MAX: usize = 4_096;

/// The values of exactly these instances.
#[must_use]
pub fn get(tree: &Tree, ranges: &[Range]) -> Vec<Binding> {
    let one = |range: &Range| Binding {
        name: range.start.clone(),
        value: match tree.get(&range.start) {
            Some(value) => Found::Value(value.clone()),
            None if tree.has_object(&range.start) => Found::NoSuchInstance,
            None => Found::NoSuchObject,
        },
    };
    ranges.iter().map(one).collect()
}

/// The next instance in each range.
#[must_use]
pub fn get_next(tree: &Tree, ranges: &[Range]) -> Vec<Binding> {
    ranges.iter().map(|range| next(tree, range)).collect()
}

/// The next instance in each of the first `non_repeaters` ranges, and `max_repetitions` instances in
/// each of the others.
#[must_use]
pub fn get_bulk(
    tree: &Tree,
    non_repeaters: u16,
    max_repetitions: u16,
    ranges: &[Range],
) -> Vec<Binding> {
    let (once, often) = ranges
        .split_at_checked(usize::from(non_repeaters))
        .unwrap_or((ranges, &[]));
    let mut bindings = get_next(tree, once);
    let mut often = often.to_vec();
    for _ in 0..max_repetitions {
        if bindings.len().saturating_add(often.len()) > BULK_MAX {
            break;
        }
        let found = get_next(tree, &often);
        if found.is_empty() {
            break;
        }
        let is_end = found
            .iter()
            .all(|binding| binding.value == Found::EndOfMibView);
        for (range, binding) in often.iter_mut().zip(&found) {
            range.start = binding.name.clone();
            range.include = false;
        }
        bindings.extend(found);
        if is_end {
            break;
        }
    }
    bindings
}

fn next(tree: &Tree, range: &Range) -> Binding {
    match tree.next(&range.start, range.include, &range.end) {
        Some((name, value)) => Binding {
            name: name.clone(),
            value: Found::Value(value.clone()),
        },
        None => Binding {
            name: range.start.clone(),
            value: Found::EndOfMibView,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oid::Oid;
    use crate::tree::Value;

    fn tree() -> Tree {
        let mut tree = Tree::default();
        tree.scalar(&Oid::new(&[1, 1]), Value::Integer(7));
        for row in 1..=3 {
            let columns = [(2, Value::gauge(row)), (3, Value::gauge(row * 10))];
            tree.row(
                &Oid::new(&[1, 2, 1]),
                &[u32::try_from(row).unwrap()],
                columns,
            );
        }
        tree
    }

    fn from(parts: &[u32]) -> Range {
        Range {
            start: Oid::new(parts),
            include: false,
            end: Oid::default(),
        }
    }

    #[test]
    fn a_missing_row_and_a_missing_object_are_told_apart() {
        let ranges = [
            from(&[1, 2, 1, 2, 2]),
            from(&[1, 2, 1, 2, 9]),
            from(&[1, 2, 1, 9, 1]),
        ];
        let values: Vec<Found> = get(&tree(), &ranges)
            .into_iter()
            .map(|binding| binding.value)
            .collect();
        let expected = [
            Found::Value(Value::Gauge32(2)),
            Found::NoSuchInstance,
            Found::NoSuchObject,
        ];
        assert_eq!(values, expected);
    }

    #[test]
    fn a_walk_sees_each_instance_once_and_ends() {
        let tree = tree();
        let mut seen = Vec::new();
        let mut range = from(&[1]);
        loop {
            let binding = next(&tree, &range);
            if binding.value == Found::EndOfMibView {
                break;
            }
            range.start = binding.name.clone();
            seen.push(binding.name);
        }
        let all: Vec<Oid> = tree.iter().map(|(name, _)| name.clone()).collect();
        assert_eq!(seen, all);
    }

    #[test]
    fn the_end_of_a_range_is_kept() {
        let mut range = from(&[1, 2, 1, 2, 3]);
        range.end = Oid::new(&[1, 2, 1, 3]);
        assert_eq!(next(&tree(), &range).value, Found::EndOfMibView);
    }

    #[test]
    fn bulk_agrees_with_next() {
        let tree = tree();
        let ranges = [from(&[1, 1]), from(&[1, 2, 1, 2]), from(&[1, 2, 1, 3])];
        let bindings = get_bulk(&tree, 1, 2, &ranges);
        let names: Vec<String> = bindings
            .iter()
            .map(|binding| binding.name.to_string())
            .collect();
        let expected = [
            ".1.1.0",
            ".1.2.1.2.1",
            ".1.2.1.3.1",
            ".1.2.1.2.2",
            ".1.2.1.3.2",
        ];
        assert_eq!(names, expected);
        for binding in bindings {
            let Found::Value(value) = binding.value else {
                panic!("{} has no value", binding.name);
            };
            assert_eq!(tree.get(&binding.name), Some(&value));
        }
    }
}

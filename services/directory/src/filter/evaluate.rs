//! A filter tried on one entry.

use super::{Comparison, Prepared, Test, Truth};
use crate::entry::Entry;
use crate::matching;
use crate::schema::{Attribute, AttributeId, Schema};

/// An entry as a search sees it.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// The entry.
    pub entry: &'a Entry,
    /// Whether there are entries below it; looked up only where somebody asks.
    pub has_subordinates: Option<bool>,
}

/// Tries a filter. `readable` says which attributes the asker may read in this entry.
#[must_use]
pub fn evaluate(
    schema: &Schema,
    filter: &Prepared,
    candidate: Candidate<'_>,
    readable: &dyn Fn(AttributeId) -> bool,
) -> Truth {
    let each = |one: &Prepared| evaluate(schema, one, candidate, readable);
    match filter {
        Prepared::And(all) => combine(all.iter().map(each), Truth::False, Truth::True),
        Prepared::Or(all) => combine(all.iter().map(each), Truth::True, Truth::False),
        Prepared::Not(inner) => match each(inner) {
            Truth::True => Truth::False,
            Truth::False => Truth::True,
            Truth::Undefined => Truth::Undefined,
        },
        Prepared::Test(test) => evaluate_test(schema, test, candidate, readable),
        Prepared::Undefined => Truth::Undefined,
    }
}

/// `decisive` as soon as one says so, else undefined if one is, else `neutral`.
fn combine(truths: impl Iterator<Item = Truth>, decisive: Truth, neutral: Truth) -> Truth {
    let mut result = neutral;
    for truth in truths {
        if truth == decisive {
            return decisive;
        }
        if truth == Truth::Undefined {
            result = Truth::Undefined;
        }
    }
    result
}

fn evaluate_test(
    schema: &Schema,
    test: &Test,
    candidate: Candidate<'_>,
    readable: &dyn Fn(AttributeId) -> bool,
) -> Truth {
    let mut visible = false;
    for &id in &test.attributes {
        if !readable(id) {
            continue;
        }
        visible = true;
        if attribute_matches(schema, test, schema.get(id), candidate) {
            return Truth::True;
        }
    }
    if test.dn_attributes && name_matches(schema, test, candidate.entry, readable) {
        return Truth::True;
    }
    if visible {
        Truth::False
    } else {
        Truth::Undefined
    }
}

fn attribute_matches(
    schema: &Schema,
    test: &Test,
    attribute: &Attribute,
    candidate: Candidate<'_>,
) -> bool {
    let known = &schema.known;
    let entry = candidate.entry;
    let matches = |value: &[u8]| value_matches(schema, test, attribute, value);
    match attribute.id {
        // Superior classes are classes of the entry too (RFC 4512 §3.3).
        id if id == known.object_class => match &test.comparison {
            Comparison::Equal(form) => entry.class_forms(schema).contains(form),
            _ => entry.get(id).iter().any(|value| matches(value)),
        },
        id if id == known.entry_dn => matches(entry.dn.to_string().as_bytes()),
        id if id == known.subschema_subentry => matches(crate::root::SUBSCHEMA_DN.as_bytes()),
        id if id == known.has_subordinates => candidate
            .has_subordinates
            .is_some_and(|has| matches(if has { b"TRUE" } else { b"FALSE" })),
        id => entry.get(id).iter().any(|value| matches(value)),
    }
}

/// RFC 4511 §4.5.1.7.7: `dnAttributes`.
fn name_matches(
    schema: &Schema,
    test: &Test,
    entry: &Entry,
    readable: &dyn Fn(AttributeId) -> bool,
) -> bool {
    entry
        .dn
        .parts()
        .iter()
        .flat_map(|rdn| rdn.pairs())
        .any(|pair| {
            schema.attribute(&pair.attribute).is_some_and(|attribute| {
                test.attributes.contains(&attribute.id)
                    && readable(attribute.id)
                    && value_matches(schema, test, attribute, &pair.value)
            })
        })
}

fn value_matches(schema: &Schema, test: &Test, attribute: &Attribute, value: &[u8]) -> bool {
    match &test.comparison {
        Comparison::Present => true,
        Comparison::Words(words) => matching::contains_words(value, words).unwrap_or(false),
        Comparison::AllBits(bits) => number(value).is_some_and(|own| own & bits == *bits),
        Comparison::AnyBit(bits) => number(value).is_some_and(|own| own & bits != 0),
        comparison => {
            let rule = test.rule.or_else(|| attribute.row.equality());
            let form = rule.and_then(|rule| matching::normalise(schema, rule, value));
            form.is_some_and(|form| form_matches(comparison, &form))
        }
    }
}

fn form_matches(comparison: &Comparison, form: &[u8]) -> bool {
    match comparison {
        Comparison::Equal(asserted) => form == asserted.as_slice(),
        Comparison::AtLeast(asserted) => form >= asserted.as_slice(),
        Comparison::AtMost(asserted) => form <= asserted.as_slice(),
        Comparison::Substrings { initial, any, last } => {
            has_pieces(form, initial.as_deref(), any, last.as_deref())
        }
        Comparison::Present
        | Comparison::Words(_)
        | Comparison::AllBits(_)
        | Comparison::AnyBit(_) => false,
    }
}

fn has_pieces(form: &[u8], initial: Option<&[u8]>, any: &[Vec<u8>], last: Option<&[u8]>) -> bool {
    let Some(mut rest) = form.strip_prefix(initial.unwrap_or_default()) else {
        return false;
    };
    for piece in any {
        match memchr::memmem::find(rest, piece) {
            Some(at) => rest = rest.get(at + piece.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last.unwrap_or_default())
}

fn number(value: &[u8]) -> Option<i64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

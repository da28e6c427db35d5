//! The filter of a request → [`Prepared`].

use roost_core_directory::schema::Rule;

use super::{Comparison, Prepared, Test};
use crate::matching::{self, Piece};
use crate::schema::{Attribute, Schema};
use crate::wire::filter::{Assertion, Extensible, Filter, Substrings};

/// Active Directory's rules on bits, which `uidNumber`-like attributes are asked with.
const BIT_AND: &str = "1.2.840.113556.1.4.803";
const BIT_OR: &str = "1.2.840.113556.1.4.804";

/// Looks up attributes and rules, and brings asserted values into their form. What cannot be looked
/// up is [`Prepared::Undefined`], not an error (RFC 4511 §4.5.1.7).
#[must_use]
pub fn prepare(schema: &Schema, filter: &Filter) -> Prepared {
    match filter {
        Filter::And(all) => Prepared::And(all.iter().map(|one| prepare(schema, one)).collect()),
        Filter::Or(all) => Prepared::Or(all.iter().map(|one| prepare(schema, one)).collect()),
        Filter::Not(inner) => Prepared::Not(Box::new(prepare(schema, inner))),
        Filter::Present(name) => match find(schema, name) {
            Some(attribute) => test(attribute, Comparison::Present),
            None => Prepared::Undefined,
        },
        Filter::Equality(assertion) => compare(schema, assertion, Comparison::Equal),
        Filter::GreaterOrEqual(assertion) => ordered(schema, assertion, Comparison::AtLeast),
        Filter::LessOrEqual(assertion) => ordered(schema, assertion, Comparison::AtMost),
        Filter::Approximate(assertion) => approximate(schema, assertion),
        Filter::Substrings(substrings) => pieces(schema, substrings),
        Filter::Extensible(extensible) => named_rule(schema, extensible),
    }
}

/// The attribute of a description. `;binary` says how values travel and changes nothing (RFC 4522);
/// attributes with other options are not kept here, so nothing matches them.
fn find<'a>(schema: &'a Schema, description: &str) -> Option<&'a Attribute> {
    let (name, options) = description
        .split_once(';')
        .unwrap_or((description, "binary"));
    options
        .eq_ignore_ascii_case("binary")
        .then(|| schema.attribute(name))
        .flatten()
}

fn test(attribute: &Attribute, comparison: Comparison) -> Prepared {
    Prepared::Test(Test {
        attributes: attribute.family.clone(),
        dn_attributes: false,
        rule: None,
        comparison,
    })
}

fn compare(
    schema: &Schema,
    assertion: &Assertion,
    comparison: fn(Vec<u8>) -> Comparison,
) -> Prepared {
    let form = || {
        let attribute = find(schema, &assertion.attribute)?;
        let form = matching::normalise(schema, attribute.row.equality()?, &assertion.value)?;
        Some(test(attribute, comparison(form)))
    };
    form().unwrap_or(Prepared::Undefined)
}

fn ordered(
    schema: &Schema,
    assertion: &Assertion,
    comparison: fn(Vec<u8>) -> Comparison,
) -> Prepared {
    let has_order = find(schema, &assertion.attribute)
        .is_some_and(|attribute| attribute.row.ordering().is_some());
    if has_order {
        compare(schema, assertion, comparison)
    } else {
        Prepared::Undefined
    }
}

/// RFC 4511 §4.5.1.7.6: where a rule for it is lacking, equality. Text is compared by words.
fn approximate(schema: &Schema, assertion: &Assertion) -> Prepared {
    let Some(attribute) = find(schema, &assertion.attribute) else {
        return Prepared::Undefined;
    };
    match attribute.row.equality() {
        Some(Rule::CaseIgnore | Rule::CaseExact | Rule::CaseIgnoreIa5 | Rule::CaseExactIa5) => {
            test(attribute, Comparison::Words(assertion.value.clone()))
        }
        _ => compare(schema, assertion, Comparison::Equal),
    }
}

fn pieces(schema: &Schema, substrings: &Substrings) -> Prepared {
    let prepared = || {
        let attribute = find(schema, &substrings.attribute)?;
        let comparison = substring_forms(attribute.row.substring()?, substrings)?;
        Some(test(attribute, comparison))
    };
    prepared().unwrap_or(Prepared::Undefined)
}

fn substring_forms(rule: Rule, substrings: &Substrings) -> Option<Comparison> {
    let form = |value: &Vec<u8>, piece| matching::normalise_piece(rule, value, piece);
    let optional = |value: &Option<Vec<u8>>, piece| match value {
        None => Some(None),
        Some(value) => form(value, piece).map(Some),
    };
    Some(Comparison::Substrings {
        initial: optional(&substrings.initial, Piece::Initial)?,
        any: substrings
            .any
            .iter()
            .map(|value| form(value, Piece::Any))
            .collect::<Option<_>>()?,
        last: optional(&substrings.last, Piece::Last)?,
    })
}

/// RFC 4511 §4.5.1.7.7.
fn named_rule(schema: &Schema, filter: &Extensible) -> Prepared {
    let attribute = filter.attribute.as_deref().map(|name| find(schema, name));
    if attribute.is_some_and(|found| found.is_none()) {
        return Prepared::Undefined;
    }
    let attribute = attribute.flatten();
    let comparison = match (filter.rule.as_deref(), attribute) {
        (Some(BIT_AND), _) => bits(filter).map(|bits| (None, Comparison::AllBits(bits))),
        (Some(BIT_OR), _) => bits(filter).map(|bits| (None, Comparison::AnyBit(bits))),
        (Some(name), _) => Rule::find(name).and_then(|rule| asserted(schema, rule, filter)),
        (None, Some(attribute)) => attribute
            .row
            .equality()
            .and_then(|rule| matching::normalise(schema, rule, &filter.value))
            .map(|form| (None, Comparison::Equal(form))),
        // RFC 4511 §4.5.1.7.7: without a rule there must be an attribute.
        (None, None) => None,
    };
    let Some((rule, comparison)) = comparison else {
        return Prepared::Undefined;
    };
    let attributes = match (attribute, rule) {
        (Some(attribute), _) => attribute.family.clone(),
        (None, Some(rule)) => fitting(schema, rule),
        (None, None) => return Prepared::Undefined,
    };
    Prepared::Test(Test {
        attributes,
        dn_attributes: filter.dn_attributes,
        rule,
        comparison,
    })
}

fn asserted(
    schema: &Schema,
    rule: Rule,
    filter: &Extensible,
) -> Option<(Option<Rule>, Comparison)> {
    let comparison = match rule {
        Rule::IntegerOrdering
        | Rule::GeneralizedTimeOrdering
        | Rule::CaseIgnoreOrdering
        | Rule::UuidOrdering => {
            // RFC 4517 §4.2: as a filter, an ordering rule asks for values that are less.
            let form = matching::normalise(schema, rule, &filter.value)?;
            Comparison::AtMost(just_below(form)?)
        }
        rule if matching::is_substring_rule(rule) => {
            substring_forms(rule, &substring_assertion(&filter.value)?)?
        }
        rule => Comparison::Equal(matching::normalise(schema, rule, &filter.value)?),
    };
    Some((Some(rule), comparison))
}

/// A form that every form less than `form`, and no other, is not greater than: forms are texts
/// without a greatest octet at their end, so the form with its last octet lowered and followed by
/// that greatest one.
fn just_below(mut form: Vec<u8>) -> Option<Vec<u8>> {
    let last = form.pop()?;
    form.push(last.checked_sub(1)?);
    form.extend_from_slice(&[0xff; 8]);
    Some(form)
}

/// `initial*any*final` (RFC 4517 §3.3.30).
fn substring_assertion(value: &[u8]) -> Option<Substrings> {
    let parts: Vec<&[u8]> = value.split(|octet| *octet == b'*').collect();
    let (first, rest) = parts.split_first()?;
    let (last, middle) = rest.split_last()?;
    let some = |piece: &[u8]| (!piece.is_empty()).then(|| piece.to_vec());
    Some(Substrings {
        attribute: String::new(),
        initial: some(first),
        any: middle.iter().filter_map(|piece| some(piece)).collect(),
        last: some(last),
    })
}

fn bits(filter: &Extensible) -> Option<i64> {
    std::str::from_utf8(&filter.value).ok()?.parse().ok()
}

/// The attributes that a rule can be tried on.
fn fitting(schema: &Schema, rule: Rule) -> Vec<crate::schema::AttributeId> {
    schema
        .attributes()
        .filter(|attribute| {
            let row = attribute.row;
            [row.equality(), row.ordering(), row.substring()].contains(&Some(rule))
        })
        .map(|attribute| attribute.id)
        .collect()
}

//! Matching rules: every value has a normal form under a rule (RFC 4517 §4.2, RFC 4518). Equal
//! values have equal forms, and forms sort as the values do, so that equality, order, substrings
//! and the index are comparisons of octets.

mod numbers;
mod text;
mod time;

use roost_core_directory::schema::Rule;

use crate::dn::Dn;
use crate::schema::Schema;

pub use text::{Piece, contains_words};

/// The normal form of `value`; `None` when it is not of the rule's syntax, which makes a comparison
/// undefined.
#[must_use]
pub fn normalise(schema: &Schema, rule: Rule, value: &[u8]) -> Option<Vec<u8>> {
    match rule {
        Rule::CaseIgnore | Rule::CaseIgnoreOrdering | Rule::CaseIgnoreSubstrings => {
            text::prepare(value, text::Case::Ignored, Piece::Whole)
        }
        Rule::CaseIgnoreIa5 | Rule::CaseIgnoreIa5Substrings => value
            .is_ascii()
            .then(|| text::prepare(value, text::Case::Ignored, Piece::Whole))?,
        Rule::CaseExact | Rule::CaseExactSubstrings => {
            text::prepare(value, text::Case::Kept, Piece::Whole)
        }
        Rule::CaseExactIa5 => value
            .is_ascii()
            .then(|| text::prepare(value, text::Case::Kept, Piece::Whole))?,
        Rule::CaseIgnoreList | Rule::CaseIgnoreListSubstrings => text::prepare_list(value),
        Rule::NumericString | Rule::NumericStringSubstrings => text::without(value, b" "),
        Rule::TelephoneNumber | Rule::TelephoneNumberSubstrings => {
            text::without(value, b" -").map(|number| number.to_ascii_lowercase())
        }
        Rule::Boolean => numbers::boolean(value),
        Rule::Integer | Rule::IntegerOrdering => numbers::integer(value),
        Rule::GeneralizedTime | Rule::GeneralizedTimeOrdering => time::generalized(value),
        Rule::Uuid | Rule::UuidOrdering => numbers::uuid(value),
        Rule::DistinguishedName | Rule::UniqueMember => {
            let name = Dn::parse(std::str::from_utf8(value).ok()?).ok()?;
            Some(name.key(schema).as_bytes().to_vec())
        }
        Rule::ObjectIdentifier => object_identifier(schema, value),
        Rule::ObjectIdentifierFirstComponent => object_identifier(schema, first_component(value)?),
        Rule::OctetString | Rule::BitString | Rule::CertificateExact => Some(value.to_vec()),
    }
}

/// The normal form of a piece of a value, to be found in the normal form of the whole.
#[must_use]
pub fn normalise_piece(rule: Rule, value: &[u8], piece: Piece) -> Option<Vec<u8>> {
    match rule {
        Rule::CaseExact | Rule::CaseExactSubstrings | Rule::CaseExactIa5 => {
            text::prepare(value, text::Case::Kept, piece)
        }
        Rule::NumericString | Rule::NumericStringSubstrings => text::without(value, b" "),
        Rule::TelephoneNumber | Rule::TelephoneNumberSubstrings => {
            text::without(value, b" -").map(|number| number.to_ascii_lowercase())
        }
        Rule::OctetString => Some(value.to_vec()),
        _ => text::prepare(value, text::Case::Ignored, piece),
    }
}

/// The rule of equality that the forms of `rule` belong to: an ordering or substring rule is tried
/// on values in their form of equality.
#[must_use]
pub fn is_substring_rule(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::CaseIgnoreSubstrings
            | Rule::CaseExactSubstrings
            | Rule::CaseIgnoreIa5Substrings
            | Rule::CaseIgnoreListSubstrings
            | Rule::NumericStringSubstrings
            | Rule::TelephoneNumberSubstrings
    )
}

/// A name of the schema becomes its number, so that `organizationalUnit` equals `2.5.6.5`.
fn object_identifier(schema: &Schema, value: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(value).ok()?.trim();
    let valid = text
        .bytes()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-'));
    if text.is_empty() || !valid {
        return None;
    }
    let oid = schema
        .oid_of(text)
        .unwrap_or_else(|| text.to_ascii_lowercase());
    Some(oid.into_bytes())
}

/// `( 1.2.3 NAME …` → `1.2.3`; an asserted value is the identifier alone (RFC 4517 §4.2.26).
fn first_component(value: &[u8]) -> Option<&[u8]> {
    let value = value.trim_ascii();
    let inner = value.strip_prefix(b"(").unwrap_or(value).trim_ascii_start();
    inner.split(|c| *c == b' ').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn equal(rule: Rule, one: &str, other: &str) {
        let schema = Schema::new();
        let form = |value: &str| normalise(&schema, rule, value.as_bytes());
        assert!(form(one).is_some(), "{one}");
        assert_eq!(form(one), form(other), "{one} = {other}");
    }

    #[track_caller]
    fn ascending(rule: Rule, values: &[&str]) {
        let schema = Schema::new();
        let forms: Vec<_> = values
            .iter()
            .map(|value| normalise(&schema, rule, value.as_bytes()).expect(value))
            .collect();
        assert!(forms.windows(2).all(|pair| pair[0] < pair[1]), "{values:?}");
    }

    #[test]
    fn text_is_compared_without_case_and_insignificant_spaces() {
        equal(Rule::CaseIgnore, "  Ursel   KURT ", "ursel kurt");
        equal(Rule::CaseIgnore, "Stra\u{df}e", "STRASSE");
        equal(Rule::CaseIgnore, "\u{212b}", "\u{e5}");
        equal(Rule::CaseExact, " a  b", "a b");
        equal(Rule::TelephoneNumber, "+49 30-1234", "+49301234");
        equal(Rule::NumericString, "1 2 3", "123");
        equal(Rule::CaseIgnoreList, "A Street$ Town", "a street$town");
    }

    #[test]
    fn numbers_and_times_sort_as_they_count() {
        ascending(
            Rule::Integer,
            &[
                "-1000", "-11", "-10", "-9", "-1", "0", "1", "9", "10", "99999",
            ],
        );
        ascending(
            Rule::GeneralizedTime,
            &[
                "19991231235959Z",
                "20200101000000Z",
                "20200101000000.5Z",
                "2020010100+0000",
                "20200101020000Z",
            ]
            .map(|value| {
                if value == "2020010100+0000" {
                    "20200101000000.7Z"
                } else {
                    value
                }
            }),
        );
        equal(Rule::GeneralizedTime, "2020010102+0200", "20200101000000Z");
        equal(Rule::GeneralizedTime, "202001010030.5Z", "20200101003030Z");
        equal(
            Rule::GeneralizedTime,
            "20200101000000.50Z",
            "20200101000000,5Z",
        );
    }

    #[test]
    fn names_are_compared_as_names() {
        equal(
            Rule::DistinguishedName,
            "CN=Foo Bar, DC=Example",
            "2.5.4.3=foo  bar,dc=EXAMPLE",
        );
        equal(Rule::DistinguishedName, "cn=a+sn=b,dc=x", "SN=B+CN=A,DC=X");
        equal(Rule::ObjectIdentifier, "person", "2.5.6.6");
        equal(
            Rule::Uuid,
            "597AE2F6-16A6-1027-98F4-D28B5365DC14",
            "597ae2f6-16a6-1027-98f4-d28b5365dc14",
        );
        equal(
            Rule::ObjectIdentifierFirstComponent,
            "( 2.5.4.3 NAME 'cn' )",
            "cn",
        );
    }

    #[test]
    fn what_is_not_of_the_syntax_has_no_form() {
        let schema = Schema::new();
        for (rule, value) in [
            (Rule::Integer, "1x"),
            (Rule::Integer, ""),
            (Rule::Boolean, "yes"),
            (Rule::GeneralizedTime, "2020-01-01"),
            (Rule::GeneralizedTime, "20201301000000Z"),
            (Rule::DistinguishedName, "nonsense"),
            (Rule::Uuid, "7"),
            (Rule::CaseIgnoreIa5, "\u{e5}"),
        ] {
            assert_eq!(normalise(&schema, rule, value.as_bytes()), None, "{value}");
        }
    }
}

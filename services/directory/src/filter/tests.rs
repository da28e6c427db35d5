//! Filters against small entries, and laws.

use proptest::prelude::*;

use super::*;
use crate::dn::Dn;
use crate::entry::Entry;
use crate::schema::Schema;
use crate::wire::filter::{Assertion, Extensible, Filter, Substrings};

fn assertion(attribute: &str, value: &str) -> Assertion {
    Assertion {
        attribute: attribute.into(),
        value: value.into(),
    }
}

fn equal(attribute: &str, value: &str) -> Filter {
    Filter::Equality(assertion(attribute, value))
}

fn pieces(attribute: &str, pattern: &str) -> Filter {
    let parts: Vec<&str> = pattern.split('*').collect();
    let some = |piece: &str| (!piece.is_empty()).then(|| piece.as_bytes().to_vec());
    Filter::Substrings(Substrings {
        attribute: attribute.into(),
        initial: some(parts[0]),
        any: parts[1..parts.len() - 1]
            .iter()
            .filter_map(|piece| some(piece))
            .collect(),
        last: some(parts[parts.len() - 1]),
    })
}

fn extensible(attribute: Option<&str>, rule: Option<&str>, value: &str, dn: bool) -> Filter {
    Filter::Extensible(Extensible {
        rule: rule.map(str::to_owned),
        attribute: attribute.map(str::to_owned),
        value: value.into(),
        dn_attributes: dn,
    })
}

fn not(filter: Filter) -> Filter {
    Filter::Not(Box::new(filter))
}

fn alice(schema: &Schema) -> Entry {
    let mut entry = Entry::new(Dn::parse("uid=alice,ou=people,dc=example,dc=test").unwrap());
    for (name, value) in [
        ("objectClass", "inetOrgPerson"),
        ("objectClass", "zimbraAccount"),
        ("uid", "alice"),
        ("cn", "Alice  Liddell"),
        ("sn", "Liddell"),
        ("mail", "alice@example.test"),
        ("telephoneNumber", "+49 30 1234-567"),
        ("zimbraMailQuota", "1048576"),
        ("zimbraIsAdminAccount", "FALSE"),
        ("createTimestamp", "20260101120000Z"),
        ("userPassword", "{SSHA}x"),
        ("manager", "cn=Boss, DC=example,dc=test"),
    ] {
        entry.push(schema.attribute(name).expect(name).id, value.into());
    }
    entry
}

#[track_caller]
fn check(filter: Filter, expected: Truth) {
    let schema = Schema::new();
    let entry = alice(&schema);
    let password = schema.known.user_password;
    let candidate = Candidate {
        entry: &entry,
        has_subordinates: Some(false),
    };
    let truth = evaluate(&schema, &prepare(&schema, &filter), candidate, &|id| {
        id != password
    });
    assert_eq!(truth, expected, "{filter:?}");
}

#[test]
fn comparisons_go_by_the_rules_of_the_attribute() {
    use Truth::{False, True, Undefined};
    check(equal("CN", "alice liddell"), True);
    check(equal("2.5.4.3", "ALICE LIDDELL"), True);
    check(equal("name", "liddell"), True);
    check(equal("sn", "other"), False);
    check(equal("telephoneNumber", "+49301234567"), True);
    check(equal("manager", "CN=boss,dc=EXAMPLE,DC=test"), True);
    check(equal("zimbraIsAdminAccount", "false"), True);
    check(equal("zimbraIsAdminAccount", "maybe"), Undefined);
    check(equal("description", "absent"), False);
    check(equal("noSuchAttribute", "x"), Undefined);
    check(
        Filter::GreaterOrEqual(assertion("zimbraMailQuota", "999999")),
        True,
    );
    check(
        Filter::LessOrEqual(assertion("zimbraMailQuota", "999999")),
        False,
    );
    check(
        Filter::GreaterOrEqual(assertion("createTimestamp", "2026010113+0100")),
        True,
    );
    check(
        Filter::LessOrEqual(assertion("createTimestamp", "20251231235959Z")),
        False,
    );
    // RFC 4519 gives sn no order.
    check(Filter::GreaterOrEqual(assertion("sn", "a")), Undefined);
    check(Filter::Approximate(assertion("cn", "al lid")), True);
    check(Filter::Approximate(assertion("cn", "lid al")), False);
}

#[test]
fn classes_are_inherited_and_derived_attributes_are_there() {
    check(equal("objectClass", "person"), Truth::True);
    check(equal("objectClass", "2.5.6.6"), Truth::True);
    check(equal("objectClass", "zimbraDomain"), Truth::False);
    check(
        equal("entryDN", "UID=Alice,ou=people,dc=example,dc=test"),
        Truth::True,
    );
    check(equal("hasSubordinates", "FALSE"), Truth::True);
    check(Filter::Present("subschemaSubentry".into()), Truth::True);
}

#[test]
fn substrings_keep_their_order() {
    check(pieces("cn", "al*lid*ell"), Truth::True);
    check(pieces("cn", "*CE LI*"), Truth::True);
    check(pieces("cn", "*lid*ice*"), Truth::False);
    check(pieces("mail", "alice@example.test*test"), Truth::False);
    check(pieces("telephoneNumber", "+4930*567"), Truth::True);
    check(pieces("zimbraMailQuota", "10*"), Truth::Undefined);
}

#[test]
fn what_cannot_be_decided_stays_so() {
    use Truth::{False, True, Undefined};
    check(not(equal("noSuchAttribute", "x")), Undefined);
    check(not(equal("userPassword", "{SSHA}x")), Undefined);
    check(Filter::Present("userPassword".into()), Undefined);
    check(
        Filter::And(vec![equal("uid", "alice"), equal("nothing", "x")]),
        Undefined,
    );
    check(
        Filter::And(vec![equal("uid", "bob"), equal("nothing", "x")]),
        False,
    );
    check(
        Filter::Or(vec![equal("uid", "alice"), equal("nothing", "x")]),
        True,
    );
    check(
        Filter::Or(vec![equal("uid", "bob"), equal("nothing", "x")]),
        Undefined,
    );
    check(Filter::And(vec![]), True);
    check(Filter::Or(vec![]), False);
    check(not(equal("uid", "bob")), True);
}

#[test]
fn extensible_filters_name_rules() {
    check(
        extensible(Some("cn"), Some("caseExactMatch"), "Alice Liddell", false),
        Truth::True,
    );
    check(
        extensible(Some("cn"), Some("2.5.13.5"), "alice liddell", false),
        Truth::False,
    );
    check(extensible(Some("dc"), None, "EXAMPLE", true), Truth::True);
    check(extensible(Some("ou"), None, "people", true), Truth::True);
    check(extensible(Some("ou"), None, "people", false), Truth::False);
    check(
        extensible(None, Some("caseIgnoreMatch"), "liddell", false),
        Truth::True,
    );
    check(
        extensible(
            Some("cn"),
            Some("caseIgnoreSubstringsMatch"),
            "*lid*",
            false,
        ),
        Truth::True,
    );
    check(
        extensible(Some("cn"), Some("noSuchMatch"), "x", false),
        Truth::Undefined,
    );
    check(extensible(None, None, "x", false), Truth::Undefined);
    let bits = |rule, value| extensible(Some("zimbraMailQuota"), Some(rule), value, false);
    check(bits("1.2.840.113556.1.4.803", "1048576"), Truth::True);
    check(bits("1.2.840.113556.1.4.803", "1048577"), Truth::False);
    check(bits("1.2.840.113556.1.4.804", "1048577"), Truth::True);
}

fn filters() -> impl Strategy<Value = Filter> {
    let leaf = prop_oneof![
        ("uid|cn|sn|nothing|userPassword", "alice|liddell|x").prop_map(|(a, v)| equal(&a, &v)),
        "uid|cn|nothing".prop_map(Filter::Present),
        ("zimbraMailQuota", "[0-9]{1,8}")
            .prop_map(|(a, v)| Filter::GreaterOrEqual(assertion(&a, &v))),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Filter::And),
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Filter::Or),
            inner.prop_map(not),
        ]
    })
}

proptest! {
    /// De Morgan's laws hold in three values too, and doubled negation changes nothing.
    #[test]
    fn three_valued_logic_keeps_its_laws(filters in proptest::collection::vec(filters(), 0..4)) {
        let schema = Schema::new();
        let entry = alice(&schema);
        let password = schema.known.user_password;
        let truth = |filter: &Filter| {
            let candidate = Candidate { entry: &entry, has_subordinates: None };
            evaluate(&schema, &prepare(&schema, filter), candidate, &|id| id != password)
        };
        let negated = filters.iter().cloned().map(not).collect();
        let and = Filter::And(filters.clone());
        prop_assert_eq!(truth(&not(and.clone())), truth(&Filter::Or(negated)));
        prop_assert_eq!(truth(&not(not(and.clone()))), truth(&and));
    }
}

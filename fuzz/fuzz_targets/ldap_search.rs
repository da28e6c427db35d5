//! Filters from the wire, prepared against the schema and tried on an entry: the truth of `not` is the
//! other one, and none takes long.
#![no_main]
#![allow(unused_must_use, reason = "that it comes to an end is what is tested")]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use roost_directory::dn::Dn;
use roost_directory::entry::Entry;
use roost_directory::filter::{Candidate, Prepared, Truth, evaluate, prepare};
use roost_directory::schema::Schema;
use roost_directory::wire::ber::Reader;
use roost_directory::wire::filter::Filter;

static WORLD: LazyLock<(Schema, Entry)> = LazyLock::new(|| {
    let schema = Schema::new();
    let dn = Dn::parse("uid=alice,ou=people,dc=example,dc=test").unwrap();
    let mut entry = Entry::new(dn);
    for (name, value) in [
        ("objectClass", "inetOrgPerson"),
        ("objectClass", "zimbraAccount"),
        ("uid", "alice"),
        ("cn", "Alice  Liddell"),
        ("sn", "Liddell"),
        ("mail", "alice@example.test"),
        ("zimbraMailQuota", "12345"),
        ("zimbraPasswordModifiedTime", "20260301120000Z"),
        ("telephoneNumber", "+1 23-45"),
        ("manager", "uid=bob,ou=people,dc=example,dc=test"),
    ] {
        if let Some(attribute) = schema.attribute(name) {
            entry.push(attribute.id, value.as_bytes().to_vec());
        }
    }
    (schema, entry)
});

fuzz_target!(|octets: &[u8]| {
    let (schema, entry) = &*WORLD;
    let Ok(filter) = Filter::decode(&mut Reader::new(octets)) else {
        return;
    };
    let candidate = Candidate {
        entry,
        has_subordinates: Some(false),
    };
    let truth = |filter: &Prepared| evaluate(schema, filter, candidate, &|_| true);
    let prepared = prepare(schema, &filter);
    let expected = match truth(&prepared) {
        Truth::True => Truth::False,
        Truth::False => Truth::True,
        Truth::Undefined => Truth::Undefined,
    };
    assert!(truth(&Prepared::Not(Box::new(prepared))) == expected);
});

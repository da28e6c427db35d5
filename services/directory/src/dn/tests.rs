//! Names as RFC 4514 has them, and laws.

use proptest::prelude::*;

use super::*;
use crate::schema::Schema;

#[track_caller]
fn prints(text: &str, expected: &str) {
    assert_eq!(Dn::parse(text).unwrap().to_string(), expected);
}

#[test]
fn the_examples_of_rfc_4514() {
    prints(
        "UID=jsmith,DC=example,DC=net",
        "UID=jsmith,DC=example,DC=net",
    );
    prints(
        "OU=Sales+CN=J.  Smith,DC=example,DC=net",
        "OU=Sales+CN=J.  Smith,DC=example,DC=net",
    );
    prints(
        r#"CN=James \"Jim\" Smith\, III,DC=net"#,
        r#"CN=James \"Jim\" Smith\, III,DC=net"#,
    );
    prints(r"CN=Before\0dAfter,DC=net", r"CN=Before\0dAfter,DC=net");
    prints("1.3.6.1.4.1.1466.0=#04024869", "1.3.6.1.4.1.1466.0=Hi");
    prints(r"CN=Lu\C4\8Di\C4\87", "CN=Lu\u{10d}i\u{107}");
    prints(r"cn=\ a\ ,dc=x", r"cn=\ a\ ,dc=x");
    prints(r"cn=\#x", r"cn=\#x");
    prints(" cn = a , dc = b ; dc=c", "cn=a,dc=b,dc=c");
    prints("", "");
    // What is no text is read and printed as BER.
    prints("cn=#0402FF00", "cn=#0402ff00");
}

#[test]
fn mistakes_are_found_where_they_are() {
    for (text, at) in [
        ("cn", 2),
        ("=x", 0),
        ("cn=a,", 5),
        ("cn=a\\zz", 5),
        ("cn=\"a\"", 3),
        ("cn=a,1..2=x", 5),
        ("1.=x", 0),
        ("1=x", 0),
        ("1.02=x", 0),
        (".1=x", 0),
        ("-cn=x", 0),
        ("c.n=x", 0),
        ("1a=x", 0),
        ("cn=a\\ff", 3),
        ("cn=\\c4", 3),
    ] {
        match Dn::parse(text) {
            Err(DnError::Syntax { at: found, .. }) => assert_eq!(found, at, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
    assert_eq!(Dn::parse("cn=a+CN=b"), Err(DnError::Twice));
    assert_eq!(Dn::parse(&"cn=a,".repeat(3000)), Err(DnError::TooLong));
    assert!(Rdn::parse("cn=a,dc=b").is_err());
}

#[test]
fn keys_compare_names_and_hold_subtrees_together() {
    let schema = Schema::new();
    let key = |text: &str| Dn::parse(text).unwrap().key(&schema);
    assert_eq!(
        key("CN=A  b,DC=X"),
        key("commonName=a B, 0.9.2342.19200300.100.1.25=x")
    );
    assert_eq!(key("cn=a+sn=b"), key("SN=B+CN=A"));
    assert_ne!(key("cn=a\\+sn\\=b"), key("cn=a+sn=b"));
    let (above, below, beside) = (key("dc=x"), key("cn=a,dc=x"), key("dc=xy"));
    assert!(below.is_within(&above) && above.is_within(&above));
    assert!(!beside.is_within(&above) && !above.is_within(&below));
    assert_eq!(below.parent(), Some(above.clone()));
    assert_eq!(above.parent(), Some(DnKey::default()));
    assert_eq!(DnKey::default().parent(), None);
    let end = above.after_subtree().unwrap();
    assert!(below.as_bytes() < end.as_slice() && beside.as_bytes() > end.as_slice());
    assert_eq!(below.moved(&above, &beside), Some(key("cn=a,dc=xy")));
}

fn names() -> impl Strategy<Value = Dn> {
    let value = proptest::string::string_regex("[ -~\u{0}-\u{1f}\u{e4}\u{4e2d}]{0,12}").unwrap();
    let octets = proptest::collection::vec(any::<u8>(), 0..40);
    let value = prop_oneof![4 => value.prop_map(String::into_bytes), 1 => octets];
    let pair =
        ("cn|sn|ou|dc|1\\.2\\.3", value).prop_map(|(attribute, value)| Pair { attribute, value });
    let rdn = proptest::collection::vec(pair, 1..3).prop_map(|mut pairs| {
        pairs.dedup_by(|one, other| one.attribute == other.attribute);
        Rdn { pairs }
    });
    proptest::collection::vec(rdn, 0..5).prop_map(Dn::from_parts)
}

proptest! {
    #[test]
    fn what_is_printed_is_read_back(name in names()) {
        prop_assert_eq!(Dn::parse(&name.to_string()), Ok(name));
    }

    #[test]
    fn no_text_makes_trouble(text in ".{0,60}") {
        if let Ok(name) = Dn::parse(&text) {
            prop_assert_eq!(Dn::parse(&name.to_string()), Ok(name));
        }
    }
}

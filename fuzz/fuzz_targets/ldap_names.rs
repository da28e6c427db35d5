//! Distinguished names: what is read prints and reads the same, and equal names have equal keys.
#![no_main]
#![allow(unused_must_use, reason = "that it comes to an end is what is tested")]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use roost_directory::dn::{Dn, Rdn};
use roost_directory::schema::Schema;

static SCHEMA: LazyLock<Schema> = LazyLock::new(Schema::new);

fuzz_target!(|text: &str| {
    if let Ok(rdn) = Rdn::parse(text) {
        assert!(Rdn::parse(&rdn.to_string()).is_ok_and(|again| again == rdn));
    }
    let Ok(dn) = Dn::parse(text) else {
        return;
    };
    let printed = dn.to_string();
    let again = Dn::parse(&printed);
    assert!(again.as_ref() == Ok(&dn), "{printed:?}");
    let key = dn.key(&SCHEMA);
    assert!(key == again.unwrap().key(&SCHEMA));
    assert_eq!(key.is_root(), dn.is_root());
    if !dn.is_root() {
        let parent = dn.parent().key(&SCHEMA);
        assert!(key.parent().as_ref() == Some(&parent));
        assert!(key.is_within(&parent) && !parent.is_within(&key));
    }
});

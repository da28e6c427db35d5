//! A structure as a disk gives it back: damaged ones are refused, or can be read like any other.
#![no_main]
#![allow(unused_must_use, reason = "that it comes to an end is what is tested")]

use libfuzzer_sys::fuzz_target;
use roost_mime::{Section, Structure};

fuzz_target!(|stored: &[u8]| {
    let Ok(structure) = Structure::decode(stored) else {
        return;
    };
    for part in structure.parts() {
        part.body.of(stored);
        part.children().count();
        part.message().map(|inner| inner.get().media_type.len());
        part.file_name();
    }
    structure.envelope();
    for path in [&[][..], &[1], &[1, 1], &[2, 1]] {
        structure.section(path, Section::Header);
        structure.section(path, Section::Text);
    }
    assert!(Structure::decode(&structure.encode()).is_ok_and(|again| again == structure));
});

//! A message's structure: spans nest, work is bounded, the stored form reads back, text comes out.
#![no_main]
#![allow(unused_must_use, reason = "that it comes to an end is what is tested")]

use libfuzzer_sys::fuzz_target;
use roost_mime::{Kind, Section, Structure, limits, text};

fuzz_target!(|message: &[u8]| {
    let structure = Structure::parse(message);
    let mut parts = 0;
    for part in structure.parts() {
        parts += 1;
        assert!(part.header.end == part.body.start && part.body.end <= message.len() as u64);
        assert!(part.header.start <= part.header.end && part.body.start <= part.body.end);
        let mut after = part.body.start;
        for child in part.children() {
            assert!(part.body.contains(child.whole()) && child.header.start >= after);
            after = child.body.end;
        }
        assert_eq!(part.kind == Kind::Single, part.children().next().is_none());
        let body = part.body.of(message);
        text::decoded(&part, body, 4096);
        text::readable(&part, body, 4096);
        assert!(text::preview(&part, body).chars().count() <= limits::PREVIEW_CHARS_MAX);
        part.file_name();
    }
    assert!(parts <= limits::PARTS_MAX);
    assert_eq!(structure.root().whole().octets(), message.len() as u64);
    text::preview_part(&structure);
    for path in [&[][..], &[1], &[1, 1], &[2, 1]] {
        for section in [
            Section::Content,
            Section::Header,
            Section::Text,
            Section::Mime,
        ] {
            if let Some(span) = structure.section(path, section) {
                assert!(span.end <= message.len() as u64);
            }
        }
    }
    assert!(Structure::decode(&structure.encode()).is_ok_and(|again| again == structure));
});

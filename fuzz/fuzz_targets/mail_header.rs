//! What the mta reads in a message's header: fields, traces, networks and addresses in settings.
#![no_main]
#![allow(unused_must_use, reason = "that it comes to an end is what is tested")]

use libfuzzer_sys::fuzz_target;
use roost_mta::header;
use roost_mta::limits::HEADER_SCANNED;
use roost_mta::trace::Trace;

fuzz_target!(|octets: &[u8]| {
    let section = header::section(octets);
    assert!(octets.starts_with(section) && section.len() <= HEADER_SCANNED);
    let mut length = 0;
    for field in header::fields(octets) {
        length += field.raw.len();
        assert!(!field.name.is_empty() && field.text().len() <= 3 * field.value.len());
    }
    assert!(length <= section.len());
    header::first(octets, "Message-ID");
    let trace = Trace::read(octets);
    trace.is_loop();
    trace.has_passed(&"a@b.test".parse().unwrap());
    if let Ok(text) = std::str::from_utf8(octets) {
        roost_mta::inbound::networks::read(text.lines());
    }
});

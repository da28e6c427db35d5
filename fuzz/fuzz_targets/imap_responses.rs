//! Responses, as a client reads them: nothing panics, and what is read prints and reads the same.
#![no_main]
#![allow(unused_must_use, reason = "that it comes to an end is what is tested")]

use libfuzzer_sys::fuzz_target;
use roost_proto_imap::frame::{Event, Frame};
use roost_proto_imap::grammar::{Names, Response, parse_response};

fuzz_target!(|octets: &[u8]| {
    for response in responses(octets) {
        let mut printed = Vec::new();
        response.print(&mut printed, Names::Utf8);
        assert!(responses(&printed) == [response]);
    }
});

fn responses(octets: &[u8]) -> Vec<Response> {
    let mut frame = Frame::new(1 << 16);
    frame.buffer().extend_from_slice(octets);
    let mut responses = Vec::new();
    loop {
        match frame.next_event() {
            Event::Literal(literal) if literal.size <= 65_536 => frame.accept(),
            Event::Command(raw) => responses.extend(parse_response(&raw, Names::Utf8)),
            _ => return responses,
        }
    }
}

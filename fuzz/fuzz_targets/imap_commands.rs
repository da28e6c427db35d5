//! Frame and grammar, as a client's octets meet them: nothing panics, what is held is bounded, and a
//! command that is read prints and reads the same again.
#![no_main]
#![allow(unused_must_use, reason = "that it comes to an end is what is tested")]

use libfuzzer_sys::fuzz_target;
use roost_proto_imap::frame::{Event, Frame, Raw};
use roost_proto_imap::grammar::{Names, announced, parse};

fuzz_target!(|octets: &[u8]| {
    // The first octet chooses how the rest is cut.
    let Some((step, octets)) = octets.split_first() else {
        return;
    };
    let mut frame = Frame::new(1 << 16);
    for piece in octets.chunks(usize::from(*step).max(1)) {
        frame.buffer().extend_from_slice(piece);
        loop {
            match frame.next_event() {
                Event::More => break,
                Event::Command(raw) => read(&raw),
                Event::Literal(literal) => {
                    let known = announced(&literal.command, Names::Utf7).is_ok();
                    if known && literal.size <= 4096 {
                        frame.accept();
                    } else if frame.can_skip(literal.size) {
                        frame.refuse();
                    } else {
                        return;
                    }
                }
                Event::Refused(refusal) => assert!(refusal.start.len() <= 64),
                Event::Lost(_) => return,
            }
        }
    }
});

fn read(raw: &Raw) {
    for names in [Names::Utf7, Names::Utf8] {
        let Ok(command) = parse(raw, names) else {
            continue;
        };
        let mut frame = Frame::new(1 << 16);
        frame.buffer().extend_from_slice(&command.print(names));
        let again = loop {
            match frame.next_event() {
                Event::Literal(_) => frame.accept(),
                Event::Command(raw) => break parse(&raw, names),
                other => panic!("a printed command is no command: {other:?}"),
            }
        };
        assert_eq!(again.as_ref(), Ok(&command));
    }
}

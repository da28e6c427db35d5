//! Laws of the grammar: what is printed is read as what it was, and anything can be read.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use roost_proto_imap::frame::Raw;
use roost_proto_imap::grammar::{Names, announced, parse, parse_response, tag_of};

use crate::arbitrary::{command, framed, response};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_printed_command_is_read_as_what_it_was(
        command in command(),
        names in prop_oneof![Just(Names::Utf7), Just(Names::Utf8)],
    ) {
        let printed = command.print(names);
        let raw = framed(&printed);
        let read = parse(&raw, names);
        prop_assert_eq!(read.as_ref(), Ok(&command), "{}", String::from_utf8_lossy(&printed));
        // Once read, it prints the same.
        prop_assert_eq!(read.unwrap().print(names), printed);
    }

    #[test]
    fn a_printed_response_is_read_as_what_it_was(
        response in response(),
        names in prop_oneof![Just(Names::Utf7), Just(Names::Utf8)],
    ) {
        let mut printed = Vec::new();
        response.print(&mut printed, names);
        let read = parse_response(&framed(&printed), names);
        prop_assert_eq!(read, Ok(response), "{}", String::from_utf8_lossy(&printed));
    }

    #[test]
    fn anything_can_be_read(text in vec(any::<u8>(), 0..200), literal in vec(any::<u8>(), 0..20)) {
        let raw = Raw { text: text.into(), literals: vec![Bytes::from(literal)] };
        survive(&raw);
    }

    #[test]
    fn a_damaged_command_can_be_read(
        command in command(),
        at in any::<prop::sample::Index>(),
        octet in any::<u8>(),
        cut in any::<bool>(),
    ) {
        let mut octets = command.print(Names::Utf8);
        let at = at.index(octets.len());
        if cut {
            octets.truncate(at);
        } else {
            octets[at] = octet;
        }
        survive(&Raw { text: octets.into(), literals: vec![Bytes::from_static(b"x"); 3] });
    }
}

#[test]
fn a_literal_is_no_part_of_a_response_text() {
    // Found by fuzzing: it was read as text with a line end in it, which cannot be printed.
    for octets in [
        "* OK Stil{3}\r\nabc here\r\n",
        "+ go{1}\r\nx\r\n",
        "* OK {0}\r\n\r\n",
    ] {
        let read = parse_response(&framed(octets.as_bytes()), Names::Utf8);
        assert!(read.is_err(), "{octets:?} was read as {read:?}");
    }
}

/// Whatever comes out, it comes out; and what is read prints and reads the same again.
fn survive(raw: &Raw) {
    for names in [Names::Utf7, Names::Utf8] {
        if let Ok(command) = parse(raw, names) {
            let printed = command.print(names);
            let again = parse(&framed(&printed), names);
            assert_eq!(
                again.as_ref(),
                Ok(&command),
                "{}",
                String::from_utf8_lossy(&printed)
            );
        }
        if announced(raw, names).is_ok() {
            assert!(raw.text.len() > 2);
        }
    }
    if let Ok(response) = parse_response(raw, Names::Utf8) {
        let mut printed = Vec::new();
        response.print(&mut printed, Names::Utf8);
        assert!(printed.ends_with(b"\r\n"));
    }
    if let Some(tag) = tag_of(&raw.text) {
        assert!(raw.text.starts_with(tag.as_str().as_bytes()));
    }
}

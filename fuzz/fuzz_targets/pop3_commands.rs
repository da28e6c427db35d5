//! POP3's command lines, and messages on their way out: the client finds the end where it is, and reads
//! what was sent.
#![no_main]
#![allow(unused_must_use, reason = "that it comes to an end is what is tested")]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use roost_proto_pop3::grammar::Command;
use roost_proto_pop3::multiline::{Wants, Writer};

fuzz_target!(|octets: &[u8]| {
    for line in octets.split(|octet| *octet == b'\n') {
        if let Ok(command) = Command::parse(line) {
            let again = Command::parse(&line.to_ascii_uppercase());
            assert!(again.is_ok() || format!("{command:?}").len() > 6);
        }
    }
    let Some((step, message)) = octets.split_first() else {
        return;
    };
    let mut out = BytesMut::new();
    let mut sending = match step & 1 {
        0 => Writer::whole(),
        _ => Writer::top(u64::from(step >> 6)),
    };
    for piece in message.chunks(usize::from(*step).max(1)) {
        if let Wants::Nothing = sending.push(piece, &mut out) {
            break;
        }
    }
    sending.finish(&mut out);
    let end = out
        .windows(5)
        .position(|five| five == b"\r\n.\r\n")
        .map(|at| at + 5)
        .or_else(|| out.starts_with(b".\r\n").then_some(3));
    assert_eq!(end, Some(out.len()), "one end, and it is the end");
});

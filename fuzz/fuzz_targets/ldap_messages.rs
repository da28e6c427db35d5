//! LDAP messages off the wire: frame, BER, requests, filters, controls. How they are cut makes no
//! difference, and no length that lies makes anything large.
#![no_main]
#![allow(unused_must_use, reason = "that it comes to an end is what is tested")]

use libfuzzer_sys::fuzz_target;
use roost_directory::controls::{Controls, Operation};
use roost_directory::wire::ber;
use roost_directory::wire::control;
use roost_directory::wire::frame::Framer;
use roost_directory::wire::message::{Message, Unreadable, decode};

fuzz_target!(|octets: &[u8]| {
    let Some((step, octets)) = octets.split_first() else {
        return;
    };
    let whole = messages(octets, usize::MAX);
    assert!(whole == messages(octets, usize::from(*step).max(1)));
    let mut reader = ber::Reader::new(octets);
    while reader.element().is_ok() && !reader.is_empty() {}
    for message in whole.into_iter().flatten() {
        for one in &message.controls {
            control::read(one).is_ok();
        }
        for operation in [Operation::Search, Operation::Modify, Operation::Bind] {
            Controls::read(&message.controls, operation).is_ok();
        }
    }
});

fn messages(octets: &[u8], step: usize) -> Vec<Result<Message, Unreadable>> {
    const LIMIT: u64 = 16 << 10;
    let mut framer = Framer::new(LIMIT);
    let mut messages = Vec::new();
    for chunk in octets.chunks(step.min(octets.len().max(1))) {
        framer.buffer().extend_from_slice(chunk);
        loop {
            match framer.message() {
                Ok(Some(bytes)) => {
                    assert!(bytes.len() as u64 <= LIMIT);
                    messages.push(decode(&bytes));
                }
                Ok(None) => break,
                Err(_) => return messages,
            }
        }
    }
    messages
}

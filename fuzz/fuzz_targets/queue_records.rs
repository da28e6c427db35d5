//! What the mta's journal keeps about queued messages, and the notices made of them.
#![no_main]
#![allow(unused_must_use, reason = "that it comes to an end is what is tested")]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use roost_journal::Draft;
use roost_mta::queue::record::Record;

fuzz_target!(|octets: &[u8]| {
    let Some((kind, payload)) = octets.split_first() else {
        return;
    };
    let draft = Draft {
        kind: u16::from(*kind % 8),
        version: 1,
        stream: 7,
        payload: Bytes::copy_from_slice(payload),
    };
    let Ok((id, read)) = Record::read(&roost_journal::Record::of(draft)) else {
        return;
    };
    let written = read.draft(id).unwrap();
    let again = Record::read(&roost_journal::Record::of(written)).unwrap();
    assert!(again == (id, read.clone()));
    if let Record::Message { message, .. } = read {
        for recipient in &message.envelope.recipients {
            roost_mta::dsn::destination(&message.envelope, recipient);
        }
    }
});

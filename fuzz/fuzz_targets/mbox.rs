//! mbox files that somebody imports: the messages lie one after another within the file, and unquoting
//! only takes away.
#![no_main]
#![allow(unused_must_use, reason = "that it comes to an end is what is tested")]

use libfuzzer_sys::fuzz_target;

#[path = "../../services/ctl/src/import/mbox.rs"]
#[allow(
    dead_code,
    reason = "only the scanner is run here, the importer uses the rest"
)]
mod mbox;

fuzz_target!(|octets: &[u8]| {
    let found = mbox::scan(octets).unwrap();
    let mut after = 0;
    for message in found {
        assert!(message.start >= after && message.end >= message.start);
        assert!(message.end <= octets.len() as u64);
        after = message.end;
        let from = usize::try_from(message.start).unwrap();
        let to = usize::try_from(message.end).unwrap();
        for line in octets[from..to].split_inclusive(|octet| *octet == b'\n') {
            for quoting in [
                mbox::Quoting::Mboxrd,
                mbox::Quoting::Mboxo,
                mbox::Quoting::None,
            ] {
                assert!(line.ends_with(mbox::unquoted(line, quoting)));
            }
        }
    }
});

//! What a store's journal keeps about mailboxes: any payload is refused or applies to a state, twice,
//! without a panic; and what is read is written the same.
#![no_main]
#![allow(unused_must_use, reason = "that it comes to an end is what is tested")]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| roost_mailbox::fuzzing::records(octets));

//! The header of the PROXY protocol, as a balancer puts it before a connection: how it is cut makes no
//! difference, and it ends within the octets that are there.
#![no_main]
#![allow(unused_must_use, reason = "that it comes to an end is what is tested")]

use libfuzzer_sys::fuzz_target;
use roost_kit::net::Header;

fuzz_target!(|octets: &[u8]| {
    let whole = Header::read(octets);
    if let Ok(Some((_, length))) = &whole {
        assert!(*length <= octets.len());
    }
    for end in 0..octets.len().min(600) {
        match Header::read(&octets[..end]) {
            Ok(None) => {}
            // What is decided is decided, whatever follows.
            Ok(Some((header, length))) => {
                assert!(whole.as_ref().is_ok_and(|whole| {
                    whole
                        .as_ref()
                        .is_some_and(|(same, also)| *same == header && *also == length)
                }));
            }
            Err(_) => assert!(whole.is_err()),
        }
    }
});

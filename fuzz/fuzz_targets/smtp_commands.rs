//! SMTP's and LMTP's command lines, addresses and domains: a command that is read prints and reads the
//! same again.
#![no_main]
#![allow(unused_must_use, reason = "that it comes to an end is what is tested")]

use libfuzzer_sys::fuzz_target;
use roost_proto_smtp::grammar::command::Command;
use roost_proto_smtp::trace;
use roost_proto_smtp::{Address, Domain};

fuzz_target!(|octets: &[u8]| {
    for line in octets.split(|octet| *octet == b'\n') {
        if let Ok(command) = Command::parse(line) {
            let printed = command.to_string();
            let again = Command::parse(printed.as_bytes());
            assert_eq!(again.as_ref(), Ok(&command), "{printed:?}");
        }
        let Ok(text) = std::str::from_utf8(line) else {
            continue;
        };
        if let Ok(address) = Address::parse(text) {
            assert_eq!(Address::parse(&address.to_string()), Ok(address.clone()));
            trace::was_delivered_to(octets, &address);
        }
        if let Ok(domain) = Domain::parse(text) {
            assert_eq!(Domain::parse(domain.as_str()), Ok(domain.clone()));
            assert_eq!(Domain::parse(&domain.to_unicode()), Ok(domain));
        }
    }
    trace::hops(octets);
});

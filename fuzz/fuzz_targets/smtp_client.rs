//! What a foreign server answers to our client: no answer makes it panic, hold much, or report on other
//! recipients than it was given.
#![no_main]
#![allow(unused_must_use, reason = "that it comes to an end is what is tested")]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use roost_proto_smtp::client::{Client, Next, Protocol, Settings, TlsPolicy};
use roost_proto_smtp::grammar::reply;
use roost_proto_smtp::{Envelope, Recipient, ReversePath};

fuzz_target!(|octets: &[u8]| {
    let Some((how, octets)) = octets.split_first() else {
        return;
    };
    replies(octets);
    let mut client = Client::new(Settings {
        protocol: match how & 1 {
            0 => Protocol::Smtp,
            _ => Protocol::Lmtp,
        },
        name: "mta.test".into(),
        tls: TlsPolicy::Opportunistic,
        login: None,
    });
    let mut envelope = Envelope::new(ReversePath::Null);
    for address in ["a@x.test", "b@x.test"] {
        envelope
            .recipients
            .push(Recipient::new(address.parse().unwrap()));
    }
    for chunk in octets.chunks(usize::from(how >> 1).max(1)) {
        client.input().extend_from_slice(chunk);
        for _ in 0..20 {
            match client.step() {
                Next::Read => break,
                Next::Closed(_) => return,
                Next::StartTls => client.secured(),
                Next::Ready => client.send(&envelope, None),
                Next::Content => client.content_end(),
                Next::Sent(report) => assert_eq!(report.verdicts.len(), 2),
            }
        }
        assert!(client.output().len() < 64 << 10);
    }
    if let Next::Sent(report) = client.lost() {
        assert_eq!(report.verdicts.len(), 2);
    }
});

fn replies(octets: &[u8]) {
    let mut input = BytesMut::from(octets);
    while let Ok(Some(read)) = reply::take(&mut input) {
        let mut printed = BytesMut::new();
        read.write(&mut printed);
        // Long lines and many are cut in print, so the code is what must survive.
        let again = reply::take(&mut printed).unwrap().unwrap();
        assert_eq!((again.code, printed.len()), (read.code, 0));
    }
}

//! The text in a message: encoded words, charsets, transfer encodings, dates, addresses, header fields.
#![no_main]
#![allow(unused_must_use, reason = "that it comes to an end is what is tested")]

use libfuzzer_sys::fuzz_target;
use roost_mime::{Fields, SentDate, Transfer, charset, envelope, header, word};

fuzz_target!(|octets: &[u8]| {
    // Up to the first line end: a charset's name.
    let end = octets.iter().position(|octet| *octet == b'\n');
    let (name, rest) = octets.split_at(end.unwrap_or(0));
    charset::decode(name, rest);
    charset::decode_known(name, rest);
    charset::guess(rest);
    word::decode(octets);
    for transfer in [Transfer::Base64, Transfer::QuotedPrintable] {
        let whole = transfer.decode(rest, usize::MAX);
        assert!(whole.len() <= rest.len());
        let cut = transfer.decode(rest, 10);
        assert!(cut.len() <= 10 && whole.starts_with(&cut));
    }
    Transfer::named(name);
    if let Some(date) = SentDate::parse(octets) {
        assert!(date.day.year() <= 9999);
    }
    for address in envelope::addresses(octets) {
        address.display_name();
        address.address();
        assert!(!(address.begins_group() && address.ends_group()));
    }
    let mut seen = 0;
    for field in Fields::new(octets) {
        seen += 1;
        field.text();
        field.unfolded();
        assert!(seen <= octets.len());
    }
    let all = header::select(octets, |_| true);
    assert!(all.len() <= octets.len() + 4);
});

//! Values that a client stores: syntaxes, matching rules, stored entries, stored passwords, addresses.
#![no_main]
#![allow(unused_must_use, reason = "that it comes to an end is what is tested")]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use roost_core_directory::model::Transport;
use roost_core_directory::name::{DomainName, EmailAddress};
use roost_directory::matching::{self, Piece};
use roost_directory::password::verify;
use roost_directory::schema::{Schema, check_values};
use roost_directory::store;

static SCHEMA: LazyLock<Schema> = LazyLock::new(Schema::new);

fuzz_target!(|octets: &[u8]| {
    let Some((choice, value)) = octets.split_at_checked(2) else {
        return;
    };
    let choice = usize::from(u16::from_be_bytes([choice[0], choice[1]]));
    let attributes = SCHEMA.attributes().count();
    if let Some(attribute) = SCHEMA.attributes().nth(choice % attributes) {
        let sound = check_values(attribute, &[value.to_vec()]).is_ok();
        for rule in [
            attribute.row.kind.equality(),
            attribute.row.kind.ordering(),
            attribute.row.kind.substring(),
        ]
        .into_iter()
        .flatten()
        {
            // A form is its own form, or searches would miss what they wrote.
            if sound && !matching::is_substring_rule(rule) {
                if let Some(form) = matching::normalise(&SCHEMA, rule, value) {
                    matching::normalise(&SCHEMA, rule, &form);
                }
            }
            for piece in [Piece::Initial, Piece::Any, Piece::Last] {
                matching::normalise_piece(rule, value, piece);
            }
        }
    }
    if let Some((entry, again)) = store::fuzzing::entry_again(&SCHEMA, value) {
        assert!(
            store::fuzzing::entry_again(&SCHEMA, &again).is_some_and(|(read, _)| read == entry)
        );
    }
    verify::scheme(value);
    verify::clear(value);
    let Ok(text) = std::str::from_utf8(value) else {
        return;
    };
    if let Ok(address) = EmailAddress::parse(text) {
        assert!(EmailAddress::parse(&address.to_string()).is_ok_and(|again| again == address));
    }
    if let Ok(domain) = DomainName::parse(text) {
        assert!(DomainName::parse(domain.as_str()).is_ok_and(|again| again == domain));
    }
    Transport::parse(text);
});

//! What holds for any octets.

use proptest::collection::vec;
use proptest::prelude::*;
use roost_mime::{Fields, Kind, Section, SentDate, Structure, envelope, header, text, word};

/// Lines that make structure likely.
fn line() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => prop::sample::select(vec![
            "", "--aa", "--aa--", "--aab", "--aab--", "--b", "--b--", "text", " folded", "\tx",
            "Content-Type: multipart/mixed; boundary=aa", "Content-Type: multipart/digest; boundary=aab",
            "Content-Type: multipart/mixed; boundary=\"b\"", "Content-Type: message/rfc822",
            "Content-Type: text/html; charset*0=utf; charset*1*=-8", "Content-Type: message/global",
            "Content-Transfer-Encoding: base64", "Content-Transfer-Encoding: quoted-printable",
            "Content-Disposition: attachment; filename*=utf-8''%e4", "Subject: =?utf-8?q?=C3?= =?utf-8?q?=A9?=",
            "From: \"a\" <b@c>, g: d@e;", "To: <@r:x@y> (z)", "Date: Mon, 1 Jan 2020 00:00:00 +0100",
        ]).prop_map(|line| line.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..40),
    ]
}

fn message() -> impl Strategy<Value = Vec<u8>> {
    let end = prop::sample::select(vec!["\r\n", "\r\n", "\n", "\r"]);
    prop_oneof![
        8 => vec((line(), end), 0..60).prop_map(|lines| {
            lines.into_iter().flat_map(|(line, end)| [line, end.as_bytes().to_vec()].concat()).collect()
        }),
        1 => vec(any::<u8>(), 0..400),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn spans_are_nested_and_within_the_message(message in message()) {
        let structure = Structure::parse(&message);
        for part in structure.parts() {
            prop_assert!(part.header.end == part.body.start);
            prop_assert!(part.body.end <= message.len() as u64);
            prop_assert!(part.header.start <= part.header.end && part.body.start <= part.body.end);
            let mut after = part.body.start;
            for child in part.children() {
                prop_assert!(part.body.contains(child.whole()), "{:?} in {:?}", child.whole(), part.body);
                prop_assert!(child.header.start >= after, "children are in order and apart");
                after = child.body.end;
            }
            let lines = part.body.of(&message).iter().filter(|&&octet| octet == b'\n').count();
            prop_assert_eq!(part.lines as usize, lines);
            prop_assert_eq!(part.kind == Kind::Single, part.children().next().is_none());
        }
        prop_assert_eq!(structure.root().whole().octets(), message.len() as u64);
    }

    #[test]
    fn the_stored_form_reads_back(message in message()) {
        let structure = Structure::parse(&message);
        prop_assert_eq!(Structure::decode(&structure.encode()).unwrap(), structure);
    }

    #[test]
    fn damaged_stored_forms_are_refused_or_readable(
        message in message(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut stored = Structure::parse(&message).encode();
        for (at, octet) in damage {
            let at = at.index(stored.len());
            stored[at] = octet;
        }
        if let Ok(structure) = Structure::decode(&stored) {
            structure.parts().for_each(|part| { drop(part.body.of(&message).to_vec()); assert!(part.message().is_none_or(|inner| inner.envelope.is_some())); });
        }
    }

    #[test]
    fn every_number_finds_its_part(message in message()) {
        let structure = Structure::parse(&message);
        fn walk(structure: &Structure, part: roost_mime::PartRef<'_>, path: &mut Vec<u32>) {
            for (number, child) in (1..).zip(part.children()) {
                path.push(number);
                assert_eq!(structure.part(path).unwrap().get(), child.get());
                assert_eq!(structure.section(path, Section::Content), Some(child.body));
                match child.message() {
                    Some(inner) if inner.kind == Kind::Multipart => walk(structure, inner, path),
                    Some(inner) => {
                        assert_eq!(structure.section(path, Section::Text), Some(inner.body));
                        path.push(1);
                        assert_eq!(structure.part(path).unwrap().get(), inner.get());
                        path.pop();
                    }
                    None => walk(structure, child, path),
                }
                path.pop();
            }
        }
        if structure.root().kind == Kind::Multipart {
            walk(&structure, structure.root(), &mut Vec::new());
        } else {
            assert_eq!(structure.part(&[1]).unwrap().get(), structure.root().get());
        }
    }

    #[test]
    fn fields_are_the_header_to_the_octet(message in message()) {
        let structure = Structure::parse(&message);
        let octets = structure.root().header.of(&message);
        let mut fields = Fields::new(octets);
        let raw: Vec<u8> = fields.by_ref().flat_map(|field| field.raw.to_vec()).collect();
        prop_assert_eq!([&raw[..], fields.rest()].concat(), octets);
        prop_assert_eq!(header::select(octets, |_| true), octets);
    }

    #[test]
    fn text_is_read_from_any_octets(message in message(), max in 0_usize..200) {
        let structure = Structure::parse(&message);
        for part in structure.parts() {
            let body = part.body.of(&message);
            drop(text::decoded(&part, body, max));
            drop(text::readable(&part, body, 1000));
            prop_assert!(text::preview(&part, body).chars().count() <= 200);
            drop(part.file_name());
            if let Some(transfer) = part.transfer() {
                prop_assert!(transfer.decode(body, max).len() <= max);
            }
        }
        for field in Fields::new(structure.root().header.of(&message)) {
            drop(field.text());
        }
    }

    #[test]
    fn values_of_any_octets_are_read(value in vec(any::<u8>(), 0..200)) {
        drop(envelope::addresses(&value));
        drop(word::decode(&value));
        prop_assert!(SentDate::parse(&value).is_none_or(|date| date.day.year() <= 9999));
        let labelled = [b"=?shift_jis?q?", &value[..], b"?= =?utf-7?b?", &value[..], b"?="].concat();
        drop(word::decode(&labelled));
    }

    #[test]
    fn dates_of_likely_words_are_read(words in vec("[0-9]{1,6}|[+-][0-9]{1,6}|[0-9]{1,3}:[0-9]{1,3}(:[0-9]{0,3})?|Jan|Feb|Mon,|EST|\\(|\\)|1-Jan-20", 0..10)) {
        let date = SentDate::parse(words.join(" ").as_bytes());
        prop_assert!(date.is_none_or(|date| date.day.year() <= 9999));
    }

    #[test]
    fn html_of_any_kind_is_read(html in "[<>a-z&#;!\\-\"'= /\u{e9}]{0,80}") {
        let message = format!("Content-Type: text/html; charset=utf-8\n\n{html}");
        let structure = Structure::parse(message.as_bytes());
        drop(text::readable(&structure.root(), structure.root().body.of(message.as_bytes()), 1000));
    }

    #[test]
    fn decoding_undoes_an_encoder(octets in vec(any::<u8>(), 0..200)) {
        use base64::Engine;
        let encoded = base64::engine::general_purpose::STANDARD.encode(&octets);
        let decoded = roost_mime::Transfer::Base64.decode(encoded.as_bytes(), usize::MAX);
        prop_assert_eq!(&decoded[..], &octets[..]);
        let encoded: String = octets.iter().map(|octet| format!("={octet:02X}")).collect();
        let decoded = roost_mime::Transfer::QuotedPrintable.decode(encoded.as_bytes(), usize::MAX);
        prop_assert_eq!(&decoded[..], &octets[..]);
    }
}

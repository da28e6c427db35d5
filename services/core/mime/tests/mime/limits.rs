//! One past each limit.

use std::fmt::Write;

use roost_mime::{Fields, Structure, envelope, limits};

/// Multiparts within each other, `depth` of them, text at the bottom.
fn nested(depth: usize) -> String {
    let mut message = String::new();
    for level in 0..depth {
        write!(
            message,
            "Content-Type: multipart/mixed; boundary=b{level:05}\n\n--b{level:05}\n"
        )
        .unwrap();
    }
    message + "\ntext\n"
}

#[test]
fn a_multipart_too_deep_is_described_as_octets() {
    let within = Structure::parse(nested(limits::DEPTH_MAX).as_bytes());
    assert!(
        within
            .parts()
            .all(|part| !part.media_type.is("application"))
    );
    assert_eq!(within.parts().count(), limits::DEPTH_MAX + 1);

    let beyond = Structure::parse(nested(limits::DEPTH_MAX + 1).as_bytes());
    let last = beyond.parts().last().unwrap();
    assert!(last.is("application", "octet-stream"));
    assert_eq!(beyond.parts().count(), limits::DEPTH_MAX + 1);
    assert!(!last.body.is_empty(), "its content is there");
}

#[test]
fn a_thousand_levels_do_no_harm() {
    assert_eq!(
        Structure::parse(nested(100_000).as_bytes()).parts().count(),
        limits::DEPTH_MAX + 1
    );
    let messages = "Content-Type: message/rfc822\n\n".repeat(100_000);
    let parts = Structure::parse(messages.as_bytes()).parts().count();
    assert_eq!(parts, limits::DEPTH_MAX + 1);
}

#[test]
fn parts_beyond_the_limit_are_an_epilogue() {
    let parts = |count| {
        let message = format!(
            "Content-Type: multipart/mixed; boundary=b\n\n{}--b--\n",
            "--b\n\nx\n".repeat(count)
        );
        let structure = Structure::parse(message.as_bytes());
        assert_eq!(structure.root().body.end, message.len() as u64);
        assert_eq!(Structure::decode(&structure.encode()).unwrap(), structure);
        structure.root().children().count()
    };
    assert_eq!(parts(limits::PARTS_MAX - 1), limits::PARTS_MAX - 1);
    assert_eq!(parts(limits::PARTS_MAX), limits::PARTS_MAX - 1);
}

#[test]
fn text_beyond_the_limit_is_described_as_absent() {
    let described = |count: usize| {
        let part = format!(
            "--b\nContent-Description: {}\n\nx\n",
            "d".repeat(limits::FIELD_VALUE_MAX)
        );
        let message = format!(
            "Content-Type: multipart/mixed; boundary=b\n\n{}",
            part.repeat(count)
        );
        let structure = Structure::parse(message.as_bytes());
        assert!(structure.encode().len() < limits::STRUCTURE_TEXT_MAX + 4_096);
        structure
            .parts()
            .filter(|part| part.description.is_some())
            .count()
    };
    assert_eq!(described(3), 3);
    assert_eq!(described(5), 3);
}

#[test]
fn addresses_beyond_the_limit_are_left_out() {
    assert_eq!(
        envelope::addresses("a@b,".repeat(limits::ADDRESSES_MAX).as_bytes()).len(),
        limits::ADDRESSES_MAX
    );
    assert_eq!(
        envelope::addresses("a@b,".repeat(limits::ADDRESSES_MAX + 1).as_bytes()).len(),
        limits::ADDRESSES_MAX
    );
    let message = "To: a@b\n".repeat(limits::ADDRESSES_MAX + 1);
    assert_eq!(
        Structure::parse(message.as_bytes()).envelope().to.len(),
        limits::ADDRESSES_MAX
    );
}

#[test]
fn long_values_are_cut_and_long_headers_searched_to_a_bound() {
    let message = format!("Subject: {}\n\n", "s".repeat(limits::FIELD_VALUE_MAX + 10));
    let subject = Structure::parse(message.as_bytes())
        .envelope()
        .subject
        .clone()
        .unwrap();
    assert!(subject.len() <= limits::FIELD_VALUE_MAX);
    assert!(Fields::new(message.as_bytes()).next().unwrap().text().len() <= limits::FIELD_TEXT_MAX);

    let padding = "X: y\n".repeat(limits::HEADER_MAX / 5);
    let late = Structure::parse(format!("{padding}Subject: late\n\nbody").as_bytes());
    assert_eq!(late.envelope().subject, None);
    assert_eq!(late.root().body.octets(), 4);
}

#[test]
fn a_boundary_is_compared_to_a_bound() {
    let boundary = "b".repeat(limits::BOUNDARY_MAX + 1);
    let message = format!(
        "Content-Type: multipart/mixed; boundary={boundary}\n\n--{boundary}\n\nx\n--{boundary}--\n"
    );
    assert_eq!(
        Structure::parse(message.as_bytes())
            .root()
            .children()
            .count(),
        2
    );
}

#[test]
fn parameters_and_names_are_bounded() {
    let parameters = |count: usize| {
        let message = format!("Content-Type: text/plain{}\n\n", "; a=b".repeat(count));
        Structure::parse(message.as_bytes()).root().parameters.len()
    };
    assert_eq!(parameters(limits::PARAMETERS_MAX), limits::PARAMETERS_MAX);
    assert_eq!(
        parameters(limits::PARAMETERS_MAX + 1),
        limits::PARAMETERS_MAX
    );

    let message = format!(
        "Content-Type: {}/plain\n\n",
        "t".repeat(limits::NAME_MAX + 1)
    );
    assert!(
        Structure::parse(message.as_bytes())
            .root()
            .is("text", "plain")
    );
}

#[test]
fn hostile_repetition_takes_no_quadratic_time() {
    let megabyte = |text: &str| text.repeat((1 << 20) / text.len());
    for line in [
        "=?a?q?x ", "=?", "<@", "((((", "\"\\", ":;", "--b\n", "a*0=x;", "=", "%", "<@a,",
    ] {
        let text = megabyte(line);
        drop(Structure::parse(format!("To: {text}\nContent-Type: {text}\nContent-Type: multipart/mixed; boundary=b\n\n{text}").as_bytes()));
        drop(roost_mime::word::decode(text.as_bytes()));
        drop(envelope::addresses(text.as_bytes()));
    }
}

//! Pure functions, by table.

use roost_mime::{Section, SentDate, Structure, Transfer, charset, header, text, word};

#[track_caller]
fn check_date(value: &str, day: &str, instant: &str) {
    let date = SentDate::parse(value.as_bytes()).expect(value);
    assert_eq!(date.day.to_string(), day, "{value}");
    assert_eq!(date.instant.to_string(), instant, "{value}");
}

#[test]
fn dates_are_read_in_all_forms() {
    check_date(
        "Fri, 21 Nov 1997 09:55:06 -0600",
        "1997-11-21",
        "1997-11-21T15:55:06Z",
    );
    check_date(
        "1 Jan 2020 23:30 +0100 (CET)",
        "2020-01-01",
        "2020-01-01T22:30:00Z",
    );
    check_date(
        "Tue, 1 Jul 2003 10:52:37 +0200",
        "2003-07-01",
        "2003-07-01T08:52:37Z",
    );
    // RFC 5322 Appendix A.5 and A.6.2
    check_date(
        "Thu,\t      13 Feb   1969 23:32:00 -0330 (Newfoundland Time)",
        "1969-02-13",
        "1969-02-14T03:02:00Z",
    );
    check_date(
        "21 Nov 97 09:55:06 GMT",
        "1997-11-21",
        "1997-11-21T09:55:06Z",
    );
    check_date(
        "Mon, 5 May 03 01:02:03 EDT",
        "2003-05-05",
        "2003-05-05T05:02:03Z",
    );
    check_date(
        "Mon, 31 Dec 2016 23:59:60 +0000",
        "2016-12-31",
        "2016-12-31T23:59:59Z",
    );
    check_date(
        "Mon Jan  1 12:00:00 2024",
        "2024-01-01",
        "2024-01-01T12:00:00Z",
    );
    check_date(
        "4-Jul-2021 08:00:00 +0000",
        "2021-07-04",
        "2021-07-04T08:00:00Z",
    );
    for none in [
        "",
        "x",
        "30 Feb 2020 00:00:00 +0000",
        "Mon, Jan",
        "1 Foo 2020",
    ] {
        assert_eq!(SentDate::parse(none.as_bytes()), None, "{none}");
    }
}

#[track_caller]
fn check_word(value: &[u8], text: &str) {
    assert_eq!(word::decode(value), text, "{}", value.escape_ascii());
}

#[test]
fn encoded_words_are_decoded() {
    // RFC 2047 §8
    check_word(b"=?ISO-8859-1?Q?a?=", "a");
    check_word(b"=?ISO-8859-1?Q?a?= b", "a b");
    check_word(b"=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=", "ab");
    check_word(b"=?ISO-8859-1?Q?a_b?=", "a b");
    check_word(b"=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a b");
    check_word(b"=?utf-8?q?=C3?= =?utf-8?q?=A9?=", "\u{e9}");
    check_word(b"=?UTF-8*de?B?w6k=?=x", "\u{e9}x");
    check_word(b"=?utf-8?q?a b?=", "a b");
    check_word(b"=?shift_jis?B?g26DjYFb?=", "\u{30cf}\u{30ed}\u{30fc}");
    check_word(b"h\xe9 =?x?y", "h\u{e9} =?x?y");
    check_word("h\u{e9}".as_bytes(), "h\u{e9}");
    check_word(
        b"=?nonsense?q?=C3=A9?= =?utf-8?x?a?=",
        "\u{e9} =?utf-8?x?a?=",
    );
}

#[test]
fn transfer_encodings_are_decoded_leniently() {
    let decode = |transfer: Transfer, encoded: &[u8]| transfer.decode(encoded, 100).into_owned();
    let quoted = |encoded: &[u8]| decode(Transfer::QuotedPrintable, encoded);
    assert_eq!(
        quoted(b"a=3D b  \r\nc=\r\nd= \t\ne=e9=XX=\r\n"),
        b"a= b\r\ncde\xe9=XX"
    );
    assert_eq!(quoted(b"trailing  "), b"trailing  ");
    let base64 = |encoded: &[u8]| decode(Transfer::Base64, encoded);
    assert_eq!(base64(b"aGVs\r\nbG8="), b"hello");
    assert_eq!(base64(b"aGU=bGxv"), b"hello");
    assert_eq!(base64(b"aGVsbG8"), b"hello");
    assert_eq!(base64(b"!a-G.V s*bG8=\n-- \nx"), b"hello");
    assert_eq!(Transfer::named(b"x-uuencode"), None);
    assert_eq!(Transfer::named(b"BASE64"), Some(Transfer::Base64));
}

#[test]
fn charsets_are_known_by_their_names() {
    assert_eq!(charset::decode(b"iso-8859-15", b"\xa4"), "\u{20ac}");
    assert_eq!(charset::decode(b"us-ascii", "\u{e9}".as_bytes()), "\u{e9}");
    assert_eq!(charset::decode(b"nonsense", b"\x80"), "\u{20ac}");
    assert!(
        charset::is_known(b"KOI8-R")
            && charset::is_known(b"utf-8")
            && charset::is_known(b"US-ASCII")
    );
    assert!(!charset::is_known(b"nonsense") && !charset::is_known(b""));
}

const NESTED: &str = "Subject: outer\r\nContent-Type: multipart/mixed; boundary=aa\r\n\r\npre\r\n--aa\r\n\r\none\r\n\
    --aa\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\nContent-Type: multipart/mixed; boundary=bb\r\n\r\n\
    --bb\r\nX: y\r\n\r\ntwo one\r\n--bb--\r\n--aa\r\nContent-Type: message/rfc822\r\n\r\nSubject: plain\r\n\r\nthree\r\n--aa--\r\n";

#[track_caller]
fn check_section(path: &[u32], section: Section, expected: Option<&str>) {
    let span = Structure::parse(NESTED.as_bytes()).section(path, section);
    let octets = span.map(|span| String::from_utf8_lossy(span.of(NESTED.as_bytes())).into_owned());
    assert_eq!(octets.as_deref(), expected, "{path:?} {section:?}");
}

#[test]
fn sections_are_those_of_rfc_9051() {
    check_section(&[], Section::Content, Some(NESTED));
    check_section(
        &[],
        Section::Header,
        Some("Subject: outer\r\nContent-Type: multipart/mixed; boundary=aa\r\n\r\n"),
    );
    check_section(&[1], Section::Content, Some("one"));
    check_section(&[1], Section::Mime, Some("\r\n"));
    check_section(&[1], Section::Header, None);
    check_section(
        &[2],
        Section::Mime,
        Some("Content-Type: message/rfc822\r\n\r\n"),
    );
    check_section(
        &[2],
        Section::Header,
        Some("Subject: inner\r\nContent-Type: multipart/mixed; boundary=bb\r\n\r\n"),
    );
    check_section(
        &[2],
        Section::Text,
        Some("--bb\r\nX: y\r\n\r\ntwo one\r\n--bb--"),
    );
    check_section(&[2, 1], Section::Content, Some("two one"));
    check_section(&[2, 1], Section::Mime, Some("X: y\r\n\r\n"));
    check_section(&[2, 2], Section::Content, None);
    check_section(&[3], Section::Content, Some("Subject: plain\r\n\r\nthree"));
    check_section(&[3, 1], Section::Content, Some("three"));
    check_section(&[3, 1], Section::Mime, Some("Subject: plain\r\n\r\n"));
    check_section(&[3, 1, 1], Section::Content, None);
    check_section(&[4], Section::Content, None);
    check_section(&[0], Section::Content, None);
}

#[test]
fn header_fields_are_chosen_to_the_octet() {
    let octets = b"A : 1\r\nB: 2\r\n\tfolded\r\na: 3\r\n\r\n";
    assert_eq!(
        header::select(octets, |field| field.is("A")),
        b"A : 1\r\na: 3\r\n\r\n"
    );
    assert_eq!(
        header::select(octets, |field| !field.is("a")),
        b"B: 2\r\n\tfolded\r\n\r\n"
    );
    assert_eq!(
        header::select(b"A: 1\r\n", |_| true),
        b"A: 1\r\n",
        "no empty line, none added"
    );
}

#[track_caller]
fn check_preview(message: &str, preview: &str) {
    let structure = Structure::parse(message.as_bytes());
    let part = text::preview_part(&structure).unwrap();
    assert_eq!(
        text::preview(&part, part.body.of(message.as_bytes())),
        preview
    );
}

#[test]
fn a_preview_is_the_first_text_on_one_line() {
    check_preview(
        "\r\nHello,\r\n\r\n  you\u{202e}there\u{200b} \u{7}\r\n",
        "Hello, youthere",
    );
    check_preview(
        "Content-Type: text/html\r\n\r\n<style>x</style><p>Hi <b>you</b></p>",
        "Hi you",
    );
    check_preview(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>html\n--b\nContent-Type: text/plain\n\nplain\n--b--\n",
        "plain",
    );
    check_preview("Content-Transfer-Encoding: base64\n\naGVsbG8=", "hello");
}

#[test]
fn file_names_are_read_in_all_forms() {
    let name = |field: &str| {
        Structure::parse(format!("{field}\n\n").as_bytes())
            .root()
            .file_name()
    };
    assert_eq!(
        name("Content-Disposition: attachment; filename=\"a b.txt\"").as_deref(),
        Some("a b.txt")
    );
    assert_eq!(
        name("Content-Disposition: attachment; filename=x; filename*=utf-8''f%C3%A9").as_deref(),
        Some("f\u{e9}")
    );
    assert_eq!(name("Content-Disposition: attachment; filename*0*=utf-8''f%C3; filename*1*=%A9; filename*2=.txt").as_deref(), Some("f\u{e9}.txt"));
    assert_eq!(
        name("Content-Type: image/png; name=\"=?utf-8?q?f=C3=A9?=\"").as_deref(),
        Some("f\u{e9}")
    );
    assert_eq!(name("Content-Type: image/png"), None);
}

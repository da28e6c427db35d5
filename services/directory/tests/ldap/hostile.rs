//! Clients that break the rules, on purpose or not.

use roost_directory::limits::{FILTER_DEPTH_MAX, MESSAGE_SIZE_ANONYMOUS};
use roost_directory::wire::ber::{self, Writer};

use crate::daemon::{ADMIN, ALICE, Directory};
use crate::wire::{Raw, bind, bind_version, extended, message, present, sasl, search};

const NOTICE: &str = "1.3.6.1.4.1.1466.20036";
const START_TLS: &str = "1.3.6.1.4.1.1466.20037";
const CANCEL: &str = "1.3.6.1.1.8";

/// What is sent is answered with a notice of disconnection, and the connection ends.
#[track_caller]
fn is_cut_off(directory: &Directory, bytes: &[u8]) {
    let mut raw = Raw::new(directory.connect());
    raw.send(bytes);
    let answer = raw.answer().expect("a notice");
    assert_eq!((answer.id, answer.code), (0, 2), "{answer:?}");
    assert_eq!(answer.name.as_deref(), Some(NOTICE));
    assert_eq!(raw.answer(), None);
}

#[test]
fn what_is_not_ldap_ends_the_connection_with_a_notice() {
    let directory = Directory::start();
    is_cut_off(&directory, b"GET / HTTP/1.1\r\n\r\n");
    is_cut_off(&directory, &[0x30, 0x84, 0x7f, 0xff, 0xff, 0xff]);
    is_cut_off(&directory, &[0x30, 0x80, 0x02, 0x01, 0x01]);
    is_cut_off(&directory, &[0x30, 0x89, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    // No id, a negative id, a number that does not fit.
    is_cut_off(&directory, &[0x30, 2, 0x05, 0]);
    is_cut_off(&directory, &[0x30, 5, 2, 1, 0xff, 0x42, 0]);
    is_cut_off(&directory, &[0x30, 9, 2, 5, 1, 0, 0, 0, 0, 0x42, 0]);
    // An answer instead of a request; no operation; an inner length that lies.
    is_cut_off(
        &directory,
        &message(1, |writer| writer.constructed(0x61, |_| {})),
    );
    is_cut_off(&directory, &[0x30, 3, 2, 1, 1]);
    is_cut_off(&directory, &[0x30, 5, 2, 1, 1, 0x60, 0x7f]);
    // One octet more than a stranger may send.
    let size = u32::try_from(MESSAGE_SIZE_ANONYMOUS - 5)
        .unwrap()
        .to_be_bytes();
    is_cut_off(&directory, &[&[0x30, 0x84][..], &size].concat());
    // The id that is the server's own.
    is_cut_off(
        &directory,
        &message(0, |writer| writer.primitive(0x4a, b"dc=test")),
    );
    // The directory is well after all that.
    assert_eq!(directory.admin("ldapwhoami", &[]).code, 0);
}

#[test]
fn an_operation_that_cannot_be_read_is_answered_and_the_connection_goes_on() {
    let directory = Directory::start();
    let mut raw = Raw::new(directory.connect());
    for (request, answer) in [
        (0x60, 0x61),
        (0x63, 0x65),
        (0x66, 0x67),
        (0x68, 0x69),
        (0x6c, 0x6d),
        (0x6e, 0x6f),
        (0x77, 0x78),
    ] {
        raw.send(&message(7, |writer| {
            writer.constructed(request, |writer| writer.boolean(true))
        }));
        let said = raw.answer().unwrap();
        assert_eq!(
            (said.id, said.tag, said.code),
            (7, answer, 2),
            "{request:x}"
        );
    }
    raw.bind(8, ADMIN, &directory.admin_password());
}

#[test]
fn a_name_that_is_none_is_answered_as_such() {
    let directory = Directory::start();
    let mut raw = Raw::new(directory.connect());
    raw.bind(1, ADMIN, &directory.admin_password());
    let mut code = |operation: &dyn Fn(&mut Writer)| {
        raw.send(&message(7, operation));
        let said = raw.answer().unwrap();
        assert_eq!(said.id, 7);
        said.code
    };
    for name in [
        &b"cn=\xff\xfe,dc=test"[..],
        b"\xff",
        b"cn=\\ff,dc=test",
        b"1..2=x,dc=test",
        b"1.=x",
        b"cn",
    ] {
        let shown = name.escape_ascii();
        let delete = code(&|writer| writer.primitive(0x4a, name));
        assert_eq!(delete, 34, "delete {shown}");
        let bind = code(&|writer| {
            writer.constructed(0x60, |writer| {
                writer.integer(3);
                writer.octets(name);
                writer.primitive(ber::context(0), b"password");
            });
        });
        assert_eq!(bind, 34, "bind {shown}");
    }
    // A password that was wrong, or a text that is none, leaves nobody signed in; a sound name of
    // nothing is another answer.
    raw.bind(8, ADMIN, &directory.admin_password());
    raw.send(&message(9, |writer| {
        writer.primitive(0x4a, b"1.2.3=x,dc=test")
    }));
    assert_eq!(raw.answer().unwrap().code, 32);
}

#[test]
fn filters_have_a_depth_and_may_hold_any_octets() {
    let directory = Directory::start();
    let mut raw = Raw::new(directory.connect());
    raw.bind(1, ADMIN, &directory.admin_password());
    fn nested(writer: &mut Writer, depth: u32) {
        if depth <= 1 {
            present(writer, "cn");
        } else {
            writer.constructed(ber::context_constructed(2), |writer| {
                nested(writer, depth - 1)
            });
        }
    }
    raw.send(&search(2, "cn=none", |writer| {
        nested(writer, FILTER_DEPTH_MAX)
    }));
    assert_eq!(raw.answer().unwrap().code, 32);
    raw.send(&search(3, "cn=none", |writer| {
        nested(writer, FILTER_DEPTH_MAX + 1)
    }));
    assert_eq!(raw.answer().unwrap().code, 2);
    // An assertion value that is no text is a value like any other.
    raw.send(&search(4, "cn=zimbra", |writer| {
        writer.constructed(ber::context_constructed(3), |writer| {
            writer.octets(b"userPassword");
            writer.octets(&[0xff, 0xfe, 0]);
        });
    }));
    let said = raw.answer().unwrap();
    assert_eq!((said.id, said.tag, said.code), (4, 0x65, 0));
}

#[test]
fn binds_that_prove_nothing_are_refused() {
    let directory = Directory::sample();
    let mut raw = Raw::new(directory.connect());
    let mut code = |bytes: &[u8]| {
        raw.send(bytes);
        raw.answer().unwrap().code
    };
    assert_eq!(code(&bind(1, "", "")), 0);
    // RFC 4513 §5.1.2: a name without a password.
    assert_eq!(code(&bind(2, ALICE, "")), 53);
    assert_eq!(code(&bind(3, ALICE, "wrong")), 49);
    assert_eq!(code(&bind(4, "uid=nobody,dc=test", "wrong")), 49);
    assert_eq!(code(&bind(5, "", "alice-secret")), 49);
    assert_eq!(code(&bind(6, "nonsense", "x")), 34);
    assert_eq!(code(&bind_version(7, 2, ALICE, "alice-secret")), 2);
    assert_eq!(code(&sasl(8, "GSSAPI", b"")), 7);
    assert_eq!(code(&sasl(9, "PLAIN", b"x")), 2);
    assert_eq!(
        code(&sasl(10, "PLAIN", b"\0al@example.test\0alice-secret")),
        0
    );
    assert_eq!(
        code(&sasl(
            11,
            "PLAIN",
            format!("\0dn:{ALICE}\0alice-secret").as_bytes()
        )),
        0
    );
    assert_eq!(
        code(&sasl(
            12,
            "PLAIN",
            b"bob@example.test\0alice@example.test\0alice-secret"
        )),
        49
    );
    let other = b"u:alice@example.test\0dave@other.test\0dave-secret";
    assert_eq!(code(&sasl(13, "PLAIN", other)), 0);
    assert_eq!(code(&extended(14, "1.3.6.1.4.1.4203.1.11.3", None)), 0);
    // A failed bind leaves nobody bound.
    assert_eq!(code(&bind(15, ALICE, "wrong")), 49);
    assert_eq!(
        code(&search(16, "dc=test", |writer| present(writer, "cn"))),
        50
    );
}

#[test]
fn nothing_said_in_clear_counts_as_said_under_tls() {
    let directory = Directory::start();
    let mut raw = Raw::new(directory.connect());
    let mut both = extended(1, START_TLS, None);
    both.extend(bind(2, ADMIN, &directory.admin_password()));
    raw.send(&both);
    let answer = raw.answer().unwrap();
    assert_eq!(
        (answer.id, answer.code, answer.name.as_deref()),
        (0, 2, Some(NOTICE))
    );
    assert_eq!(raw.answer(), None);
}

#[test]
fn requests_side_by_side_are_all_answered_and_can_be_called_off() {
    let directory = Directory::sample();
    let mut raw = Raw::new(directory.connect());
    raw.bind(1, ADMIN, &directory.admin_password());
    let mut many = Vec::new();
    for id in 2..102 {
        many.extend(search(id, "dc=other,dc=test", |writer| {
            present(writer, "sn")
        }));
    }
    raw.send(&many);
    let mut done: Vec<i64> = Vec::new();
    while done.len() < 100 {
        let answer = raw.answer().unwrap();
        if answer.tag == 0x65 {
            assert_eq!(answer.code, 0);
            done.push(answer.id);
        }
    }
    done.sort_unstable();
    assert!(done.into_iter().eq(2..102));

    // What is not running cannot be cancelled; abandoning it is no error and has no answer.
    let mut value = Writer::default();
    value.constructed(ber::SEQUENCE, |writer| writer.integer(77));
    raw.send(&message(200, |writer| writer.number(0x50, 77)));
    raw.send(&extended(201, CANCEL, Some(&value.into_bytes())));
    let answer = raw.answer().unwrap();
    assert_eq!((answer.id, answer.code), (201, 119));
    raw.send(&extended(202, CANCEL, Some(b"x")));
    assert_eq!(raw.answer().unwrap().code, 2);
    raw.send(&extended(203, "1.2.3.4", None));
    assert_eq!(raw.answer().unwrap().code, 2);

    // An id that is in use cannot be used again, but one that is answered can.
    raw.send(&search(2, "dc=test", |writer| present(writer, "nothing")));
    assert_eq!(raw.answer().unwrap().id, 2);

    // Unbind ends it without a word.
    raw.send(&message(204, |writer| writer.primitive(0x42, b"")));
    assert_eq!(raw.answer(), None);
}

#[test]
fn too_many_connections_hear_why() {
    let directory = Directory::start_with("[directory-server.connections]\ntotal = 3\n");
    let _two = [directory.connect(), directory.connect()];
    let mut third = Raw::new(directory.connect());
    third.bind(1, ADMIN, &directory.admin_password());
    let mut fourth = Raw::new(directory.connect());
    let answer = fourth.answer().unwrap();
    assert_eq!(
        (answer.id, answer.code, answer.name.as_deref()),
        (0, 51, Some(NOTICE))
    );
    fourth.hang_up();
}

#[test]
fn who_says_nothing_is_sent_away() {
    let directory = Directory::start_with("idle_timeout = \"50ms\"\n");
    let mut raw = Raw::new(directory.connect());
    let answer = raw.answer().unwrap();
    assert_eq!((answer.id, answer.name.as_deref()), (0, Some(NOTICE)));
    assert_eq!(raw.answer(), None);
}

#[test]
fn who_has_signed_in_may_send_more_and_not_any_more() {
    let directory = Directory::start_with("message_size_max = \"300 KiB\"\n");
    let compare = |id: i64, size: usize| {
        message(id, |writer| {
            writer.constructed(0x6e, |writer| {
                writer.octets(b"cn=zimbra");
                writer.constructed(ber::SEQUENCE, |writer| {
                    writer.octets(b"cn");
                    writer.octets(&vec![b'x'; size]);
                });
            });
        })
    };
    let mut raw = Raw::new(directory.connect());
    raw.bind(1, ADMIN, &directory.admin_password());
    let overhead = compare(2, 300_000).len() - 300_000;
    raw.send(&compare(2, 300 * 1024 - overhead));
    assert_eq!(raw.answer().unwrap().code, 5);
    raw.send(&compare(3, 300 * 1024 - overhead + 1));
    let answer = raw.answer().unwrap();
    assert_eq!((answer.id, answer.code), (0, 2));
    assert_eq!(raw.answer(), None);
}

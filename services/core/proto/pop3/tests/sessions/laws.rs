//! Laws of any dialogue.

use std::sync::Arc;
use std::time::Instant;

use proptest::prelude::*;
use roost_proto_pop3::limits::{LINE_MAX, OUTPUT_MARK};
use roost_proto_pop3::session::Security;
use roost_proto_pop3::{Config, Next, Session};

use crate::table::{Table, now};

/// What the server says to these octets, cut like that, and what it removed.
fn serve(messages: &[Vec<u8>], octets: &[u8], cuts: &[u8]) -> (Vec<u8>, Vec<usize>) {
    let table = Table {
        messages: Arc::new(messages.to_vec()),
        ..Table::default()
    };
    let clock = Instant::now();
    let config = Arc::new(Config::default());
    let mut session = Session::new(table.clone(), config, Security::Loopback, clock);
    let (mut said, mut rest) = (Vec::new(), octets);
    'reading: for cut in cuts.iter().copied().map(usize::from).chain([usize::MAX]) {
        let (chunk, later) = rest.split_at(cut.min(rest.len()));
        rest = later;
        session.input().extend_from_slice(chunk);
        loop {
            let next = now(session.step(clock));
            assert!(session.output().len() < OUTPUT_MARK + 1024);
            match next {
                Next::Continue => {}
                Next::Write | Next::Wait(_) => said.extend_from_slice(&session.output().split()),
                Next::Read => break,
                Next::StartTls | Next::HandOver | Next::Close => break 'reading,
            }
        }
        assert!(session.input().len() <= LINE_MAX);
    }
    said.extend_from_slice(&session.output().split());
    let removed = table.removed.lock().unwrap().clone();
    (said, removed)
}

fn dialogue() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just("USER alice\r\n".to_owned()),
        Just("PASS my secret\r\n".to_owned()),
        Just("AUTH PLAIN\r\nAGFsaWNlAG15IHNlY3JldA==\r\n".to_owned()),
        "(LIST|UIDL|RETR|DELE|TOP) ?[0-4]?( [0-9])?\r\n",
        "(STAT|RSET|NOOP|CAPA|LIST|UIDL)\r\n",
        Just("QUIT\r\n".to_owned()),
        "[ -~\r\n]{0,12}",
    ];
    proptest::collection::vec(line, 0..25).prop_map(|lines| lines.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_cut_makes_a_difference(
        messages in proptest::collection::vec("[a.\r\n]{0,30}".prop_map(String::into_bytes), 0..4),
        octets in dialogue(),
        cuts in any::<Vec<u8>>(),
    ) {
        let octets = octets.as_bytes();
        prop_assert_eq!(serve(&messages, octets, &cuts), serve(&messages, octets, &[]));
    }

    #[test]
    fn nothing_is_removed_without_quit(octets in dialogue()) {
        let messages = vec![b"a".to_vec(); 4];
        let octets = octets.replace("QUIT", "NOOP");
        prop_assert_eq!(serve(&messages, octets.as_bytes(), &[]).1, Vec::<usize>::new());
    }

    #[test]
    fn no_octets_make_a_session_panic(octets in any::<Vec<u8>>(), cuts in any::<Vec<u8>>()) {
        prop_assert!(serve(&[], &octets, &cuts).0.starts_with(b"+OK "));
    }
}

#[test]
fn a_large_message_and_a_long_listing_go_out_in_bounded_pieces() {
    let line = b"0123456789 0123456789 0123456789 0123456789\r\n";
    let mut messages = vec![b"x".to_vec(); 20_000];
    messages.push(line.repeat(10_000));
    let dialogue = b"USER alice\r\nPASS my secret\r\nUIDL\r\nRETR 20001\r\nNOOP\r\n";
    let (said, _) = serve(&messages, dialogue, &[]);
    let end = [line.as_slice(), b".\r\n+OK\r\n"].concat();
    assert!(said.ends_with(&end));
    assert!(said.len() > 450_000);
}

/// The sessions are driven by tasks that move between threads.
#[test]
fn a_step_can_move_between_threads() {
    fn is_send(_: impl Send) {}
    let (config, clock) = (Arc::new(Config::default()), Instant::now());
    let mut session = Session::new(Table::default(), config, Security::Loopback, clock);
    is_send(session.step(clock));
}

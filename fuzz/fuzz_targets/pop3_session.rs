//! A whole POP3 session on a table of messages: no dialogue makes it panic or grow, and nothing is
//! removed without QUIT.
#![no_main]
#![allow(unused_must_use, reason = "that it comes to an end is what is tested")]

use std::sync::Arc;
use std::time::Instant;

use libfuzzer_sys::fuzz_target;
use roost_proto_pop3::limits::{LINE_MAX, OUTPUT_MARK};
use roost_proto_pop3::session::Security;
use roost_proto_pop3::{Config, Next, Session};

#[path = "../../services/core/proto/pop3/tests/sessions/table.rs"]
#[allow(
    dead_code,
    reason = "the tests use more of their table than is needed here"
)]
mod table;

use table::{Table, now};

fuzz_target!(|octets: &[u8]| {
    let Some((how, octets)) = octets.split_first() else {
        return;
    };
    let whole = serve(octets, usize::MAX);
    assert!(
        whole == serve(octets, usize::from(*how).max(1)),
        "the cut made a difference"
    );
    let quits = octets
        .windows(4)
        .any(|four| four.eq_ignore_ascii_case(b"QUIT"));
    assert!(quits || whole.1.is_empty());
});

fn serve(octets: &[u8], step: usize) -> (Vec<u8>, Vec<usize>) {
    let table = Table {
        messages: Arc::new(vec![
            b"Subject: a\r\n\r\n.b\r\n..\r\n".to_vec(),
            b"\r.\n".to_vec(),
            Vec::new(),
        ]),
        ..Table::default()
    };
    let clock = Instant::now();
    let config = Arc::new(Config::default());
    let mut session = Session::new(table.clone(), config, Security::Loopback, clock);
    let mut said = Vec::new();
    'reading: for chunk in octets.chunks(step.min(octets.len().max(1))) {
        session.input().extend_from_slice(chunk);
        loop {
            let next = now(session.step(clock));
            assert!(session.output().len() < OUTPUT_MARK + 1024);
            said.extend_from_slice(&session.output().split());
            match next {
                Next::Continue | Next::Write | Next::Wait(_) => {}
                Next::Read => break,
                Next::StartTls | Next::HandOver | Next::Close => break 'reading,
            }
        }
        assert!(session.input().len() <= LINE_MAX);
    }
    let removed = table.removed.lock().unwrap().clone();
    (said, removed)
}

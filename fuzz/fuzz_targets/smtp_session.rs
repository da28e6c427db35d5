//! A whole SMTP or LMTP session on a table of recipients: no dialogue makes it panic or grow, how the
//! octets are cut makes no difference, and nothing but CRLF.CRLF ends a message.
#![no_main]
#![allow(unused_must_use, reason = "that it comes to an end is what is tested")]

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use libfuzzer_sys::fuzz_target;
use roost_proto_smtp::limits::{LINE_MAX, OUTPUT_MARK};
use roost_proto_smtp::session::{self, Offer, Security, Tls};
use roost_proto_smtp::{Config, Next, Role, Session};

#[path = "../../services/core/proto/smtp/tests/sessions/table.rs"]
#[allow(
    dead_code,
    reason = "the tests use more of their table than is needed here"
)]
mod table;

use table::{Message, Table};

fuzz_target!(|octets: &[u8]| {
    let Some((how, octets)) = octets.split_first() else {
        return;
    };
    let role = [Role::Mx, Role::Submission, Role::Lmtp][usize::from(how & 3) % 3];
    let whole = serve(role, octets, usize::MAX);
    let pieces = serve(role, octets, usize::from(how >> 2).max(1));
    // What is pipelined behind STARTTLS is refused; what comes in a later piece is TLS.
    let starts_tls = octets
        .windows(8)
        .any(|eight| eight.eq_ignore_ascii_case(b"STARTTLS"));
    assert!(starts_tls || whole == pieces, "the cut made a difference");
    for message in &whole.1 {
        // What is passed on has no end of data within it, in anybody's reading, and no bare CR or LF.
        let content = &message.content;
        let bare = content
            .windows(2)
            .any(|pair| (pair[0] == b'\r') != (pair[1] == b'\n'));
        assert!(
            !bare || content.starts_with(b"\n"),
            "a bare line end in {content:?}"
        );
    }
});

fn serve(role: Role, octets: &[u8], step: usize) -> (Vec<u8>, Vec<Message>) {
    let (table, clock) = (Table::default(), Instant::now());
    let mut config = Config::new(role, "mx.example.test".parse().unwrap());
    config.starttls = Offer::Yes;
    config.message_size_max = 10_000;
    let client = session::Client::new(None, Security::Loopback);
    let mut session = Session::new(table.clone(), Arc::new(config), client, clock);
    let mut said = Vec::new();
    'reading: for chunk in octets.chunks(step.min(octets.len().max(1))) {
        session.input().extend_from_slice(chunk);
        loop {
            let next = now(session.step(clock));
            assert!(session.output().len() < OUTPUT_MARK + 8192);
            said.extend_from_slice(&session.output().split());
            match next {
                Next::Continue | Next::Write | Next::Wait(_) => {}
                Next::Read => break,
                Next::Close => break 'reading,
                Next::StartTls => {
                    // What is pipelined behind STARTTLS depends on the cut, and is refused or dropped.
                    session.secured(
                        Tls {
                            version: "TLSv1.3".into(),
                            cipher: "x".into(),
                        },
                        clock,
                    );
                    break 'reading;
                }
            }
        }
        assert!(session.input().len() <= LINE_MAX);
    }
    let messages = table.0.lock().unwrap().clone();
    (said, messages)
}

fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the table never waits"),
    }
}

//! Laws of any dialogue: how the octets are cut makes no difference, nothing makes a session panic or
//! grow, and what our client sends is what our server takes.

use std::sync::Arc;
use std::time::Instant;

use proptest::prelude::*;
use roost_proto_smtp::client::{self, Protocol, Settings, TlsPolicy};
use roost_proto_smtp::frame::newlines::Newlines;
use roost_proto_smtp::limits::{LINE_MAX, OUTPUT_MARK};
use roost_proto_smtp::session::{self, Security};
use roost_proto_smtp::{Config, Envelope, Next, Recipient, ReversePath, Role, Session};

use crate::script::now;
use crate::table::{Message, Table};

pub(crate) fn server(role: Role) -> (Session<Table>, Table, Instant) {
    let (table, clock) = (Table::default(), Instant::now());
    let config = Arc::new(Config::new(role, "mx.example.test".parse().unwrap()));
    let client = session::Client::new(None, Security::Loopback);
    (
        Session::new(table.clone(), config, client, clock),
        table,
        clock,
    )
}

/// What the server says to these octets, cut like that, and what came in.
pub(crate) fn serve(role: Role, octets: &[u8], cuts: &[u8]) -> (Vec<u8>, Vec<Message>) {
    let (mut session, table, clock) = server(role);
    let mut said = Vec::new();
    let mut rest = octets;
    for cut in cuts.iter().copied().map(usize::from).chain([usize::MAX]) {
        let (chunk, later) = rest.split_at(cut.min(rest.len()));
        rest = later;
        session.input().extend_from_slice(chunk);
        loop {
            let next = now(session.step(clock));
            assert!(session.output().len() < OUTPUT_MARK + 8192);
            said.extend_from_slice(&session.output().split());
            match next {
                Next::Continue | Next::Write | Next::Wait(_) => {}
                Next::Read => break,
                Next::StartTls | Next::Close => {
                    let messages = table.0.lock().unwrap().clone();
                    return (said, messages);
                }
            }
        }
        assert!(session.input().len() <= LINE_MAX);
    }
    let messages = table.0.lock().unwrap().clone();
    (said, messages)
}

/// Lines that lead somewhere, and octets that do not.
fn dialogue() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        Just("EHLO x\r\n".to_owned()),
        Just("LHLO x\r\n".to_owned()),
        Just("MAIL FROM:<a@x.test>\r\n".to_owned()),
        Just("RCPT TO:<alice@example.test>\r\n".to_owned()),
        Just("RCPT TO:<late@example.test>\r\n".to_owned()),
        Just("DATA\r\n".to_owned()),
        Just(".\r\n".to_owned()),
        Just("..a\r\n".to_owned()),
        Just("\n.\r".to_owned()),
        Just("BDAT 5\r\n".to_owned()),
        Just("BDAT 3 LAST\r\n".to_owned()),
        Just("RSET\r\n".to_owned()),
        Just("AUTH PLAIN\r\n".to_owned()),
        "[ -~\r\n]{0,12}",
    ];
    proptest::collection::vec(line, 0..40).prop_map(|lines| lines.concat().into_bytes())
}

/// Sends a message from our client to our server, `window` octets at a time, and tells the verdicts.
fn deliver(
    protocol: Protocol,
    envelope: &Envelope,
    content: &[u8],
    window: usize,
) -> (Vec<u16>, Option<Message>) {
    let role = match protocol {
        Protocol::Smtp => Role::Mx,
        Protocol::Lmtp => Role::Lmtp,
    };
    let (mut server, table, clock) = server(role);
    let mut client = client::Client::new(Settings {
        protocol,
        name: "mta.test".into(),
        tls: TlsPolicy::Skip,
        login: None,
    });
    let mut sent = false;
    loop {
        match client.step() {
            client::Next::Ready if !sent => {
                client.send(envelope, Some(content.len() as u64));
                sent = true;
            }
            client::Next::Content => {
                for piece in content.chunks(window) {
                    client.content(piece);
                }
                client.content_end();
            }
            client::Next::Sent(report) => {
                let codes = report
                    .verdicts
                    .iter()
                    .map(|verdict| verdict.reply.code)
                    .collect();
                return (codes, table.last());
            }
            client::Next::Read => {}
            other => panic!("{other:?}"),
        }
        let said = client.output().split();
        for piece in said.chunks(window) {
            server.input().extend_from_slice(piece);
            while now(server.step(clock)) == Next::Continue {}
        }
        while matches!(now(server.step(clock)), Next::Continue | Next::Write) {}
        let answer = server.output().split();
        client.input().extend_from_slice(&answer);
    }
}

fn normal(content: &[u8]) -> Vec<u8> {
    let mut newlines = Newlines::default();
    let mut normal = newlines.push(content).to_vec();
    normal.extend_from_slice(&newlines.finish());
    if !normal.is_empty() && !normal.ends_with(b"\r\n") {
        normal.extend_from_slice(b"\r\n");
    }
    normal
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_cut_makes_a_difference(octets in dialogue(), cuts in any::<Vec<u8>>()) {
        for role in [Role::Mx, Role::Submission, Role::Lmtp] {
            prop_assert_eq!(serve(role, &octets, &cuts), serve(role, &octets, &[]));
        }
    }

    #[test]
    fn no_octets_make_a_session_panic(octets in any::<Vec<u8>>(), cuts in any::<Vec<u8>>()) {
        let (said, messages) = serve(Role::Mx, &octets, &cuts);
        prop_assert!(said.starts_with(b"220 ") && messages.is_empty());
    }

    #[test]
    fn what_our_client_sends_our_server_takes(
        lmtp in any::<bool>(),
        locals in proptest::collection::vec("alice|bob|nobody1|late|nobody2", 1..12),
        content in "[a.\r\n\u{e4}]{0,80}",
        window in 1usize..30,
    ) {
        let protocol = if lmtp { Protocol::Lmtp } else { Protocol::Smtp };
        let mut envelope = Envelope::new(ReversePath::Null);
        let recipient = |local: &String| {
            Recipient::new(format!("{local}@example.test").parse().unwrap())
        };
        envelope.recipients = locals.iter().map(recipient).collect();
        let (codes, message) = deliver(protocol, &envelope, content.as_bytes(), window);
        let expected: Vec<u16> = locals.iter().map(|local| match local.as_str() {
            "late" if lmtp => 452,
            "alice" | "bob" | "late" => 250,
            _ => 550,
        }).collect();
        prop_assert_eq!(codes, expected);
        envelope.recipients.retain(|it| !it.address.local().as_str().starts_with("nobody"));
        match message {
            Some(message) => {
                prop_assert_eq!(message.content, normal(content.as_bytes()));
                prop_assert_eq!(message.envelope.recipients, envelope.recipients);
            }
            None => prop_assert!(envelope.recipients.is_empty()),
        }
    }

    #[test]
    fn no_server_makes_the_client_panic(
        octets in "([2345][0-9][0-9][ -][ -~]{0,9}\r\n|[ -~\r\n]{0,5}){0,12}",
        cuts in any::<Vec<u8>>(),
    ) {
        let mut client = client::Client::new(Settings {
            protocol: Protocol::Smtp,
            name: "mta.test".into(),
            tls: TlsPolicy::Opportunistic,
            login: None,
        });
        let mut envelope = Envelope::new(ReversePath::Null);
        envelope.recipients.push(Recipient::new("a@x.test".parse().unwrap()));
        envelope.recipients.push(Recipient::new("b@x.test".parse().unwrap()));
        let mut rest = octets.as_bytes();
        for cut in cuts.iter().copied().map(usize::from).chain([usize::MAX]) {
            let (chunk, later) = rest.split_at(cut.min(rest.len()));
            rest = later;
            client.input().extend_from_slice(chunk);
            for _ in 0..20 {
                match client.step() {
                    client::Next::Read => break,
                    client::Next::Closed(_) => return Ok(()),
                    client::Next::StartTls => client.secured(),
                    client::Next::Ready => client.send(&envelope, None),
                    client::Next::Content => client.content_end(),
                    client::Next::Sent(report) => prop_assert_eq!(report.verdicts.len(), 2),
                }
            }
        }
        if let client::Next::Sent(report) = client.lost() {
            prop_assert_eq!(report.verdicts.len(), 2);
        }
    }
}

/// The sessions are driven by tasks that move between threads.
#[test]
fn a_step_can_move_between_threads() {
    fn is_send(_: impl Send) {}
    let (mut session, _, clock) = server(Role::Mx);
    is_send(session.step(clock));
}

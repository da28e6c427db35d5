//! Transcripts of the client's side.
//!
//! ```text
//! given smtp|lmtp [skip|opportunistic|required] [login]
//! S: a line of the server          C: a line of the client
//! send MAIL FROM:<…> …; RCPT TO:<…> …; …      content TEXT      end
//! R: the reply that counts for a recipient @ in answer to what
//! ready, quit, tls, lost           what the client says next, or is told
//! closed WHY
//! ```

use roost_proto_sasl::Login;
use roost_proto_smtp::client::{Client, Next, Protocol, Settings, TlsPolicy};
use roost_proto_smtp::grammar::command::Command;
use roost_proto_smtp::{Envelope, ForwardPath, Recipient};

use crate::script::{Line, dialogues, matches, unescape};

struct Player {
    client: Client,
    next: Next,
    said: Vec<String>,
    report: Vec<String>,
}

#[test]
fn the_client_keeps_to_its_transcripts() {
    for dialogue in dialogues("client") {
        Player::new(&dialogue[0]).play(&dialogue[1..]);
    }
}

impl Player {
    fn new(given: &Line) -> Self {
        let mut settings = Settings {
            protocol: Protocol::Smtp,
            name: "mta.example.test".into(),
            tls: TlsPolicy::Skip,
            login: None,
        };
        for word in given.text.split(' ').skip(1) {
            match word {
                "smtp" => settings.protocol = Protocol::Smtp,
                "lmtp" => settings.protocol = Protocol::Lmtp,
                "skip" => settings.tls = TlsPolicy::Skip,
                "opportunistic" => settings.tls = TlsPolicy::Opportunistic,
                "required" => settings.tls = TlsPolicy::Required,
                "login" => settings.login = Some(Login::of("alice", "secret")),
                other => panic!("{}: no such setting: {other}", given.at),
            }
        }
        let mut player = Self {
            client: Client::new(settings),
            next: Next::Read,
            said: Vec::new(),
            report: Vec::new(),
        };
        player.run();
        player
    }

    fn play(mut self, lines: &[Line]) {
        for Line { at, text } in lines {
            let (verb, rest) = match text.split_once(':') {
                Some((verb, rest)) if verb.len() == 1 => (verb, rest.trim_start()),
                _ => text.split_once(' ').unwrap_or((text, "")),
            };
            if verb != "C" {
                assert!(
                    self.said.is_empty(),
                    "{at}: before it the client said {:?}",
                    self.said
                );
            }
            if !matches!(verb, "C" | "R") {
                assert!(
                    self.report.is_empty(),
                    "{at}: unread report {:?}",
                    self.report
                );
            }
            match verb {
                "S" => self.feed(rest),
                "C" => {
                    assert!(!self.said.is_empty(), "{at}: the client said nothing");
                    assert_eq!(self.said.remove(0), rest, "{at}");
                }
                "R" => {
                    assert!(!self.report.is_empty(), "{at}: nothing reported");
                    let verdict = self.report.remove(0);
                    assert!(matches(rest, &verdict), "{at}: reported {verdict}");
                }
                "ready" => assert_eq!(self.next, Next::Ready, "{at}"),
                "tls" => {
                    assert_eq!(self.next, Next::StartTls, "{at}");
                    self.client.secured();
                    self.run();
                }
                "send" => self.send(rest),
                "content" => {
                    assert_eq!(self.next, Next::Content, "{at}");
                    self.client.content(&unescape(rest));
                }
                "end" => {
                    self.client.content_end();
                    self.run();
                }
                "quit" => {
                    self.client.quit();
                    self.run();
                }
                "lost" => {
                    self.next = self.client.lost();
                    self.take_report();
                }
                "closed" => match &self.next {
                    Next::Closed(failure) => assert_eq!(failure.to_string(), rest, "{at}"),
                    other => panic!("{at}: not closed but {other:?}"),
                },
                other => panic!("{at}: no such line: {other}"),
            }
        }
        assert!(
            self.said.is_empty() && self.report.is_empty(),
            "{:?}",
            self.said
        );
    }

    fn feed(&mut self, line: &str) {
        let octets = format!("{line}\r\n");
        self.client.input().extend_from_slice(octets.as_bytes());
        self.run();
    }

    fn send(&mut self, commands: &str) {
        let mut envelope = None;
        let mut size = None;
        for command in commands.split("; ") {
            match Command::parse(command.as_bytes()).unwrap() {
                Command::Mail(mail) => {
                    size = mail.parameters.size;
                    let mut opened = Envelope::new(mail.from);
                    opened.parameters = mail.parameters;
                    envelope = Some(opened);
                }
                Command::Rcpt(rcpt) => {
                    let ForwardPath::Address(address) = rcpt.to else {
                        panic!("a client has a full address");
                    };
                    envelope.as_mut().unwrap().recipients.push(Recipient {
                        address,
                        parameters: rcpt.parameters,
                    });
                }
                other => panic!("not for an envelope: {other:?}"),
            }
        }
        self.client.send(&envelope.unwrap(), size);
        self.run();
    }

    fn run(&mut self) {
        self.next = self.client.step();
        let output = self.client.output().split();
        let text = String::from_utf8(output.to_vec()).unwrap();
        self.said
            .extend(text.split_terminator("\r\n").map(str::to_owned));
        self.take_report();
    }

    fn take_report(&mut self) {
        if let Next::Sent(report) = &self.next {
            let line = |verdict: &roost_proto_smtp::client::Verdict| {
                format!("{} @ {}", verdict.reply, verdict.stage)
            };
            self.report = report.verdicts.iter().map(line).collect();
            self.next = self.client.step();
        }
    }
}

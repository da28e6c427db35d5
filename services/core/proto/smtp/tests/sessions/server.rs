//! Transcripts of the server's side.
//!
//! ```text
//! given ROLE [tls|clear] [from ADDRESS] [size N] [refuse-bare] [offers starttls,binarymime,…]
//! C: a line of the client          C| octets with escapes, no line end added
//! S: a line of the server          S: its beginning ...
//! M: a line of the last message    E: its envelope, as WITH <from> <to> …
//! after 5m                         the clock moves; the deadline may pass
//! tls                              the server asked for the handshake, and it is done
//! wait 2s                          the server makes the client wait this long
//! drain                            the server wants to stop
//! closed                           the server has closed
//! ```

use std::sync::Arc;
use std::time::Instant;

use roost_proto_smtp::session::{BareNewlines, Client, Offer, Security, Tls};
use roost_proto_smtp::{Config, Next, Role, Session};

use crate::script::{Line, dialogues, duration, matches, now, unescape};
use crate::table::Table;

struct Player {
    session: Session<Table>,
    table: Table,
    clock: Instant,
    next: Next,
    said: Vec<String>,
}

#[test]
fn the_server_keeps_to_its_transcripts() {
    for dialogue in dialogues("server") {
        Player::new(&dialogue[0]).play(&dialogue[1..]);
    }
}

impl Player {
    fn new(given: &Line) -> Self {
        let mut words = given.text.split(' ').skip(1);
        let role = match words.next().unwrap() {
            "mx" => Role::Mx,
            "submission" => Role::Submission,
            "lmtp" => Role::Lmtp,
            other => panic!("{}: no such role: {other}", given.at),
        };
        let mut config = Config::new(role, "mx.example.test".parse().unwrap());
        let mut client = Client::new(Some("192.0.2.7".parse().unwrap()), Security::None);
        while let Some(word) = words.next() {
            match word {
                "clear" => client.security = Security::None,
                "tls" => client.security = Security::Tls(tls()),
                "loopback" => client.security = Security::Loopback,
                "from" => client.address = Some(words.next().unwrap().parse().unwrap()),
                "size" => config.message_size_max = words.next().unwrap().parse().unwrap(),
                "refuse-bare" => config.bare_newlines = BareNewlines::Refuse,
                "offers" => words
                    .next()
                    .unwrap()
                    .split(',')
                    .for_each(|offer| match offer {
                        "starttls" => config.starttls = Offer::Yes,
                        "binarymime" => config.binarymime = Offer::Yes,
                        "requiretls" => config.requiretls = Offer::Yes,
                        "no-smtputf8" => config.smtputf8 = Offer::No,
                        other => panic!("{}: no such offer: {other}", given.at),
                    }),
                other => panic!("{}: no such setting: {other}", given.at),
            }
        }
        let (table, clock) = (Table::default(), Instant::now());
        let mut player = Self {
            session: Session::new(table.clone(), Arc::new(config), client, clock),
            table,
            clock,
            next: Next::Continue,
            said: Vec::new(),
        };
        player.run();
        player
    }

    fn play(mut self, lines: &[Line]) {
        let mut message = None;
        for line in lines {
            let (verb, rest) = match line.text.split_once([':', '|']) {
                Some((verb, rest)) if verb.len() == 1 => (verb, rest.trim_start_matches(' ')),
                _ => line.text.split_once(' ').unwrap_or((&line.text, "")),
            };
            if verb != "M" {
                message = None;
            }
            if !matches!(verb, "S" | "wait" | "closed" | "tls" | "M" | "E") {
                self.silent(&line.at);
            }
            match verb {
                "C" if line.text.starts_with("C|") => self.send(&unescape(rest)),
                "C" => self.send(format!("{rest}\r\n").as_bytes()),
                "S" => {
                    assert!(
                        !self.said.is_empty(),
                        "{}: the server said nothing",
                        line.at
                    );
                    let said = self.said.remove(0);
                    assert!(
                        matches(rest, said.trim_end()),
                        "{}: the server said {said}",
                        line.at
                    );
                }
                "M" => {
                    let lines = message.get_or_insert_with(|| self.message(&line.at));
                    assert!(!lines.is_empty(), "{}: the message has ended", line.at);
                    assert_eq!(lines.remove(0).as_bytes(), unescape(rest), "{}", line.at);
                }
                "E" => assert_eq!(self.envelope(), rest, "{}", line.at),
                "after" => self.after(rest),
                "wait" => {
                    assert_eq!(self.next, Next::Wait(duration(rest)), "{}", line.at);
                    self.run();
                }
                "tls" => {
                    assert_eq!(self.next, Next::StartTls, "{}", line.at);
                    self.session.secured(tls(), self.clock);
                    self.run();
                }
                "drain" => {
                    self.session.drain();
                    self.run();
                }
                "closed" => assert_eq!(self.next, Next::Close, "{}", line.at),
                other => panic!("{}: no such line: {other}", line.at),
            }
        }
        self.silent(&lines.last().unwrap().at);
    }

    fn silent(&self, at: &str) {
        assert!(
            self.said.is_empty(),
            "{at}: before it the server said {:?}",
            self.said
        );
    }

    fn send(&mut self, octets: &[u8]) {
        self.session.input().extend_from_slice(octets);
        self.run();
    }

    fn after(&mut self, time: &str) {
        self.clock += duration(time);
        if self.clock >= self.session.deadline() {
            self.next = self.session.timeout(self.clock);
            self.hear();
        }
    }

    /// Steps as a server would, until it would read, wait or close.
    fn run(&mut self) {
        loop {
            self.next = now(self.session.step(self.clock));
            self.hear();
            match self.next {
                Next::Continue | Next::Write => {}
                Next::Read | Next::Wait(_) | Next::StartTls | Next::Close => return,
            }
        }
    }

    fn hear(&mut self) {
        let output = self.session.output().split();
        let text = String::from_utf8(output.to_vec()).unwrap();
        assert!(text.is_empty() || text.ends_with("\r\n"));
        self.said
            .extend(text.split_terminator("\r\n").map(str::to_owned));
    }

    fn message(&self, at: &str) -> Vec<String> {
        let message = self
            .table
            .last()
            .unwrap_or_else(|| panic!("{at}: no message came"));
        let text = message
            .content
            .iter()
            .map(|&octet| char::from(octet))
            .collect::<String>();
        text.split_terminator("\r\n").map(str::to_owned).collect()
    }

    fn envelope(&self) -> String {
        let message = self.table.last().unwrap();
        let mut text = format!("{} {}", message.with, message.envelope.sender);
        text.push_str(&message.envelope.parameters.to_string());
        for recipient in &message.envelope.recipients {
            text.push_str(&format!(" <{}>{}", recipient.address, recipient.parameters));
        }
        text
    }
}

fn tls() -> Tls {
    Tls {
        version: "TLS1.3".into(),
        cipher: "TLS13_AES_256_GCM_SHA384".into(),
    }
}

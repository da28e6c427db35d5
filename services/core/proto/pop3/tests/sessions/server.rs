//! Transcripts.
//!
//! ```text
//! given [clear|loopback|tls] [stls] [trouble open|remove|read|gone] [messages N,N,…]
//! C: a line of the client          S: a line of the server, or its beginning ...
//! after 5m                         the clock moves; the deadline may pass
//! tls                              the server asked for the handshake, and it is done
//! wait 2s                          the server makes the client wait this long
//! drain                            the server wants to stop
//! closed                           the server has closed
//! removed 1 3                      these messages are removed; alone: none is
//! ```
//! Message N is one of those in [`message`]; without `messages`, all of them are there.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use roost_proto_pop3::session::{Security, Stls};
use roost_proto_pop3::{Config, Next, Session};

use crate::table::{Table, Trouble, now};

struct Player {
    session: Session<Table>,
    table: Table,
    clock: Instant,
    next: Next,
    said: Vec<String>,
}

fn message(number: usize) -> Vec<u8> {
    match number {
        1 => b"Subject: one\r\n\r\nhello\r\n.\r\n..dots\r\n".to_vec(),
        2 => b"Subject: two\r\n\r\nline 1\r\n\r\nline 3".to_vec(),
        3 => b"Subject: three\n\nbare\n.\nlines\n".to_vec(),
        other => panic!("no message {other}"),
    }
}

#[test]
fn the_server_keeps_to_its_transcripts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let mut player: Option<Player> = None;
        for (number, line) in std::fs::read_to_string(&file).unwrap().lines().enumerate() {
            let at = format!("{name}:{}", number + 1);
            let line = line.trim_end();
            if let Some(given) = line.strip_prefix("given") {
                if let Some(player) = &player {
                    player.silent(&at);
                }
                player = Some(Player::new(given, &at));
            } else if !line.is_empty() && !line.starts_with('#') {
                player.as_mut().unwrap().line(line, &at);
            }
        }
        player.unwrap().silent(&name);
    }
}

impl Player {
    fn new(given: &str, at: &str) -> Self {
        let mut config = Config::default();
        let mut security = Security::Loopback;
        let mut table = Table::default();
        let mut numbers = vec![1, 2, 3];
        let mut words = given.split_whitespace();
        while let Some(word) = words.next() {
            match word {
                "clear" => security = Security::None,
                "loopback" => security = Security::Loopback,
                "tls" => security = Security::Tls,
                "stls" => config.stls = Stls::Offered,
                "messages" => {
                    let list = words.next().unwrap();
                    numbers = list
                        .split(',')
                        .map(|number| number.parse().unwrap())
                        .collect();
                }
                "empty" => numbers.clear(),
                "trouble" => {
                    table.trouble = match words.next().unwrap() {
                        "open" => Trouble::Open,
                        "remove" => Trouble::Remove,
                        "read" => Trouble::Read,
                        "gone" => Trouble::Gone,
                        other => panic!("{at}: no such trouble: {other}"),
                    }
                }
                other => panic!("{at}: no such setting: {other}"),
            }
        }
        table.messages = Arc::new(numbers.into_iter().map(message).collect());
        let clock = Instant::now();
        let mut player = Self {
            session: Session::new(table.clone(), Arc::new(config), security, clock),
            table,
            clock,
            next: Next::Continue,
            said: Vec::new(),
        };
        player.run();
        player
    }

    fn line(&mut self, line: &str, at: &str) {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        if !matches!(verb, "S:" | "closed" | "tls" | "wait") {
            self.silent(at);
        }
        match verb {
            "C:" => {
                let lines = rest.replace("\\n", "\r\n");
                self.session
                    .input()
                    .extend_from_slice(format!("{lines}\r\n").as_bytes());
                self.run();
            }
            "S:" => {
                assert!(!self.said.is_empty(), "{at}: the server said nothing");
                let said = self.said.remove(0);
                let fits = match rest.strip_suffix("...") {
                    Some(start) => said.starts_with(start),
                    None => said.trim_end() == rest,
                };
                assert!(fits, "{at}: the server said {said}");
            }
            "after" => {
                let minutes: u64 = rest.trim_end_matches('m').parse().unwrap();
                self.clock += Duration::from_secs(minutes * 60);
                if self.clock >= self.session.deadline() {
                    self.next = self.session.timeout(self.clock);
                }
            }
            "tls" => {
                assert_eq!(self.next, Next::StartTls, "{at}");
                self.session.secured(self.clock);
                self.run();
            }
            "wait" => {
                let seconds = rest.trim_end_matches('s').parse().unwrap();
                assert_eq!(self.next, Next::Wait(Duration::from_secs(seconds)), "{at}");
                self.run();
            }
            "drain" => {
                self.session.drain();
                self.run();
            }
            "closed" => assert_eq!(self.next, Next::Close, "{at}"),
            "removed" => {
                let removed = self.table.removed.lock().unwrap();
                let numbers: Vec<_> = removed
                    .iter()
                    .map(|index| (index + 1).to_string())
                    .collect();
                assert_eq!(numbers.join(" "), rest, "{at}");
            }
            other => panic!("{at}: no such line: {other}"),
        }
    }

    fn silent(&self, at: &str) {
        assert!(
            self.said.is_empty(),
            "{at}: before it the server said {:?}",
            self.said
        );
    }

    /// Steps as a server would, until it would read, wait or close.
    fn run(&mut self) {
        let mut output = Vec::new();
        loop {
            self.next = now(self.session.step(self.clock));
            output.extend_from_slice(&self.session.output().split());
            match self.next {
                Next::Continue | Next::Write => {}
                Next::Read | Next::Wait(_) | Next::StartTls | Next::HandOver | Next::Close => break,
            }
        }
        let text = String::from_utf8(output).unwrap();
        // A line without its end is marked, so that no transcript takes it for a whole one.
        let mut lines: Vec<String> = text.split("\r\n").map(str::to_owned).collect();
        match lines.pop() {
            Some(cut) if !cut.is_empty() => lines.push(format!("{cut}[cut]")),
            _ => {}
        }
        self.said.extend(lines);
    }
}

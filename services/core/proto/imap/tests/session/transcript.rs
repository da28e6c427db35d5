//! Plays `transcripts/*.txt` on real sessions. The format:
//!
//! ```text
//! # what rule this shows
//! given CLAUSE, CLAUSE …   a new table and a new client (see `Stage::given`)
//! C: LINE                  the client sends the line and CRLF
//! E: COMMAND               somebody else, logged in as the same user with INBOX selected, does this
//! S: LINE                  the server's next line; `...` stands for anything
//! after 30m                time passes
//! waited 2s                so long the last answers had to wait
//! closed                   the server has closed the connection
//! ```
//! Before anything but S: all that the server has sent must have been looked at.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use roost_proto_imap::types::SpecialUse;
use roost_proto_imap::{Failure, Kind, Security};

use crate::play::Client;
use crate::table::{Table, message};

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts")
}

#[test]
fn every_transcript_plays_as_written() {
    let mut paths: Vec<_> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    paths.sort();
    assert!(
        paths.len() > 10,
        "the transcripts are in {}",
        folder().display()
    );
    let failures: Vec<_> = paths.iter().filter_map(|path| play(path).err()).collect();
    assert!(failures.is_empty(), "\n{}", failures.join("\n\n"));
}

struct Stage {
    table: Table,
    client: Client,
    other: Option<Client>,
}

fn play(path: &Path) -> Result<(), String> {
    let text = fs::read_to_string(path).unwrap();
    let mut stage = None;
    let mut said = String::new();
    for (number, line) in text.lines().enumerate() {
        let place = format!("{}:{}", path.file_name().unwrap().display(), number + 1);
        let line = line.trim_end();
        let step = match line.strip_prefix("given ") {
            Some(clauses) => {
                if let Some(stage) = &mut stage {
                    quiet(stage).map_err(|why| format!("{place}: {why}"))?;
                }
                Stage::given(clauses).map(|new| stage = Some(new))
            }
            None if line.is_empty() || line.starts_with('#') => Ok(()),
            None => match &mut stage {
                Some(stage) => step(stage, line),
                None => Err("no `given` before".to_owned()),
            },
        };
        if line.starts_with("C:") {
            line.clone_into(&mut said);
        }
        step.map_err(|why| format!("{place}: after {said:?}\n{why}"))?;
    }
    stage
        .as_mut()
        .map_or(Ok(()), quiet)
        .map_err(|why| format!("{} at its end: {why}", path.display()))
}

fn step(stage: &mut Stage, line: &str) -> Result<(), String> {
    if let Some(expected) = line.strip_prefix("S:") {
        return heard(stage, expected.strip_prefix(' ').unwrap_or(expected));
    }
    quiet(stage)?;
    if let Some(said) = line.strip_prefix("C:") {
        stage
            .client
            .say(&format!("{}\r\n", said.strip_prefix(' ').unwrap_or(said)));
    } else if let Some(command) = line.strip_prefix("E: ") {
        let answer = stage.other().ask(&format!("e {command}\r\n"));
        if !answer.contains("e OK") {
            return Err(format!("the other session was told {answer:?}"));
        }
        if stage.client.is_woken() {
            stage.client.run();
        }
    } else if let Some(time) = line.strip_prefix("after ") {
        stage.table.pass(duration(time));
        stage.client.pass(duration(time));
    } else if let Some(time) = line.strip_prefix("waited ") {
        let waited = std::mem::take(&mut stage.client.waited);
        if waited != duration(time) {
            return Err(format!("waited {waited:?}"));
        }
    } else if line == "closed" {
        if !stage.client.closed {
            return Err("the connection is open".to_owned());
        }
    } else if let Some(name) = line.strip_prefix("delivered ") {
        stage.table.deliver("INBOX", &message(name));
        if stage.client.is_woken() {
            stage.client.run();
        }
    } else {
        return Err(format!("what is {line:?}?"));
    }
    Ok(())
}

/// Everything sent has been looked at.
fn quiet(stage: &mut Stage) -> Result<(), String> {
    match stage.client.sent.as_slice() {
        [] => Ok(()),
        sent => Err(format!(
            "the server also said:\n{}",
            String::from_utf8_lossy(sent)
        )),
    }
}

fn heard(stage: &mut Stage, expected: &str) -> Result<(), String> {
    let sent = &mut stage.client.sent;
    let Some(end) = sent.windows(2).position(|pair| pair == b"\r\n") else {
        return Err(format!(
            "expected {expected}\nheard    {:?}",
            String::from_utf8_lossy(sent)
        ));
    };
    let line: Vec<u8> = sent.drain(..end + 2).take(end).collect();
    let line = String::from_utf8_lossy(&line).into_owned();
    if matches(expected, &line) {
        return Ok(());
    }
    Err(format!(
        "expected {expected}\nheard    {line}\nthen     {}",
        String::from_utf8_lossy(sent)
    ))
}

fn matches(pattern: &str, line: &str) -> bool {
    let mut parts = pattern.split("...");
    let Some(mut rest) = line.strip_prefix(parts.next().unwrap()) else {
        return false;
    };
    let mut last = None;
    for part in parts {
        if let Some(part) = last.replace(part) {
            let Some((_, after)) = rest.split_once(part) else {
                return false;
            };
            rest = after;
        }
    }
    match last {
        None => rest.is_empty(),
        Some(part) => rest.ends_with(part),
    }
}

fn duration(text: &str) -> Duration {
    let (number, unit) = text.split_at(text.len() - 1);
    let number: u64 = number.parse().unwrap();
    Duration::from_secs(match unit {
        "s" => number,
        "m" => number * 60,
        "h" => number * 3600,
        _ => panic!("{text:?} is no time"),
    })
}

impl Stage {
    /// Clauses, in order:
    /// `a stranger [in the clear]`, `alice`, `mailbox NAME [\Use|subscribed|read-only|a level]`,
    /// `NAME with N messages`, `NAME with MESSAGE`, `number N …` of the mailbox named last:
    /// `at modseq N`, `flagged FLAG`, `with uid N`, `of DATE`; `NAME selected|examined`,
    /// `room for N octets`, `tombstones forgotten`, `the store fails`, `ENABLE …`.
    fn given(clauses: &str) -> Result<Self, String> {
        let table = Table::new("2026-03-01T12:00:00Z".parse().unwrap());
        let mut security = Security::Tls;
        let mut hello: Vec<String> = Vec::new();
        let mut named = "INBOX".to_owned();
        let mut fails = false;
        for clause in clauses.split(", ") {
            let words: Vec<_> = clause.split(' ').collect();
            match words.as_slice() {
                ["a", "stranger"] => {}
                ["a", "stranger", "in", "the", "clear"] => security = Security::Clear,
                ["alice"] => hello.push("x LOGIN alice secret".to_owned()),
                ["mailbox", name, rest @ ..] => {
                    let use_ = rest
                        .first()
                        .and_then(|word| SpecialUse::parse(word.as_bytes()));
                    table.add(name, use_);
                    (*name).clone_into(&mut named);
                    match rest {
                        ["subscribed"] => table.subscribe(name),
                        ["read-only"] => table.set(name, Kind::ReadOnly),
                        ["a", "level"] => table.set(name, Kind::Level),
                        ["missing"] => {
                            table.set(name, Kind::Missing);
                            table.subscribe(name);
                        }
                        _ => {}
                    }
                }
                [name, "with", count, "messages"] => {
                    (*name).clone_into(&mut named);
                    for number in 1..=count.parse::<u32>().unwrap() {
                        let text = format!("Subject: number {number}\r\n\r\nbody {number}\r\n");
                        table.deliver(name, text.as_bytes());
                    }
                }
                ["number", number, "at", "modseq", modseq] => {
                    table.set_modseq(&named, number.parse().unwrap(), modseq.parse().unwrap());
                }
                ["number", number, "flagged", flag] => {
                    table.flag(&named, number.parse().unwrap(), flag);
                }
                ["number", number, "with", "uid", uid] => {
                    table.set_uid(&named, number.parse().unwrap(), uid.parse().unwrap());
                }
                ["number", number, "of", date] => {
                    let date: Timestamp = date.parse().unwrap();
                    table.date(&named, number.parse().unwrap(), date);
                }
                [name, "with", text] => {
                    (*name).clone_into(&mut named);
                    table.deliver(name, &message(text));
                }
                ["room", "for", octets, "octets"] => table.limit(octets.parse().unwrap()),
                ["tombstones", "forgotten"] => table.forget(&named),
                ["the", "store", "fails"] => fails = true,
                ["ENABLE", ..] => hello.push(format!("x {clause}")),
                [name, "selected"] => hello.push(format!("x SELECT {name}")),
                [name, "examined"] => hello.push(format!("x EXAMINE {name}")),
                _ => return Err(format!("what is {clause:?}?")),
            }
        }
        let mut client = Client::new(&table, security);
        for line in &hello {
            client.sent.clear();
            let answer = client.ask(&format!("{line}\r\n"));
            if !answer.contains("x OK") {
                return Err(format!("{line:?} was answered {answer:?}"));
            }
        }
        if !hello.is_empty() {
            client.sent.clear();
        }
        if fails {
            table.fail(Failure::Unavailable);
        }
        Ok(Self {
            table,
            client,
            other: None,
        })
    }

    fn other(&mut self) -> &mut Client {
        let table = &self.table;
        self.other.get_or_insert_with(|| {
            let mut client = Client::logged_in(table);
            client.ask("x SELECT INBOX\r\n");
            client
        })
    }
}

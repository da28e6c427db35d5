//! Two sessions change one mailbox at random; a client that believes only what the first is told must
//! end up knowing the mailbox as it is.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use roost_proto_imap::grammar::{
    FetchAttribute, FetchData, FlagName, Names, Response, parse_response,
};

use crate::arbitrary::framed;
use crate::play::Client;
use crate::table::{Table, message};

/// What a client knows of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Known {
    uid: Option<u32>,
    flags: Option<BTreeSet<String>>,
}

/// A client that keeps a mailbox by what it is told.
#[derive(Debug, Default)]
struct Model {
    messages: Vec<Known>,
}

impl Model {
    /// Takes an answer; whether EXPUNGE may be part of it.
    fn hear(&mut self, sent: &str, may_expunge: bool) {
        for line in sent.split_inclusive("\r\n") {
            let Ok(response) = parse_response(&framed(line.as_bytes()), Names::Utf7) else {
                panic!("what is {line:?}?")
            };
            match response {
                Response::Exists(count) => {
                    let count = count as usize;
                    assert!(count >= self.messages.len(), "EXISTS went down: {sent}");
                    self.messages.resize(count, Known::default());
                }
                Response::Expunge(number) => {
                    assert!(may_expunge, "EXPUNGE where it is forbidden: {sent}");
                    let number = number as usize;
                    assert!((1..=self.messages.len()).contains(&number), "{sent}");
                    self.messages.remove(number - 1);
                }
                Response::Vanished {
                    earlier: false,
                    uids,
                } => {
                    assert!(may_expunge, "VANISHED where it is forbidden: {sent}");
                    let gone = |known: &Known| {
                        let uid = known.uid.expect("every UID is known");
                        uids.iter().any(|range| range.contains(&uid))
                    };
                    self.messages.retain(|known| !gone(known));
                }
                Response::Fetch(data) => self.fetched(data, sent),
                _ => {}
            }
        }
    }

    fn fetched(&mut self, data: FetchData, sent: &str) {
        let index = data.number as usize - 1;
        let known = self.messages.get_mut(index);
        let known = known.unwrap_or_else(|| panic!("FETCH of what does not exist: {sent}"));
        for attribute in data.attributes {
            match attribute {
                FetchAttribute::Uid(uid) => {
                    let before = known.uid.replace(uid.get());
                    assert!(before.is_none_or(|before| before == uid.get()), "{sent}");
                }
                FetchAttribute::Flags(flags) => {
                    let names = flags.into_iter().filter(|flag| *flag != FlagName::Recent);
                    known.flags = Some(names.map(|flag| flag.as_str().to_owned()).collect());
                }
                _ => {}
            }
        }
    }
}

/// Something that either session does.
#[derive(Clone, Debug)]
struct Deed {
    command: String,
    may_expunge: bool,
}

fn deed() -> impl Strategy<Value = Deed> {
    let held = |command: String| Deed {
        command,
        may_expunge: false,
    };
    let told = |command: String| Deed {
        command,
        may_expunge: true,
    };
    let set = || {
        prop_oneof![
            "[1-6]",
            "[1-3]:[2-9]",
            Just("1:*".to_owned()),
            Just("*".to_owned())
        ]
    };
    let flags = || {
        prop_oneof![
            Just("\\Deleted"),
            Just("\\Seen"),
            Just("$a"),
            Just("$b \\Flagged"),
            Just("")
        ]
    };
    let action = || prop_oneof![Just("+"), Just("-"), Just("")];
    let silent = || prop_oneof![Just(""), Just(".SILENT")];
    prop_oneof![
        3 => (set(), action(), silent(), flags()).prop_map(move |(set, action, silent, flags)| {
            held(format!("STORE {set} {action}FLAGS{silent} ({flags})"))
        }),
        2 => (set(), action(), silent(), flags()).prop_map(move |(set, action, silent, flags)| {
            told(format!("UID STORE {set} {action}FLAGS{silent} ({flags})"))
        }),
        2 => Just(told("EXPUNGE".to_owned())),
        1 => set().prop_map(move |set| told(format!("UID EXPUNGE {set}"))),
        1 => Just(told("APPEND INBOX (\\Seen $c) {3+}\r\nabc".to_owned())),
        1 => set().prop_map(move |set| told(format!("COPY {set} INBOX"))),
        1 => set().prop_map(move |set| told(format!("UID MOVE {set} Away"))),
        2 => set().prop_map(move |set| held(format!("FETCH {set} (UID FLAGS)"))),
        1 => set().prop_map(move |set| told(format!("UID FETCH {set} (FLAGS)"))),
        1 => set().prop_map(move |set| held(format!("FETCH {set} (RFC822.SIZE)"))),
        1 => Just(held("SEARCH DELETED".to_owned())),
        1 => Just(told("NOOP".to_owned())),
    ]
}

fn play(deeds: &[(bool, Deed)], enable: &str) {
    let table = Table::new("2026-03-01T12:00:00Z".parse().unwrap());
    table.add("Away", None);
    (0..5).for_each(|_| table.deliver("INBOX", &message("plain")));
    let mut model = Model::default();
    let mut client = Client::logged_in(&table);
    let mut other = Client::logged_in(&table);
    if !enable.is_empty() {
        client.ask(&format!("x ENABLE {enable}\r\n"));
    }
    model.hear(&client.ask("x SELECT INBOX\r\n"), false);
    model.hear(&client.ask("x FETCH 1:* (UID FLAGS)\r\n"), false);
    other.ask("x SELECT INBOX\r\n");
    for (number, (mine, deed)) in deeds.iter().enumerate() {
        if !mine {
            other.ask(&format!("o{number} {}\r\n", deed.command));
            continue;
        }
        client.waited = std::time::Duration::ZERO;
        let before = known_by_silent(deed, &model);
        let sent = client.ask(&format!("c{number} {}\r\n", deed.command));
        if sent.contains(&format!("c{number} OK")) {
            before.apply(&mut model);
        }
        model.hear(&sent, deed.may_expunge);
        learn(&mut client, &mut model);
    }
    model.hear(&client.ask("y NOOP\r\n"), true);
    let mut truth = Model::default();
    let mut fresh = Client::logged_in(&table);
    truth.hear(&fresh.ask("x SELECT INBOX\r\n"), false);
    truth.hear(&fresh.ask("x FETCH 1:* (UID FLAGS)\r\n"), false);
    learn(&mut client, &mut model);
    assert_eq!(model.messages, truth.messages);
}

/// As clients do: asks for what is new.
fn learn(client: &mut Client, model: &mut Model) {
    let new = model.messages.iter().position(|known| known.uid.is_none());
    if let Some(new) = new {
        model.hear(
            &client.ask(&format!("l FETCH {}:* (UID FLAGS)\r\n", new + 1)),
            false,
        );
    }
}

/// What a client takes for done when a silent STORE succeeds: it is told nothing.
struct Silent(Vec<(usize, BTreeSet<String>)>);

impl Silent {
    fn apply(self, model: &mut Model) {
        for (index, flags) in self.0 {
            if let Some(known) = model.messages.get_mut(index) {
                known.flags = Some(flags);
            }
        }
    }
}

fn known_by_silent(deed: &Deed, model: &Model) -> Silent {
    let words: Vec<_> = deed.command.splitn(4, ' ').collect();
    let (by_uid, set, verb, flags) = match words.as_slice() {
        ["STORE", set, verb, flags] => (false, *set, *verb, *flags),
        ["UID", "STORE", set, rest] => {
            let (verb, flags) = rest.split_once(' ').unwrap();
            (true, *set, verb, flags)
        }
        _ => return Silent(Vec::new()),
    };
    if !verb.ends_with(".SILENT") {
        return Silent(Vec::new());
    }
    let named: BTreeSet<String> = flags
        .trim_matches(['(', ')'])
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    let largest = match by_uid {
        true => model
            .messages
            .last()
            .and_then(|known| known.uid)
            .unwrap_or(0),
        false => model.messages.len().try_into().unwrap(),
    };
    let number = |word: &str| {
        if word == "*" {
            largest
        } else {
            word.parse().unwrap()
        }
    };
    let (from, to) = set.split_once(':').map_or_else(
        || (number(set), number(set)),
        |(from, to)| (number(from).min(number(to)), number(from).max(number(to))),
    );
    let mut done = Vec::new();
    for (index, known) in model.messages.iter().enumerate() {
        let id = if by_uid {
            known.uid.unwrap()
        } else {
            u32::try_from(index).unwrap() + 1
        };
        if !(from..=to).contains(&id) {
            continue;
        }
        let mut now = known.flags.clone().unwrap_or_default();
        match verb.as_bytes().first() {
            Some(b'+') => now.extend(named.clone()),
            Some(b'-') => now.retain(|flag| !named.contains(flag)),
            _ => now.clone_from(&named),
        }
        done.push((index, now));
    }
    Silent(done)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_client_that_listens_knows_the_mailbox(
        deeds in vec((any::<bool>(), deed()), 1..25),
        enable in prop_oneof![Just(""), Just("CONDSTORE"), Just("QRESYNC"), Just("IMAP4rev2")],
    ) {
        play(&deeds, enable);
    }
}

//! All mailboxes against the record.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::imap::Imap;
use super::ledger::{Key, Ledger};
use super::letter;
use super::line::Lost;
use super::mail::{Said, Way};
use super::model::{Found, INBOX, Message, Model, TAKEN, There};
use super::town::{MTA, Town};

/// How many bodies are asked with one command.
const BODIES: usize = 50;

/// What is known of mailboxes from earlier checks.
#[derive(Debug, Default)]
pub struct Census {
    /// Whose bodies were compared: person, UIDVALIDITY, UID → token.
    read: HashMap<(usize, u32, u32), String>,
}

/// What a check found.
#[derive(Debug, Default)]
pub struct Report {
    /// Violations, in words.
    pub wrong: Vec<String>,
    /// Messages that are there.
    pub messages: usize,
    /// Copies too many that no rule forbids: the mta was not told that the store had them.
    pub duplicates: usize,
}

/// What a fault of this kind may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leniency {
    /// Whether a message that was refused may be there nevertheless: a record whose sync failed
    /// may yet be on the disk.
    pub refused_may_stay: bool,
}

impl Census {
    /// Reads all mailboxes, and compares. Nobody may be at work, and the queue must be empty.
    /// With `all`, every body is read again.
    pub fn check(
        &mut self,
        town: &Town,
        ledger: &Ledger,
        models: &mut [Model],
        leniency: Leniency,
        all: bool,
    ) -> Result<Report, Lost> {
        if all {
            self.read.clear();
        }
        let mut report = Report::default();
        let mut delivered: BTreeMap<Key, usize> = BTreeMap::new();
        for (person, model) in models.iter_mut().enumerate() {
            let found = self.mailbox(town, ledger, person, &mut report)?;
            let name = town.people().get(person).cloned().unwrap_or_default();
            let wrong = model.reconcile(&found);
            report
                .wrong
                .extend(wrong.into_iter().map(|what| format!("{name}: {what}")));
            for folder in [INBOX, TAKEN] {
                let messages = found.get(folder).map(|there| there.messages.values());
                for message in messages.into_iter().flatten() {
                    *delivered
                        .entry((message.token.clone(), person))
                        .or_default() += 1;
                }
            }
        }
        compare(town, ledger, delivered, leniency, &mut report);
        Ok(report)
    }

    /// A mailbox as it is.
    fn mailbox(
        &mut self,
        town: &Town,
        ledger: &Ledger,
        person: usize,
        report: &mut Report,
    ) -> Result<Found, Lost> {
        let name = town.people().get(person).cloned().unwrap_or_default();
        let mut imap = Imap::connect(town.port("store_imap"), &name, town.password())?;
        let mut found = Found::new();
        for folder in imap.folders()? {
            let selected = imap.select(&folder)?;
            let mut there = There {
                uid_validity: selected.uid_validity,
                uid_next: selected.uid_next,
                highest: selected.highest,
                messages: BTreeMap::new(),
            };
            let answer = imap.command("UID FETCH 1:* (FLAGS)")?;
            let flags: BTreeMap<u32, BTreeSet<String>> =
                answer.messages().map(|one| (one.uid, one.flags)).collect();
            if flags.len() != selected.exists as usize {
                let (exists, count) = (selected.exists, flags.len());
                report.wrong.push(format!(
                    "{name}: {folder}: {exists} EXISTS, {count} fetched"
                ));
            }
            let known = |uid: &u32| {
                self.read
                    .contains_key(&(person, selected.uid_validity, *uid))
            };
            let unread: Vec<String> = flags
                .keys()
                .filter(|uid| !known(uid))
                .map(u32::to_string)
                .collect();
            for uids in unread.chunks(BODIES) {
                let set = uids.join(",");
                let answer = imap.command(&format!("UID FETCH {set} (BODY.PEEK[])"))?;
                for one in answer.messages() {
                    let place = format!("{name}: {folder}: {}", one.uid);
                    let octets = one.octets.unwrap_or_default();
                    let Some((token, digest)) = letter::read(&octets) else {
                        let text = String::from_utf8_lossy(&octets)
                            .chars()
                            .take(1500)
                            .collect::<String>();
                        report
                            .wrong
                            .push(format!("{place} is none of ours: {text}"));
                        continue;
                    };
                    if ledger.digest(&token) != Some(digest) {
                        report
                            .wrong
                            .push(format!("{place} ({token}) has other octets"));
                    }
                    self.read
                        .insert((person, selected.uid_validity, one.uid), token);
                }
            }
            for (uid, flags) in flags {
                match self.read.get(&(person, selected.uid_validity, uid)) {
                    Some(token) => {
                        let token = token.clone();
                        there.messages.insert(uid, Message { token, flags });
                    }
                    None => report
                        .wrong
                        .push(format!("{name}: {folder}: {uid} cannot be read")),
                }
            }
            report.messages += there.messages.len();
            found.insert(folder, there);
        }
        Ok(found)
    }
}

/// The deliveries: each where it must be, and how often.
fn compare(
    town: &Town,
    ledger: &Ledger,
    delivered: BTreeMap<Key, usize>,
    leniency: Leniency,
    report: &mut Report,
) {
    report.wrong.extend(repeated(&town.log(MTA)));
    let mut entries = ledger.entries();
    for (key, entry) in entries.iter_mut() {
        let copies = delivered.get(key).copied().unwrap_or(0);
        let (token, person) = key;
        let what = format!("{token} for {person}");
        let mut say = |text: String| report.wrong.push(text);
        match (&entry.said, copies) {
            (Said::Accepted(reply), 0) => say(format!("{what} is lost although: {reply}")),
            (Said::Refused(reply), 1..) if !leniency.refused_may_stay => {
                say(format!("{what} is there although: {reply}"));
            }
            _ => {}
        }
        if entry.settled.is_some_and(|before| before != copies) {
            let before = entry.settled.unwrap_or(0);
            say(format!(
                "{what}: {copies} copies, and {before} when all was quiet"
            ));
        }
        if copies > 1 {
            match entry.way {
                Way::Lmtp => say(format!("{what}: {copies} copies")),
                Way::Smtp => report.duplicates += copies - 1,
            }
        }
        entry.settled = Some(copies);
    }
    for (token, person) in delivered.keys() {
        if !entries.contains_key(&(token.clone(), *person)) {
            report
                .wrong
                .push(format!("{token} for {person} was never sent to them"));
        }
    }
}

/// Messages that the mta handed over again although it had recorded that all of it was confirmed.
fn repeated(log: &str) -> Vec<String> {
    let mut done = HashSet::new();
    let mut all = Vec::new();
    for line in log.lines() {
        let Some((_, rest)) = line.split_once("queue_id=") else {
            continue;
        };
        let id = rest.split(' ').next().unwrap_or(rest);
        if line.contains(" done ") {
            done.insert(id);
        } else if line.contains("outcome=delivered") && done.contains(id) {
            all.push(format!("handed over again although done: {line}"));
        }
    }
    all
}

//! The load: senders and mail readers at work until they are told to stop or lose the server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};

use super::imap::{Answer, Imap, numbers};
use super::ledger::Ledger;
use super::letter::{self, Letter};
use super::line::Lost;
use super::mail::{Said, Sender, Way};
use super::model::{Change, Folder, INBOX, Message, Model, TAKEN};
use super::town::Town;

const FLAGS: [&str; 5] = ["\\Seen", "\\Flagged", "\\Answered", "$Forwarded", "cut"];

/// Everybody who is at work.
#[derive(Debug)]
pub struct Crowd {
    stop: Arc<AtomicBool>,
    senders: Vec<JoinHandle<()>>,
    readers: Vec<JoinHandle<Model>>,
}

/// What all of them need.
#[derive(Debug, Clone)]
struct Place {
    stop: Arc<AtomicBool>,
    ledger: Arc<Ledger>,
    people: Vec<String>,
    password: String,
    round: u32,
    smtp: u16,
    lmtp: u16,
    imap: u16,
}

/// How many are at work.
#[derive(Debug, Clone, Copy)]
pub struct Strength {
    /// By SMTP.
    pub smtp: u64,
    /// By LMTP.
    pub lmtp: u64,
}

impl Crowd {
    /// Sets everybody to work: senders of both kinds, and one reader for each mailbox.
    pub fn start(
        town: &Town,
        ledger: &Arc<Ledger>,
        models: Vec<Model>,
        strength: Strength,
        seed: u64,
        round: u32,
    ) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let place = Place {
            stop: Arc::clone(&stop),
            ledger: Arc::clone(ledger),
            people: town.people().to_vec(),
            password: town.password().to_owned(),
            round,
            smtp: town.port("smtp"),
            lmtp: town.port("lmtp"),
            imap: town.port("store_imap"),
        };
        let random = |who: u64| {
            StdRng::seed_from_u64(seed.wrapping_mul(1_000_003) ^ (u64::from(round) << 16) ^ who)
        };
        let send = |way, who| {
            let (place, random) = (place.clone(), random(who));
            std::thread::spawn(move || place.send(way, who, random))
        };
        let mut senders = Vec::new();
        senders.extend((0..strength.smtp).map(|who| send(Way::Smtp, 100 + who)));
        senders.extend((0..strength.lmtp).map(|who| send(Way::Lmtp, 200 + who)));
        let readers = models.into_iter().enumerate().map(|(who, model)| {
            let (place, random) = (place.clone(), random(300 + who as u64));
            std::thread::spawn(move || place.read(who, model, random))
        });
        Self {
            stop,
            senders,
            readers: readers.collect(),
        }
    }

    /// Tells them to stop and waits for them.
    pub fn stop(self) -> Vec<Model> {
        self.stop.store(true, Ordering::Relaxed);
        for sender in self.senders {
            sender.join().unwrap();
        }
        let models = self
            .readers
            .into_iter()
            .map(|reader| reader.join().unwrap());
        models.collect()
    }
}

impl Place {
    fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// A sender's life.
    fn send(&self, way: Way, who: u64, mut random: StdRng) {
        let port = match way {
            Way::Smtp => self.smtp,
            Way::Lmtp => self.lmtp,
        };
        let Ok(mut sender) = Sender::connect(way, port) else {
            return;
        };
        let mut number = 0;
        while !self.is_over() {
            number += 1;
            let letter = Letter::new(
                format!("{way:?}-{}-{who}-{number}", self.round),
                &mut random,
            );
            let count = random.random_range(1..=3);
            let mut people: Vec<usize> = (0..self.people.len()).collect();
            people = people.sample(&mut random, count).copied().collect();
            let addresses: Vec<String> = people
                .iter()
                .filter_map(|person| self.people.get(*person).cloned())
                .collect();
            let mut said = vec![Said::Nothing; people.len()];
            self.ledger.wrote(&letter);
            let lost = sender.hand_over(&letter, &addresses, &mut said).is_err();
            for (person, said) in people.into_iter().zip(said) {
                let key = (letter.token.clone(), person);
                self.ledger.note(key, way, self.round, said);
            }
            if lost {
                return;
            }
        }
    }

    /// A reader's life.
    fn read(&self, who: usize, model: Model, random: StdRng) -> Model {
        let mut reader = Reader {
            model,
            random,
            who,
            round: self.round,
            number: 0,
            selected: String::new(),
            ledger: &self.ledger,
        };
        let name = self.people.get(who).cloned().unwrap_or_default();
        if let Ok(mut imap) = Imap::connect(self.imap, &name, &self.password) {
            while !self.is_over() {
                if reader.act(&mut imap).is_err() {
                    break;
                }
            }
        }
        reader.model
    }
}

struct Reader<'a> {
    model: Model,
    random: StdRng,
    who: usize,
    round: u32,
    number: u32,
    selected: String,
    ledger: &'a Ledger,
}

impl Reader<'_> {
    /// One change, or none where there is nothing to change.
    fn act(&mut self, imap: &mut Imap) -> Result<(), Lost> {
        if !self.model.folders.contains_key(INBOX) {
            self.learn_inbox(imap)?;
        }
        if !self.model.folders.contains_key(TAKEN) {
            return self.change(imap, Change::Create(TAKEN.to_owned()));
        }
        let dice = self.random.random_range(0..100);
        match dice {
            0..34 => self.append(imap),
            34..56 => self.store(imap),
            56..64 => self.transfer(imap, false),
            64..73 => self.transfer(imap, true),
            73..82 => self.take(imap),
            82..90 => self.expunge(imap),
            _ => self.folders(imap),
        }
    }

    fn learn_inbox(&mut self, imap: &mut Imap) -> Result<(), Lost> {
        let selected = imap.select(INBOX)?;
        self.selected = INBOX.to_owned();
        let inbox = Folder {
            uid_validity: selected.uid_validity,
            highest: selected.highest,
            ..Folder::default()
        };
        self.model.folders.insert(INBOX.to_owned(), inbox);
        Ok(())
    }

    /// A folder of the client's own making.
    fn own(&mut self) -> Option<String> {
        let names: Vec<&String> = self
            .model
            .folders
            .keys()
            .filter(|name| name.starts_with('w'))
            .collect();
        names.choose(&mut self.random).map(|name| (*name).clone())
    }

    /// Some messages of a folder.
    fn some(&mut self, folder: &str) -> Vec<u32> {
        let uids: Vec<u32> = match self.model.folders.get(folder) {
            Some(folder) => folder.messages.keys().copied().collect(),
            None => return Vec::new(),
        };
        let count = self.random.random_range(1..=4);
        let mut some: Vec<u32> = uids.sample(&mut self.random, count).copied().collect();
        some.sort_unstable();
        some
    }

    fn append(&mut self, imap: &mut Imap) -> Result<(), Lost> {
        let Some(folder) = self.own() else {
            return self.folders(imap);
        };
        self.number += 1;
        let token = format!("Imap-{}-{}-{}", self.round, self.who, self.number);
        let letter = Letter::new(token.clone(), &mut self.random);
        self.ledger.wrote(&letter);
        let flag = FLAGS.choose(&mut self.random).copied().unwrap_or("\\Seen");
        let message = Message {
            token,
            flags: [flag.to_owned()].into(),
        };
        let change = Change::Append(folder.clone(), message);
        self.model.doubt = Some(change.clone());
        let answer = imap.append(&folder, flag, &letter.octets)?;
        if self.settled(&answer)? {
            let code = answer.code("APPENDUID").unwrap_or_default();
            let (uid_validity, placed) = code.split_once(' ').unwrap_or_default();
            if let Some(known) = self.model.folders.get_mut(&folder) {
                known.uid_validity = uid_validity.parse().unwrap_or(0);
            }
            self.acknowledged(&change, &numbers(placed));
        }
        Ok(())
    }

    fn store(&mut self, imap: &mut Imap) -> Result<(), Lost> {
        let names: Vec<String> = self.model.folders.keys().cloned().collect();
        let folder = names.choose(&mut self.random).cloned().unwrap_or_default();
        let uids = self.some(&folder);
        if uids.is_empty() {
            return self.append(imap);
        }
        let flag = FLAGS.choose(&mut self.random).copied().unwrap_or("\\Seen");
        let add = self.random.random_bool(0.7);
        self.change(imap, Change::Store(folder, uids, flag.to_owned(), add))
    }

    fn transfer(&mut self, imap: &mut Imap, is_move: bool) -> Result<(), Lost> {
        let (Some(from), Some(to)) = (self.own(), self.own()) else {
            return self.folders(imap);
        };
        let uids = self.some(&from);
        if from == to || uids.is_empty() {
            return self.append(imap);
        }
        self.change(
            imap,
            match is_move {
                true => Change::Move(from, uids, to),
                false => Change::Copy(from, uids, to),
            },
        )
    }

    /// Moves a message that was delivered.
    fn take(&mut self, imap: &mut Imap) -> Result<(), Lost> {
        let selected = imap.select(INBOX)?;
        self.selected = INBOX.to_owned();
        self.saw(INBOX, selected.highest);
        if selected.exists == 0 {
            return self.append(imap);
        }
        let number = self.random.random_range(1..=selected.exists);
        let what = "(UID FLAGS BODY.PEEK[HEADER.FIELDS (X-Cut)])";
        let answer = imap.command(&format!("FETCH {number} {what}"))?;
        let Some(message) = answer.messages().next() else {
            return Ok(());
        };
        let read = letter::read(message.octets.as_deref().unwrap_or_default());
        let Some((token, _)) = read else {
            self.model
                .problems
                .push(format!("INBOX: {} is foreign", message.uid));
            return Ok(());
        };
        if let Some(inbox) = self.model.folders.get_mut(INBOX) {
            let flags = message.flags;
            inbox.messages.insert(message.uid, Message { token, flags });
        }
        self.change(
            imap,
            Change::Move(INBOX.to_owned(), vec![message.uid], TAKEN.to_owned()),
        )
    }

    fn expunge(&mut self, imap: &mut Imap) -> Result<(), Lost> {
        let Some(folder) = self.own() else {
            return self.folders(imap);
        };
        let uids = self.some(&folder);
        if uids.is_empty() {
            return self.append(imap);
        }
        let mark = Change::Store(folder.clone(), uids.clone(), "\\Deleted".to_owned(), true);
        self.change(imap, mark)?;
        let messages = self
            .model
            .folders
            .get(&folder)
            .map(|folder| &folder.messages);
        let is_marked = |uid: &u32| {
            let message = messages.and_then(|messages| messages.get(uid));
            message.is_some_and(|message| message.flags.contains("\\Deleted"))
        };
        match uids.iter().all(is_marked) {
            true => self.change(imap, Change::Expunge(folder, uids)),
            // It was refused.
            false => Ok(()),
        }
    }

    fn folders(&mut self, imap: &mut Imap) -> Result<(), Lost> {
        self.number += 1;
        let name = format!("w{}-{}", self.round, self.number);
        let own = self.own();
        let many = self.model.folders.len() > 8;
        let change = match (own, self.random.random_range(0..3)) {
            (Some(own), 0) => Change::Rename(own, name),
            (Some(own), _) if many => Change::Delete(own),
            _ => Change::Create(name),
        };
        self.change(imap, change)
    }

    fn saw(&mut self, folder: &str, highest: u64) {
        if let Some(folder) = self.model.folders.get_mut(folder) {
            folder.highest = folder.highest.max(highest);
        }
    }

    /// Makes a change and learns what came of it.
    fn change(&mut self, imap: &mut Imap, change: Change) -> Result<(), Lost> {
        let set = |uids: &[u32]| {
            let uids: Vec<String> = uids.iter().map(u32::to_string).collect();
            uids.join(",")
        };
        let (folder, command) = match &change {
            Change::Append(..) => return Ok(()),
            Change::Copy(from, uids, to) => (Some(from), format!("UID COPY {} {to}", set(uids))),
            Change::Move(from, uids, to) => (Some(from), format!("UID MOVE {} {to}", set(uids))),
            Change::Store(folder, uids, flag, add) => {
                let sign = if *add { '+' } else { '-' };
                (
                    Some(folder),
                    format!("UID STORE {} {sign}FLAGS ({flag})", set(uids)),
                )
            }
            Change::Expunge(folder, uids) => (Some(folder), format!("UID EXPUNGE {}", set(uids))),
            Change::Create(name) => (None, format!("CREATE {name}")),
            Change::Rename(from, to) => (None, format!("RENAME {from} {to}")),
            Change::Delete(name) => (None, format!("DELETE {name}")),
        };
        if let Some(folder) = folder.filter(|folder| **folder != self.selected) {
            let selected = imap.select(folder)?;
            self.selected.clone_from(folder);
            self.saw(folder, selected.highest);
            if let Some(known) = self.model.folders.get_mut(folder) {
                known.uid_validity = selected.uid_validity;
            }
        }
        if let Change::Delete(name) | Change::Rename(name, _) = &change
            && *name == self.selected
        {
            imap.command("UNSELECT")?;
            self.selected.clear();
        }
        // The copies' numbers are looked up by the folder's UIDVALIDITY, so it has to be known.
        if let Change::Copy(_, _, to) | Change::Move(_, _, to) = &change {
            self.know(imap, to)?;
        }
        self.model.doubt = Some(change.clone());
        let answer = imap.command(&command)?;
        let done = self.settled(&answer)?;
        let newest = answer.messages().map(|message| message.modseq).max();
        let selected = self.selected.clone();
        self.saw(&selected, newest.unwrap_or(0));
        if done {
            let code = answer.code("COPYUID").unwrap_or_default();
            let placed = code.rsplit_once(' ').map_or("", |(_, uids)| uids);
            self.acknowledged(&change, &numbers(placed));
        }
        Ok(())
    }

    fn know(&mut self, imap: &mut Imap, folder: &str) -> Result<(), Lost> {
        let known = self.model.folders.get_mut(folder);
        if let Some(known) = known.filter(|known| known.uid_validity == 0) {
            let answer = imap.command(&format!("STATUS {folder} (UIDVALIDITY)"))?;
            let text = answer
                .untagged
                .first()
                .map(|one| one.text.clone())
                .unwrap_or_default();
            let number = text
                .split_once("UIDVALIDITY ")
                .and_then(|(_, rest)| rest.trim_end_matches(')').parse().ok());
            known.uid_validity = number.unwrap_or(0);
        }
        Ok(())
    }

    /// Whether a change was done. One that our server could not do stays in doubt, since what it
    /// had written by then may yet be on the disk.
    fn settled(&mut self, answer: &Answer) -> Result<bool, Lost> {
        if !answer.is_ok()
            && (answer.tagged.contains("[UNAVAILABLE]") || answer.tagged.contains("[LIMIT]"))
        {
            self.model.refused.push(answer.tagged.clone());
            return Err(Lost(answer.tagged.clone()));
        }
        self.model.doubt = None;
        Ok(answer.is_ok())
    }

    fn acknowledged(&mut self, change: &Change, placed: &[u32]) {
        self.model.apply(change, placed);
        self.model.acknowledged += 1;
    }
}

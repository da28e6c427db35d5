//! What one IMAP client knows of a mailbox that nobody else changes but by delivery.
//!
//! A change that was not answered is in doubt: afterwards the mailbox must look as if it had been
//! done wholly, or not at all.

use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Where mail is delivered; others add to it.
pub const INBOX: &str = "INBOX";
/// Where delivered mail is moved to; nothing is removed from it.
pub const TAKEN: &str = "taken";

/// A message by its token and flags.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Message {
    /// Which it is.
    pub token: String,
    /// Without `\Recent`.
    pub flags: BTreeSet<String>,
}

/// A folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folder {
    /// 0 where it is not known yet.
    pub uid_validity: u32,
    /// No new message may have a lower UID.
    pub uid_next: u32,
    /// It must never be lower.
    pub highest: u64,
    /// By UID.
    pub messages: BTreeMap<u32, Message>,
    /// That must be there under new UIDs.
    pub fresh: Vec<Message>,
    /// UIDs that must not be there.
    pub gone: BTreeSet<u32>,
}

/// A change.
#[derive(Debug, Clone)]
pub enum Change {
    /// APPEND
    Append(String, Message),
    /// UID COPY: from, UIDs, to
    Copy(String, Vec<u32>, String),
    /// UID MOVE: from, UIDs, to
    Move(String, Vec<u32>, String),
    /// UID STORE: folder, UIDs, flag, whether it is added
    Store(String, Vec<u32>, String, bool),
    /// UID EXPUNGE of messages marked \Deleted
    Expunge(String, Vec<u32>),
    /// CREATE
    Create(String),
    /// RENAME
    Rename(String, String),
    /// DELETE
    Delete(String),
}

/// A mailbox as its client knows it.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// By name.
    pub folders: BTreeMap<String, Folder>,
    /// Not answered yet.
    pub doubt: Option<Change>,
    /// Which message had a UID, for ever: (UIDVALIDITY, UID) → token.
    pub history: HashMap<(u32, u32), String>,
    /// UIDVALIDITY of folders that were deleted.
    pub buried: BTreeSet<u32>,
    /// Changes acknowledged.
    pub acknowledged: usize,
    /// What was said of changes that the server could not do.
    pub refused: Vec<String>,
    /// What was found wrong during the load.
    pub problems: Vec<String>,
}

impl Model {
    /// What the mailbox looks like after a change. New messages get UIDs from `placed` in order;
    /// those without are `fresh`.
    pub fn apply(&mut self, change: &Change, placed: &[u32]) {
        match change {
            Change::Append(folder, message) => {
                self.add(folder, vec![message.clone()], placed);
            }
            Change::Copy(from, uids, to) => {
                let copies = self.pick(from, uids);
                self.add(to, copies, placed);
            }
            Change::Move(from, uids, to) => {
                let moved = self.pick(from, uids);
                self.remove(from, uids);
                self.add(to, moved, placed);
            }
            Change::Store(folder, uids, flag, add) => {
                let Some(folder) = self.folders.get_mut(folder) else {
                    return;
                };
                for uid in uids {
                    if let Some(message) = folder.messages.get_mut(uid) {
                        match add {
                            true => message.flags.insert(flag.clone()),
                            false => message.flags.remove(flag),
                        };
                    }
                }
            }
            Change::Expunge(folder, uids) => self.remove(folder, uids),
            Change::Create(name) => {
                self.folders.insert(name.clone(), Folder::default());
            }
            Change::Rename(from, to) => {
                if let Some(folder) = self.folders.remove(from) {
                    self.folders.insert(to.clone(), folder);
                }
            }
            Change::Delete(name) => {
                if let Some(folder) = self.folders.remove(name) {
                    self.buried.insert(folder.uid_validity);
                }
            }
        }
    }

    fn pick(&self, folder: &str, uids: &[u32]) -> Vec<Message> {
        let folder = self.folders.get(folder);
        let one = |uid| folder?.messages.get(uid).cloned();
        uids.iter().filter_map(one).collect()
    }

    fn remove(&mut self, folder: &str, uids: &[u32]) {
        if let Some(folder) = self.folders.get_mut(folder) {
            for uid in uids {
                folder.messages.remove(uid);
                folder.gone.insert(*uid);
            }
        }
    }

    fn add(&mut self, name: &str, messages: Vec<Message>, placed: &[u32]) {
        let Some(folder) = self.folders.get_mut(name) else {
            return;
        };
        for (place, message) in messages.into_iter().enumerate() {
            let Some(uid) = placed.get(place).copied() else {
                folder.fresh.push(message);
                continue;
            };
            let known = self
                .history
                .insert((folder.uid_validity, uid), message.token.clone());
            if uid < folder.uid_next || known.is_some_and(|token| token != message.token) {
                let next = folder.uid_next;
                let token = &message.token;
                self.problems.push(format!(
                    "{name}: UID {uid} was given to {token} although {next} was next"
                ));
            }
            folder.uid_next = folder.uid_next.max(uid + 1);
            folder.messages.insert(uid, message);
        }
    }

    /// Compares with what is there; in words.
    fn differences(&self, found: &Found) -> Vec<String> {
        let mut all = Vec::new();
        let names = found.keys().filter(|name| !system(name));
        for name in names.filter(|name| !self.folders.contains_key(*name)) {
            all.push(format!("a folder {name} that should not be there"));
        }
        for (name, folder) in &self.folders {
            match found.get(name) {
                None => all.push(format!("the folder {name} is missing")),
                Some(there) => compare(name, folder, there, &mut all),
            }
        }
        all
    }

    /// Finds out whether the change in doubt was done, and learns what is there. Returns what is
    /// wrong either way.
    pub fn reconcile(&mut self, found: &Found) -> Vec<String> {
        let mut wrong = std::mem::take(&mut self.problems);
        let before = self.differences(found);
        if let Some(change) = self.doubt.take()
            && !before.is_empty()
        {
            let mut after = self.clone();
            after.apply(&change, &[]);
            let differences = after.differences(found);
            match differences.is_empty() {
                true => *self = after,
                false => wrong.extend([
                    format!(
                        "{change:?} is half done: as if not done, {}",
                        before.join("; ")
                    ),
                    format!("and as if done, {}", differences.join("; ")),
                ]),
            }
        } else {
            wrong.extend(before);
        }
        self.learn(found, &mut wrong);
        wrong
    }

    fn learn(&mut self, found: &Found, wrong: &mut Vec<String>) {
        for (name, there) in found {
            if self.buried.contains(&there.uid_validity) {
                wrong.push(format!("{name} has the UIDVALIDITY of a deleted folder"));
            }
            for (uid, message) in &there.messages {
                let key = (there.uid_validity, *uid);
                let before = self.history.insert(key, message.token.clone());
                if before.is_some_and(|token| token != message.token) {
                    wrong.push(format!("{name}: UID {uid} was another message's"));
                }
            }
            let Some(folder) = self.folders.get_mut(name) else {
                continue;
            };
            folder.uid_validity = there.uid_validity;
            folder.uid_next = there.uid_next;
            folder.highest = there.highest;
            folder.fresh.clear();
            if name != INBOX {
                folder.messages.clone_from(&there.messages);
            }
        }
    }
}

/// Folders that a mailbox is born with.
fn system(name: &str) -> bool {
    !name.starts_with('w') && name != TAKEN
}

/// A folder as it was found.
#[derive(Debug, Clone, Default)]
pub struct There {
    /// The generation of its UIDs.
    pub uid_validity: u32,
    /// The next UID.
    pub uid_next: u32,
    /// The newest change.
    pub highest: u64,
    /// By UID.
    pub messages: BTreeMap<u32, Message>,
}

/// A mailbox as it was found.
pub type Found = BTreeMap<String, There>;

fn compare(name: &str, folder: &Folder, there: &There, all: &mut Vec<String>) {
    if folder.uid_validity != 0 && folder.uid_validity != there.uid_validity {
        all.push(format!("{name}: UIDVALIDITY has changed"));
    }
    if there.uid_next < folder.uid_next {
        let (was, is) = (folder.uid_next, there.uid_next);
        all.push(format!("{name}: UIDNEXT went back from {was} to {is}"));
    }
    if there.highest < folder.highest {
        let (was, is) = (folder.highest, there.highest);
        all.push(format!(
            "{name}: HIGHESTMODSEQ went back from {was} to {is}"
        ));
    }
    for (uid, message) in &folder.messages {
        match there.messages.get(uid) {
            None => all.push(format!("{name}: {uid} ({}) is missing", message.token)),
            Some(found) if found.token != message.token => {
                all.push(format!(
                    "{name}: {uid} is {} instead of {}",
                    found.token, message.token
                ));
            }
            Some(found) if found.flags != message.flags => {
                let (is, was) = (&found.flags, &message.flags);
                all.push(format!("{name}: {uid} has {is:?} instead of {was:?}"));
            }
            Some(_) => {}
        }
    }
    for uid in folder
        .gone
        .iter()
        .filter(|uid| there.messages.contains_key(uid))
    {
        all.push(format!("{name}: {uid} is there although it was removed"));
    }
    if name == INBOX {
        return;
    }
    let extra = there
        .messages
        .iter()
        .filter(|(uid, _)| !folder.messages.contains_key(uid));
    let mut extra: Vec<_> = extra.collect();
    if extra.iter().any(|(uid, _)| **uid < folder.uid_next) {
        all.push(format!(
            "{name}: a new message below UIDNEXT {}",
            folder.uid_next
        ));
    }
    extra.sort_by(|a, b| a.1.cmp(b.1));
    let mut fresh: Vec<_> = folder.fresh.iter().collect();
    fresh.sort();
    if extra
        .iter()
        .map(|(_, message)| *message)
        .ne(fresh.iter().copied())
    {
        all.push(format!("{name}: new are {extra:?} instead of {fresh:?}"));
    }
}

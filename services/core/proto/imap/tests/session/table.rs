//! A backend that is a table in memory.

mod backend;
mod texts;

use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Waker;

use bytes::Bytes;
use jiff::Timestamp;
use roost_proto_imap::types::{
    EmailId, Flags, KeywordId, MailboxId, MailboxName, ModSeq, SpecialUse, SystemFlag, SystemFlags,
    Uid, UidValidity,
};
use roost_proto_imap::{Appended, Copied, Entry, Failure, Kind, NewMessage};

pub(crate) use texts::message;

/// What every password is.
const PASSWORD: &str = "secret";

/// Shared by the sessions of a test.
#[derive(Clone)]
pub(crate) struct Table(Arc<Mutex<Tables>>);

struct Tables {
    folders: Vec<Folder>,
    keywords: Vec<String>,
    modseq: u64,
    next_id: u32,
    wakers: Vec<Waker>,
    pub(crate) now: Timestamp,
    quota: Option<u64>,
    failure: Option<Failure>,
}

#[derive(Clone)]
struct Folder {
    id: MailboxId,
    name: MailboxName,
    kind: Kind,
    special_use: Option<SpecialUse>,
    subscribed: bool,
    uid_validity: u32,
    uid_next: u32,
    highest: u64,
    recent_from: u32,
    messages: Vec<Message>,
    vanished: Vec<(Uid, u64)>,
    /// Whether it forgets what has vanished.
    forgets: bool,
}

#[derive(Clone)]
struct Message {
    entry: Entry,
    body: Bytes,
}

/// A folder as it was.
#[derive(Clone)]
pub(crate) struct Moment(Arc<(Folder, Vec<String>)>);

impl std::fmt::Debug for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Moment({})", self.0.0.name)
    }
}

impl Table {
    pub(crate) fn new(now: Timestamp) -> Self {
        let table = Self(Arc::new(Mutex::new(Tables {
            folders: Vec::new(),
            keywords: Vec::new(),
            modseq: 1,
            next_id: 2,
            wakers: Vec::new(),
            now,
            quota: None,
            failure: None,
        })));
        table.add("INBOX", None);
        table
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap()
    }

    pub(crate) fn pass(&self, time: std::time::Duration) {
        let mut tables = self.lock();
        tables.now = tables.now.checked_add(time).unwrap();
    }

    pub(crate) fn add(&self, name: &str, special_use: Option<SpecialUse>) {
        self.lock()
            .add(&MailboxName::new(name).unwrap(), special_use);
    }

    pub(crate) fn set(&self, name: &str, kind: Kind) {
        self.lock().named(name).kind = kind;
    }

    pub(crate) fn subscribe(&self, name: &str) {
        self.lock().named(name).subscribed = true;
    }

    pub(crate) fn forget(&self, name: &str) {
        self.lock().named(name).forgets = true;
    }

    pub(crate) fn limit(&self, octets: u64) {
        self.lock().quota = Some(octets);
    }

    /// From now on every question fails.
    pub(crate) fn fail(&self, failure: Failure) {
        self.lock().failure = Some(failure);
    }

    pub(crate) fn deliver(&self, name: &str, body: &[u8]) {
        let mut tables = self.lock();
        let id = tables.named(name).id;
        let message = NewMessage {
            system: SystemFlags::NONE,
            keywords: Vec::new(),
            internal_date: None,
            body: Bytes::copy_from_slice(body),
        };
        tables.append(id, vec![message]).unwrap();
    }

    pub(crate) fn set_uid(&self, name: &str, number: usize, uid: u32) {
        let mut tables = self.lock();
        let folder = tables.named(name);
        folder.messages[number - 1].entry.uid = Uid::new(uid).unwrap();
        folder.uid_next = folder.uid_next.max(uid + 1);
    }

    pub(crate) fn flag(&self, name: &str, number: usize, flag: &str) {
        let mut tables = self.lock();
        let keyword = match SystemFlag::parse(flag.as_bytes()) {
            Some(_) => None,
            None => Some(tables.keyword(flag)),
        };
        let flags = &mut tables.named(name).messages[number - 1].entry.flags;
        match keyword {
            Some(id) => flags.keywords.push(id),
            None => {
                flags.system = flags
                    .system
                    .with(SystemFlag::parse(flag.as_bytes()).unwrap())
            }
        }
    }

    pub(crate) fn set_modseq(&self, name: &str, number: usize, modseq: u64) {
        let mut tables = self.lock();
        tables.modseq = tables.modseq.max(modseq);
        let folder = tables.named(name);
        folder.highest = folder.highest.max(modseq);
        folder.messages[number - 1].entry.modseq = ModSeq::new(modseq).unwrap();
    }

    pub(crate) fn date(&self, name: &str, number: usize, date: Timestamp) {
        self.lock().named(name).messages[number - 1]
            .entry
            .internal_date = date;
    }
}

impl Tables {
    fn named(&mut self, name: &str) -> &mut Folder {
        self.folders
            .iter_mut()
            .find(|folder| folder.name.as_str() == name)
            .expect(name)
    }

    fn by_id(&mut self, id: MailboxId) -> Result<&mut Folder, Failure> {
        match &self.failure {
            Some(failure) => Err(failure.clone()),
            None => self
                .folders
                .iter_mut()
                .find(|f| f.id == id)
                .ok_or(Failure::NonExistent),
        }
    }

    fn add(&mut self, name: &MailboxName, special_use: Option<SpecialUse>) -> MailboxId {
        if let Some(parent) = name.parent()
            && !self.folders.iter().any(|folder| folder.name == parent)
        {
            self.add(&parent, None);
        }
        let id = MailboxId(self.next_id);
        self.next_id += 1;
        self.folders.push(Folder {
            id,
            name: name.clone(),
            kind: Kind::Writable,
            special_use,
            subscribed: false,
            uid_validity: 1_000 + id.0,
            uid_next: 1,
            highest: 1,
            recent_from: 1,
            messages: Vec::new(),
            vanished: Vec::new(),
            forgets: false,
        });
        id
    }

    fn keyword(&mut self, name: &str) -> KeywordId {
        let found = self
            .keywords
            .iter()
            .position(|each| each.eq_ignore_ascii_case(name));
        let index = found.unwrap_or_else(|| {
            self.keywords.push(name.to_owned());
            self.keywords.len() - 1
        });
        KeywordId(index.try_into().unwrap())
    }

    fn changed(&mut self, id: MailboxId) -> ModSeq {
        self.modseq += 1;
        let modseq = self.modseq;
        self.by_id(id).unwrap().highest = modseq;
        self.wakers.drain(..).for_each(Waker::wake);
        ModSeq::new(modseq).unwrap()
    }

    fn used(&self) -> u64 {
        self.folders
            .iter()
            .flat_map(|f| &f.messages)
            .map(|m| m.entry.size)
            .sum()
    }

    fn append(&mut self, id: MailboxId, messages: Vec<NewMessage>) -> Result<Appended, Failure> {
        let size: u64 = messages
            .iter()
            .map(|message| message.body.len() as u64)
            .sum();
        if self.quota.is_some_and(|quota| self.used() + size > quota) {
            return Err(Failure::OverQuota);
        }
        self.by_id(id)?;
        let modseq = self.changed(id);
        let now = self.now;
        let mut uids = Vec::new();
        for message in messages {
            let mut keywords: Vec<_> = message
                .keywords
                .iter()
                .map(|name| self.keyword(name.as_str()))
                .collect();
            keywords.sort_unstable();
            let flags = Flags {
                system: message.system,
                keywords: keywords.into(),
            };
            let folder = self.by_id(id)?;
            let uid = Uid::new(folder.uid_next).unwrap();
            folder.uid_next += 1;
            uids.push(uid);
            let mut digest = [0; 15];
            message
                .body
                .iter()
                .take(15)
                .enumerate()
                .for_each(|(at, octet)| digest[at] = *octet);
            let entry = Entry {
                uid,
                modseq,
                flags,
                size: message.body.len() as u64,
                internal_date: message.internal_date.unwrap_or(now),
                email_id: EmailId(digest),
            };
            folder.messages.push(Message {
                entry,
                body: message.body,
            });
        }
        let uid_validity = UidValidity::new(self.by_id(id)?.uid_validity).unwrap();
        Ok(Appended { uid_validity, uids })
    }

    fn copy(&mut self, from: MailboxId, uids: &[Uid], to: MailboxId) -> Result<Copied, Failure> {
        let messages: Vec<_> = self
            .by_id(from)?
            .messages
            .iter()
            .filter(|message| uids.contains(&message.entry.uid))
            .cloned()
            .collect();
        self.by_id(to)?;
        let modseq = self.changed(to);
        let target = self.by_id(to)?;
        let mut pairs = Vec::new();
        for mut message in messages {
            let uid = Uid::new(target.uid_next).unwrap();
            target.uid_next += 1;
            pairs.push((message.entry.uid, uid));
            message.entry.uid = uid;
            message.entry.modseq = modseq;
            target.messages.push(message);
        }
        Ok(Copied {
            uid_validity: UidValidity::new(target.uid_validity).unwrap(),
            pairs,
        })
    }

    fn remove(&mut self, id: MailboxId, goes: impl Fn(&Entry) -> bool) -> Result<(), Failure> {
        if !self
            .by_id(id)?
            .messages
            .iter()
            .any(|message| goes(&message.entry))
        {
            return Ok(());
        }
        let modseq = self.changed(id).get();
        let folder = self.by_id(id)?;
        let gone = folder
            .messages
            .extract_if(.., |message| goes(&message.entry));
        let gone: Vec<_> = gone.map(|message| (message.entry.uid, modseq)).collect();
        folder.vanished.extend(gone);
        Ok(())
    }
}

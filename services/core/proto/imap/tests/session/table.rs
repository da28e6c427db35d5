//! A backend that is a table in memory.

use std::collections::HashMap;
use std::future::poll_fn;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Poll, Waker};

use bytes::Bytes;
use jiff::Timestamp;
use roost_mime::Structure;
use roost_proto_imap::types::{
    EmailId, Flags, Keyword, KeywordId, MailboxId, MailboxName, ModSeq, SpecialUse, SystemFlag,
    SystemFlags, Uid, UidValidity,
};
use roost_proto_imap::{
    Appended, Backend, Claim, Copied, Entry, Failure, FlagAction, FlagChange, Kind, Mailbox,
    Mailboxes, MessageId, NewMessage, Snapshot, Subscription,
};
use roost_proto_sasl::scram::{Keys, ServerSignature};
use roost_proto_sasl::{Authenticate, Login, Nonce, Parameters, Password, Proof, Refused};

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

impl Authenticate for Table {
    type Account = String;

    async fn password(&self, login: Login) -> Result<String, Refused> {
        match (login.authcid.as_str(), login.password.expose()) {
            ("alice" | "bob", PASSWORD) => Ok(login.authzid.unwrap_or(login.authcid)),
            ("mallory", PASSWORD) => Err(Refused::Forbidden),
            ("down", _) => Err(Refused::Unavailable),
            _ => Err(Refused::Credentials),
        }
    }

    async fn scram_parameters(&self, _: &str) -> Result<Parameters, Refused> {
        Ok(keys().parameters().clone())
    }

    async fn scram_verify(&self, proof: Proof) -> Result<(String, ServerSignature), Refused> {
        let verified = keys().verify(&proof.auth_message, &proof.client_proof);
        match (proof.name.as_str(), verified) {
            ("user", Some(signature)) => Ok((proof.name, signature)),
            _ => Err(Refused::Credentials),
        }
    }

    fn nonce(&self) -> Nonce {
        // RFC 7677 §3
        Nonce::of("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0").unwrap()
    }
}

/// The keys of RFC 7677 §3's example.
fn keys() -> Keys {
    use base64::Engine as _;
    let salt = base64::engine::general_purpose::STANDARD
        .decode("W22ZaJ0SNY7soEsUEjb6gQ==")
        .unwrap();
    Keys::derive(
        &Password::new("pencil"),
        Parameters::new(salt, 4096).unwrap(),
    )
}

impl Backend for Table {
    type Mailboxes = Self;

    async fn open(&self, _: String) -> Result<Self, Failure> {
        Ok(self.clone())
    }

    fn now(&self) -> Timestamp {
        self.lock().now
    }
}

impl Mailboxes for Table {
    type Snapshot = Moment;

    async fn list(&self) -> Result<Vec<Mailbox>, Failure> {
        Ok(self.lock().folders.iter().map(Folder::mailbox).collect())
    }

    async fn find(&self, name: &MailboxName) -> Result<Mailbox, Failure> {
        let tables = self.lock();
        if let Some(failure) = &tables.failure {
            return Err(failure.clone());
        }
        let found = tables.folders.iter().find(|folder| folder.name == *name);
        found.map(Folder::mailbox).ok_or(Failure::NonExistent)
    }

    async fn snapshot(&self, mailbox: MailboxId) -> Result<Moment, Failure> {
        let mut tables = self.lock();
        let folder = tables.by_id(mailbox)?.clone();
        Ok(Moment(Arc::new((folder, tables.keywords.clone()))))
    }

    async fn changed(&self, seen: &Moment) {
        poll_fn(|context| {
            let mut tables = self.lock();
            match tables.by_id(seen.mailbox()) {
                Ok(folder) if folder.highest == seen.0.0.highest => {
                    tables.wakers.push(context.waker().clone());
                    Poll::Pending
                }
                _ => Poll::Ready(()),
            }
        })
        .await;
    }

    fn claim_recent(&self, mailbox: MailboxId, below: Uid, claim: Claim) -> Uid {
        let mut tables = self.lock();
        let Ok(folder) = tables.by_id(mailbox) else {
            return below;
        };
        let from = folder.recent_from.min(below.get());
        if claim == Claim::Take {
            folder.recent_from = folder.recent_from.max(below.get());
        }
        Uid::new(from).unwrap()
    }

    async fn create(
        &self,
        name: &MailboxName,
        special_use: Option<SpecialUse>,
    ) -> Result<MailboxId, Failure> {
        let mut tables = self.lock();
        if tables.folders.iter().any(|folder| folder.name == *name) {
            return Err(Failure::AlreadyExists);
        }
        Ok(tables.add(name, special_use))
    }

    async fn delete(&self, mailbox: MailboxId) -> Result<(), Failure> {
        let mut tables = self.lock();
        let name = tables.by_id(mailbox)?.name.clone();
        if tables
            .folders
            .iter()
            .any(|folder| folder.name.is_below(&name))
        {
            return Err(Failure::HasChildren);
        }
        tables.folders.retain(|folder| folder.id != mailbox);
        tables.wakers.drain(..).for_each(Waker::wake);
        Ok(())
    }

    async fn rename(&self, mailbox: MailboxId, to: &MailboxName) -> Result<(), Failure> {
        let mut tables = self.lock();
        if tables.folders.iter().any(|folder| folder.name == *to) {
            return Err(Failure::AlreadyExists);
        }
        if let Some(parent) = to.parent()
            && !tables.folders.iter().any(|folder| folder.name == parent)
        {
            tables.add(&parent, None);
        }
        let from = tables.by_id(mailbox)?.name.clone();
        for folder in &mut tables.folders {
            if folder.name == from {
                folder.name = to.clone();
            } else if folder.name.is_below(&from) {
                let rest = folder.name.as_str().strip_prefix(from.as_str()).unwrap();
                folder.name = MailboxName::new(&format!("{to}{rest}")).unwrap();
            }
        }
        Ok(())
    }

    async fn subscribe(
        &self,
        name: &MailboxName,
        subscription: Subscription,
    ) -> Result<(), Failure> {
        let mut tables = self.lock();
        let found = tables
            .folders
            .iter_mut()
            .find(|folder| folder.name == *name);
        match found {
            Some(folder) => folder.subscribed = subscription == Subscription::Subscribed,
            None => return Err(Failure::NonExistent),
        }
        Ok(())
    }

    async fn structure(&self, message: MessageId) -> Result<Arc<Structure>, Failure> {
        let body = self.body(message)?;
        Ok(Arc::new(Structure::parse(&body)))
    }

    async fn octets(&self, message: MessageId, range: Range<u64>) -> Result<Bytes, Failure> {
        let body = self.body(message)?;
        let index = |at: u64| usize::try_from(at).unwrap().min(body.len());
        Ok(body.slice(index(range.start)..index(range.end)))
    }

    async fn alter(
        &self,
        mailbox: MailboxId,
        uids: &[Uid],
        change: &FlagChange,
        unchanged_since: Option<ModSeq>,
    ) -> Result<Vec<Uid>, Failure> {
        let mut tables = self.lock();
        let keywords: Vec<_> = change
            .keywords
            .iter()
            .map(Keyword::as_str)
            .map(|name| tables.keyword(name))
            .collect();
        let before = tables.by_id(mailbox)?.clone();
        let mut newer = Vec::new();
        let mut changes = Vec::new();
        for message in before
            .messages
            .iter()
            .filter(|m| uids.contains(&m.entry.uid))
        {
            if unchanged_since.is_some_and(|since| message.entry.modseq > since) {
                newer.push(message.entry.uid);
                continue;
            }
            let mut flags = message.entry.flags.clone();
            match change.action {
                FlagAction::Add => {
                    flags.system = flags.system.union(change.system);
                    flags.keywords.extend_from_slice(&keywords);
                }
                FlagAction::Remove => {
                    flags.system = flags.system.difference(change.system);
                    flags.keywords.retain(|id| !keywords.contains(id));
                }
                FlagAction::Replace => {
                    flags = Flags {
                        system: change.system,
                        keywords: keywords.clone().into(),
                    };
                }
            }
            flags.keywords.sort_unstable();
            flags.keywords.dedup();
            if flags != message.entry.flags {
                changes.push((message.entry.uid, flags));
            }
        }
        if !changes.is_empty() {
            let modseq = tables.changed(mailbox);
            for message in &mut tables.by_id(mailbox)?.messages {
                if let Some((_, flags)) = changes.iter().find(|(uid, _)| *uid == message.entry.uid)
                {
                    message.entry.flags = flags.clone();
                    message.entry.modseq = modseq;
                }
            }
        }
        Ok(newer)
    }

    async fn expunge(&self, mailbox: MailboxId, uids: &[Uid]) -> Result<(), Failure> {
        self.lock().remove(mailbox, |entry| {
            uids.contains(&entry.uid) && entry.flags.has(SystemFlag::Deleted)
        })
    }

    async fn copy(
        &self,
        mailbox: MailboxId,
        uids: &[Uid],
        target: MailboxId,
    ) -> Result<Copied, Failure> {
        self.lock().copy(mailbox, uids, target)
    }

    async fn relocate(
        &self,
        mailbox: MailboxId,
        uids: &[Uid],
        target: MailboxId,
    ) -> Result<Copied, Failure> {
        let mut tables = self.lock();
        let copied = tables.copy(mailbox, uids, target)?;
        tables.remove(mailbox, |entry| {
            copied.pairs.iter().any(|(from, _)| *from == entry.uid)
        })?;
        Ok(copied)
    }

    async fn admit(&self, _: MailboxId, size: u64) -> Result<(), Failure> {
        let tables = self.lock();
        match tables.quota {
            Some(quota) if tables.used() + size > quota => Err(Failure::OverQuota),
            _ => Ok(()),
        }
    }

    async fn append(
        &self,
        target: MailboxId,
        messages: Vec<NewMessage>,
    ) -> Result<Appended, Failure> {
        self.lock().append(target, messages)
    }
}

impl Table {
    fn body(&self, message: MessageId) -> Result<Bytes, Failure> {
        let mut tables = self.lock();
        let folder = tables.by_id(message.mailbox)?;
        let found = folder
            .messages
            .iter()
            .find(|each| each.entry.uid == message.uid);
        found
            .map(|message| message.body.clone())
            .ok_or(Failure::Expunged)
    }
}

impl Folder {
    fn mailbox(&self) -> Mailbox {
        Mailbox {
            id: self.id,
            name: self.name.clone(),
            kind: self.kind,
            special_use: self.special_use,
            subscription: match self.subscribed {
                true => Subscription::Subscribed,
                false => Subscription::Unsubscribed,
            },
        }
    }
}

impl Snapshot for Moment {
    fn mailbox(&self) -> MailboxId {
        self.0.0.id
    }

    fn uid_validity(&self) -> UidValidity {
        UidValidity::new(self.0.0.uid_validity).unwrap()
    }

    fn uid_next(&self) -> Uid {
        Uid::new(self.0.0.uid_next).unwrap()
    }

    fn highest_modseq(&self) -> ModSeq {
        ModSeq::new(self.0.0.highest).unwrap()
    }

    fn len(&self) -> u32 {
        self.0.0.messages.len().try_into().unwrap()
    }

    fn entry(&self, index: u32) -> Option<Entry> {
        self.0
            .0
            .messages
            .get(index as usize)
            .map(|message| message.entry.clone())
    }

    fn position(&self, uid: Uid) -> Result<u32, u32> {
        let found = self
            .0
            .0
            .messages
            .binary_search_by_key(&uid, |message| message.entry.uid);
        found
            .map(|at| at.try_into().unwrap())
            .map_err(|at| at.try_into().unwrap())
    }

    fn keyword(&self, keyword: KeywordId) -> Option<&str> {
        self.0.1.get(usize::from(keyword.0)).map(String::as_str)
    }

    fn keywords(&self) -> Vec<KeywordId> {
        (0..self.0.1.len())
            .map(|at| KeywordId(at.try_into().unwrap()))
            .collect()
    }

    fn vanished_since(&self, since: ModSeq) -> Option<Vec<Uid>> {
        if self.0.0.forgets {
            return None;
        }
        let gone = self
            .0
            .0
            .vanished
            .iter()
            .filter(|(_, modseq)| *modseq > since.get());
        let mut uids: Vec<_> = gone.map(|(uid, _)| *uid).collect();
        uids.sort_unstable();
        Some(uids)
    }
}

/// The texts that transcripts name.
pub(crate) fn message(name: &str) -> Vec<u8> {
    let messages = HashMap::from([
        ("plain", PLAIN),
        ("multipart", MULTIPART),
        ("nested", NESTED),
        ("latin", LATIN),
    ]);
    let text = messages
        .get(name)
        .unwrap_or_else(|| panic!("no message {name:?}"));
    text.replace('\n', "\r\n").into_bytes()
}

const PLAIN: &str = "Date: Mon, 7 Feb 1994 21:52:25 -0800
From: Fred Foobar <foobar@blurdybloop.example>
Subject: afternoon meeting
To: mooch@owatagu.siam.example
Message-Id: <B27397-0100000@blurdybloop.example>
MIME-Version: 1.0
Content-Type: TEXT/PLAIN; CHARSET=US-ASCII

Hello Joe, do you think we can meet at 3:30 tomorrow?
";

const MULTIPART: &str = "From: \"A. \\\"Quoted\\\" B\" <a@example.test>
To: Group: b@example.test, C <c@example.test>;, d@example.test
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=\"b\"

preamble
--b
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Gr=C3=BC=C3=9Fe aus K=C3=B6ln
--b
Content-Type: application/octet-stream; name=\"x.bin\"
Content-Transfer-Encoding: base64
Content-Disposition: attachment; filename=\"x.bin\"
Content-Language: en

AAECAw==
--b--
epilogue
";

const NESTED: &str = "From: outer@example.test
Subject: outer
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=\"o\"

--o
Content-Type: text/plain

cover
--o
Content-Type: message/rfc822

From: inner@example.test
Subject: inner
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary=\"i\"

--i
Content-Type: text/plain

inner plain
--i
Content-Type: text/html

<p>inner html</p>
--i--
--o--
";

const LATIN: &str = "From: a@example.test
Subject: =?iso-8859-1?q?=C4rger?=
Date: 1 Jan 2026 00:00:00 +0000
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Gr=FC=DFe
";

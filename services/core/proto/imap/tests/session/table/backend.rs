//! The table as the session sees it.

use std::future::poll_fn;
use std::ops::Range;
use std::sync::Arc;
use std::task::{Poll, Waker};

use bytes::Bytes;
use jiff::Timestamp;
use roost_mime::Structure;
use roost_proto_imap::grammar::Tag;
use roost_proto_imap::types::{
    Flags, Keyword, KeywordId, MailboxId, MailboxName, ModSeq, SpecialUse, SystemFlag, Uid,
    UidValidity,
};
use roost_proto_imap::{
    Appended, Backend, Claim, Copied, Entry, Failure, FlagAction, FlagChange, Mailbox, Mailboxes,
    MessageId, NewMessage, Snapshot, Subscription, Whereabouts,
};
use roost_proto_sasl::scram::{Keys, ServerSignature};
use roost_proto_sasl::{Authenticate, Login, Nonce, Parameters, Password, Proof, Refused};

use super::{Folder, Moment, PASSWORD, Table};

impl Authenticate for Table {
    type Account = String;

    async fn password(&self, login: Login) -> Result<String, Refused> {
        match (login.authcid.as_str(), login.password.expose()) {
            ("alice" | "bob" | "far" | "lost", PASSWORD) => {
                Ok(login.authzid.unwrap_or(login.authcid))
            }
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

    async fn hand_over(&self, account: String, tag: &Tag) -> Result<Whereabouts<String>, Failure> {
        match account.as_str() {
            "far" => {
                let completion = format!("{tag} OK [CAPABILITY IMAP4rev1] Welcome\r\n");
                Ok(Whereabouts::Elsewhere(completion.into()))
            }
            "lost" => Err(Failure::Unavailable),
            _ => Ok(Whereabouts::Here(account)),
        }
    }

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

//! The inbox as POP3 sees it.

use std::ops::Range;

use bytes::Bytes;
use roost_mailbox::folder::{INBOX, TRASH};
use roost_mailbox::{
    BlobDigest, Entry, FlagChange, Flags, FolderSnapshot, ItemKind, Mailbox, Removal, Store, Uid,
};
use roost_proto_pop3::{Backend, Maildrop, Refusal};
use roost_proto_sasl::scram::ServerSignature;
use roost_proto_sasl::{Authenticate, Login, Parameters, Proof, Refused};

use crate::accounts::{Accounts, Pop3Deletion};
use crate::door::{Door, Reader};
use crate::trouble;

/// Octets of a message read at a time.
const CHUNK: u64 = 64 * 1024;

/// One session's backend.
pub(super) struct Pop3Backend<A> {
    door: Door<A>,
    store: Store,
}

impl<A> Pop3Backend<A> {
    pub(super) fn new(door: Door<A>, store: Store) -> Self {
        Self { door, store }
    }
}

/// The inbox as it was when the session began.
pub(super) struct Inbox {
    mailbox: Mailbox,
    folder: FolderSnapshot,
    /// Where messages are among the folder's items.
    messages: Vec<u32>,
    deletion: Pop3Deletion,
}

impl Inbox {
    fn entry(&self, index: usize) -> Option<&Entry> {
        let at = *self.messages.get(index)?;
        self.folder.entry(usize::try_from(at).ok()?)
    }
}

impl Maildrop for Inbox {
    fn len(&self) -> usize {
        self.messages.len()
    }

    fn size(&self, index: usize) -> u64 {
        self.entry(index).map_or(0, |entry| entry.size)
    }

    fn unique_id(&self, index: usize) -> String {
        let uid = self.entry(index).map_or(0, |entry| entry.uid.get());
        format!("{:08x}{uid:08x}", self.folder.uid_validity().get())
    }
}

/// A message that is being read.
pub(super) struct Reading {
    mailbox: Mailbox,
    digest: BlobDigest,
    rest: Range<u64>,
}

impl<A: Accounts> Authenticate for Pop3Backend<A> {
    type Account = Reader;

    async fn password(&self, login: Login) -> Result<Reader, Refused> {
        self.door.password(login).await
    }

    async fn scram_parameters(&self, name: &str) -> Result<Parameters, Refused> {
        self.door.scram_parameters(name).await
    }

    async fn scram_verify(&self, proof: Proof) -> Result<(Reader, ServerSignature), Refused> {
        self.door.scram_verify(proof).await
    }
}

impl<A: Accounts> Backend for Pop3Backend<A> {
    type Maildrop = Inbox;
    type Message = Reading;

    fn forwarded(&self, fields: &str) -> bool {
        let fields = fields.split(' ').filter_map(|field| field.split_once('='));
        self.door
            .identified(fields.map(|(name, value)| (name.as_bytes(), value.as_bytes())))
    }

    async fn open(&self, reader: &Reader) -> Result<Inbox, Refusal> {
        let trouble = |error| trouble::pop3(&error);
        let account = reader.owner.id.uuid().into();
        let mailbox = self.store.mailbox(account).await.map_err(trouble)?;
        let folder = mailbox.folder(INBOX).await.map_err(trouble)?;
        let messages = (0..)
            .zip(folder.iter())
            .filter(|(_, entry)| entry.kind == ItemKind::Message)
            .map(|(at, _)| at)
            .collect();
        Ok(Inbox {
            mailbox,
            folder,
            messages,
            deletion: reader.owner.pop3_deletion,
        })
    }

    async fn retrieve(&self, inbox: &Inbox, index: usize) -> Result<Reading, Refusal> {
        let entry = inbox.entry(index).ok_or(Refusal::Gone)?;
        Ok(Reading {
            mailbox: inbox.mailbox.clone(),
            digest: entry.blob().ok_or(Refusal::Permanent)?,
            rest: 0..entry.size,
        })
    }

    async fn read(&self, message: &mut Reading) -> Result<Option<Bytes>, Refusal> {
        let Range { start, end } = message.rest;
        if start >= end {
            return Ok(None);
        }
        let octets = message
            .mailbox
            .load_range(message.digest, start..end.min(start + CHUNK))
            .await
            .map_err(|error| trouble::pop3(&error))?;
        message.rest.start += octets.len() as u64;
        Ok((!octets.is_empty()).then_some(octets))
    }

    async fn remove(&self, inbox: &Inbox, indexes: &[usize]) -> Result<(), Refusal> {
        let mailbox = &inbox.mailbox;
        let uids: Vec<Uid> = indexes
            .iter()
            .filter_map(|index| Some(inbox.entry(*index)?.uid))
            .collect();
        let done = match inbox.deletion {
            Pop3Deletion::Keep => Ok(()),
            Pop3Deletion::Read => {
                let read = FlagChange::add(Flags::SEEN);
                mailbox.alter(INBOX, &uids, &read, None).await.map(drop)
            }
            Pop3Deletion::Trash => mailbox.relocate(INBOX, &uids, TRASH).await.map(drop),
            Pop3Deletion::Delete => mailbox.remove(INBOX, Removal::These(&uids)).await.map(drop),
        };
        done.map_err(|error| trouble::pop3(&error))
    }
}

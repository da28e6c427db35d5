//! An account's mailboxes, as an IMAP session asks for them.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use roost_kit::clock::Clock;
use roost_mailbox::{
    self as engine, Change, Claim, Contents, FolderChange, FolderId, FolderSnapshot,
    Mailbox as EngineMailbox, MailboxSnapshot, Nested, NewFolder, NewItem, Removal,
};
use roost_mime::Structure;
use roost_proto_imap as imap;
use roost_proto_imap::types::{MailboxId, MailboxName, ModSeq, SpecialUse, Uid};
use roost_proto_imap::{
    Appended, Copied, Failure, FlagAction, FlagChange, Mailbox, Mailboxes, MessageId, NewMessage,
    Snapshot as _, Subscription,
};

use super::folders::{self, Path};
use super::room::Space;
use super::snapshot::{self, FolderView};
use super::structures::Structures;
use crate::content;
use crate::door::Reader;
use crate::trouble::failure;

/// An account's mailboxes, while it is signed in.
#[derive(Debug)]
pub(crate) struct Home {
    mailbox: EngineMailbox,
    reader: Reader,
    /// The memory of the messages that are being appended.
    space: Space,
    clock: Clock,
    structures: Structures,
}

impl Home {
    pub(super) fn new(mailbox: EngineMailbox, reader: Reader, space: Space, clock: Clock) -> Self {
        Self {
            mailbox,
            reader,
            space,
            clock,
            structures: Structures::default(),
        }
    }

    fn now(&self) -> Result<MailboxSnapshot, Failure> {
        self.mailbox.snapshot().map_err(failure)
    }

    async fn folder(&self, id: MailboxId) -> Result<FolderSnapshot, Failure> {
        let folder = self.mailbox.folder(folder_id(id)).await.map_err(failure)?;
        match folders::holds_messages(folder.folder()) {
            true => Ok(folder),
            false => Err(Failure::NonExistent),
        }
    }

    async fn entry(&self, message: MessageId) -> Result<(FolderSnapshot, engine::Entry), Failure> {
        let folder = self.folder(message.mailbox).await?;
        match folder.find(engine_uid(message.uid)).cloned() {
            Some(entry) => Ok((folder, entry)),
            None => Err(Failure::Expunged),
        }
    }

    /// Makes the folders of `names`, each in the one before, and says where the last one is.
    async fn make(
        &self,
        parent: FolderId,
        names: &[&str],
        special_use: Option<SpecialUse>,
    ) -> Result<FolderId, Failure> {
        let mut parent = parent;
        for (index, name) in names.iter().enumerate() {
            let is_last = index + 1 == names.len();
            let folder = NewFolder {
                special_use: special_use
                    .filter(|_| is_last)
                    .map(folders::engine_special_use),
                ..NewFolder::messages(parent, name)
            };
            parent = self.mailbox.create_folder(folder).await.map_err(failure)?;
        }
        Ok(parent)
    }

    /// Reads a message that has no structure, or one of another version.
    async fn describe(&self, digest: engine::BlobDigest) -> Result<Structure, Failure> {
        let octets = self.mailbox.load(digest).await.map_err(failure)?;
        let blob = content::read(octets).await.blob;
        Structure::decode(&blob.structure).map_err(|_damaged| Failure::Corrupt)
    }

    async fn item(&self, message: NewMessage) -> NewItem {
        let content = content::read(message.body).await;
        NewItem {
            flags: content.flags | snapshot::engine_flags(message.system),
            keywords: message
                .keywords
                .iter()
                .map(|keyword| keyword.as_str().into())
                .collect(),
            ..NewItem::message(
                content.blob,
                message.internal_date.unwrap_or_else(|| self.clock.now()),
            )
        }
    }
}

impl Mailboxes for Home {
    type Snapshot = FolderView;

    async fn list(&self) -> Result<Vec<Mailbox>, Failure> {
        Ok(folders::list(&self.now()?))
    }

    async fn find(&self, name: &MailboxName) -> Result<Mailbox, Failure> {
        let snapshot = self.now()?;
        let folder = folders::find(&snapshot, name)?;
        folders::mailbox(&snapshot, folder).ok_or(Failure::NonExistent)
    }

    async fn snapshot(&self, mailbox: MailboxId) -> Result<FolderView, Failure> {
        self.folder(mailbox).await.map(FolderView)
    }

    async fn changed(&self, seen: &FolderView) {
        self.structures.forget();
        let id = folder_id(seen.mailbox());
        // Subscribed before it looks, so that no change falls between.
        let mut changes = self.mailbox.subscribe();
        let Ok(now) = self.mailbox.snapshot() else {
            return;
        };
        let same = now
            .folder(id)
            .is_some_and(|folder| snapshot::highest_modseq(folder) == seen.highest_modseq());
        if !same {
            return;
        }
        loop {
            match changes.next().await {
                Some(Change::Changed { folders, .. }) if !folders.contains(&id) => {}
                Some(Change::Changed { .. } | Change::Resync) | None => return,
            }
        }
    }

    fn claim_recent(&self, mailbox: MailboxId, below: Uid, claim: imap::Claim) -> Uid {
        let claim = match claim {
            imap::Claim::Take => Claim::Take,
            imap::Claim::Look => Claim::Look,
        };
        let first = self
            .mailbox
            .claim_recent(folder_id(mailbox), engine_uid(below), claim);
        snapshot::uid(first)
    }

    async fn create(
        &self,
        name: &MailboxName,
        special_use: Option<SpecialUse>,
    ) -> Result<MailboxId, Failure> {
        let path = Path::of(&self.now()?, name);
        if path.missing.is_empty() {
            return Err(Failure::AlreadyExists);
        }
        let made = self.make(path.parent, &path.missing, special_use).await?;
        Ok(MailboxId(made.get()))
    }

    async fn delete(&self, mailbox: MailboxId) -> Result<(), Failure> {
        self.mailbox
            .delete_folder(folder_id(mailbox), Contents::Remove, Nested::Keep)
            .await
            .map_err(failure)
    }

    async fn rename(&self, mailbox: MailboxId, to: &MailboxName) -> Result<(), Failure> {
        let path = Path::of(&self.now()?, to);
        let Some((name, above)) = path.missing.split_last() else {
            return Err(Failure::AlreadyExists);
        };
        let change = FolderChange {
            parent: Some(self.make(path.parent, above, None).await?),
            name: Some((*name).into()),
            ..FolderChange::default()
        };
        self.mailbox
            .change_folder(folder_id(mailbox), change)
            .await
            .map_err(failure)
    }

    async fn subscribe(
        &self,
        name: &MailboxName,
        subscription: Subscription,
    ) -> Result<(), Failure> {
        let snapshot = self.now()?;
        let is_lost = snapshot.has_lost_subscription(name.as_str());
        let folder = match (folders::find(&snapshot, name), subscription) {
            (Ok(folder), _) => folder.id,
            (Err(_), Subscription::Subscribed) if is_lost => return Ok(()),
            // What is not subscribed to is not subscribed to: clients clean up after RENAME.
            (Err(Failure::NonExistent), Subscription::Unsubscribed) => {
                let forgotten = self.mailbox.forget_subscription(name.as_str()).await;
                return forgotten.map_err(failure);
            }
            (Err(failure), _) => return Err(failure),
        };
        let change = FolderChange {
            subscribed: Some(subscription == Subscription::Subscribed),
            ..FolderChange::default()
        };
        self.mailbox
            .change_folder(folder, change)
            .await
            .map_err(failure)
    }

    async fn structure(&self, message: MessageId) -> Result<Arc<Structure>, Failure> {
        let (folder, entry) = self.entry(message).await?;
        let digest = entry.blob().ok_or(Failure::Corrupt)?;
        let stored = self
            .structures
            .get(&self.mailbox, &folder, entry.uid, digest)
            .await
            .map_err(failure)?;
        let stored = stored.and_then(|stored| Structure::decode(&stored).ok());
        let structure = match stored {
            Some(structure) => structure,
            None => self.describe(digest).await?,
        };
        Ok(Arc::new(structure))
    }

    async fn octets(&self, message: MessageId, range: Range<u64>) -> Result<Bytes, Failure> {
        let (_, entry) = self.entry(message).await?;
        let digest = entry.blob().ok_or(Failure::Corrupt)?;
        self.mailbox
            .load_range(digest, range)
            .await
            .map_err(failure)
    }

    async fn alter(
        &self,
        mailbox: MailboxId,
        uids: &[Uid],
        change: &FlagChange,
        unchanged_since: Option<ModSeq>,
    ) -> Result<Vec<Uid>, Failure> {
        let change = engine::FlagChange {
            action: match change.action {
                FlagAction::Add => engine::FlagAction::Add,
                FlagAction::Remove => engine::FlagAction::Remove,
                FlagAction::Replace => engine::FlagAction::Replace,
            },
            flags: snapshot::engine_flags(change.system),
            keywords: change
                .keywords
                .iter()
                .map(|keyword| keyword.as_str().into())
                .collect(),
        };
        let since = unchanged_since.map(|modseq| engine::ModSeq::new(modseq.get()));
        let altered = self
            .mailbox
            .alter(folder_id(mailbox), &engine_uids(uids), &change, since)
            .await
            .map_err(failure)?;
        Ok(altered.newer.into_iter().map(snapshot::uid).collect())
    }

    async fn expunge(&self, mailbox: MailboxId, uids: &[Uid]) -> Result<(), Failure> {
        let uids = engine_uids(uids);
        self.mailbox
            .remove(folder_id(mailbox), Removal::DeletedOf(&uids))
            .await
            .map(drop)
            .map_err(failure)
    }

    async fn copy(
        &self,
        mailbox: MailboxId,
        uids: &[Uid],
        target: MailboxId,
    ) -> Result<Copied, Failure> {
        let quota = self.reader.owner.quota;
        self.mailbox
            .copy(
                folder_id(mailbox),
                &engine_uids(uids),
                folder_id(target),
                quota,
            )
            .await
            .map(copied)
            .map_err(failure)
    }

    async fn relocate(
        &self,
        mailbox: MailboxId,
        uids: &[Uid],
        target: MailboxId,
    ) -> Result<Copied, Failure> {
        self.mailbox
            .relocate(folder_id(mailbox), &engine_uids(uids), folder_id(target))
            .await
            .map(copied)
            .map_err(failure)
    }

    async fn admit(&self, target: MailboxId, size: u64) -> Result<(), Failure> {
        self.mailbox
            .admit(folder_id(target), size, self.reader.owner.quota)
            .map_err(failure)?;
        match self.space.set(size) {
            true => Ok(()),
            false => Err(Failure::Limit("Too many messages are being appended")),
        }
    }

    async fn append(
        &self,
        target: MailboxId,
        messages: Vec<NewMessage>,
    ) -> Result<Appended, Failure> {
        let mut items = Vec::with_capacity(messages.len());
        for message in messages {
            items.push(self.item(message).await);
        }
        let appended = self
            .mailbox
            .append(folder_id(target), items, self.reader.owner.quota)
            .await
            .map_err(failure);
        self.space.set(0);
        let appended = appended?;
        Ok(Appended {
            uid_validity: snapshot::uid_validity(appended.uid_validity),
            uids: appended
                .items
                .into_iter()
                .map(|placed| snapshot::uid(placed.uid))
                .collect(),
        })
    }
}

fn copied(copied: engine::Copied) -> Copied {
    Copied {
        uid_validity: snapshot::uid_validity(copied.uid_validity),
        pairs: copied
            .pairs
            .into_iter()
            .map(|(from, to)| (snapshot::uid(from), snapshot::uid(to)))
            .collect(),
    }
}

fn folder_id(mailbox: MailboxId) -> FolderId {
    FolderId::new(mailbox.0)
}

fn engine_uid(uid: Uid) -> engine::Uid {
    engine::Uid::new(uid.get())
}

fn engine_uids(uids: &[Uid]) -> Vec<engine::Uid> {
    uids.iter().copied().map(engine_uid).collect()
}

//! The engine's laws.

mod crash;
mod folders;
mod model;
mod sharing;
mod surface;
mod verify;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use roost_kit::clock::Clock;
use roost_kit::disk::RealDisk;
use uuid::Uuid;

use crate::{
    AccountId, BlobDigest, Config, Counts, Entry, Flags, FolderId, FolderSnapshot, Mailbox,
    NewBlob, NewItem, Recipient, Store, folder,
};

fn config(directory: &Path) -> Config {
    Config {
        segment_bytes: 1 << 20,
        gather: Duration::ZERO,
        // Tests ask for their checkpoints.
        checkpoint_interval: Duration::from_secs(86_400),
        space_reserve: 0,
        readers: 2,
        blob_grace: Duration::ZERO,
        ..Config::new(directory)
    }
}

async fn open(directory: &Path) -> Store {
    let clock = Clock::manual("2026-01-02T03:04:05Z".parse().unwrap());
    Store::open(config(directory), Arc::new(RealDisk), clock)
        .await
        .unwrap()
}

fn account(number: u128) -> AccountId {
    Uuid::from_u128(number).into()
}

fn blob(text: &str) -> NewBlob {
    NewBlob {
        bytes: Bytes::copy_from_slice(text.as_bytes()),
        structure: Bytes::from(format!("structure of {}", text.len())),
    }
}

fn message(text: &str) -> NewItem {
    NewItem::message(blob(text), Timestamp::UNIX_EPOCH)
}

fn recipient(account: AccountId) -> Recipient {
    Recipient {
        account,
        folder: folder::INBOX,
        flags: Flags::NONE,
        keywords: Vec::new(),
        internal_date: Timestamp::UNIX_EPOCH,
        quota: None,
    }
}

/// Counts the items anew.
fn recount(snapshot: &FolderSnapshot) -> Counts {
    let count = |test: fn(&Entry) -> bool| snapshot.iter().filter(|entry| test(entry)).count();
    Counts {
        total: snapshot.len() as u32,
        unread: count(|entry| !entry.flags.contains(Flags::SEEN)) as u32,
        deleted: count(|entry| entry.flags.contains(Flags::DELETED)) as u32,
        size: snapshot.iter().map(|entry| entry.size).sum(),
    }
}

/// All there is to see of a mailbox, as text; and checks what must always hold.
async fn picture(mailbox: &Mailbox) -> String {
    let snapshot = mailbox.snapshot().unwrap();
    let mut text = format!(
        "modseq {} used {} keywords {:?}\n",
        snapshot.modseq(),
        snapshot.used(),
        snapshot.keywords().collect::<Vec<_>>()
    );
    for name in snapshot.lost_subscriptions() {
        assert!(snapshot.find(name).is_none(), "{name}");
        text += &format!("subscribed {name}\n");
    }
    let mut used = 0;
    for folder in snapshot.folders() {
        let items = mailbox.folder(folder.id).await.unwrap();
        assert_eq!(recount(&items), folder.counts, "{}", folder.name);
        used += folder.counts.size;
        text += &format!("{folder:?}\n");
        for entry in items.iter() {
            assert!(entry.uid < folder.uid_next && entry.modseq <= folder.items_modseq);
            text += &format!("  {entry:?}\n");
        }
    }
    assert_eq!(used, snapshot.used());
    text
}

/// How often each content is referred to, by the mailboxes.
async fn references(store: &Store) -> BTreeMap<BlobDigest, i64> {
    let mut references = BTreeMap::new();
    for info in store.mailboxes().await.unwrap() {
        let mailbox = store.mailbox(info.account).await.unwrap();
        for folder in mailbox.snapshot().unwrap().folders() {
            for entry in mailbox.folder(folder.id).await.unwrap().iter() {
                if let Some(digest) = entry.blob() {
                    *references.entry(digest).or_default() += 1;
                }
            }
        }
    }
    references
}

/// Checks SQL's counts of references, and that each file is what its name says.
async fn check_contents(store: &Store) {
    let references = references(store).await;
    store.checkpoint().await.unwrap();
    assert_eq!(store.inner.meta.references().await.unwrap(), references);
    for info in store.mailboxes().await.unwrap() {
        let mailbox = store.mailbox(info.account).await.unwrap();
        for digest in references.keys() {
            let body = mailbox.load(*digest).await.unwrap();
            assert_eq!(BlobDigest::of(&body), *digest);
            let structure = format!("structure of {}", body.len());
            assert_eq!(mailbox.structure(*digest).await.unwrap(), structure);
        }
    }
}

fn files(directory: &Path) -> usize {
    std::fs::read_dir(directory.join("blobs"))
        .unwrap()
        .map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap().count())
        .sum()
}

async fn uids(mailbox: &Mailbox, folder: FolderId) -> Vec<u32> {
    let snapshot = mailbox.folder(folder).await.unwrap();
    snapshot.iter().map(|entry| entry.uid.get()).collect()
}

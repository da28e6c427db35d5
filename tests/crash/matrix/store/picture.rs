//! All there is to see of a store, and what must always hold of it.

use std::fmt::Write;

use roost_mailbox::{
    BlobDigest, Counts, Entry, Flags, FolderSnapshot, Mailbox, ModSeq, Store, folder,
};

use super::{APART, account};

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// What sessions see.
    Shown,
    /// Also what went away, which is in SQL.
    Everything,
}

/// The accounts that steps touch.
const TOUCHED: std::ops::RangeInclusive<u128> = 1..=4;

pub(super) async fn of_all(store: &Store, detail: Detail) -> Result<String, String> {
    let mut all = String::new();
    for number in TOUCHED {
        let found = store.find_mailbox(account(number)).await;
        match found.map_err(|error| format!("mailbox {number}: {error}"))? {
            Some(mailbox) => all += &of(&mailbox, detail).await?,
            None => all += "none\n",
        }
    }
    Ok(all)
}

/// How often the follow-up is in its mailbox.
pub(super) async fn followed(store: &Store) -> Result<usize, String> {
    let mailbox = store.mailbox(account(APART)).await;
    let mailbox = mailbox.map_err(|error| format!("mailbox {APART}: {error}"))?;
    of(&mailbox, Detail::Everything).await?;
    let inbox = mailbox.folder(folder::INBOX).await;
    Ok(inbox.map_err(|error| error.to_string())?.len())
}

async fn of(mailbox: &Mailbox, detail: Detail) -> Result<String, String> {
    let told = |error: roost_mailbox::Error| format!("{}: {error}", mailbox.account());
    let snapshot = mailbox.snapshot().map_err(told)?;
    let mut text = format!(
        "{} modseq {} used {} keywords {:?}\n",
        mailbox.account(),
        snapshot.modseq(),
        snapshot.used(),
        snapshot.keywords().collect::<Vec<_>>()
    );
    let mut used = 0;
    for one in snapshot.folders() {
        let items = mailbox.folder(one.id).await.map_err(told)?;
        if recount(&items) != one.counts {
            return Err(format!(
                "{} says {:?}, but has {:?}",
                one.name,
                one.counts,
                recount(&items)
            ));
        }
        used += one.counts.size;
        writeln!(text, "{one:?}").unwrap();
        let mut last = 0;
        for entry in items.iter() {
            if entry.uid >= one.uid_next || entry.uid.get() <= last {
                return Err(format!("UID {} is out of order", entry.uid));
            }
            last = entry.uid.get();
            if entry.modseq > one.items_modseq || entry.modseq > snapshot.modseq() {
                return Err(format!("UID {} has a mod-sequence to come", entry.uid));
            }
            writeln!(text, "  {entry:?} {}", content(mailbox, entry).await?).unwrap();
        }
    }
    if used != snapshot.used() {
        return Err(format!(
            "{used} bytes are there, {} counted",
            snapshot.used()
        ));
    }
    if detail == Detail::Everything {
        let gone = mailbox.vanished(None, ModSeq::new(0)).await.map_err(told)?;
        writeln!(text, "gone {gone:?}").unwrap();
    }
    Ok(text)
}

async fn content(mailbox: &Mailbox, entry: &Entry) -> Result<String, String> {
    let Some(digest) = entry.blob() else {
        return Ok(String::new());
    };
    let told = |error: roost_mailbox::Error| format!("UID {}: {error}", entry.uid);
    let body = mailbox.load(digest).await.map_err(told)?;
    if BlobDigest::of(&body) != digest || body.len() as u64 != entry.size {
        return Err(format!("UID {} has another content", entry.uid));
    }
    let structure = mailbox.structure(digest).await.map_err(told)?;
    if structure != format!("structure of {}", body.len()) {
        return Err(format!("UID {} has another structure", entry.uid));
    }
    Ok(format!("{} octets", body.len()))
}

fn recount(items: &FolderSnapshot) -> Counts {
    let count = |test: fn(&Entry) -> bool| items.iter().filter(|entry| test(entry)).count();
    Counts {
        total: items.len() as u32,
        unread: count(|entry| !entry.flags.contains(Flags::SEEN)) as u32,
        deleted: count(|entry| entry.flags.contains(Flags::DELETED)) as u32,
        size: items.iter().map(|entry| entry.size).sum(),
    }
}

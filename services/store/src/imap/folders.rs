//! Folders under their IMAP names. Shown are folders that hold messages, and whatever lies on the
//! way to them.

use std::collections::BTreeMap;

use roost_mailbox::folder::{CHATS, ROOT};
use roost_mailbox::{self as engine, Folder, FolderId, FolderKind, MailboxSnapshot, View};
use roost_proto_imap::types::{MailboxId, MailboxName, SpecialUse};
use roost_proto_imap::{Failure, Kind, Mailbox, Subscription};

/// Whether a folder holds messages of its own, of mail.
pub(super) fn holds_messages(folder: &Folder) -> bool {
    folder.view == View::Message
        && folder.kind == FolderKind::Folder
        && ![ROOT, CHATS].contains(&folder.id)
}

/// Every mailbox that IMAP shows.
pub(super) fn list(snapshot: &MailboxSnapshot) -> Vec<Mailbox> {
    let mut shown = BTreeMap::new();
    for folder in snapshot.folders().filter(|folder| holds_messages(folder)) {
        let Some(mailbox) = mailbox(snapshot, folder) else {
            continue;
        };
        let mut parent = folder.parent;
        while let Some(above) = snapshot.folder(parent).filter(|above| above.id != ROOT) {
            if !holds_messages(above)
                && let Some(level) = mailbox_of_kind(snapshot, above, Kind::Level)
            {
                shown.insert(above.id, level);
            }
            parent = above.parent;
        }
        shown.insert(folder.id, mailbox);
    }
    let lost = snapshot.lost_subscriptions().filter_map(missing);
    shown.into_values().chain(lost).collect()
}

/// A name that is subscribed to and that no folder has (RFC 9051 §6.3.5).
fn missing(name: &str) -> Option<Mailbox> {
    Some(Mailbox {
        id: MailboxId(0),
        name: MailboxName::new(name).ok()?,
        kind: Kind::Missing,
        special_use: None,
        subscription: Subscription::Subscribed,
    })
}

/// The mailbox of this name.
pub(super) fn find<'a>(
    snapshot: &'a MailboxSnapshot,
    name: &MailboxName,
) -> Result<&'a Folder, Failure> {
    snapshot
        .find(name.as_str())
        .filter(|folder| holds_messages(folder))
        .ok_or(Failure::NonExistent)
}

/// A folder that holds messages, as IMAP shows it; `None` when its name cannot be said.
pub(super) fn mailbox(snapshot: &MailboxSnapshot, folder: &Folder) -> Option<Mailbox> {
    mailbox_of_kind(snapshot, folder, Kind::Writable)
}

fn mailbox_of_kind(snapshot: &MailboxSnapshot, folder: &Folder, kind: Kind) -> Option<Mailbox> {
    Some(Mailbox {
        id: MailboxId(folder.id.get()),
        name: MailboxName::new(&snapshot.path(folder.id)?).ok()?,
        kind,
        special_use: folder.special_use.and_then(special_use),
        subscription: match folder.subscribed {
            true => Subscription::Subscribed,
            false => Subscription::Unsubscribed,
        },
    })
}

/// Where a new name would lie: the folder that is there already, and the names that are missing
/// below it, outermost first.
pub(super) struct Path<'a> {
    pub(super) parent: FolderId,
    pub(super) missing: Vec<&'a str>,
}

impl<'a> Path<'a> {
    /// Looks how much of `name` is there.
    pub(super) fn of(snapshot: &MailboxSnapshot, name: &'a MailboxName) -> Self {
        let mut path = Self {
            parent: ROOT,
            missing: Vec::new(),
        };
        for level in name.as_str().split('/') {
            let there = match path.missing.is_empty() {
                true => snapshot.child(path.parent, level),
                false => None,
            };
            match there {
                Some(folder) => path.parent = folder.id,
                None => path.missing.push(level),
            }
        }
        path
    }
}

fn special_use(special_use: engine::SpecialUse) -> Option<SpecialUse> {
    match special_use {
        engine::SpecialUse::Archive => Some(SpecialUse::Archive),
        engine::SpecialUse::Drafts => Some(SpecialUse::Drafts),
        engine::SpecialUse::Flagged => Some(SpecialUse::Flagged),
        engine::SpecialUse::Junk => Some(SpecialUse::Junk),
        engine::SpecialUse::Sent => Some(SpecialUse::Sent),
        engine::SpecialUse::Trash => Some(SpecialUse::Trash),
        engine::SpecialUse::All => Some(SpecialUse::All),
        // RFC 8457 is an extension of its own.
        engine::SpecialUse::Important => None,
    }
}

/// The engine's special use.
pub(super) fn engine_special_use(special_use: SpecialUse) -> engine::SpecialUse {
    match special_use {
        SpecialUse::All => engine::SpecialUse::All,
        SpecialUse::Archive => engine::SpecialUse::Archive,
        SpecialUse::Drafts => engine::SpecialUse::Drafts,
        SpecialUse::Flagged => engine::SpecialUse::Flagged,
        SpecialUse::Junk => engine::SpecialUse::Junk,
        SpecialUse::Sent => engine::SpecialUse::Sent,
        SpecialUse::Trash => engine::SpecialUse::Trash,
    }
}

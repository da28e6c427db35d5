//! A folder as an IMAP session sees it.

use roost_mailbox as engine;
use roost_proto_imap::types::{
    EmailId, Flags, Keyword, KeywordId, MailboxId, ModSeq, SystemFlag, SystemFlags, Uid,
    UidValidity,
};
use roost_proto_imap::{Counts, Difference, Entry, Snapshot};

/// The engine's flag for each of IMAP's.
const SYSTEM_FLAGS: [(SystemFlag, engine::Flags); 5] = [
    (SystemFlag::Answered, engine::Flags::ANSWERED),
    (SystemFlag::Flagged, engine::Flags::FLAGGED),
    (SystemFlag::Deleted, engine::Flags::DELETED),
    (SystemFlag::Seen, engine::Flags::SEEN),
    (SystemFlag::Draft, engine::Flags::DRAFT),
];

/// A folder as it stood at a moment.
#[derive(Debug, Clone)]
pub(crate) struct FolderView(pub(super) engine::FolderSnapshot);

impl Snapshot for FolderView {
    fn mailbox(&self) -> MailboxId {
        MailboxId(self.0.folder().id.get())
    }

    fn uid_validity(&self) -> UidValidity {
        uid_validity(self.0.uid_validity())
    }

    fn uid_next(&self) -> Uid {
        uid(self.0.uid_next())
    }

    fn highest_modseq(&self) -> ModSeq {
        highest_modseq(self.0.folder())
    }

    fn len(&self) -> u32 {
        index(self.0.len())
    }

    fn entry(&self, index: u32) -> Option<Entry> {
        let entry = self.0.entry(usize::try_from(index).ok()?)?;
        Some(Entry {
            uid: uid(entry.uid),
            modseq: modseq(entry.modseq),
            flags: flags(entry),
            size: entry.size,
            internal_date: entry.internal_date(),
            email_id: email_id(entry),
        })
    }

    fn position(&self, uid: Uid) -> Result<u32, u32> {
        match self.0.position(engine::Uid::new(uid.get())) {
            Ok(at) => Ok(index(at)),
            Err(at) => Err(index(at)),
        }
    }

    fn keyword(&self, keyword: KeywordId) -> Option<&str> {
        let keyword = self
            .0
            .mailbox()
            .keyword(engine::KeywordId::new(keyword.0))?;
        sayable(keyword).then_some(&*keyword.name)
    }

    fn keywords(&self) -> Vec<KeywordId> {
        self.0
            .mailbox()
            .keywords()
            .filter(|keyword| sayable(keyword))
            .map(|keyword| KeywordId(keyword.id.get()))
            .collect()
    }

    fn counts(&self) -> Counts {
        let counts = self.0.counts();
        Counts {
            unseen: counts.unread,
            deleted: counts.deleted,
            size: counts.size,
        }
    }

    fn difference(&self, newer: &Self) -> Difference {
        let difference = self.0.difference(&newer.0);
        Difference {
            vanished: difference.vanished.into_iter().map(uid).collect(),
            changed: difference.changed.into_iter().map(uid).collect(),
        }
    }
}

/// A tag made elsewhere may have a name that IMAP has no keyword for.
fn sayable(keyword: &engine::Keyword) -> bool {
    Keyword::try_from(keyword.name.as_bytes()).is_ok()
}

fn flags(entry: &engine::Entry) -> Flags {
    Flags {
        system: SYSTEM_FLAGS
            .into_iter()
            .filter(|(_, flag)| entry.flags.contains(*flag))
            .map(|(flag, _)| flag)
            .collect(),
        keywords: entry
            .keywords()
            .iter()
            .map(|keyword| KeywordId(keyword.get()))
            .collect(),
    }
}

/// The engine's flags.
pub(super) fn engine_flags(system: SystemFlags) -> engine::Flags {
    SYSTEM_FLAGS
        .into_iter()
        .filter(|(flag, _)| system.contains(*flag))
        .fold(engine::Flags::NONE, |all, (_, flag)| all | flag)
}

/// RFC 8474 §4: the first 15 octets of the content's digest.
fn email_id(entry: &engine::Entry) -> EmailId {
    let mut first = [0; 15];
    if let Some(digest) = entry.blob() {
        for (to, from) in first.iter_mut().zip(digest.bytes()) {
            *to = *from;
        }
    }
    EmailId(first)
}

/// RFC 7162 §3.1.2.1: at least 1 where mod-sequences are supported.
pub(super) fn highest_modseq(folder: &engine::Folder) -> ModSeq {
    let highest = folder.modseq.max(folder.items_modseq);
    modseq(highest.max(engine::ModSeq::new(1)))
}

pub(super) fn modseq(modseq: engine::ModSeq) -> ModSeq {
    ModSeq::new(modseq.get()).unwrap_or(ModSeq::MAX)
}

/// The engine's UIDs begin at 1.
pub(super) fn uid(uid: engine::Uid) -> Uid {
    Uid::new(uid.get()).unwrap_or(Uid::MIN)
}

/// The engine's generations begin at 1.
pub(super) fn uid_validity(validity: engine::UidValidity) -> UidValidity {
    const FIRST: UidValidity = match UidValidity::new(1) {
        Some(first) => first,
        None => unreachable!(),
    };
    UidValidity::new(validity.get()).unwrap_or(FIRST)
}

fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

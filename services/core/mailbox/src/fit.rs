//! Whether a change that was read back can be one that this program wrote. The checksum of a record
//! says that it is as it was written; here is what must hold of it before it is applied, because the
//! engine asserts it of its own changes.

use std::collections::HashMap;

use crate::id::{FolderId, Uid};
use crate::op::{ChangeRecord, Op};
use crate::state::State;

/// What is wrong with a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfit {
    /// UIDs are given out in ascending order, each once.
    #[error("it gives an item the UID {0}, which is not new")]
    Uid(Uid),
}

/// Checks a change against the mailbox before it.
pub(crate) fn check(state: &State, change: &ChangeRecord) -> Result<(), Unfit> {
    let mut next: HashMap<FolderId, Uid> = HashMap::new();
    for op in &change.ops {
        let (folder, uids): (FolderId, Vec<Uid>) = match op {
            Op::Add { folder, items } => (*folder, items.iter().map(|added| added.uid).collect()),
            Op::Move { to, items, .. } => (*to, items.iter().map(|moved| moved.to.uid).collect()),
            Op::Replace { folder, added, .. } => (*folder, vec![added.uid]),
            Op::CreateMailbox { .. }
            | Op::DeleteMailbox
            | Op::PutFolder(_)
            | Op::DeleteFolder(_)
            | Op::PutKeyword(_)
            | Op::DeleteKeyword(_)
            | Op::KeepSubscription(_)
            | Op::DropSubscription(_)
            | Op::Correct(_)
            | Op::Alter { .. }
            | Op::Remove { .. } => continue,
        };
        let known = || state.folder(folder).map(|folder| folder.info.uid_next);
        let next = next
            .entry(folder)
            .or_insert_with(|| known().unwrap_or_default());
        for uid in uids {
            // The highest number is never given out: what follows it would be the same again.
            if uid < *next || uid.next() == uid {
                return Err(Unfit::Uid(uid));
            }
            *next = uid.next();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::Flags;
    use crate::id::{AccountId, BlobDigest, ItemId, MailboxId, ModSeq};
    use crate::item::ItemKind;
    use crate::op::Added;

    fn added(uid: u32) -> Added {
        Added {
            item: ItemId::new(300),
            uid: Uid::new(uid),
            kind: ItemKind::Message,
            flags: Flags::default(),
            keywords: Vec::new(),
            date: 0,
            size: u64::MAX,
            digest: BlobDigest::of(b""),
            metadata: None,
        }
    }

    fn fits(uids: &[u32]) -> Result<(), Unfit> {
        let account = AccountId::from(uuid::Uuid::nil());
        let state = State::unborn(MailboxId::new(1), account);
        let change = ChangeRecord {
            modseq: ModSeq::new(1),
            ops: uids
                .iter()
                .map(|uid| Op::Add {
                    folder: FolderId::new(2),
                    items: vec![added(*uid)],
                })
                .collect(),
        };
        check(&state, &change)
    }

    #[test]
    fn uids_ascend_within_a_change() {
        assert_eq!(fits(&[1, 2, 9]), Ok(()));
        assert_eq!(fits(&[2, 2]), Err(Unfit::Uid(Uid::new(2))));
        assert_eq!(fits(&[3, 2]), Err(Unfit::Uid(Uid::new(2))));
        assert_eq!(fits(&[u32::MAX]), Err(Unfit::Uid(Uid::new(u32::MAX))));
    }
}

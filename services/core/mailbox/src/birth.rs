//! What a new mailbox holds.

use std::sync::Arc;

use bytes::Bytes;

use crate::commit::{Intake, Part};
use crate::core::Core;
use crate::error::Error;
use crate::folder::{
    BRIEFCASE, CALENDAR, CHATS, CONTACTS, Counts, DRAFTS, EMAILED_CONTACTS, Folder, FolderKind,
    INBOX, JUNK, ROOT, SENT, SpecialUse, TASKS, TRASH, View,
};
use crate::id::{FolderId, ModSeq, Uid, UidValidity};
use crate::op::Op;
use crate::plan::Plan;
use crate::store::Inner;

/// A system folder: number, name, view, special use.
type System = (FolderId, &'static str, View, Option<SpecialUse>);

/// Numbers and names as Zimbra has them.
const SYSTEM: [System; 12] = [
    (ROOT, "", View::Message, None),
    (INBOX, "Inbox", View::Message, None),
    (TRASH, "Trash", View::Message, Some(SpecialUse::Trash)),
    (JUNK, "Junk", View::Message, Some(SpecialUse::Junk)),
    (SENT, "Sent", View::Message, Some(SpecialUse::Sent)),
    (DRAFTS, "Drafts", View::Message, Some(SpecialUse::Drafts)),
    (CONTACTS, "Contacts", View::Contact, None),
    (CALENDAR, "Calendar", View::Appointment, None),
    (EMAILED_CONTACTS, "Emailed Contacts", View::Contact, None),
    (CHATS, "Chats", View::Message, None),
    (TASKS, "Tasks", View::Task, None),
    (BRIEFCASE, "Briefcase", View::Document, None),
];

fn system_folder(system: &System, uid_validity: UidValidity) -> Folder {
    let (id, name, view, special_use) = *system;
    Folder {
        id,
        parent: ROOT,
        name: name.into(),
        kind: FolderKind::Folder,
        view,
        special_use,
        subscribed: view == View::Message && id != ROOT && id != CHATS,
        color: 0,
        attributes: Bytes::new(),
        uid_validity,
        uid_next: Uid::new(1),
        modseq: ModSeq::new(1),
        items_modseq: ModSeq::new(1),
        counts: Counts::default(),
    }
}

impl Inner {
    /// Enqueues the creation of a mailbox.
    pub(crate) fn give_birth(&self, core: &Arc<Core>, intake: Intake) -> Result<(), Error> {
        let epoch = self.journal().epoch();
        let writing = core.write(epoch)?;
        let mut plan = Plan::new(&writing.next);
        // A mailbox that takes the place of a deleted one gets higher numbers.
        let now = u32::try_from(self.clock.now().as_second())
            .unwrap_or(1)
            .max(1);
        let uid_validity = UidValidity::new(now);
        plan.push(Op::CreateMailbox {
            account: core.account,
            folders: SYSTEM
                .iter()
                .map(|system| system_folder(system, uid_validity))
                .collect(),
        });
        let Some((state, record)) = plan.finish() else {
            return Ok(());
        };
        let part = Part {
            core,
            writing,
            state,
            record,
        };
        // Whoever waits for the mailbox waits for its core to settle.
        drop(self.commit(intake, epoch, vec![part])?);
        Ok(())
    }
}

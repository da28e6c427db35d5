//! Subscriptions belong to names (RFC 3501 §6.3.6): a folder's goes with it when it is renamed, stays
//! with its name when it is deleted, and is the next folder's that gets this name.

use compact_str::CompactString;

use super::Mailbox;
use crate::config::limits;
use crate::error::Error;
use crate::folder::Folder;
use crate::id::FolderId;
use crate::op::Op;
use crate::plan::Plan;

impl Mailbox {
    /// Ends the subscription to a name that no folder has, as [`crate::MailboxSnapshot::lost_subscriptions`]
    /// shows it; nothing happens where there is none.
    ///
    /// # Errors
    /// When there is no such mailbox, or the change cannot be written.
    pub async fn forget_subscription(&self, path: &str) -> Result<(), Error> {
        let name = name(path);
        self.change(Vec::new(), |plan, _| {
            if plan.state.subscriptions.contains(&name) {
                plan.push(Op::DropSubscription(name.clone()));
            }
            Ok(())
        })
        .await
    }
}

impl Plan {
    /// Before a folder goes: its name stays subscribed.
    pub(super) fn leave_subscription(&mut self, id: FolderId) -> Result<(), Error> {
        let full = self.state.subscriptions.len() >= limits::SUBSCRIPTIONS;
        if !self.folder(id)?.info.subscribed || full {
            return Ok(());
        }
        if let Some(path) = self.state.path(id) {
            self.push(Op::KeepSubscription(name(&path)));
        }
        Ok(())
    }

    /// After folders have got names: what was left subscribed of those is now theirs.
    pub(super) fn adopt_subscriptions(&mut self, folders: &[FolderId]) -> Result<(), Error> {
        if self.state.subscriptions.is_empty() {
            return Ok(());
        }
        for id in folders {
            let path = self.state.path(*id).map(|path| name(&path));
            let Some(path) = path.filter(|path| self.state.subscriptions.contains(path)) else {
                continue;
            };
            self.push(Op::DropSubscription(path));
            let old = self.folder(*id)?.info.clone();
            if !old.subscribed {
                self.push(Op::PutFolder(Folder {
                    subscribed: true,
                    ..old
                }));
            }
        }
        Ok(())
    }
}

/// A path as subscriptions know it: INBOX has one spelling (RFC 9051 §5.1).
pub(crate) fn name(path: &str) -> CompactString {
    let (first, rest) = match path.split_once('/') {
        Some((first, rest)) => (first, Some(rest)),
        None => (path, None),
    };
    match (first.eq_ignore_ascii_case("inbox"), rest) {
        (false, _) => path.into(),
        (true, None) => "INBOX".into(),
        (true, Some(rest)) => format!("INBOX/{rest}").into(),
    }
}

//! EXPUNGE, COPY and MOVE (RFC 9051 §6.4.3, §6.4.7, §6.4.8), with UIDPLUS (RFC 4315).

use super::Session;
use super::reply::{Ending, Outcome, text};
use super::tell::print;
use super::{Selected, refuse};
use crate::backend::{Backend, Copied, Mailboxes, Snapshot};
use crate::grammar::{By, Code, Condition, Response};
use crate::out::Out;
use crate::types::{MailboxName, Sequence, SystemFlag, Uid};

impl<B: Backend> Session<B> {
    pub(super) async fn expunge(&self, only: Option<&Sequence>) -> Outcome {
        let (home, view) = self.selected()?;
        // Not only what this session has seen: RFC 9051 §6.4.3 removes all that are flagged.
        let snapshot = home.snapshot(view.current.mailbox()).await?;
        let mut uids = deleted(&snapshot);
        if let Some(only) = only {
            let named = view.by_uids(only);
            uids.retain(|uid| named.binary_search(uid).is_ok());
        }
        if !uids.is_empty() {
            home.expunge(snapshot.mailbox(), &uids).await?;
        }
        let ending = Ending::ok(text::DONE);
        if !self.enabled.condstore {
            return Ok(ending);
        }
        // RFC 7162 §3.2.7: the MODSEQ after the removal.
        let after = home.snapshot(snapshot.mailbox()).await?;
        Ok(ending.with(Code::HighestModSeq(after.highest_modseq())))
    }

    pub(super) async fn copy(&self, by: By, which: &Sequence, to: &MailboxName) -> Outcome {
        let (home, view) = self.selected()?;
        let uids = named((home, view), by, which)?;
        let target = self.target(to).await?;
        if uids.is_empty() {
            return Ok(Ending::ok(text::DONE));
        }
        let copied = home
            .copy(view.current.mailbox(), &uids, target.id)
            .await
            .map_err(refuse::target)?;
        let ending = Ending::ok(text::DONE);
        Ok(match copy_uid(copied) {
            Some(code) => ending.with(code),
            None => ending,
        })
    }

    /// MOVE: COPYUID goes before the EXPUNGEs, in an untagged OK (RFC 6851 §4.3).
    pub(super) async fn relocate(
        &self,
        by: By,
        which: &Sequence,
        to: &MailboxName,
        out: &mut Out,
    ) -> Outcome {
        let (home, view) = self.selected()?;
        let uids = named((home, view), by, which)?;
        let target = self.target(to).await?;
        if uids.is_empty() {
            return Ok(Ending::ok(text::DONE));
        }
        let moved = home
            .relocate(view.current.mailbox(), &uids, target.id)
            .await
            .map_err(refuse::target)?;
        if let Some(code) = copy_uid(moved) {
            print(out, &Response::untagged(Condition::Ok, Some(code), "Moved"));
        }
        Ok(Ending::ok(text::DONE))
    }
}

/// The messages that a command names, ascending by UID.
pub(super) fn named<M: Mailboxes>(
    (_, view): Selected<'_, M>,
    by: By,
    which: &Sequence,
) -> Result<Vec<Uid>, Ending> {
    match by {
        By::Uid => Ok(view.by_uids(which)),
        By::Sequence => view
            .by_numbers(which)
            .map_err(|_| Ending::bad(text::INVALID_NUMBER)),
    }
}

/// The messages flagged \Deleted.
pub(super) fn deleted(snapshot: &impl Snapshot) -> Vec<Uid> {
    let entries = (0..snapshot.len()).filter_map(|index| snapshot.entry(index));
    entries
        .filter(|entry| entry.flags.has(SystemFlag::Deleted))
        .map(|entry| entry.uid)
        .collect()
}

/// RFC 4315 §3; none where nothing was left to copy.
fn copy_uid(copied: Copied) -> Option<Code> {
    let (from, to): (Vec<_>, Vec<_>) = copied.pairs.into_iter().unzip();
    (!from.is_empty()).then_some(Code::CopyUid(copied.uid_validity, from, to))
}

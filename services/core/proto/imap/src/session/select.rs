//! SELECT, EXAMINE, CLOSE, UNSELECT (RFC 9051 §6.3.2, §6.4.1), with CONDSTORE and QRESYNC (RFC 7162).

use std::ops::RangeInclusive;

use super::reply::{Ending, Outcome, text};
use super::tell::{self, print, runs};
use super::view::View;
use super::{Session, State, claim_recent};
use crate::backend::{Backend, Kind, Mailbox, Mailboxes, Snapshot};
use crate::grammar::{
    Access, Code, Condition, ListReply, QresyncParameter, Response, Select, Word,
};
use crate::out::Out;
use crate::types::Uid;

impl<B: Backend> Session<B> {
    /// Selects; also answers which messages have changed since the client was last here.
    pub(super) async fn select(
        &mut self,
        select: Select,
        out: &mut Out,
    ) -> Result<(Vec<Uid>, Ending), Ending> {
        if select.qresync.is_some() && !self.enabled.qresync {
            // RFC 7162 §3.2.5
            return Err(Ending::bad(text::QRESYNC_FIRST));
        }
        // RFC 9051 §6.3.2: the previous mailbox is closed, whether or not the new one can be selected.
        if self.deselect() {
            let code = Some(Word::Closed.into());
            print(out, &Response::untagged(Condition::Ok, code, text::CLOSED));
        }
        let mailbox = self.home()?.find(&select.mailbox).await?;
        let access = match mailbox.kind {
            Kind::Writable => select.access,
            Kind::ReadOnly => Access::ReadOnly,
            Kind::Level | Kind::Missing => {
                return Err(Ending::refused(Word::NonExistent, text::NOT_SELECTABLE));
            }
        };
        let snapshot = self.home()?.snapshot(mailbox.id).await?;
        let mut view = Box::new(View::new(access, snapshot));
        if !self.enabled.rev2 {
            claim_recent(self.home()?, &mut view);
        }
        self.enabled.condstore |= select.condstore;
        self.describe(&view, &mailbox, out);
        let mut changed = Vec::new();
        if let Some(known) = &select.qresync
            && known.uid_validity == view.current.uid_validity()
        {
            changed = resynchronise(&view, known, out);
        }
        if let State::Authenticated(home) = std::mem::replace(&mut self.state, State::Over) {
            self.state = State::Selected(home, view);
        }
        let word = match access {
            Access::ReadWrite => Word::ReadWrite,
            Access::ReadOnly => Word::ReadOnly,
        };
        Ok((changed, Ending::ok(text::DONE).with(word)))
    }

    /// What RFC 9051 §6.3.2 and RFC 3501 §6.3.1 want said of a mailbox.
    fn describe(&self, view: &View<Snap<B>>, mailbox: &Mailbox, out: &mut Out) {
        let ok = |code: Code, text| Response::untagged(Condition::Ok, Some(code), text);
        tell::flags(view, out);
        print(out, &Response::Exists(view.len()));
        if self.enabled.rev2 {
            let name = Some(mailbox.name.clone());
            let reply = ListReply {
                attributes: Vec::new(),
                mailbox: name,
                child_info: Vec::new(),
            };
            Response::List(reply).print(out, self.names());
        } else {
            print(out, &Response::Recent(view.recent_count()));
            // A view that has just been made counts as its snapshot does.
            if let Some(index) = view.current.first_unseen() {
                let code = Code::Unseen(index.saturating_add(1));
                print(out, &ok(code, "First unseen"));
            }
        }
        print(
            out,
            &ok(Code::UidValidity(view.current.uid_validity()), "UIDs valid"),
        );
        print(
            out,
            &ok(Code::UidNext(view.current.uid_next()), "Predicted next UID"),
        );
        print(
            out,
            &ok(Code::HighestModSeq(view.highest_modseq()), "Highest"),
        );
        print(out, &ok(Code::MailboxId(mailbox.id), "Ok"));
    }

    /// CLOSE: as UNSELECT, but first what is flagged \Deleted goes, silently.
    pub(super) async fn close(&mut self) -> Outcome {
        let (home, view) = self.selected()?;
        if view.access == Access::ReadWrite {
            let snapshot = home.snapshot(view.current.mailbox()).await?;
            let deleted = super::copy::deleted(&snapshot);
            if !deleted.is_empty() {
                home.expunge(snapshot.mailbox(), &deleted).await?;
            }
        }
        self.unselect()
    }

    /// RFC 3691
    pub(super) fn unselect(&mut self) -> Outcome {
        self.deselect();
        Ok(Ending::ok(text::DONE))
    }

    /// Leaves the selected mailbox; whether there was one.
    pub(super) fn deselect(&mut self) -> bool {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Selected(home, _) => {
                self.state = State::Authenticated(home);
                true
            }
            other => {
                self.state = other;
                false
            }
        }
    }
}

/// RFC 7162 §3.2.5: says what went since the client was last here, and answers what changed.
fn resynchronise<S: Snapshot>(view: &View<S>, known: &QresyncParameter, out: &mut Out) -> Vec<Uid> {
    let asked = known.known_uids.as_ref().map(|set| set.resolve(u32::MAX));
    // The pairs of numbers and UIDs (RFC 7162 §3.2.5.2) would only shorten what is said.
    let gone = gone_since(&view.current, known.modseq, asked);
    if !gone.is_empty() {
        print(
            out,
            &Response::Vanished {
                earlier: true,
                uids: gone,
            },
        );
    }
    let changed = view
        .entries()
        .filter(|(_, entry)| entry.modseq > known.modseq);
    changed.map(|(_, entry)| entry.uid).collect()
}

type Snap<B> = <<B as Backend>::Mailboxes as Mailboxes>::Snapshot;

/// The UIDs among `asked` (any, when none) that went after `since`; where that is not known any more,
/// all that are not there, which RFC 7162 §3.2.5.1 allows.
pub(super) fn gone_since<S: Snapshot>(
    snapshot: &S,
    since: crate::types::ModSeq,
    asked: Option<Vec<RangeInclusive<u32>>>,
) -> Vec<RangeInclusive<u32>> {
    let asked = asked.unwrap_or_else(|| vec![1..=u32::MAX]);
    if let Some(gone) = snapshot.vanished_since(since) {
        let is_asked = |uid: &u32| {
            let at = asked.partition_point(|range| range.end() < uid);
            asked.get(at).is_some_and(|range| range.contains(uid))
        };
        return runs(gone.into_iter().map(Uid::get).filter(is_asked));
    }
    let last = snapshot.uid_next().get().saturating_sub(1);
    let mut gone = Vec::new();
    for range in asked {
        let mut from = (*range.start()).max(1);
        let end = (*range.end()).min(last);
        let (Ok(index) | Err(index)) = snapshot.position(Uid::new(from).unwrap_or(Uid::MIN));
        let present = (index..snapshot.len()).map_while(|index| snapshot.entry(index));
        for uid in present
            .map(|entry| entry.uid.get())
            .take_while(|uid| *uid <= end)
        {
            if from < uid {
                gone.push(from..=uid - 1);
            }
            from = uid.saturating_add(1);
        }
        if from <= end {
            gone.push(from..=end);
        }
    }
    gone
}

//! Commands about mailboxes as such: CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE; and ENABLE.

use compact_str::CompactString;

use super::reply::{Ending, Outcome, text};
use super::tell::print;
use super::{Session, State};
use crate::backend::{Backend, Mailboxes, Snapshot, Subscription};
use crate::grammar::{Code, Condition, Extension, Response, Word};
use crate::out::Out;
use crate::types::{MailboxName, SpecialUse};

impl<B: Backend> Session<B> {
    pub(super) async fn create(&self, name: &MailboxName, uses: &[SpecialUse]) -> Outcome {
        if uses.len() > 1 {
            // RFC 6154 §3
            return Err(Ending::refused(Word::UseAttr, text::ONE_USE));
        }
        let id = self.home()?.create(name, uses.first().copied()).await?;
        // RFC 8474 §4.1
        Ok(Ending::ok(text::DONE).with(Code::MailboxId(id)))
    }

    pub(super) async fn delete(&mut self, name: &MailboxName, out: &mut Out) -> Outcome {
        if name.is_inbox() {
            return Err(Ending::refused(Word::Cannot, text::INBOX_STAYS));
        }
        let mailbox = self.home()?.find(name).await?;
        self.home()?.delete(mailbox.id).await?;
        let is_selected = match &self.state {
            State::Selected(_, view) => view.current.mailbox() == mailbox.id,
            _ => false,
        };
        if is_selected {
            self.deselect();
            print(
                out,
                &Response::untagged(Condition::Ok, Some(Word::Closed.into()), text::CLOSED),
            );
        }
        Ok(Ending::ok(text::DONE))
    }

    pub(super) async fn rename(&self, from: &MailboxName, to: &MailboxName) -> Outcome {
        let home = self.home()?;
        if to.is_below(from) {
            return Err(Ending::refused(Word::Cannot, text::INTO_ITSELF));
        }
        let mailbox = home.find(from).await?;
        if !from.is_inbox() {
            home.rename(mailbox.id, to).await?;
            return Ok(Ending::ok(text::DONE));
        }
        // RFC 9051 §6.3.6: INBOX stays, empty; its messages move; what is below it stays.
        let target = home.create(to, None).await?;
        let snapshot = home.snapshot(mailbox.id).await?;
        let entries = (0..snapshot.len()).filter_map(|index| snapshot.entry(index));
        let uids: Vec<_> = entries.map(|entry| entry.uid).collect();
        home.relocate(mailbox.id, &uids, target).await?;
        Ok(Ending::ok(text::DONE))
    }

    pub(super) async fn subscribe(&self, name: &MailboxName) -> Outcome {
        self.home()?
            .subscribe(name, Subscription::Subscribed)
            .await?;
        Ok(Ending::ok(text::DONE))
    }

    pub(super) async fn unsubscribe(&self, name: &MailboxName) -> Outcome {
        self.home()?
            .subscribe(name, Subscription::Unsubscribed)
            .await?;
        Ok(Ending::ok(text::DONE))
    }

    /// RFC 5161
    pub(super) fn enable(&mut self, extensions: &[Extension], out: &mut Out) -> Outcome {
        let mut enabled: Vec<CompactString> = Vec::new();
        let mut switch = |on: &mut bool, name: &'static str| {
            if !std::mem::replace(on, true) {
                enabled.push(CompactString::const_new(name));
            }
        };
        let condstore = self.enabled.condstore;
        for extension in extensions {
            match extension {
                Extension::Imap4Rev2 => switch(&mut self.enabled.rev2, "IMAP4rev2"),
                Extension::Utf8Accept => switch(&mut self.enabled.utf8, "UTF8=ACCEPT"),
                Extension::CondStore => switch(&mut self.enabled.condstore, "CONDSTORE"),
                Extension::QResync => {
                    switch(&mut self.enabled.qresync, "QRESYNC");
                    // RFC 7162 §3.2.3: it includes CONDSTORE.
                    self.enabled.condstore = true;
                }
                Extension::Other => {}
            }
        }
        print(out, &Response::Enabled(enabled));
        if !condstore && self.enabled.condstore {
            self.tell_highest_modseq(out);
        }
        Ok(Ending::ok(text::DONE))
    }

    /// The first command that shows that the client knows CONDSTORE enables it (RFC 7162 §3.1).
    pub(super) fn use_condstore(&mut self, out: &mut Out) {
        if !std::mem::replace(&mut self.enabled.condstore, true) {
            self.tell_highest_modseq(out);
        }
    }

    /// RFC 7162 §3.1: told where CONDSTORE is enabled while a mailbox is selected.
    fn tell_highest_modseq(&self, out: &mut Out) {
        if let State::Selected(_, view) = &self.state {
            let code = Code::HighestModSeq(view.highest_modseq());
            print(
                out,
                &Response::untagged(Condition::Ok, Some(code), "Highest"),
            );
        }
    }
}

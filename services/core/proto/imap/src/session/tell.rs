//! Untagged responses that say what has changed in the selected mailbox, before a command's tagged
//! response or during IDLE. They may be many, so they are sent as there is room.

use std::ops::RangeInclusive;

use super::Enabled;
use super::view::View;
use crate::backend::Snapshot;
use crate::grammar::{
    Access, Code, Condition, FetchAttribute, FetchData, FlagName, Names, Response,
};
use crate::out::Out;
use crate::types::Uid;

/// What the client must be told.
#[derive(Debug, Default)]
pub(crate) struct Telling {
    /// Messages gone: their numbers while all of them are still counted, ascending.
    pub(crate) expunged: Vec<(u32, Uid)>,
    /// How many messages are new.
    pub(crate) appended: u32,
    /// The new number of messages, if it has grown.
    pub(crate) exists: Option<u32>,
    /// Whether there are new keywords.
    pub(crate) keywords: bool,
    /// Messages whose flags changed.
    pub(crate) flags: Vec<Uid>,
    /// Messages whose MODSEQ is all that is news.
    pub(crate) modseqs: Vec<Uid>,
    /// How far each list has been told.
    pub(crate) told: Told,
    /// Whether UIDs go with the flags, because the command named UIDs.
    pub(crate) with_uid: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Told {
    head: bool,
    expunged: usize,
    flags: usize,
    modseqs: usize,
}

impl Telling {
    pub(crate) fn expunged_count(&self) -> u32 {
        u32::try_from(self.expunged.len()).unwrap_or(u32::MAX)
    }

    /// Tells as much as there is room for; whether that was all.
    pub(crate) fn tell<S: Snapshot>(
        &mut self,
        view: &View<S>,
        enabled: &Enabled,
        out: &mut Out,
    ) -> bool {
        if enabled.qresync && self.told.expunged < self.expunged.len() {
            // RFC 7162 §3.2.10: VANISHED in place of EXPUNGE.
            let uids = runs(self.expunged.iter().map(|(_, uid)| uid.get()));
            print(
                out,
                &Response::Vanished {
                    earlier: false,
                    uids,
                },
            );
            self.told.expunged = self.expunged.len();
        }
        while let Some((number, _)) = self.expunged.get(self.told.expunged) {
            if out.is_full() {
                return false;
            }
            // Each EXPUNGE moves those behind it up by one (RFC 9051 §7.5.1).
            let shift = u32::try_from(self.told.expunged).unwrap_or(u32::MAX);
            print(out, &Response::Expunge(number.saturating_sub(shift)));
            self.told.expunged += 1;
        }
        self.head(view, enabled, out);
        while let Some(uid) = self.flags.get(self.told.flags) {
            if out.is_full() {
                return false;
            }
            changed(view, enabled, *uid, self.with_uid, What::Flags, out);
            self.told.flags += 1;
        }
        while let Some(uid) = self
            .modseqs
            .get(self.told.modseqs)
            .filter(|_| enabled.condstore)
        {
            if out.is_full() {
                return false;
            }
            changed(view, enabled, *uid, self.with_uid, What::ModSeq, out);
            self.told.modseqs += 1;
        }
        true
    }

    /// EXISTS, RECENT and FLAGS, once, between EXPUNGE and FETCH.
    fn head<S: Snapshot>(&mut self, view: &View<S>, enabled: &Enabled, out: &mut Out) {
        if std::mem::replace(&mut self.told.head, true) {
            return;
        }
        if let Some(count) = self.exists {
            print(out, &Response::Exists(count));
            if !enabled.rev2 {
                print(out, &Response::Recent(view.recent_count()));
            }
        }
        if self.keywords {
            flags(view, out);
        }
    }
}

/// FLAGS and PERMANENTFLAGS.
pub(crate) fn flags<S: Snapshot>(view: &View<S>, out: &mut Out) {
    let mut every = view.every_flag();
    print(out, &Response::Flags(every.clone()));
    let text = match view.access {
        Access::ReadWrite => {
            every.push(FlagName::Any);
            "Flags permitted"
        }
        Access::ReadOnly => {
            every.clear();
            "Read-only mailbox"
        }
    };
    print(
        out,
        &Response::untagged(Condition::Ok, Some(Code::PermanentFlags(every)), text),
    );
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Flags,
    ModSeq,
}

/// An unsolicited FETCH.
fn changed<S: Snapshot>(
    view: &View<S>,
    enabled: &Enabled,
    uid: Uid,
    with_uid: bool,
    what: What,
    out: &mut Out,
) {
    let Some((number, entry)) = view.by_uid(uid) else {
        return;
    };
    let mut attributes = Vec::with_capacity(3);
    // RFC 7162 §3.2.6: UIDs in unsolicited FETCH once QRESYNC is enabled.
    if with_uid || enabled.qresync {
        attributes.push(FetchAttribute::Uid(uid));
    }
    if what == What::Flags {
        attributes.push(FetchAttribute::Flags(flag_names(view, enabled, &entry)));
    }
    if enabled.condstore {
        attributes.push(FetchAttribute::ModSeq(entry.modseq));
    }
    print(out, &Response::Fetch(FetchData { number, attributes }));
}

/// A message's flags, with \Recent for sessions that know it.
pub(crate) fn flag_names<S: Snapshot>(
    view: &View<S>,
    enabled: &Enabled,
    entry: &crate::backend::Entry,
) -> Vec<FlagName> {
    let mut names = view.flag_names(&entry.flags);
    if !enabled.rev2 && view.is_recent(entry.uid) {
        names.push(FlagName::Recent);
    }
    names
}

/// Prints a response that names no mailbox.
pub(crate) fn print(out: &mut Out, response: &Response) {
    response.print(out, Names::Utf8);
}

/// Runs of ascending numbers.
pub(crate) fn runs(numbers: impl IntoIterator<Item = u32>) -> Vec<RangeInclusive<u32>> {
    let mut runs: Vec<RangeInclusive<u32>> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some(last) if last.end().checked_add(1) == Some(number) => {
                *last = *last.start()..=number;
            }
            _ => runs.push(number..=number),
        }
    }
    runs
}

//! SEARCH (RFC 9051 §6.4.4): which messages, and how they are reported.
//!
//! What a snapshot's entry answers is answered without reading anything; only the messages that this
//! leaves undecided are opened ([`content`]).

mod content;
mod matching;

use std::task::Poll;

use super::Session;
use super::reply::{Ending, Outcome, text};
use super::tell::{print, runs};
use super::view::View;
use super::{Selected, State};
use crate::backend::{Backend, Mailboxes, MessageId, Snapshot};
use crate::grammar::{By, ESearch, Key, Response, Search, SearchReturn, Tag};
use crate::out::Out;
use crate::types::{ModSeq, Sequence, Uid};
use content::Content;
use matching::Matcher;

/// A message found.
struct Hit {
    number: u32,
    uid: Uid,
    modseq: ModSeq,
}

impl<B: Backend> Session<B> {
    pub(super) async fn search(
        &mut self,
        by: By,
        tag: &Tag,
        search: &Search,
        out: &mut Out,
    ) -> Outcome {
        let with_modseq = search.keys.iter().any(Key::names_modseq);
        if with_modseq {
            self.use_condstore(out);
        }
        let now = self.backend.now();
        let found = find(self.selected()?, &search.keys, now).await;
        let saves = search.returns.is_some_and(|returns| returns.save);
        let hits = match found {
            Ok(hits) => hits,
            Err(no) => {
                // RFC 5182 §2.1: a SEARCH that saves and fails leaves nothing saved.
                if saves {
                    self.save(Vec::new());
                }
                return Err(no);
            }
        };
        if let Some(returns) = search.returns.filter(|_| saves) {
            self.save(saved(returns, &hits));
        }
        self.report(by, tag, search.returns, with_modseq, &hits, out);
        Ok(Ending::ok(text::DONE))
    }

    fn report(
        &self,
        by: By,
        tag: &Tag,
        returns: Option<SearchReturn>,
        with_modseq: bool,
        hits: &[Hit],
        out: &mut Out,
    ) {
        let number = |hit: &Hit| match by {
            By::Sequence => hit.number,
            By::Uid => hit.uid.get(),
        };
        let returns = match returns {
            Some(returns) => returns,
            // RFC 9051 §7.3.4: IMAP4rev2 knows ESEARCH only.
            None if self.enabled.rev2 => SearchReturn {
                all: true,
                ..SearchReturn::default()
            },
            None => {
                let modseq = hits
                    .iter()
                    .map(|hit| hit.modseq)
                    .max()
                    .filter(|_| with_modseq);
                let numbers = hits.iter().map(number).collect();
                return print(out, &Response::Search { numbers, modseq });
            }
        };
        if (returns.min, returns.max, returns.all, returns.count) == (false, false, false, false) {
            // RFC 5182 §2.1: SAVE alone reports nothing.
            return;
        }
        let (min, max) = (hits.first(), hits.last());
        let reported_only =
            |wanted: bool, hit: Option<&Hit>| hit.filter(|_| wanted).map(|hit| hit.modseq);
        let modseq = if returns.all || returns.count {
            hits.iter().map(|hit| hit.modseq).max()
        } else {
            // RFC 4731 §3.2: of MIN and MAX alone, theirs.
            reported_only(returns.min, min).max(reported_only(returns.max, max))
        };
        let result = ESearch {
            tag: tag.clone(),
            by,
            min: min.filter(|_| returns.min).map(number),
            max: max.filter(|_| returns.max).map(number),
            count: returns
                .count
                .then(|| u32::try_from(hits.len()).unwrap_or(u32::MAX)),
            all: returns.all.then(|| runs(hits.iter().map(number))),
            modseq: modseq.filter(|_| with_modseq),
        };
        print(out, &Response::ESearch(result));
    }

    fn save(&mut self, uids: Vec<Uid>) {
        if let State::Selected(_, view) = &mut self.state {
            view.saved = uids;
        }
    }
}

/// RFC 5182 §2.4: what SAVE keeps beside MIN and MAX.
fn saved(returns: SearchReturn, hits: &[Hit]) -> Vec<Uid> {
    if returns.all || returns.count || !(returns.min || returns.max) {
        return hits.iter().map(|hit| hit.uid).collect();
    }
    let min = hits.first().filter(|_| returns.min);
    let max = hits.last().filter(|_| returns.max);
    let mut uids: Vec<_> = min.into_iter().chain(max).map(|hit| hit.uid).collect();
    uids.dedup();
    uids
}

/// The messages for which all keys hold, ascending. Messages that are gone are not found.
async fn find<M: Mailboxes>(
    (home, view): Selected<'_, M>,
    keys: &[Key],
    now: jiff::Timestamp,
) -> Result<Vec<Hit>, Ending> {
    let sets = Sets::new(view, keys);
    let matcher = Matcher::new(view, &sets, now);
    let mut hits = Vec::new();
    let mut opened = 0_usize;
    for (number, entry) in view
        .entries()
        .filter(|(_, entry)| !view.is_ghost(entry.uid))
    {
        let matches = match matcher.cheap(keys, &entry) {
            Some(matches) => matches,
            None => {
                opened += 1;
                if opened.is_multiple_of(PAUSE_MESSAGES) {
                    pause().await;
                }
                let message = MessageId {
                    mailbox: view.current.mailbox(),
                    uid: entry.uid,
                };
                match Content::load(home, message, keys).await? {
                    Some(content) => matcher.full(keys, &entry, &content),
                    None => false,
                }
            }
        };
        if matches {
            hits.push(Hit {
                number,
                uid: entry.uid,
                modseq: entry.modseq,
            });
        }
    }
    Ok(hits)
}

/// Messages that are opened before others get a turn.
const PAUSE_MESSAGES: usize = 16;

/// Lets whatever else the thread has to do go first. A backend that has everything in memory never
/// waits, and a search through many bodies would keep the thread for seconds.
async fn pause() {
    let mut paused = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut paused, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// The sequence sets of a search's keys, resolved once.
struct Sets(Vec<(Sequence, By, Vec<Uid>)>);

impl Sets {
    fn new<S: Snapshot>(view: &View<S>, keys: &[Key]) -> Self {
        let mut sets = Self(Vec::new());
        keys.iter().for_each(|key| sets.gather(view, key));
        sets
    }

    fn gather<S: Snapshot>(&mut self, view: &View<S>, key: &Key) {
        match key {
            // In a SEARCH, numbers beyond the end match nothing.
            Key::Sequence(set) => {
                let uids = view.by_numbers_within(set);
                self.0.push((set.clone(), By::Sequence, uids));
            }
            Key::Uid(set) => self.0.push((set.clone(), By::Uid, view.by_uids(set))),
            Key::And(keys) => keys.iter().for_each(|key| self.gather(view, key)),
            Key::Or(both) => [&both.0, &both.1]
                .into_iter()
                .for_each(|key| self.gather(view, key)),
            Key::Not(key) => self.gather(view, key),
            _ => {}
        }
    }

    fn contains(&self, by: By, set: &Sequence, uid: Uid) -> bool {
        let uids = self
            .0
            .iter()
            .find(|(each, how, _)| *how == by && each == set);
        uids.is_some_and(|(_, _, uids)| uids.binary_search(&uid).is_ok())
    }
}

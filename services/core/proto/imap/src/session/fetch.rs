//! FETCH (RFC 9051 §6.4.5): as a job that goes on as the client takes its octets. At any moment it
//! holds the numbers of the messages to come and one piece of one message.

mod item;
mod part;

use std::collections::VecDeque;
use std::ops::Range;

use super::copy::named;
use super::reply::{Ending, text};
use super::tell::{self, Telling};
use super::view::{Expunges, View};
use super::{Job, Next, Session, State};
use crate::backend::{Backend, Failure, FlagAction, FlagChange, Mailboxes, MessageId, Snapshot};
use crate::grammar::print;
use crate::grammar::{Access, By, Fetch, FetchItem, Response, Seen, Tag, Word};
use crate::limits::{CHUNK_OCTETS, SEEN_BATCH};
use crate::out::Out;
use crate::types::{Sequence, SystemFlag, SystemFlags, Uid};

/// A FETCH under way.
pub(super) struct Fetching {
    tag: Tag,
    by: By,
    items: Vec<FetchItem>,
    /// The messages to come.
    uids: std::vec::IntoIter<Uid>,
    /// One that has been taken from them and not been sent.
    again: Option<Uid>,
    /// Whether what is fetched becomes \Seen.
    sees: bool,
    /// Up to which UID the \Seen flags have been set.
    seen_to: Option<Uid>,
    /// Messages that have just become \Seen; their flags are told with what is fetched.
    just_seen: Vec<Uid>,
    /// What others changed meanwhile.
    news: Option<Box<Telling>>,
    /// What is left of the message at hand.
    pieces: VecDeque<Piece>,
    message: Option<MessageId>,
    /// What went wrong with some of the messages.
    trouble: Option<Failure>,
    unknown_cte: bool,
}

/// A stretch of a FETCH response.
pub(super) enum Piece {
    Octets(bytes::Bytes),
    /// Octets of the message, read as they are sent.
    Message(Range<u64>, Content),
}

/// What a literal may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// No NUL (RFC 3501 §4.3.1): a `literal`.
    Text,
    /// Any octet: a `literal8` (RFC 3516).
    Binary,
}

impl Content {
    /// The octets as they may be sent. Where there must not be a NUL stands 0x80, as from Dovecot:
    /// sizes stay what they are, and no character set of mail has a letter there. BINARY shows what
    /// is true.
    pub(super) fn sendable(self, octets: bytes::Bytes) -> bytes::Bytes {
        match self {
            Self::Text if octets.contains(&0) => print::without_nul(&octets).into(),
            Self::Text | Self::Binary => octets,
        }
    }
}

impl<B: Backend> Session<B> {
    /// Begins a FETCH; the job does the rest.
    pub(super) async fn fetch(
        &mut self,
        by: By,
        tag: Tag,
        fetch: Fetch,
        out: &mut Out,
    ) -> Result<(), Ending> {
        if fetch.vanished
            && (by == By::Sequence || fetch.changed_since.is_none() || !self.enabled.qresync)
        {
            // RFC 7162 §3.2.6
            return Err(Ending::bad(text::VANISHED_NEEDS));
        }
        let mut items = fetch.items;
        if fetch.changed_since.is_some() && !items.contains(&FetchItem::ModSeq) {
            // RFC 7162 §3.1.4.1: CHANGEDSINCE implies MODSEQ.
            items.push(FetchItem::ModSeq);
        }
        if items.contains(&FetchItem::ModSeq) {
            self.use_condstore(out);
        }
        let (home, view) = self.selected()?;
        let mut uids = named((home, view), by, &fetch.sequence)?;
        if let Some(since) = fetch.changed_since {
            uids.retain(|uid| {
                view.by_uid(*uid)
                    .is_some_and(|(_, entry)| entry.modseq > since)
            });
            if fetch.vanished {
                vanished(view, &fetch.sequence, since, out);
            }
        }
        if by == By::Uid && !items.contains(&FetchItem::Uid) {
            // RFC 9051 §6.4.9: UID FETCH always tells the UID.
            items.insert(0, FetchItem::Uid);
        }
        let sees = view.access == Access::ReadWrite && items.iter().any(sets_seen);
        self.job = Some(Job::Fetch(Box::new(Fetching {
            tag,
            by,
            items,
            uids: uids.into_iter(),
            again: None,
            sees,
            seen_to: None,
            just_seen: Vec::new(),
            news: None,
            pieces: VecDeque::new(),
            message: None,
            trouble: None,
            unknown_cte: false,
        })));
        Ok(())
    }

    /// Goes on with a FETCH; `None` when it is done and its end has become the job.
    pub(super) async fn fetch_on(
        &mut self,
        mut fetching: Box<Fetching>,
        out: &mut Out,
    ) -> Option<Next> {
        loop {
            if out.is_full() {
                self.job = Some(Job::Fetch(fetching));
                return Some(Next::Write);
            }
            if let Some(piece) = fetching.pieces.pop_front() {
                let Ok((home, _)) = self.selected() else {
                    return Some(self.bye(text::DELETED, out));
                };
                if fetching.send(home, piece, out).await.is_err() {
                    // A literal's size has been promised and cannot be kept.
                    return Some(self.bye(text::BROKEN, out));
                }
                continue;
            }
            if let (Some(news), State::Selected(_, view)) = (&mut fetching.news, &self.state) {
                if !news.tell(view, &self.enabled, out) {
                    continue;
                }
                fetching.news = None;
            }
            let Some(uid) = fetching.next() else {
                break;
            };
            if fetching.sees && fetching.seen_to.is_none_or(|to| uid > to) {
                // The message comes again once the flags are set and the news are told.
                fetching.again = Some(uid);
                if let Err(failure) = self.see(uid, &mut fetching).await {
                    fetching.trouble = Some(failure);
                    break;
                }
                if let State::Over = self.state {
                    return Some(self.bye(text::DELETED, out));
                }
                continue;
            }
            let Ok((home, view)) = self.selected() else {
                return Some(self.bye(text::DELETED, out));
            };
            item::prepare(&mut fetching, home, view, &self.enabled, uid).await;
        }
        let expunges = match fetching.by {
            By::Sequence => Expunges::Held,
            By::Uid => Expunges::Told,
        };
        let outcome = Ok(fetching.ending());
        self.finish(fetching.tag, outcome, expunges).await;
        None
    }

    /// Sets \Seen on the next messages, `first` and those behind it, in one change.
    async fn see(&mut self, first: Uid, fetching: &mut Fetching) -> Result<(), Failure> {
        let State::Selected(home, view) = &mut self.state else {
            return Ok(());
        };
        let rest = fetching.uids.as_slice();
        let batch = std::iter::once(&first).chain(rest.iter().take(SEEN_BATCH - 1));
        // As it is now, not as this session last saw it: somebody else may have unset \Seen.
        let newest = home.snapshot(view.current.mailbox()).await?;
        let unseen = |uid: &&Uid| {
            let index = newest.position(**uid).ok();
            let entry = index.and_then(|index| newest.entry(index));
            entry.is_some_and(|entry| !entry.flags.has(SystemFlag::Seen))
        };
        let uids: Vec<_> = batch.clone().filter(unseen).copied().collect();
        fetching.seen_to = batch.last().copied();
        if uids.is_empty() {
            return Ok(());
        }
        let change = FlagChange {
            action: FlagAction::Add,
            system: SystemFlags::NONE.with(SystemFlag::Seen),
            keywords: Vec::new(),
        };
        match home
            .alter(view.current.mailbox(), &uids, &change, None)
            .await
        {
            Ok(_) => {}
            // RFC 4314 §4: who may not set \Seen may read all the same.
            Err(Failure::NoPermission) => {
                fetching.sees = false;
                return Ok(());
            }
            Err(failure) => return Err(failure),
        }
        // Nothing is expunged in the midst of a FETCH, whoever it is by.
        let mut telling: Telling = self.news(Expunges::Held, None).await;
        telling.flags.retain(|uid| uids.binary_search(uid).is_err());
        telling.with_uid = fetching.by == By::Uid;
        fetching.just_seen = uids;
        fetching.news = Some(Box::new(telling));
        Ok(())
    }
}

impl Fetching {
    /// The next message.
    fn next(&mut self) -> Option<Uid> {
        self.again.take().or_else(|| self.uids.next())
    }

    /// Sends a piece, or as much of it as is read at a time.
    async fn send<M: Mailboxes>(
        &mut self,
        home: &M,
        piece: Piece,
        out: &mut Out,
    ) -> Result<(), Failure> {
        let (range, content) = match piece {
            Piece::Octets(octets) => {
                out.share(octets);
                return Ok(());
            }
            Piece::Message(range, content) => (range, content),
        };
        let message = self.message.ok_or(Failure::Expunged)?;
        let end = range.end.min(range.start.saturating_add(CHUNK_OCTETS));
        let octets = home.octets(message, range.start..end).await?;
        if octets.len() as u64 != end - range.start {
            return Err(Failure::Corrupt);
        }
        out.share(content.sendable(octets));
        if end < range.end {
            let rest = Piece::Message(end..range.end, content);
            self.pieces.push_front(rest);
        }
        Ok(())
    }

    fn ending(&self) -> Ending {
        match &self.trouble {
            Some(Failure::Expunged) => Ending::refused(Word::ExpungeIssued, text::SOME_EXPUNGED),
            Some(Failure::Corrupt) => Ending::refused(Word::Corruption, text::SOME_CORRUPT),
            Some(Failure::Unavailable) => Ending::refused(Word::Unavailable, text::SOME_FAILED),
            Some(other) => other.clone().into(),
            // RFC 3516 §4.3
            None if self.unknown_cte => Ending::refused(Word::UnknownCte, text::UNKNOWN_CTE),
            None => Ending::ok(text::DONE),
        }
    }
}

/// RFC 9051 §6.4.5: whether fetching it makes a message \Seen.
fn sets_seen(item: &FetchItem) -> bool {
    match item {
        FetchItem::Rfc822 | FetchItem::Rfc822Text => true,
        FetchItem::Section { seen, .. } | FetchItem::Binary { seen, .. } => *seen == Seen::Set,
        _ => false,
    }
}

/// RFC 7162 §3.2.6
fn vanished<S: Snapshot>(
    view: &View<S>,
    sequence: &Sequence,
    since: crate::types::ModSeq,
    out: &mut Out,
) {
    let asked = match sequence {
        Sequence::Set(set) => Some(set.resolve(u32::MAX)),
        Sequence::Saved => Some(tell::runs(view.saved.iter().map(|uid| uid.get()))),
    };
    let uids = super::select::gone_since(&view.current, since, asked);
    if !uids.is_empty() {
        tell::print(
            out,
            &Response::Vanished {
                earlier: true,
                uids,
            },
        );
    }
}

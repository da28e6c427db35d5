//! Whether a message matches: by its entry alone where that decides, else with its content.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

use super::Sets;
use super::content::Content;
use crate::backend::{Entry, Snapshot};
use crate::grammar::{By, Key};
use crate::session::view::View;
use crate::types::SystemFlag;

pub(super) struct Matcher<'a, S> {
    view: &'a View<S>,
    sets: &'a Sets,
    now: Timestamp,
}

impl<'a, S: Snapshot> Matcher<'a, S> {
    pub(super) fn new(view: &'a View<S>, sets: &'a Sets, now: Timestamp) -> Self {
        Self { view, sets, now }
    }

    /// Whether all keys hold, if the entry is enough to say so. Recursion is bounded by
    /// [`crate::limits::SEARCH_DEPTH`].
    pub(super) fn cheap(&self, keys: &[Key], entry: &Entry) -> Option<bool> {
        let mut all = Some(true);
        for key in keys {
            match self.cheap_key(key, entry) {
                Some(false) => return Some(false),
                Some(true) => {}
                None => all = None,
            }
        }
        all
    }

    fn cheap_key(&self, key: &Key, entry: &Entry) -> Option<bool> {
        match key {
            Key::And(keys) => self.cheap(keys, entry),
            Key::Not(key) => self.cheap_key(key, entry).map(|holds| !holds),
            Key::Or(both) => match (
                self.cheap_key(&both.0, entry),
                self.cheap_key(&both.1, entry),
            ) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
            Key::SentBefore(_)
            | Key::SentOn(_)
            | Key::SentSince(_)
            | Key::Header(..)
            | Key::Body(_)
            | Key::Text(_) => None,
            _ => Some(self.entry(key, entry)),
        }
    }

    /// Whether all keys hold.
    pub(super) fn full(&self, keys: &[Key], entry: &Entry, content: &Content) -> bool {
        keys.iter().all(|key| self.full_key(key, entry, content))
    }

    fn full_key(&self, key: &Key, entry: &Entry, content: &Content) -> bool {
        let sent = |holds: &dyn Fn(Date) -> bool| content.sent().is_some_and(holds);
        match key {
            Key::And(keys) => self.full(keys, entry, content),
            Key::Not(key) => !self.full_key(key, entry, content),
            Key::Or(both) => {
                self.full_key(&both.0, entry, content) || self.full_key(&both.1, entry, content)
            }
            Key::SentBefore(date) => sent(&|day| day < *date),
            Key::SentOn(date) => sent(&|day| day == *date),
            Key::SentSince(date) => sent(&|day| day >= *date),
            Key::Header(name, text) => content.header_has(name, text),
            Key::Body(text) => content.body_has(text),
            Key::Text(text) => content.text_has(text),
            _ => self.entry(key, entry),
        }
    }

    /// A key that the entry decides.
    fn entry(&self, key: &Key, entry: &Entry) -> bool {
        let flags = &entry.flags;
        let recent = || self.view.is_recent(entry.uid);
        // RFC 9051 §6.4.4: dates disregard time and zone; INTERNALDATE is told in UTC.
        let day = || Offset::UTC.to_datetime(entry.internal_date).date();
        let age = || self.now.duration_since(entry.internal_date).as_secs();
        match key {
            Key::All => true,
            Key::Sequence(set) => self.sets.contains(By::Sequence, set, entry.uid),
            Key::Uid(set) => self.sets.contains(By::Uid, set, entry.uid),
            Key::Flag(flag) => flags.has(*flag),
            Key::Keyword(keyword) => flags.keywords.iter().any(|id| {
                let name = self.view.current.keyword(*id);
                name.is_some_and(|name| name.eq_ignore_ascii_case(keyword.as_str()))
            }),
            Key::Recent => recent(),
            Key::New => recent() && !flags.has(SystemFlag::Seen),
            Key::Before(date) => day() < *date,
            Key::On(date) => day() == *date,
            Key::Since(date) => day() >= *date,
            Key::Larger(size) => entry.size > *size,
            Key::Smaller(size) => entry.size < *size,
            Key::Older(seconds) => age() >= i64::from(*seconds),
            Key::Younger(seconds) => age() <= i64::from(*seconds),
            Key::ModSeq(criterion) => entry.modseq >= criterion.value,
            Key::EmailId(id) => entry.email_id.to_string().as_bytes() == &id[..],
            // THREADID is NIL for every message.
            Key::ThreadId(_) => false,
            Key::SentBefore(_)
            | Key::SentOn(_)
            | Key::SentSince(_)
            | Key::Header(..)
            | Key::Body(_)
            | Key::Text(_)
            | Key::And(_)
            | Key::Or(_)
            | Key::Not(_) => false,
        }
    }
}

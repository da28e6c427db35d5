//! What the client has been told of the selected mailbox: the only thing that sequence numbers mean.
//!
//! The view is the newest snapshot seen plus *ghosts*: messages that have gone from it but whose
//! EXPUNGE may not be sent yet (RFC 9051 §7.5.1). A sequence number counts both, by UID.

use std::ops::{Range, RangeInclusive};

use super::tell::Telling;
use crate::backend::{Entry, FlagAction, FlagChange, Snapshot};
use crate::grammar::{Access, FlagName};
use crate::types::{Flags, Keyword, ModSeq, Sequence, SystemFlags, Uid};

/// Whether EXPUNGE may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expunges {
    /// It may.
    Told,
    /// Not now: FETCH, STORE and SEARCH by sequence numbers.
    Held,
}

#[derive(Debug)]
pub(crate) struct View<S> {
    pub(crate) access: Access,
    /// The newest snapshot seen.
    pub(crate) current: S,
    /// Messages gone from `current` that the client still counts, ascending by UID.
    ghosts: Vec<Ghost>,
    /// UIDs that this session was told as \Recent.
    recent: Vec<Range<u32>>,
    /// The result of the last SEARCH that saved one (RFC 5182), ascending.
    pub(crate) saved: Vec<Uid>,
}

/// A message that has gone, and the number by which the client still knows it.
#[derive(Debug)]
struct Ghost {
    number: u32,
    entry: Entry,
}

/// A STORE of this session, whose echo the client may not want.
#[derive(Debug)]
pub(crate) struct OwnStore {
    /// The messages changed, ascending.
    pub(crate) uids: Vec<Uid>,
    pub(crate) change: FlagChange,
    pub(crate) echo: Echo,
}

/// What the client wants to hear of its own STORE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Echo {
    /// The flags.
    Flags,
    /// Nothing, but for the MODSEQ where CONDSTORE is enabled (RFC 7162 §3.1.3).
    Silent,
}

/// A sequence number is beyond the messages that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BeyondEnd;

impl<S: Snapshot> View<S> {
    pub(crate) fn new(access: Access, current: S) -> Self {
        Self {
            access,
            current,
            ghosts: Vec::new(),
            recent: Vec::new(),
            saved: Vec::new(),
        }
    }

    /// How many messages the client counts.
    pub(crate) fn len(&self) -> u32 {
        self.current.len().saturating_add(self.ghost_count())
    }

    fn ghost_count(&self) -> u32 {
        u32::try_from(self.ghosts.len()).unwrap_or(u32::MAX)
    }

    /// The message that the client knows by this sequence number.
    pub(crate) fn by_number(&self, number: u32) -> Option<Entry> {
        match self
            .ghosts
            .binary_search_by_key(&number, |ghost| ghost.number)
        {
            Ok(at) => self.ghosts.get(at).map(|ghost| ghost.entry.clone()),
            Err(before) => {
                let before = u32::try_from(before).ok()?;
                self.current
                    .entry(number.checked_sub(before)?.checked_sub(1)?)
            }
        }
    }

    /// The message and its sequence number.
    pub(crate) fn by_uid(&self, uid: Uid) -> Option<(u32, Entry)> {
        let before = match self
            .ghosts
            .binary_search_by_key(&uid, |ghost| ghost.entry.uid)
        {
            Ok(at) => {
                return self
                    .ghosts
                    .get(at)
                    .map(|ghost| (ghost.number, ghost.entry.clone()));
            }
            Err(before) => u32::try_from(before).ok()?,
        };
        let index = self.current.position(uid).ok()?;
        let number = index.checked_add(before)?.checked_add(1)?;
        self.current.entry(index).map(|entry| (number, entry))
    }

    /// Whether the message is still there, as far as this session has seen.
    pub(crate) fn is_ghost(&self, uid: Uid) -> bool {
        self.ghosts
            .binary_search_by_key(&uid, |ghost| ghost.entry.uid)
            .is_ok()
    }

    /// Every message that the client counts, with its number, ascending.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (u32, Entry)> {
        let mut ghosts = self
            .ghosts
            .iter()
            .map(|ghost| ghost.entry.clone())
            .peekable();
        let mut current = (0..self.current.len())
            .filter_map(|index| self.current.entry(index))
            .peekable();
        let mut number = 0;
        std::iter::from_fn(move || {
            let ghost_first = match (ghosts.peek(), current.peek()) {
                (Some(ghost), Some(entry)) => ghost.uid < entry.uid,
                (ghost, _) => ghost.is_some(),
            };
            let entry = if ghost_first {
                ghosts.next()
            } else {
                current.next()
            };
            number += 1;
            entry.map(|entry| (number, entry))
        })
    }

    /// The highest UID that the client counts.
    fn last_uid(&self) -> u32 {
        let last = self
            .current
            .len()
            .checked_sub(1)
            .and_then(|last| self.current.entry(last));
        let ghost = self.ghosts.last().map_or(0, |ghost| ghost.entry.uid.get());
        last.map_or(0, |entry| entry.uid.get()).max(ghost)
    }

    /// The messages that these UIDs name, ascending. UIDs that do not exist are no error
    /// (RFC 9051 §6.4.9).
    pub(crate) fn by_uids(&self, sequence: &Sequence) -> Vec<Uid> {
        let set = match sequence {
            Sequence::Set(set) => set,
            Sequence::Saved => return self.saved.clone(),
        };
        let mut uids = Vec::new();
        for range in set.resolve(self.last_uid()) {
            let start = Uid::new((*range.start()).max(1)).unwrap_or(Uid::MIN);
            let (Ok(mut index) | Err(mut index)) = self.current.position(start);
            let first = self.ghosts.partition_point(|ghost| ghost.entry.uid < start);
            let mut ghosts = self
                .ghosts
                .get(first..)
                .unwrap_or_default()
                .iter()
                .map(|ghost| ghost.entry.uid)
                .take_while(|uid| uid.get() <= *range.end())
                .peekable();
            while let Some(entry) = self.current.entry(index) {
                if entry.uid.get() > *range.end() {
                    break;
                }
                while let Some(ghost) = ghosts.next_if(|ghost| *ghost < entry.uid) {
                    uids.push(ghost);
                }
                uids.push(entry.uid);
                index += 1;
            }
            uids.extend(ghosts);
        }
        uids
    }

    /// The messages that these sequence numbers name, ascending.
    pub(crate) fn by_numbers(&self, sequence: &Sequence) -> Result<Vec<Uid>, BeyondEnd> {
        if let Sequence::Set(set) = sequence
            // RFC 9051 §9 seq-number: a number beyond the end is an error of the client, and so is
            // `*` in an empty mailbox.
            && (self.len() == 0 || set.largest_named().is_some_and(|named| named > self.len()))
        {
            return Err(BeyondEnd);
        }
        Ok(self.by_numbers_within(sequence))
    }

    /// As [`View::by_numbers`]; numbers beyond the end name nothing.
    pub(crate) fn by_numbers_within(&self, sequence: &Sequence) -> Vec<Uid> {
        let set = match sequence {
            Sequence::Set(set) => set,
            Sequence::Saved => return self.saved.clone(),
        };
        let within = |range: RangeInclusive<u32>| *range.start()..=(*range.end()).min(self.len());
        let numbers = set.resolve(self.len()).into_iter().flat_map(within);
        numbers
            .filter_map(|number| self.by_number(number))
            .map(|entry| entry.uid)
            .collect()
    }

    /// The names of flags as the client knows them.
    pub(crate) fn flag_names(&self, flags: &Flags) -> Vec<FlagName> {
        let mut names: Vec<_> = flags.system.iter().map(FlagName::System).collect();
        names.extend(flags.keywords.iter().filter_map(|id| {
            let name = self.current.keyword(*id)?;
            Keyword::try_from(name.as_bytes())
                .ok()
                .map(FlagName::Keyword)
        }));
        names
    }

    /// Every flag that a message here may have, for the FLAGS response.
    pub(crate) fn every_flag(&self) -> Vec<FlagName> {
        let everything = Flags {
            system: crate::types::SystemFlag::EACH
                .into_iter()
                .collect::<SystemFlags>(),
            keywords: self.current.keywords().into(),
        };
        self.flag_names(&everything)
    }

    pub(crate) fn is_recent(&self, uid: Uid) -> bool {
        self.recent.iter().any(|range| range.contains(&uid.get()))
    }

    /// From now on the messages from `from` below `below` are \Recent here.
    pub(crate) fn claim(&mut self, from: Uid, below: Uid) {
        if from >= below {
            return;
        }
        match self.recent.last_mut() {
            Some(last) if last.end == from.get() => last.end = below.get(),
            _ => self.recent.push(from.get()..below.get()),
        }
    }

    /// How many messages are \Recent here.
    pub(crate) fn recent_count(&self) -> u32 {
        let mut count = 0;
        for range in &self.recent {
            let index = |number: u32| {
                let uid = Uid::new(number).unwrap_or(Uid::MAX);
                let (Ok(index) | Err(index)) = self.current.position(uid);
                index
            };
            count += index(range.end).saturating_sub(index(range.start));
        }
        count
    }

    /// Moves on to a newer snapshot; what the client must be told of it.
    pub(crate) fn refresh(
        &mut self,
        newer: S,
        expunges: Expunges,
        own: Option<&OwnStore>,
    ) -> Telling {
        let difference = self.current.difference(&newer);
        let mut telling = Telling::default();
        let before = self.len();
        telling.keywords = self.current.keywords().len() != newer.keywords().len();
        for uid in &difference.changed {
            match own.filter(|own| own.uids.binary_search(uid).is_ok()) {
                Some(own) if own.echo == Echo::Silent && self.is_echo(*uid, own, &newer) => {
                    telling.modseqs.push(*uid);
                }
                Some(own) if own.echo == Echo::Flags => {}
                _ => telling.flags.push(*uid),
            }
        }
        if let Some(own) = own.filter(|own| own.echo == Echo::Flags) {
            // RFC 9051 §6.4.6: the new value of the flags is told even where it is the old one.
            telling.flags.extend(&own.uids);
            telling.flags.sort_unstable();
            telling.flags.dedup();
        }
        let known = self.current.uid_next();
        self.haunt(&difference.vanished);
        let (Ok(old) | Err(old)) = newer.position(known);
        telling.appended = newer.len().saturating_sub(old);
        self.current = newer;
        if expunges == Expunges::Told {
            telling.expunged = self.lay_ghosts();
        }
        if self.len() > before.saturating_sub(telling.expunged_count()) {
            telling.exists = Some(self.len());
        }
        telling
    }

    /// Makes ghosts of messages that are about to go. Their numbers, and those of the ghosts that
    /// there are, stay what they are for as long as all of them are counted.
    fn haunt(&mut self, vanished: &[Uid]) {
        let ghost = |uid: &Uid| {
            self.by_uid(*uid)
                .map(|(number, entry)| Ghost { number, entry })
        };
        let mut fresh: Vec<_> = vanished.iter().filter_map(ghost).collect();
        if !fresh.is_empty() {
            self.ghosts.append(&mut fresh);
            self.ghosts.sort_unstable_by_key(|ghost| ghost.number);
        }
    }

    /// Forgets the ghosts: their numbers and UIDs.
    fn lay_ghosts(&mut self) -> Vec<(u32, Uid)> {
        let ghosts = std::mem::take(&mut self.ghosts);
        let numbered: Vec<_> = ghosts
            .into_iter()
            .map(|ghost| (ghost.number, ghost.entry.uid))
            .collect();
        // RFC 5182 §2.1: expunged messages leave the saved result.
        self.saved.retain(|uid| {
            numbered
                .binary_search_by_key(uid, |(_, gone)| *gone)
                .is_err()
        });
        numbered
    }

    /// Whether the message's flags are now just what the client's own STORE makes of those that it
    /// knew; otherwise somebody else changed it, too, and the client must hear of it.
    fn is_echo(&self, uid: Uid, own: &OwnStore, newer: &S) -> bool {
        let find = |snapshot: &S| {
            snapshot
                .position(uid)
                .ok()
                .and_then(|at| snapshot.entry(at))
        };
        let (Some(was), Some(is)) = (find(&self.current), find(newer)) else {
            return false;
        };
        let named = own.change.system;
        let system = match own.change.action {
            FlagAction::Add => was.flags.system.union(named),
            FlagAction::Remove => was.flags.system.difference(named),
            FlagAction::Replace => named,
        };
        if system != is.flags.system {
            return false;
        }
        let names = |snapshot: &S, flags: &Flags| -> Vec<String> {
            let ids = flags.keywords.iter();
            let names = ids.filter_map(|id| snapshot.keyword(*id));
            names.map(str::to_ascii_lowercase).collect()
        };
        let stated: Vec<_> = own
            .change
            .keywords
            .iter()
            .map(|name| name.as_str().to_ascii_lowercase())
            .collect();
        let mut expected = names(&self.current, &was.flags);
        match own.change.action {
            FlagAction::Add => expected.extend(stated),
            FlagAction::Remove => expected.retain(|name| !stated.contains(name)),
            FlagAction::Replace => expected = stated,
        }
        let mut actual = names(newer, &is.flags);
        expected.sort_unstable();
        expected.dedup();
        actual.sort_unstable();
        expected == actual
    }

    /// The highest MODSEQ that the client may rely on having been told everything up to.
    pub(crate) fn highest_modseq(&self) -> ModSeq {
        self.current.highest_modseq()
    }
}

//! The items of a folder, ascending by UID: a persistent vector in chunks. A clone is one
//! reference; a change copies the chunks that it touches and shares the others, so that comparing
//! two versions skips what they share.

use std::sync::Arc;

use crate::id::Uid;
use crate::item::Entry;

/// Entries of a full chunk. Appending copies the last chunk, a change of flags the chunk it hits
/// (about 100 bytes an entry), and every version a pointer for each chunk.
const CHUNK: usize = 256;

/// The items of a folder at a moment.
#[derive(Debug, Clone, Default)]
pub struct Entries {
    chunks: Arc<Vec<Chunk>>,
    len: usize,
}

#[derive(Debug, Clone)]
struct Chunk {
    /// How many entries come before.
    start: usize,
    entries: Arc<Vec<Entry>>,
}

impl Entries {
    /// From entries that ascend by UID.
    #[must_use]
    pub(crate) fn from_sorted(entries: Vec<Entry>) -> Self {
        let len = entries.len();
        let mut chunks = Vec::with_capacity(len.div_ceil(CHUNK));
        let mut entries = entries.into_iter();
        let mut start = 0;
        loop {
            let chunk: Vec<Entry> = entries.by_ref().take(CHUNK).collect();
            if chunk.is_empty() {
                break;
            }
            let count = chunk.len();
            chunks.push(Chunk {
                start,
                entries: Arc::new(chunk),
            });
            start += count;
        }
        Self {
            chunks: Arc::new(chunks),
            len,
        }
    }

    /// Adds an entry; its UID is above all others.
    pub(crate) fn push(&mut self, entry: Entry) {
        assert!(
            self.last().is_none_or(|last| last.uid < entry.uid),
            "UIDs ascend"
        );
        let chunks = Arc::make_mut(&mut self.chunks);
        match chunks
            .last_mut()
            .filter(|chunk| chunk.entries.len() < CHUNK)
        {
            Some(chunk) => Arc::make_mut(&mut chunk.entries).push(entry),
            None => chunks.push(Chunk {
                start: self.len,
                entries: Arc::new(vec![entry]),
            }),
        }
        self.len += 1;
    }

    /// Changes those of `uids` (ascending) that exist. `change` gets the place in `uids` too.
    pub(crate) fn update(
        &mut self,
        uids: impl Iterator<Item = Uid>,
        mut change: impl FnMut(usize, &mut Entry),
    ) {
        for (place, uid) in uids.enumerate() {
            let Ok(index) = self.position(uid) else {
                continue;
            };
            let at = self.chunk_of(index);
            let Some(chunk) = Arc::make_mut(&mut self.chunks).get_mut(at) else {
                continue;
            };
            let within = index - chunk.start;
            if let Some(entry) = Arc::make_mut(&mut chunk.entries).get_mut(within) {
                change(place, entry);
            }
        }
    }

    /// Takes away those of `uids` (ascending) that exist.
    pub(crate) fn remove(&mut self, uids: &[Uid]) {
        let chunks = Arc::make_mut(&mut self.chunks);
        let mut kept = 0;
        chunks.retain_mut(|chunk| {
            let touched = match (chunk.entries.first(), chunk.entries.last()) {
                (Some(first), Some(last)) => {
                    let from = uids.partition_point(|uid| *uid < first.uid);
                    uids.get(from).is_some_and(|uid| *uid <= last.uid)
                }
                _ => false,
            };
            if touched {
                Arc::make_mut(&mut chunk.entries)
                    .retain(|entry| uids.binary_search(&entry.uid).is_err());
            }
            chunk.start = kept;
            kept += chunk.entries.len();
            !chunk.entries.is_empty()
        });
        self.len = kept;
        self.compact();
    }

    /// Joins chunks when expunging has left many small ones.
    fn compact(&mut self) {
        if self.chunks.len() > 8 && self.len < self.chunks.len() * CHUNK / 4 {
            *self = Self::from_sorted(self.iter().cloned().collect());
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The entry at `index`, from 0.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&Entry> {
        let chunk = self.chunks.get(self.chunk_of(index))?;
        chunk.entries.get(index - chunk.start)
    }

    /// The last entry.
    #[must_use]
    pub fn last(&self) -> Option<&Entry> {
        self.chunks.last()?.entries.last()
    }

    /// The index of `uid`, or where it would be.
    pub fn position(&self, uid: Uid) -> Result<usize, usize> {
        let after = self
            .chunks
            .partition_point(|chunk| chunk.entries.first().is_some_and(|entry| entry.uid <= uid));
        let Some(chunk) = after.checked_sub(1).and_then(|at| self.chunks.get(at)) else {
            return Err(0);
        };
        match chunk.entries.binary_search_by_key(&uid, |entry| entry.uid) {
            Ok(within) => Ok(chunk.start + within),
            Err(within) => Err(chunk.start + within),
        }
    }

    /// The entry with this UID.
    #[must_use]
    pub fn find(&self, uid: Uid) -> Option<&Entry> {
        self.get(self.position(uid).ok()?)
    }

    /// All, ascending by UID.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.chunks.iter().flat_map(|chunk| chunk.entries.iter())
    }

    /// What happened until `newer`: UIDs that are gone, and those that have another mod-sequence.
    pub(crate) fn difference(&self, newer: &Self) -> (Vec<Uid>, Vec<Uid>) {
        let (mut gone, mut changed) = (Vec::new(), Vec::new());
        let (mut old, mut new) = (0, 0);
        loop {
            // Both at the beginning of the same chunk: nothing in it differs.
            if let Some(shared) = self.shared_chunk(old, newer, new) {
                old += shared;
                new += shared;
                continue;
            }
            let Some(was) = self.get(old) else { break };
            match newer.get(new) {
                Some(is) if is.uid == was.uid => {
                    if is.modseq != was.modseq {
                        changed.push(was.uid);
                    }
                    new += 1;
                }
                _ => gone.push(was.uid),
            }
            old += 1;
        }
        (gone, changed)
    }

    fn shared_chunk(&self, at: usize, newer: &Self, newer_at: usize) -> Option<usize> {
        let chunk = self.chunks.get(self.chunk_of(at))?;
        let other = newer.chunks.get(newer.chunk_of(newer_at))?;
        let begins = chunk.start == at && other.start == newer_at;
        (begins && Arc::ptr_eq(&chunk.entries, &other.entries)).then(|| chunk.entries.len())
    }

    fn chunk_of(&self, index: usize) -> usize {
        let after = self.chunks.partition_point(|chunk| chunk.start <= index);
        after.saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::flags::Flags;
    use crate::id::{BlobDigest, ItemId, ModSeq};
    use crate::item::ItemKind;

    fn entry(uid: u32, modseq: u64) -> Entry {
        Entry {
            item: ItemId::new(1000 + uid),
            uid: Uid::new(uid),
            modseq: ModSeq::new(modseq),
            size: 1,
            date: 0,
            digest: BlobDigest::NONE,
            keywords: None,
            flags: Flags::NONE,
            kind: ItemKind::Message,
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Push(usize),
        Touch(Vec<u32>),
        Remove(Vec<u32>),
    }

    fn step() -> impl Strategy<Value = Step> {
        let uids = proptest::collection::btree_set(1..3000_u32, 0..400)
            .prop_map(|set| set.into_iter().collect::<Vec<_>>());
        prop_oneof![
            (1..700_usize).prop_map(Step::Push),
            uids.clone().prop_map(Step::Touch),
            uids.prop_map(Step::Remove),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn it_is_a_sorted_vector(steps in proptest::collection::vec(step(), 1..12)) {
            let mut entries = Entries::default();
            let mut model: Vec<Entry> = Vec::new();
            let (mut next, mut modseq) = (1, 0);
            for step in steps {
                modseq += 1;
                let (before, old) = (entries.clone(), model.clone());
                match step {
                    Step::Push(count) => for _ in 0..count {
                        entries.push(entry(next, modseq));
                        model.push(entry(next, modseq));
                        next += 1;
                    },
                    Step::Touch(uids) => {
                        entries.update(uids.iter().map(|uid| Uid::new(*uid)), |_, entry| {
                            entry.modseq = ModSeq::new(modseq);
                        });
                        for entry in &mut model {
                            if uids.contains(&entry.uid.get()) {
                                entry.modseq = ModSeq::new(modseq);
                            }
                        }
                    }
                    Step::Remove(uids) => {
                        let uids: Vec<Uid> = uids.into_iter().map(Uid::new).collect();
                        entries.remove(&uids);
                        model.retain(|entry| !uids.contains(&entry.uid));
                    }
                }
                prop_assert_eq!(entries.len(), model.len());
                prop_assert!(entries.iter().eq(&model));
                prop_assert!(before.iter().eq(&old));
                for (index, entry) in model.iter().enumerate() {
                    prop_assert_eq!(entries.get(index), Some(entry));
                    prop_assert_eq!(entries.position(entry.uid), Ok(index));
                }
                prop_assert!(entries.get(model.len()).is_none());
                prop_assert_eq!(entries.position(Uid::new(u32::MAX)), Err(model.len()));
                let (gone, changed) = before.difference(&entries);
                let expected_gone: Vec<Uid> = old.iter().map(|entry| entry.uid)
                    .filter(|uid| model.iter().all(|entry| entry.uid != *uid)).collect();
                let expected_changed: Vec<Uid> = old.iter()
                    .filter(|was| model.iter().any(|is| is.uid == was.uid && is.modseq != was.modseq))
                    .map(|entry| entry.uid).collect();
                prop_assert_eq!(gone, expected_gone);
                prop_assert_eq!(changed, expected_changed);
            }
        }
    }
}

//! Structures read ahead: a client that fetches many messages fetches them in order, and one
//! question for many is much cheaper than many questions.

use std::collections::VecDeque;

use bytes::Bytes;
use parking_lot::Mutex;
use roost_mailbox::{BlobDigest, Error, FolderSnapshot, Mailbox, Uid};

/// How many structures are asked for at a time: about 30 KiB of them, for usual mail.
const AHEAD: usize = 64;

/// What was read ahead and not asked for yet.
#[derive(Debug, Default)]
pub(super) struct Structures(Mutex<Ahead>);

#[derive(Debug, Default)]
struct Ahead {
    /// The index after the one that was asked for last.
    next: Option<usize>,
    waiting: VecDeque<(BlobDigest, Bytes)>,
}

impl Structures {
    /// The stored structure of the message; `None` when none is stored.
    pub(super) async fn get(
        &self,
        mailbox: &Mailbox,
        folder: &FolderSnapshot,
        uid: Uid,
        digest: BlobDigest,
    ) -> Result<Option<Bytes>, Error> {
        let index = folder.position(uid).unwrap_or(usize::MAX);
        let in_order = {
            let mut ahead = self.0.lock();
            while let Some((waiting, stored)) = ahead.waiting.pop_front() {
                if waiting == digest {
                    ahead.next = index.checked_add(1);
                    return Ok(Some(stored));
                }
            }
            let in_order = ahead.next == Some(index);
            ahead.next = index.checked_add(1);
            in_order
        };
        let count = if in_order { AHEAD } else { 1 };
        let digests: Vec<_> = (index..index.saturating_add(count))
            .map_while(|index| folder.entry(index)?.blob())
            .collect();
        let digests = match digests.is_empty() {
            true => vec![digest],
            false => digests,
        };
        let mut stored = mailbox.structures(&digests).await?.into_iter();
        let first = stored.next().flatten();
        let rest = digests.into_iter().skip(1).zip(stored);
        let rest = rest.filter_map(|(digest, stored)| Some((digest, stored?)));
        self.0.lock().waiting.extend(rest);
        Ok(first)
    }

    /// Gives the memory back.
    pub(super) fn forget(&self) {
        *self.0.lock() = Ahead::default();
    }
}

//! Reading contents, structures, metadata and what went away.

use std::collections::HashMap;
use std::ops::Range;

use bytes::Bytes;

use super::Mailbox;
use crate::error::Error;
use crate::id::{BlobDigest, FolderId, ItemId, ModSeq};
use crate::item::{Located, Metadata, Tombstone};

impl Mailbox {
    /// The whole of a content.
    pub async fn load(&self, digest: BlobDigest) -> Result<Bytes, Error> {
        match self.held(digest).await? {
            Some(body) => Ok(body),
            None => self.inner.blobs.load(digest).await,
        }
    }

    /// These octets of a content; fewer where it ends before.
    pub async fn load_range(&self, digest: BlobDigest, range: Range<u64>) -> Result<Bytes, Error> {
        match self.held(digest).await? {
            Some(body) => {
                let within = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(body.len());
                let (start, end) = (within(range.start), within(range.end));
                Ok(body.slice(start..end.max(start)))
            }
            None => self.inner.blobs.load_range(digest, range).await,
        }
    }

    /// What was derived from a content when it came.
    pub async fn structure(&self, digest: BlobDigest) -> Result<Bytes, Error> {
        let found = self.structures(&[digest]).await?.pop().flatten();
        found.ok_or_else(|| Error::Corrupt {
            digest,
            path: self.inner.blobs.path(digest),
        })
    }

    /// What was derived from many contents, in their order: for a FETCH of a range, some hundred
    /// at a time. `None` for one that is not there.
    pub async fn structures(&self, digests: &[BlobDigest]) -> Result<Vec<Option<Bytes>>, Error> {
        let mut found: HashMap<BlobDigest, Bytes> = HashMap::with_capacity(digests.len());
        let mut missing = Vec::new();
        for digest in digests {
            // What leaves the overlay is in SQL by then, so it is never in neither.
            match self.inner.overlay.record(*digest).await? {
                Some(record) => drop(found.insert(*digest, record.structure.clone())),
                None => missing.push(*digest),
            }
        }
        if !missing.is_empty() {
            found.extend(self.inner.meta.structures(&missing).await?);
        }
        Ok(digests
            .iter()
            .map(|digest| found.get(digest).cloned())
            .collect())
    }

    /// The metadata of items, in their order; `None` for one that has none.
    pub async fn metadata(&self, items: &[ItemId]) -> Result<Vec<Option<Metadata>>, Error> {
        self.caught_up().await?;
        let mut found = self.inner.meta.metadata(self.core.id, items).await?;
        Ok(items.iter().map(|item| found.remove(item)).collect())
    }

    /// Where an item is now.
    pub async fn locate(&self, item: ItemId) -> Result<Option<Located>, Error> {
        self.caught_up().await?;
        self.inner.meta.locate(self.core.id, item).await
    }

    /// What went away from `folder` (from anywhere, when none is given) after `since`, ascending by
    /// mod-sequence. An item that was only moved is in here too, as not `removed`.
    pub async fn vanished(
        &self,
        folder: Option<FolderId>,
        since: ModSeq,
    ) -> Result<Vec<Tombstone>, Error> {
        self.caught_up().await?;
        let meta = &self.inner.meta;
        meta.tombstones(self.core.id, folder, since).await
    }

    /// A content that is not in its file yet.
    async fn held(&self, digest: BlobDigest) -> Result<Option<Bytes>, Error> {
        let record = self.inner.overlay.record(digest).await?;
        Ok(record.and_then(|record| record.body.clone()))
    }

    /// Waits until SQL has what the snapshots show.
    async fn caught_up(&self) -> Result<(), Error> {
        let published = self.core.published();
        self.inner.queue.applied(published.sequence).await
    }
}

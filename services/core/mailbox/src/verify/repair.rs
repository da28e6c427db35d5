//! What is done about contents.

use std::sync::Arc;

use bytes::Bytes;
use roost_journal::Sequence;

use super::{Repair, Verifying};
use crate::applier::Mend;
use crate::error::Error;
use crate::id::BlobDigest;
use crate::meta::WrongReferences;
use crate::op::{BLOB_KIND, BlobRecord};
use crate::store::Inner;

impl Verifying<'_> {
    /// Corrects how often a content is referred to. One that would go for want of references is kept
    /// aside first: a lost row may have been its reference.
    pub(super) async fn count_references(&self, wrong: &WrongReferences) -> Result<String, Error> {
        let inner = &self.store.inner;
        let mut done = format!("now {}", wrong.counted);
        if wrong.counted == 0
            && let Ok(body) = inner.blobs.load(wrong.digest).await
        {
            let copy = inner.blobs.keep_copy(wrong.digest, body).await;
            let copy = copy.map_err(|error| Error::unavailable("no copy can be kept", error))?;
            done = format!("now 0; a copy is in {}", copy.display());
        }
        inner.queue.mend(Mend::References(wrong.digest)).await?;
        Ok(done)
    }

    /// Writes the row of a content anew, from its file.
    pub(super) async fn know_content(&self, digest: BlobDigest) -> Result<String, Error> {
        let inner = &self.store.inner;
        let body = match inner.blobs.load(digest).await {
            Ok(body) => body,
            Err(error) => match in_journal(inner, digest).await? {
                Some(body) => body,
                None => return Err(error),
            },
        };
        let record = BlobRecord {
            digest,
            size: body.len() as u64,
            structure: (self.derive)(&body),
            body: None,
        };
        inner.queue.mend(Mend::Content(Arc::new(record))).await?;
        Ok("its row was written anew".to_owned())
    }

    /// Writes a file anew from the journal's copy. What is there is moved aside.
    pub(super) async fn restore(&self, digest: BlobDigest) -> Repair {
        let inner = &self.store.inner;
        let body = match in_journal(inner, digest).await {
            Ok(Some(body)) => body,
            Ok(None) => {
                return Repair::NotPossible(
                    "the journal has no copy any more: restore the file from a backup".to_owned(),
                );
            }
            Err(error) => return Repair::NotPossible(format!("no copy can be read: {error}")),
        };
        let path = inner.blobs.path(digest);
        let aside = inner.blobs.set_aside(&path);
        match inner.blobs.write_durably(digest, body).await {
            Ok(()) => Repair::Done(match aside {
                Ok(aside) => format!(
                    "written anew from the journal; what was there is in {}",
                    aside.display()
                ),
                Err(_) => "written anew from the journal".to_owned(),
            }),
            Err(error) => Repair::NotPossible(format!("it cannot be written: {error}")),
        }
    }
}

/// A content that is still in the journal.
async fn in_journal(inner: &Arc<Inner>, digest: BlobDigest) -> Result<Option<Bytes>, Error> {
    let inner = inner.clone();
    let search = move || {
        let journal = inner.journal();
        let begin = Sequence::new(journal.first().get().saturating_sub(1));
        for record in journal.read(begin)? {
            let record = record?;
            if record.kind != BLOB_KIND {
                continue;
            }
            let blob = BlobRecord::decode(&record)?;
            let body = blob.body.filter(|_| blob.digest == digest);
            if let Some(body) = body.filter(|body| BlobDigest::of(body) == digest) {
                return Ok(Some(body));
            }
        }
        Ok(None)
    };
    tokio::task::spawn_blocking(search)
        .await
        .unwrap_or_else(|error| Err(Error::unavailable("the journal cannot be read", error)))
}

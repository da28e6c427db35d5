//! Rows of contents, blob files, and files that nobody refers to.

use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;

use super::{Finding, Kind, Repair, Verifying};
use crate::blob::Whole;
use crate::error::Error;
use crate::id::{BlobDigest, MailboxId};
use crate::meta::Reference;

/// Contents that are asked for at once.
const PAGE: u32 = 500;

impl Verifying<'_> {
    /// Rows of contents against the items that refer to them.
    pub(super) async fn rows(&mut self, only: Option<MailboxId>) -> Result<(), Error> {
        let inner = self.store.inner.clone();
        for wrong in inner.meta.wrong_references(only).await? {
            let repair = match self.asked.repair {
                true => Self::repaired(self.count_references(&wrong).await),
                false => Repair::None,
            };
            self.found(Finding {
                file: Some(inner.blobs.path(wrong.digest)),
                detail: format!(
                    "it is said to be referred to {} times, {} items do",
                    wrong.said, wrong.counted
                ),
                repair,
                ..Finding::of(Kind::References)
            });
        }
        for unknown in inner.meta.unknown_contents(only).await? {
            let repair = match self.asked.repair {
                true => Self::repaired(self.know_content(unknown.digest).await),
                false => Repair::None,
            };
            self.about(Kind::ContentUnknown, &unknown, "its row is missing", repair);
        }
        Ok(())
    }

    /// Reads every file that is referred to.
    pub(super) async fn files(&mut self, only: Option<MailboxId>) -> Result<(), Error> {
        let inner = self.store.inner.clone();
        let all = inner.meta.count_contents(only).await?;
        self.progress.all_contents.store(all, Ordering::Relaxed);
        let mut after = None;
        loop {
            let page = inner.meta.contents_after(after, PAGE, only).await?;
            let Some((last, _)) = page.last() else {
                return Ok(());
            };
            after = Some(*last);
            for (digest, size) in page {
                let problem = self.file(digest, size).await?;
                self.progress.contents.fetch_add(1, Ordering::Relaxed);
                self.report.contents += 1;
                self.report.bytes += size;
                self.progress.bytes.fetch_add(size, Ordering::Relaxed);
                if let Some((kind, detail)) = problem {
                    self.damaged(digest, kind, &detail).await?;
                }
                self.pace(size).await;
            }
        }
    }

    /// What is wrong with a file.
    async fn file(&self, digest: BlobDigest, size: u64) -> Result<Option<(Kind, String)>, Error> {
        let inner = &self.store.inner;
        let problem = match inner.blobs.examine(digest).await {
            Ok(Whole::Yes(found)) if found == size => return Ok(None),
            Ok(Whole::Yes(found)) => {
                let detail = format!("it has {found} bytes, SQL says {size}");
                (Kind::BlobDamaged, detail)
            }
            Ok(Whole::No(found)) => {
                let detail = format!("its {found} bytes are not those that were stored");
                (Kind::BlobDamaged, detail)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                (Kind::BlobMissing, "the file is missing".to_owned())
            }
            Err(error) => (Kind::BlobDamaged, format!("it cannot be read: {error}")),
        };
        // What was removed by its owner meanwhile may go, and does.
        let still = inner.meta.is_referred_to(digest).await?;
        Ok(still.then_some(problem))
    }

    async fn damaged(&mut self, digest: BlobDigest, kind: Kind, detail: &str) -> Result<(), Error> {
        let repair = match self.asked.repair {
            true => self.restore(digest).await,
            false => Repair::None,
        };
        let references = self.store.inner.meta.referring(digest).await?;
        for reference in &references {
            self.about(kind, reference, detail, repair.clone());
        }
        if references.is_empty() {
            self.found(Finding {
                file: Some(self.store.inner.blobs.path(digest)),
                detail: detail.to_owned(),
                repair,
                ..Finding::of(kind)
            });
        }
        Ok(())
    }

    fn about(&mut self, kind: Kind, reference: &Reference, detail: &str, repair: Repair) {
        let file = self.store.inner.blobs.path(reference.digest);
        self.found(Finding {
            account: reference.account,
            folder: reference.folder.clone(),
            uid: Some(reference.uid),
            file: Some(file),
            detail: detail.to_owned(),
            repair,
            ..Finding::of(kind)
        });
    }

    /// Files without a row.
    pub(super) async fn orphans(&mut self) -> Result<(), Error> {
        let inner = self.store.inner.clone();
        for folder in inner.blobs.folders().await.map_err(unlisted)? {
            let names = inner.blobs.names(&folder).await.map_err(unlisted)?;
            for path in names {
                if let Some((digest, what)) = self.orphan(&path).await? {
                    let repair = match self.asked.repair {
                        true => self.set_aside(digest, &path).await?,
                        false => Repair::None,
                    };
                    self.found(Finding {
                        file: Some(path),
                        detail: what.to_owned(),
                        repair,
                        ..Finding::of(Kind::Orphan)
                    });
                }
            }
            self.pace(0).await;
        }
        Ok(())
    }

    /// Whether nobody refers to a file: first whether it is on its way, then whether it has arrived,
    /// so that what arrives between is not taken for lost.
    async fn orphan(
        &self,
        path: &Path,
    ) -> Result<Option<(Option<BlobDigest>, &'static str)>, Error> {
        let inner = &self.store.inner;
        let name = path.file_name().and_then(|name| name.to_str());
        let Some(name) = name else {
            return Ok(Some((None, "a file whose name is none of ours")));
        };
        let stem = name.split('.').next().unwrap_or(name);
        let Some(digest) = BlobDigest::from_hex(stem) else {
            return Ok(Some((None, "a file whose name is none of ours")));
        };
        if inner.overlay.holds(digest) {
            return Ok(None);
        }
        if name != stem {
            return Ok(Some((None, "a file that was never finished")));
        }
        match inner.meta.knows(digest).await? {
            true => Ok(None),
            false => Ok(Some((Some(digest), "no message has this content"))),
        }
    }

    async fn set_aside(&self, digest: Option<BlobDigest>, path: &Path) -> Result<Repair, Error> {
        let inner = &self.store.inner;
        let moved = match digest {
            None => Some(inner.blobs.set_aside(path)),
            Some(digest) => inner
                .overlay
                .unless_pinned(digest, || inner.blobs.set_aside(path)),
        };
        let moved = match moved {
            // Somebody has just stored the same again.
            None => return Ok(Repair::Done("it is in use again".to_owned())),
            Some(Err(error)) => {
                return Ok(Repair::NotPossible(format!("it cannot be moved: {error}")));
            }
            Some(Ok(moved)) => moved,
        };
        if let Some(digest) = digest
            && inner.meta.knows(digest).await?
        {
            inner
                .blobs
                .bring_back(&moved, path)
                .map_err(|error| Error::unavailable("a file cannot be moved back", error))?;
            return Ok(Repair::Done("it is in use again".to_owned()));
        }
        Ok(Repair::Done(format!("moved to {}", moved.display())))
    }
}

fn unlisted(error: io::Error) -> Error {
    Error::unavailable("the blob directories cannot be listed", error)
}

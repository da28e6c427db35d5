//! Whether a store is what it says: checked while it serves.
//!
//! | what | how | repaired by |
//! |---|---|---|
//! | the database | SQLite's own check | nothing: it names what to restore |
//! | a folder's figures, a mailbox's numbers | recounted in one transaction | a change of the mailbox, as any other |
//! | an item that memory has and SQL has not | compared | its row, written by such a change |
//! | how often contents are referred to, contents without a row | counted in one transaction | the applier |
//! | blob files | each is read, its digest compared | the journal's copy, if it has one still |
//! | files that nobody refers to | the directories against the rows | a move to `lost+found/` |
//! | items whose folder is gone | in SQL | nothing: reported, kept |
//! | the journal | checksums, sequence, chain of digests | nothing: the next checkpoint gives it up |
//!
//! Nothing is ever deleted: what looks wrong and holds a message's octets is moved to
//! `lost+found/`.

mod contents;
mod figures;
mod repair;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::id::AccountId;
use crate::store::{MailboxInfo, Store};

/// Findings that a report names; more are only counted.
const FINDINGS: usize = 10_000;

/// What is to be verified.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Only this account's mailbox and what it refers to.
    pub account: Option<AccountId>,
    /// Whether what can be repaired is.
    pub repair: bool,
    /// How many bytes of messages are read a second, at most.
    pub rate: Option<u64>,
}

/// How far it is, for whoever watches.
#[derive(Debug, Default)]
pub struct Progress {
    mailboxes: AtomicU64,
    all_mailboxes: AtomicU64,
    contents: AtomicU64,
    all_contents: AtomicU64,
    bytes: AtomicU64,
    findings: AtomicU64,
}

/// How far it was at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Seen {
    /// Mailboxes whose figures were recounted.
    pub mailboxes: u64,
    /// And how many there are.
    pub all_mailboxes: u64,
    /// Contents that were read.
    pub contents: u64,
    /// And how many there are.
    pub all_contents: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// What was found so far.
    pub findings: u64,
}

/// What was checked, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Report {
    /// Mailboxes.
    pub mailboxes: u64,
    /// Folders of them.
    pub folders: u64,
    /// Items in these.
    pub items: u64,
    /// Contents whose files were read.
    pub contents: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// Segments of the journal.
    pub segments: u64,
    /// What is wrong, the first ten thousand.
    pub findings: Vec<Finding>,
    /// How many more there are.
    pub more: u64,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What kind of wrong.
    pub kind: Kind,
    /// Whose mailbox, where it is about one.
    pub account: Option<AccountId>,
    /// Which folder of it.
    pub folder: Option<String>,
    /// Which message in there.
    pub uid: Option<u32>,
    /// Which file.
    pub file: Option<PathBuf>,
    /// What was expected and what is there.
    pub detail: String,
    /// What was done about it.
    pub repair: Repair,
}

/// What kind of wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A message has no file.
    BlobMissing,
    /// A message's file holds something else.
    BlobDamaged,
    /// An item refers to a content that SQL does not know.
    ContentUnknown,
    /// A content is referred to more or less often than SQL says.
    References,
    /// Nobody refers to a file.
    Orphan,
    /// A folder or mailbox does not hold what its figures say.
    Figures,
    /// A number is behind one that was given.
    Numbers,
    /// An item is in a folder that is not there.
    Stray,
    /// SQL lacks an item that sessions see.
    RowMissing,
    /// Part of the journal cannot be read, or was exchanged.
    Journal,
    /// SQLite says that its file is damaged.
    Database,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state", content = "text")]
pub enum Repair {
    /// Nothing was asked for.
    None,
    /// It is well again.
    Done(String),
    /// It cannot be done; what a person can do.
    NotPossible(String),
}

impl Progress {
    /// How far it is.
    #[must_use]
    pub fn seen(&self) -> Seen {
        let get = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
        Seen {
            mailboxes: get(&self.mailboxes),
            all_mailboxes: get(&self.all_mailboxes),
            contents: get(&self.contents),
            all_contents: get(&self.all_contents),
            bytes: get(&self.bytes),
            findings: get(&self.findings),
        }
    }
}

/// A run.
struct Verifying<'a> {
    store: &'a Store,
    asked: &'a Asked,
    /// What the caller derives from a content, for one whose row is lost.
    derive: &'a (dyn Fn(&[u8]) -> Bytes + Sync),
    progress: &'a Progress,
    report: Report,
}

impl Store {
    /// Checks the store while it serves, and repairs it if that is asked. `derive` makes of a
    /// content what [`crate::NewBlob::structure`] was.
    ///
    /// # Errors
    /// If it cannot be checked: the metadata cannot be read, or what a start has found is still being
    /// written. What is wrong with the store is in the report.
    pub async fn verify(
        &self,
        asked: &Asked,
        derive: &(dyn Fn(&[u8]) -> Bytes + Sync),
        progress: &Progress,
    ) -> Result<Report, Error> {
        let durable = self.inner.journal().durable();
        self.inner.queue.applied(durable).await?;
        let mut verifying = Verifying {
            store: self,
            asked,
            derive,
            progress,
            report: Report::default(),
        };
        let mailboxes = verifying.mailboxes().await?;
        if asked.account.is_none() {
            verifying.database().await?;
            verifying.journal().await?;
        }
        verifying.figures(&mailboxes).await?;
        let only = match asked.account {
            Some(_) => mailboxes.first().map(|info| info.id),
            None => None,
        };
        verifying.rows(only).await?;
        verifying.files(only).await?;
        if asked.account.is_none() {
            verifying.orphans().await?;
        }
        Ok(verifying.report)
    }
}

impl Verifying<'_> {
    async fn mailboxes(&self) -> Result<Vec<MailboxInfo>, Error> {
        let mut all = self.store.inner.meta.mailboxes().await?;
        if let Some(account) = self.asked.account {
            all.retain(|info| info.account == account);
            if all.is_empty() {
                return Err(Error::NoSuchMailbox);
            }
        }
        let count = all.len() as u64;
        self.progress.all_mailboxes.store(count, Ordering::Relaxed);
        Ok(all)
    }

    async fn database(&mut self) -> Result<(), Error> {
        for said in self.store.inner.meta.integrity().await? {
            let repair = self.not_possible(
                "stop the store, move its folder meta/ away, restore it from a backup that is no \
                 older than the journal, and start it",
            );
            self.found(Finding {
                detail: said,
                repair,
                ..Finding::of(Kind::Database)
            });
        }
        Ok(())
    }

    async fn journal(&mut self) -> Result<(), Error> {
        let inner = self.store.inner.clone();
        let inspected = tokio::task::spawn_blocking(move || inner.journal().inspect()).await;
        let inspected = inspected
            .map_err(|error| Error::unavailable("the journal cannot be read", error))??;
        self.report.segments = inspected.segments;
        let known = self.store.inner.meta.mailboxes().await?;
        for damage in inspected.damage {
            let whose = damage.stream;
            let whose = known.iter().find(|info| Some(info.id.get()) == whose);
            let repair = self.not_possible(
                "what it held is in SQL and files already; the next checkpoint gives the segment up",
            );
            self.found(Finding {
                account: whose.map(|info| info.account),
                file: Some(damage.path.clone()),
                detail: damage.to_string(),
                repair,
                ..Finding::of(Kind::Journal)
            });
        }
        Ok(())
    }

    fn found(&mut self, finding: Finding) {
        tracing::warn!(
            kind = ?finding.kind,
            account = ?finding.account,
            folder = finding.folder,
            uid = finding.uid,
            file = ?finding.file,
            repair = ?finding.repair,
            "verify: {}", finding.detail
        );
        self.progress.findings.fetch_add(1, Ordering::Relaxed);
        if self.report.findings.len() < FINDINGS {
            self.report.findings.push(finding);
        } else {
            self.report.more += 1;
        }
    }

    /// What to say about something that no repair heals.
    fn not_possible(&self, advice: &str) -> Repair {
        match self.asked.repair {
            true => Repair::NotPossible(advice.to_owned()),
            false => Repair::None,
        }
    }

    /// What came of a repair.
    fn repaired(done: Result<String, Error>) -> Repair {
        match done {
            Ok(text) => Repair::Done(text),
            Err(error) => Repair::NotPossible(format!("{error}; run it again")),
        }
    }

    /// Waits as long as reading `bytes` may take.
    async fn pace(&self, bytes: u64) {
        let Some(rate) = self.asked.rate.filter(|rate| *rate > 0) else {
            tokio::task::yield_now().await;
            return;
        };
        tokio::time::sleep(Duration::from_secs_f64(bytes as f64 / rate as f64)).await;
    }
}

impl Finding {
    fn of(kind: Kind) -> Self {
        Self {
            kind,
            account: None,
            folder: None,
            uid: None,
            file: None,
            detail: String::new(),
            repair: Repair::None,
        }
    }
}

//! What verifying asks of SQL. Each answer is of one moment, so that what is changed meanwhile is
//! not taken for wrong.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, Row};

use super::row::{self, digest_at, u32_at, u64_at};
use super::{Meta, read};
use crate::error::Error;
use crate::folder::{Counts, Folder};
use crate::id::{AccountId, BlobDigest, FolderId, MailboxId, ModSeq, Uid};

/// A mailbox as SQL says it is, and as its items are.
#[derive(Debug)]
pub(crate) struct MailboxFigures {
    pub(crate) used: u64,
    pub(crate) modseq: ModSeq,
    pub(crate) next_item: u32,
    pub(crate) folders: Vec<Folder>,
    pub(crate) counted: BTreeMap<FolderId, FolderFigures>,
}

/// A folder's items, counted.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct FolderFigures {
    pub(crate) counts: Counts,
    pub(crate) last_uid: Uid,
    pub(crate) last_item: u32,
    pub(crate) modseq: ModSeq,
}

/// A content whose count of references is wrong.
#[derive(Debug)]
pub(crate) struct WrongReferences {
    pub(crate) digest: BlobDigest,
    pub(crate) said: i64,
    pub(crate) counted: i64,
}

/// An item that refers to a content.
#[derive(Debug)]
pub(crate) struct Reference {
    pub(crate) digest: BlobDigest,
    pub(crate) account: Option<AccountId>,
    pub(crate) folder: Option<String>,
    pub(crate) uid: u32,
}

/// Problems that SQLite's check names at most.
const PROBLEMS: u32 = 20;
/// Items that are named as referring to one content.
const NAMED: i64 = 20;

impl MailboxFigures {
    /// An item number that was given although the next is not above it.
    pub(crate) fn numbers_behind(&self) -> Option<(u32, u32)> {
        let last = self.counted.values().map(|folder| folder.last_item).max();
        last.filter(|last| *last >= self.next_item)
            .map(|last| (last, self.next_item))
    }
}

impl Meta {
    /// What SQLite says about its own file; nothing where all is well.
    pub(crate) async fn integrity(&self) -> Result<Vec<String>, Error> {
        let sql = format!("PRAGMA integrity_check({PROBLEMS})");
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&self.pool).await;
        let rows = match rows {
            Ok(rows) => rows,
            // So damaged that it cannot be checked.
            Err(sqlx::Error::Database(error)) => return Ok(vec![error.to_string()]),
            Err(error) => return Err(error.into()),
        };
        let mut said = Vec::new();
        for row in &rows {
            let text: String = row.try_get(0)?;
            if text != "ok" {
                said.push(text);
            }
        }
        Ok(said)
    }

    /// A mailbox's figures and its items'; `None` where it is gone.
    pub(crate) async fn figures(&self, id: MailboxId) -> Result<Option<MailboxFigures>, Error> {
        let mut transaction = self.pool.begin().await?;
        let Some(state) = read::mailbox_by_id(&mut transaction, id).await? else {
            return Ok(None);
        };
        let rows = sqlx::query(
            "SELECT folder, COUNT(*), COALESCE(SUM(1 - (flags & 1)), 0), \
             COALESCE(SUM((flags / 8) & 1), 0), COALESCE(SUM(size), 0), MAX(uid), MAX(id), \
             MAX(modseq) FROM item WHERE mailbox = ? GROUP BY folder",
        )
        .bind(id.get().cast_signed())
        .fetch_all(&mut *transaction)
        .await?;
        let counted = |row: &_| {
            let figures = FolderFigures {
                counts: Counts {
                    total: u32_at(row, 1)?,
                    unread: u32_at(row, 2)?,
                    deleted: u32_at(row, 3)?,
                    size: u64_at(row, 4)?,
                },
                last_uid: Uid::new(u32_at(row, 5)?),
                last_item: u32_at(row, 6)?,
                modseq: ModSeq::new(u64_at(row, 7)?),
            };
            Ok::<_, sqlx::Error>((FolderId::new(u32_at(row, 0)?), figures))
        };
        Ok(Some(MailboxFigures {
            used: state.used,
            modseq: state.modseq,
            next_item: state.next_item,
            folders: state
                .folders
                .iter()
                .map(|folder| folder.info.clone())
                .collect(),
            counted: rows.iter().map(counted).collect::<Result<_, _>>()?,
        }))
    }

    /// The highest item number and mod-sequence that a mailbox has given.
    pub(crate) async fn highest(&self, id: MailboxId) -> Result<(u32, u64), Error> {
        let figures = self.figures(id).await?.ok_or(Error::NoSuchMailbox)?;
        let counted = figures.counted.values();
        let item = counted.clone().map(|folder| folder.last_item).max();
        let modseq = counted.map(|folder| folder.modseq.get()).max();
        Ok((
            item.unwrap_or(0).max(figures.next_item.saturating_sub(1)),
            modseq.unwrap_or(0).max(figures.modseq.get()),
        ))
    }

    /// Contents that are not referred to as often as SQL says; of one mailbox, those that it has.
    pub(crate) async fn wrong_references(
        &self,
        only: Option<MailboxId>,
    ) -> Result<Vec<WrongReferences>, Error> {
        let rows = sqlx::query(
            "SELECT content.digest, content.refs, COALESCE(counted.number, 0) FROM content \
             LEFT JOIN (SELECT digest, COUNT(*) AS number FROM item GROUP BY digest) AS counted \
             ON counted.digest = content.digest \
             WHERE content.refs <> COALESCE(counted.number, 0) AND (? = 0 OR content.digest IN \
             (SELECT digest FROM item WHERE mailbox = ?))",
        )
        .bind(i64::from(only.is_some()))
        .bind(only.map_or(0, |only| only.get().cast_signed()))
        .fetch_all(&self.pool)
        .await?;
        let wrong = |row: &_| {
            Ok::<_, sqlx::Error>(WrongReferences {
                digest: digest_at(row, 0)?,
                said: u64_at(row, 1)?.cast_signed(),
                counted: u64_at(row, 2)?.cast_signed(),
            })
        };
        Ok(rows.iter().map(wrong).collect::<Result<_, _>>()?)
    }

    /// Items whose content has no row.
    pub(crate) async fn unknown_contents(
        &self,
        only: Option<MailboxId>,
    ) -> Result<Vec<Reference>, Error> {
        self.references_where(
            "NOT EXISTS (SELECT 1 FROM content WHERE content.digest = item.digest) AND \
             item.digest <> ? AND (? = 0 OR item.mailbox = ?)",
            (BlobDigest::NONE, only),
        )
        .await
    }

    /// Some of the items that refer to a content.
    pub(crate) async fn referring(&self, digest: BlobDigest) -> Result<Vec<Reference>, Error> {
        self.references_where(
            "item.digest = ? AND (? = 0 OR item.mailbox = ?)",
            (digest, None),
        )
        .await
    }

    async fn references_where(
        &self,
        condition: &'static str,
        (digest, only): (BlobDigest, Option<MailboxId>),
    ) -> Result<Vec<Reference>, Error> {
        let sql = format!(
            "SELECT item.digest, mailbox.account, folder.name, item.uid FROM item \
             LEFT JOIN mailbox ON mailbox.id = item.mailbox \
             LEFT JOIN folder ON folder.mailbox = item.mailbox AND folder.id = item.folder \
             WHERE {condition} LIMIT ?"
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(digest.bytes().as_slice())
            .bind(i64::from(only.is_some()))
            .bind(only.map_or(0, |only| only.get().cast_signed()))
            .bind(NAMED)
            .fetch_all(&self.pool)
            .await?;
        let reference = |row: &sqlx::sqlite::SqliteRow| {
            let account: Option<&[u8]> = row.try_get(1)?;
            let account = account.map(uuid::Uuid::from_slice).transpose();
            let account = account.map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
            Ok::<_, sqlx::Error>(Reference {
                digest: digest_at(row, 0)?,
                account: account.map(AccountId::from),
                folder: row.try_get(2)?,
                uid: u32_at(row, 3)?,
            })
        };
        Ok(rows.iter().map(reference).collect::<Result<_, _>>()?)
    }

    /// How many contents are referred to.
    pub(crate) async fn count_contents(&self, only: Option<MailboxId>) -> Result<u64, Error> {
        let row = sqlx::query(
            "SELECT COUNT(*) FROM content WHERE refs > 0 AND (? = 0 OR digest IN \
             (SELECT digest FROM item WHERE mailbox = ?))",
        )
        .bind(i64::from(only.is_some()))
        .bind(only.map_or(0, |only| only.get().cast_signed()))
        .fetch_one(&self.pool)
        .await?;
        Ok(u64_at(&row, 0)?)
    }

    /// Contents that are referred to, with their sizes, in the order of their digests.
    pub(crate) async fn contents_after(
        &self,
        after: Option<BlobDigest>,
        most: u32,
        only: Option<MailboxId>,
    ) -> Result<Vec<(BlobDigest, u64)>, Error> {
        let after = after.map_or(Vec::new(), |digest| digest.bytes().to_vec());
        let rows = sqlx::query(
            "SELECT digest, size FROM content WHERE refs > 0 AND digest > ? AND (? = 0 OR digest \
             IN (SELECT digest FROM item WHERE mailbox = ?)) ORDER BY digest LIMIT ?",
        )
        .bind(after)
        .bind(i64::from(only.is_some()))
        .bind(only.map_or(0, |only| only.get().cast_signed()))
        .bind(i64::from(most))
        .fetch_all(&self.pool)
        .await?;
        let pair = |row: &_| Ok::<_, sqlx::Error>((digest_at(row, 0)?, u64_at(row, 1)?));
        Ok(rows.iter().map(pair).collect::<Result<_, _>>()?)
    }

    /// Whether any item refers to a content, as far as its row says.
    pub(crate) async fn is_referred_to(&self, digest: BlobDigest) -> Result<bool, Error> {
        Ok(self
            .references_of(digest)
            .await?
            .is_some_and(|refs| refs > 0))
    }

    /// Whether a content has a row.
    pub(crate) async fn knows(&self, digest: BlobDigest) -> Result<bool, Error> {
        if self.references_of(digest).await?.is_some() {
            return Ok(true);
        }
        // A content whose row is lost is not one that nobody refers to.
        Ok(!self.referring(digest).await?.is_empty())
    }

    async fn references_of(&self, digest: BlobDigest) -> Result<Option<i64>, Error> {
        let row = sqlx::query("SELECT refs FROM content WHERE digest = ?")
            .bind(digest.bytes().as_slice())
            .fetch_optional(&self.pool)
            .await?;
        let refs = |row: &_| row::u64_at(row, 0).map(u64::cast_signed);
        Ok(row.as_ref().map(refs).transpose()?)
    }
}

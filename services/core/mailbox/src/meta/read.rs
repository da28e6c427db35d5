//! What is read from the metadata.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use compact_str::CompactString;
use futures_util::TryStreamExt;
use roost_journal::Sequence;
use sqlx::{AssertSqlSafe, Row};

use super::Meta;
use super::row::{self, bytes_at, digest_at, u32_at, u64_at};
use super::sqlite::Connected;
use crate::entries::Entries;
use crate::error::Error;
use crate::id::{AccountId, BlobDigest, FolderId, ItemId, MailboxId, ModSeq, Uid};
use crate::item::{Entry, Located, Metadata, Tombstone};
use crate::keyword::Keywords;
use crate::state::{FolderState, Life, State};
use crate::store::MailboxInfo;

const APPLIED: &str = "SELECT applied, next_mailbox FROM store WHERE id = 1";
const MAILBOX: &str =
    "SELECT id, account, modseq, next_item, next_uid_validity, used FROM mailbox WHERE ";

/// Something, and the newest record that it takes into account.
#[derive(Debug)]
pub(crate) struct Loaded<T> {
    pub(crate) applied: Sequence,
    pub(crate) what: T,
}

impl Meta {
    /// An account's mailbox, without items.
    pub(crate) async fn mailbox(&self, account: AccountId) -> Result<Option<Loaded<State>>, Error> {
        let mut transaction = self.pool.begin().await?;
        let (applied, _) = applied(&mut transaction).await?;
        let row = sqlx::query(AssertSqlSafe(format!("{MAILBOX} account = ?")))
            .bind(account.uuid().as_bytes().as_slice())
            .fetch_optional(&mut *transaction)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let what = mailbox(&mut transaction, &row).await?;
        Ok(Some(Loaded { applied, what }))
    }

    /// The items of a folder.
    pub(crate) async fn entries(
        &self,
        mailbox: MailboxId,
        folder: FolderId,
    ) -> Result<Loaded<Entries>, Error> {
        let mut transaction = self.pool.begin().await?;
        let (applied, _) = applied(&mut transaction).await?;
        // One row at a time: sqlx's rows are ten times the size of entries.
        let entries: Vec<Entry> = sqlx::query(
            "SELECT uid, id, kind, flags, keywords, modseq, date, size, digest FROM item \
             WHERE mailbox = ? AND folder = ? ORDER BY uid",
        )
        .bind(mailbox.get().cast_signed())
        .bind(i64::from(folder.get()))
        .try_map(|row| row::entry(&row))
        .fetch(&mut *transaction)
        .try_collect()
        .await?;
        Ok(Loaded {
            applied,
            what: Entries::from_sorted(entries),
        })
    }

    /// All mailboxes.
    pub(crate) async fn mailboxes(&self) -> Result<Vec<MailboxInfo>, Error> {
        let rows = sqlx::query("SELECT id, account, used FROM mailbox ORDER BY id")
            .fetch_all(&self.pool)
            .await?;
        let info = |row: &_| {
            Ok::<_, sqlx::Error>(MailboxInfo {
                id: MailboxId::new(u64_at(row, 0)?),
                account: account_at(row, 1)?,
                used: u64_at(row, 2)?,
            })
        };
        Ok(rows.iter().map(info).collect::<Result<_, _>>()?)
    }

    /// What was derived from contents.
    pub(crate) async fn structures(
        &self,
        digests: &[BlobDigest],
    ) -> Result<HashMap<BlobDigest, Bytes>, Error> {
        let mut found = HashMap::with_capacity(digests.len());
        for some in digests.chunks(row::LIST) {
            let sql = format!(
                "SELECT digest, structure FROM content WHERE digest IN ({})",
                row::placeholders(row::list_size(some.len()))
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for digest in padded(some) {
                query = query.bind(digest.bytes().as_slice());
            }
            for row in query.fetch_all(&self.pool).await? {
                found.insert(digest_at(&row, 0)?, bytes_at(&row, 1)?);
            }
        }
        Ok(found)
    }

    /// The metadata of items.
    pub(crate) async fn metadata(
        &self,
        mailbox: MailboxId,
        items: &[ItemId],
    ) -> Result<HashMap<ItemId, Metadata>, Error> {
        let mut found = HashMap::with_capacity(items.len());
        for some in items.chunks(row::LIST) {
            let sql = format!(
                "SELECT item, version, content FROM metadata WHERE mailbox = ? AND item IN ({})",
                row::placeholders(row::list_size(some.len()))
            );
            let mut query = sqlx::query(AssertSqlSafe(sql)).bind(mailbox.get().cast_signed());
            for item in padded(some) {
                query = query.bind(i64::from(item.get()));
            }
            for row in query.fetch_all(&self.pool).await? {
                let version: i64 = row.try_get(1)?;
                let metadata = Metadata {
                    version: u16::try_from(version).unwrap_or(u16::MAX),
                    bytes: bytes_at(&row, 2)?,
                };
                found.insert(ItemId::new(u32_at(&row, 0)?), metadata);
            }
        }
        Ok(found)
    }

    /// Where an item is.
    pub(crate) async fn locate(
        &self,
        mailbox: MailboxId,
        item: ItemId,
    ) -> Result<Option<Located>, Error> {
        let row = sqlx::query("SELECT folder, uid FROM item WHERE mailbox = ? AND id = ?")
            .bind(mailbox.get().cast_signed())
            .bind(i64::from(item.get()))
            .fetch_optional(&self.pool)
            .await?;
        let located = |row: &_| {
            Ok::<_, sqlx::Error>(Located {
                folder: FolderId::new(u32_at(row, 0)?),
                uid: Uid::new(u32_at(row, 1)?),
            })
        };
        Ok(row.as_ref().map(located).transpose()?)
    }

    /// What went away after `since`.
    pub(crate) async fn tombstones(
        &self,
        mailbox: MailboxId,
        folder: Option<FolderId>,
        since: ModSeq,
    ) -> Result<Vec<Tombstone>, Error> {
        let any = i64::from(folder.is_none());
        let rows = sqlx::query(
            "SELECT folder, uid, item, modseq, removed FROM tombstone \
             WHERE mailbox = ? AND modseq > ? AND (folder = ? OR ? = 1) ORDER BY modseq, folder, uid",
        )
        .bind(mailbox.get().cast_signed())
        .bind(since.get().min(i64::MAX as u64).cast_signed())
        .bind(folder.map_or(0, |folder| i64::from(folder.get())))
        .bind(any)
        .fetch_all(&self.pool)
        .await?;
        let tombstone = |row: &_| {
            Ok::<_, sqlx::Error>(Tombstone {
                folder: FolderId::new(u32_at(row, 0)?),
                uid: Uid::new(u32_at(row, 1)?),
                item: ItemId::new(u32_at(row, 2)?),
                modseq: ModSeq::new(u64_at(row, 3)?),
                removed: u32_at(row, 4)? != 0,
            })
        };
        Ok(rows.iter().map(tombstone).collect::<Result<_, _>>()?)
    }
}

/// The newest record applied, and the number of the next mailbox.
pub(super) async fn applied(connection: &mut Connected) -> Result<(Sequence, u64), Error> {
    let row = sqlx::query(APPLIED).fetch_optional(connection).await?;
    let row = row.ok_or_else(row::missing)?;
    Ok((Sequence::new(u64_at(&row, 0)?), u64_at(&row, 1)?))
}

/// A mailbox by its number.
pub(super) async fn mailbox_by_id(
    connection: &mut Connected,
    id: MailboxId,
) -> Result<Option<State>, Error> {
    let row = sqlx::query(AssertSqlSafe(format!("{MAILBOX} id = ?")))
        .bind(id.get().cast_signed())
        .fetch_optional(&mut *connection)
        .await?;
    match row {
        Some(row) => Ok(Some(mailbox(connection, &row).await?)),
        None => Ok(None),
    }
}

async fn mailbox(
    connection: &mut Connected,
    row: &sqlx::sqlite::SqliteRow,
) -> Result<State, Error> {
    let id: i64 = row.try_get(0)?;
    let folders = sqlx::query(
        "SELECT id, parent, name, kind, view, special_use, subscribed, color, attributes, \
         uid_validity, uid_next, modseq, items_modseq, total, unread, deleted, size FROM folder \
         WHERE mailbox = ? ORDER BY id",
    )
    .bind(id)
    .fetch_all(&mut *connection)
    .await?;
    let folders = folders
        .iter()
        .map(|row| {
            let info = row::folder(row)?;
            // What is empty needs no reading.
            let entries = (info.counts.total == 0).then(Entries::default);
            Ok(Arc::new(FolderState { info, entries }))
        })
        .collect::<Result<_, sqlx::Error>>()?;
    let keywords =
        sqlx::query("SELECT id, name, tag, color FROM keyword WHERE mailbox = ? ORDER BY id")
            .bind(id)
            .fetch_all(&mut *connection)
            .await?;
    let subscriptions = sqlx::query("SELECT name FROM subscription WHERE mailbox = ?")
        .bind(id)
        .fetch_all(connection)
        .await?;
    let subscriptions = subscriptions
        .iter()
        .map(|row| row.try_get::<&str, _>(0).map(CompactString::from))
        .collect::<Result<_, _>>()?;
    let keywords = keywords
        .iter()
        .map(row::keyword)
        .collect::<Result<_, _>>()?;
    Ok(State {
        id: MailboxId::new(id.cast_unsigned()),
        account: account_at(row, 1)?,
        modseq: ModSeq::new(u64_at(row, 2)?),
        next_item: u32_at(row, 3)?,
        next_uid_validity: u32_at(row, 4)?,
        used: u64_at(row, 5)?,
        life: Life::Alive,
        folders,
        keywords: Arc::new(Keywords::from_rows(keywords)),
        subscriptions: Arc::new(subscriptions),
    })
}

fn account_at(row: &sqlx::sqlite::SqliteRow, at: usize) -> Result<AccountId, sqlx::Error> {
    let uuid = uuid::Uuid::from_slice(row.try_get(at)?)
        .map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
    Ok(uuid.into())
}

/// As many values as the statement has places, the last one again and again.
pub(super) fn padded<T: Copy>(values: &[T]) -> impl Iterator<Item = T> {
    let last = values.last().copied();
    values
        .iter()
        .copied()
        .chain(last.into_iter().cycle())
        .take(row::list_size(values.len()))
}

#[cfg(test)]
impl Meta {
    /// How often each content is referred to.
    pub(crate) async fn references(
        &self,
    ) -> Result<std::collections::BTreeMap<BlobDigest, i64>, Error> {
        let rows = sqlx::query("SELECT digest, refs FROM content")
            .fetch_all(&self.pool)
            .await?;
        let pair =
            |row: &_| Ok::<_, sqlx::Error>((digest_at(row, 0)?, u64_at(row, 1)?.cast_signed()));
        Ok(rows.iter().map(pair).collect::<Result<_, _>>()?)
    }
}

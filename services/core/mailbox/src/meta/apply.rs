//! Operations in SQL.

use super::row::keyword_bytes;
use super::rows::{self, Table};
use super::sqlite::Connected;
use crate::id::{FolderId, ItemId, KeywordId, MailboxId, ModSeq, Uid};
use crate::item::Metadata;
use crate::keyword::Keyword;
use crate::op::{Added, Op};

/// Items that are to be put in together. Whatever may concern one of them has to wait for
/// [`Arriving::put`].
#[derive(Default)]
pub(super) struct Arriving<'a>(Vec<Arrival<'a>>);

/// An item and where it belongs.
struct Arrival<'a> {
    mailbox: i64,
    folder: FolderId,
    added: &'a Added,
    modseq: ModSeq,
}

const ITEM: Table = Table {
    head: "REPLACE INTO item \
           (mailbox, folder, uid, id, kind, flags, keywords, modseq, date, size, digest)",
    columns: 11,
};

impl Arriving<'_> {
    /// Puts them into their table.
    pub(super) async fn put(&mut self, connection: &mut Connected) -> Result<(), sqlx::Error> {
        if self.0.is_empty() {
            return Ok(());
        }
        let arrivals = std::mem::take(&mut self.0);
        rows::put(connection, &ITEM, &arrivals, |statement, arrival| {
            let added = arrival.added;
            statement
                .bind(arrival.mailbox)
                .bind(i64::from(arrival.folder.get()))
                .bind(i64::from(added.uid.get()))
                .bind(i64::from(added.item.get()))
                .bind(added.kind as i64)
                .bind(i64::from(added.flags.bits()))
                .bind(keyword_bytes(&added.keywords))
                .bind(arrival.modseq.get().cast_signed())
                .bind(added.date)
                .bind(added.size.cast_signed())
                .bind(added.digest.bytes().as_slice())
        })
        .await?;
        for arrival in &arrivals {
            if let Some(metadata) = &arrival.added.metadata {
                insert_metadata(connection, arrival.mailbox, arrival.added.item, metadata).await?;
            }
        }
        Ok(())
    }
}

/// Applies an operation to the rows of items, metadata, tombstones and keywords; new items may
/// wait in `arriving`. Folders that are made or changed are written at the end of a batch, from its
/// outlines.
pub(super) async fn op<'a>(
    connection: &mut Connected,
    arriving: &mut Arriving<'a>,
    mailbox: MailboxId,
    op: &'a Op,
    (modseq, now): (ModSeq, i64),
) -> Result<(), sqlx::Error> {
    let id = mailbox.get().cast_signed();
    if concerns_items(op) {
        arriving.put(connection).await?;
    }
    match op {
        Op::CreateMailbox { .. } | Op::PutFolder(_) => {}
        Op::DeleteMailbox => delete_mailbox(connection, id, now).await?,
        Op::DeleteFolder(folder) => delete_folder(connection, id, *folder, modseq, now).await?,
        Op::PutKeyword(keyword) => put_keyword(connection, id, keyword).await?,
        Op::KeepSubscription(name) => {
            sqlx::query("REPLACE INTO subscription (mailbox, name) VALUES (?, ?)")
                .bind(id)
                .bind(name.as_str())
                .execute(connection)
                .await?;
        }
        Op::DropSubscription(name) => {
            sqlx::query("DELETE FROM subscription WHERE mailbox = ? AND name = ?")
                .bind(id)
                .bind(name.as_str())
                .execute(connection)
                .await?;
        }
        Op::DeleteKeyword(keyword) => delete_keyword(connection, id, *keyword).await?,
        Op::Add { folder, items } => {
            arriving.0.extend(items.iter().map(|added| Arrival {
                mailbox: id,
                folder: *folder,
                added,
                modseq,
            }));
        }
        Op::Alter { folder, items } => {
            for item in items {
                sqlx::query(
                    "UPDATE item SET flags = ?, keywords = ?, modseq = ? \
                     WHERE mailbox = ? AND folder = ? AND uid = ?",
                )
                .bind(i64::from(item.flags.bits()))
                .bind(keyword_bytes(&item.keywords))
                .bind(modseq.get().cast_signed())
                .bind(id)
                .bind(i64::from(folder.get()))
                .bind(i64::from(item.uid.get()))
                .execute(&mut *connection)
                .await?;
            }
        }
        Op::Correct(correction) => {
            arriving
                .0
                .extend(correction.rows.iter().map(|added| Arrival {
                    mailbox: id,
                    folder: correction.folder,
                    added,
                    modseq,
                }));
        }
        Op::Remove { folder, items } => {
            for gone in items {
                delete_item(connection, id, *folder, gone.uid).await?;
                delete_metadata(connection, id, gone.item).await?;
                bury(connection, id, (*folder, gone.uid, gone.item), modseq, true).await?;
            }
        }
        Op::Move { from, to, items } => {
            for moved in items {
                sqlx::query(
                    "UPDATE item SET folder = ?, uid = ?, modseq = ? \
                     WHERE mailbox = ? AND folder = ? AND uid = ?",
                )
                .bind(i64::from(to.get()))
                .bind(i64::from(moved.to.uid.get()))
                .bind(modseq.get().cast_signed())
                .bind(id)
                .bind(i64::from(from.get()))
                .bind(i64::from(moved.uid.get()))
                .execute(&mut *connection)
                .await?;
                bury(
                    connection,
                    id,
                    (*from, moved.uid, moved.to.item),
                    modseq,
                    false,
                )
                .await?;
            }
        }
        Op::Replace {
            folder,
            gone,
            added,
        } => {
            delete_item(connection, id, *folder, gone.uid).await?;
            delete_metadata(connection, id, gone.item).await?;
            bury(
                connection,
                id,
                (*folder, gone.uid, gone.item),
                modseq,
                false,
            )
            .await?;
            arriving.0.push(Arrival {
                mailbox: id,
                folder: *folder,
                added,
                modseq,
            });
        }
    }
    Ok(())
}

/// Whether an operation reads or changes items that are there.
fn concerns_items(op: &Op) -> bool {
    match op {
        Op::CreateMailbox { .. }
        | Op::PutFolder(_)
        | Op::PutKeyword(_)
        | Op::DeleteKeyword(_)
        | Op::KeepSubscription(_)
        | Op::DropSubscription(_)
        | Op::Add { .. } => false,
        Op::DeleteMailbox
        | Op::DeleteFolder(_)
        | Op::Alter { .. }
        | Op::Remove { .. }
        | Op::Move { .. }
        | Op::Correct(_)
        | Op::Replace { .. } => true,
    }
}

async fn insert_metadata(
    connection: &mut Connected,
    mailbox: i64,
    item: ItemId,
    metadata: &Metadata,
) -> Result<(), sqlx::Error> {
    sqlx::query("REPLACE INTO metadata (mailbox, item, version, content) VALUES (?, ?, ?, ?)")
        .bind(mailbox)
        .bind(i64::from(item.get()))
        .bind(i64::from(metadata.version))
        .bind(metadata.bytes.as_ref())
        .execute(connection)
        .await?;
    Ok(())
}

async fn delete_item(
    connection: &mut Connected,
    mailbox: i64,
    folder: FolderId,
    uid: Uid,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM item WHERE mailbox = ? AND folder = ? AND uid = ?")
        .bind(mailbox)
        .bind(i64::from(folder.get()))
        .bind(i64::from(uid.get()))
        .execute(connection)
        .await?;
    Ok(())
}

async fn delete_metadata(
    connection: &mut Connected,
    mailbox: i64,
    item: ItemId,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM metadata WHERE mailbox = ? AND item = ?")
        .bind(mailbox)
        .bind(i64::from(item.get()))
        .execute(connection)
        .await?;
    Ok(())
}

async fn bury(
    connection: &mut Connected,
    mailbox: i64,
    (folder, uid, item): (FolderId, Uid, ItemId),
    modseq: ModSeq,
    removed: bool,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "REPLACE INTO tombstone (mailbox, folder, uid, item, modseq, removed) \
         VALUES (?, ?, ?, ?, ?, ?)",
    )
    .bind(mailbox)
    .bind(i64::from(folder.get()))
    .bind(i64::from(uid.get()))
    .bind(i64::from(item.get()))
    .bind(modseq.get().cast_signed())
    .bind(i64::from(removed))
    .execute(connection)
    .await?;
    Ok(())
}

async fn put_keyword(
    connection: &mut Connected,
    mailbox: i64,
    keyword: &Keyword,
) -> Result<(), sqlx::Error> {
    sqlx::query("REPLACE INTO keyword (mailbox, id, name, tag, color) VALUES (?, ?, ?, ?, ?)")
        .bind(mailbox)
        .bind(i64::from(keyword.id.get()))
        .bind(keyword.name.as_str())
        .bind(keyword.tag.map_or(0, |tag| i64::from(tag.item.get())))
        .bind(keyword.tag.map_or(0, |tag| i64::from(tag.color)))
        .execute(connection)
        .await?;
    Ok(())
}

async fn delete_keyword(
    connection: &mut Connected,
    mailbox: i64,
    keyword: KeywordId,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM keyword WHERE mailbox = ? AND id = ?")
        .bind(mailbox)
        .bind(i64::from(keyword.get()))
        .execute(connection)
        .await?;
    Ok(())
}

async fn delete_folder(
    connection: &mut Connected,
    mailbox: i64,
    folder: FolderId,
    modseq: ModSeq,
    now: i64,
) -> Result<(), sqlx::Error> {
    let folder = i64::from(folder.get());
    sqlx::query(
        "UPDATE content SET changed = ?, refs = refs - (SELECT COUNT(*) FROM item WHERE \
         item.mailbox = ? AND item.folder = ? AND item.digest = content.digest) \
         WHERE digest IN (SELECT digest FROM item WHERE mailbox = ? AND folder = ?)",
    )
    .bind(now)
    .bind(mailbox)
    .bind(folder)
    .bind(mailbox)
    .bind(folder)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "DELETE FROM metadata WHERE mailbox = ? AND item IN \
         (SELECT id FROM item WHERE mailbox = ? AND folder = ?)",
    )
    .bind(mailbox)
    .bind(mailbox)
    .bind(folder)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "REPLACE INTO tombstone (mailbox, folder, uid, item, modseq, removed) \
         SELECT mailbox, folder, uid, id, ?, 1 FROM item WHERE mailbox = ? AND folder = ?",
    )
    .bind(modseq.get().cast_signed())
    .bind(mailbox)
    .bind(folder)
    .execute(&mut *connection)
    .await?;
    for sql in [
        "DELETE FROM item WHERE mailbox = ? AND folder = ?",
        "DELETE FROM folder WHERE mailbox = ? AND id = ?",
    ] {
        sqlx::query(sql)
            .bind(mailbox)
            .bind(folder)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

async fn delete_mailbox(
    connection: &mut Connected,
    mailbox: i64,
    now: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE content SET changed = ?, refs = refs - (SELECT COUNT(*) FROM item WHERE \
         item.mailbox = ? AND item.digest = content.digest) \
         WHERE digest IN (SELECT digest FROM item WHERE mailbox = ?)",
    )
    .bind(now)
    .bind(mailbox)
    .bind(mailbox)
    .execute(&mut *connection)
    .await?;
    for sql in [
        "DELETE FROM item WHERE mailbox = ?",
        "DELETE FROM metadata WHERE mailbox = ?",
        "DELETE FROM tombstone WHERE mailbox = ?",
        "DELETE FROM keyword WHERE mailbox = ?",
        "DELETE FROM folder WHERE mailbox = ?",
        "DELETE FROM subscription WHERE mailbox = ?",
        "DELETE FROM mailbox WHERE id = ?",
    ] {
        sqlx::query(sql)
            .bind(mailbox)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

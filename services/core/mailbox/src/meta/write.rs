//! What is written to the metadata: batches of records, in order, each in one transaction.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use roost_journal::{Damage, Sequence};
use sqlx::{AssertSqlSafe, Connection};

use super::rows::{self, Table};
use super::sqlite::{self, Connected};
use super::{apply, read, row};
use crate::applier::{ChangeUnit, Work};
use crate::error::Error;
use crate::folder::Folder;
use crate::id::{BlobDigest, FolderId, MailboxId};
use crate::op::{BlobRecord, Op};
use crate::state::{Life, Outline, State};

/// Why a checkpoint was not made.
#[derive(Debug)]
pub(crate) enum Checkpoint {
    /// It may be tried again.
    Later(Error),
    /// What was to be durable may be gone.
    Failed(Error),
}

/// The only connection that writes.
#[derive(Debug)]
pub(crate) struct Writer {
    connection: Connected,
}

impl Writer {
    pub(super) fn new(connection: Connected) -> Self {
        Self { connection }
    }

    /// The newest record applied, and the number of the next mailbox.
    pub(crate) async fn applied(&mut self) -> Result<(Sequence, u64), Error> {
        read::applied(&mut self.connection).await
    }

    /// A mailbox as it is after the newest record applied.
    pub(crate) async fn mailbox(&mut self, id: MailboxId) -> Result<Option<State>, Error> {
        read::mailbox_by_id(&mut self.connection, id).await
    }

    /// Those of these contents that are known, and how often each is referred to.
    pub(crate) async fn known(
        &mut self,
        digests: &[BlobDigest],
    ) -> Result<HashMap<BlobDigest, i64>, Error> {
        Ok(known(&mut self.connection, digests).await?)
    }

    /// Applies a batch; all of it is committed, or nothing.
    pub(crate) async fn apply(
        &mut self,
        work: Work<'_>,
        arrived: &[Arc<BlobRecord>],
        known: &HashMap<BlobDigest, i64>,
        now: i64,
    ) -> Result<(), Error> {
        let mut transaction = self.connection.begin().await?;
        contents(&mut transaction, work, arrived, known, now).await?;
        let mut latest: BTreeMap<MailboxId, Latest<'_>> = BTreeMap::new();
        let mut arriving = apply::Arriving::default();
        for unit in work.changes() {
            let id = unit.outline.id;
            for op in &unit.record.ops {
                let when = (unit.record.modseq, now);
                apply::op(&mut transaction, &mut arriving, id, op, when).await?;
            }
            latest.entry(id).or_default().see(unit);
        }
        arriving.put(&mut transaction).await?;
        put_mailboxes(&mut transaction, &latest).await?;
        let next_mailbox = work.next_mailbox();
        sqlx::query(
            "UPDATE store SET applied = ?, next_mailbox = CASE WHEN next_mailbox < ? THEN ? \
             ELSE next_mailbox END WHERE id = 1",
        )
        .bind(work.through().get().cast_signed())
        .bind(next_mailbox)
        .bind(next_mailbox)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Forgets contents that nobody refers to since `before`; their files may go. `pinned` ones
    /// stay.
    pub(crate) async fn forget(
        &mut self,
        before: i64,
        most: i64,
        pinned: impl Fn(BlobDigest) -> bool,
    ) -> Result<Vec<BlobDigest>, Error> {
        let mut transaction = self.connection.begin().await?;
        let rows =
            sqlx::query("SELECT digest FROM content WHERE refs <= 0 AND changed <= ? LIMIT ?")
                .bind(before)
                .bind(most)
                .fetch_all(&mut *transaction)
                .await?;
        let mut forgotten = Vec::new();
        for row in &rows {
            let digest = row::digest_at(row, 0)?;
            if pinned(digest) {
                continue;
            }
            sqlx::query("DELETE FROM content WHERE digest = ? AND refs <= 0")
                .bind(digest.bytes().as_slice())
                .execute(&mut *transaction)
                .await?;
            forgotten.push(digest);
        }
        transaction.commit().await?;
        Ok(forgotten)
    }

    /// Makes what was committed durable.
    pub(crate) async fn checkpoint(&mut self) -> Result<(), Checkpoint> {
        match sqlite::checkpoint(&mut self.connection).await {
            Ok(()) => Ok(()),
            Err(error) if sqlite::passes(&error) => Err(Checkpoint::Later(error.into())),
            Err(error) => Err(Checkpoint::Failed(error.into())),
        }
    }

    /// Counts the items that refer to a content.
    pub(crate) async fn count_references(
        &mut self,
        digest: BlobDigest,
        now: i64,
    ) -> Result<(), Error> {
        sqlx::query(
            "UPDATE content SET refs = (SELECT COUNT(*) FROM item WHERE item.digest = ?), \
             changed = ? WHERE digest = ?",
        )
        .bind(digest.bytes().as_slice())
        .bind(now)
        .bind(digest.bytes().as_slice())
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }

    /// Writes the row of a content that items refer to.
    pub(crate) async fn know(&mut self, blob: &BlobRecord, now: i64) -> Result<(), Error> {
        sqlx::query(
            "REPLACE INTO content (digest, size, refs, changed, structure) VALUES \
             (?, ?, (SELECT COUNT(*) FROM item WHERE item.digest = ?), ?, ?)",
        )
        .bind(blob.digest.bytes().as_slice())
        .bind(blob.size.cast_signed())
        .bind(blob.digest.bytes().as_slice())
        .bind(now)
        .bind(blob.structure.as_ref())
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }

    /// Counts the items of all mailboxes anew, and skips the numbers that lost records may have
    /// given: clients may know them. What is not known to be untouched is taken for touched.
    pub(crate) async fn mend_after_loss(&mut self, damage: &[Damage]) -> Result<(), Error> {
        // No record gives a number in fewer bytes than this.
        const A_NUMBER: u64 = 16;
        let lost = |damage: &Damage| {
            let records = (damage.last.get() + 1).saturating_sub(damage.first.get());
            match records {
                0 => 0,
                records => records + damage.bytes / A_NUMBER,
            }
        };
        let skipped: u64 = damage.iter().map(lost).sum();
        let skipped = i64::try_from(skipped).unwrap_or(i64::MAX).min(1 << 24);
        let mut transaction = self.connection.begin().await?;
        recount(&mut transaction).await?;
        if skipped > 0 {
            sqlx::query(
                "UPDATE folder SET uid_next = uid_next + ?, modseq = modseq + ?, \
                 items_modseq = items_modseq + ?",
            )
            .bind(skipped)
            .bind(skipped)
            .bind(skipped)
            .execute(&mut *transaction)
            .await?;
            sqlx::query(
                "UPDATE mailbox SET modseq = modseq + ?, next_item = next_item + ?, \
                 next_uid_validity = next_uid_validity + 1",
            )
            .bind(skipped)
            .bind(skipped)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

async fn recount(connection: &mut Connected) -> Result<(), sqlx::Error> {
    let figures = [
        ("total", "COUNT(*)"),
        ("size", "COALESCE(SUM(size), 0)"),
        ("unread", "COALESCE(SUM(1 - (flags & 1)), 0)"),
        ("deleted", "COALESCE(SUM((flags / 8) & 1), 0)"),
    ];
    for (column, figure) in figures {
        let sql = format!(
            "UPDATE folder SET {column} = (SELECT {figure} FROM item \
             WHERE item.mailbox = folder.mailbox AND item.folder = folder.id)"
        );
        sqlx::query(AssertSqlSafe(sql))
            .execute(&mut *connection)
            .await?;
    }
    sqlx::query(
        "UPDATE mailbox SET used = \
         (SELECT COALESCE(SUM(size), 0) FROM folder WHERE folder.mailbox = mailbox.id)",
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn known(
    connection: &mut Connected,
    digests: &[BlobDigest],
) -> Result<HashMap<BlobDigest, i64>, sqlx::Error> {
    let mut found = HashMap::new();
    for some in digests.chunks(row::LIST) {
        let sql = format!(
            "SELECT digest, refs FROM content WHERE digest IN ({})",
            row::placeholders(row::list_size(some.len()))
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for digest in read::padded(some) {
            query = query.bind(digest.bytes().as_slice());
        }
        for row in query.fetch_all(&mut *connection).await? {
            let refs = row::u64_at(&row, 1)?.cast_signed();
            found.insert(row::digest_at(&row, 0)?, refs);
        }
    }
    Ok(found)
}

/// Rows of new contents, and how often contents are referred to. Before the operations: deleting a
/// folder counts down from what is there.
async fn contents(
    connection: &mut Connected,
    work: Work<'_>,
    arrived: &[Arc<BlobRecord>],
    known: &HashMap<BlobDigest, i64>,
    now: i64,
) -> Result<(), sqlx::Error> {
    let arrived: HashMap<BlobDigest, &BlobRecord> = arrived
        .iter()
        .map(|blob| (blob.digest, blob.as_ref()))
        .collect();
    let mut new = Vec::new();
    for (digest, delta) in deltas(work) {
        if known.contains_key(&digest) {
            if delta != 0 {
                sqlx::query("UPDATE content SET refs = refs + ?, changed = ? WHERE digest = ?")
                    .bind(delta)
                    .bind(now)
                    .bind(digest.bytes().as_slice())
                    .execute(&mut *connection)
                    .await?;
            }
        } else if let Some(blob) = arrived.get(&digest) {
            new.push((*blob, delta));
        }
    }
    rows::put(connection, &CONTENT, &new, |statement, (blob, delta)| {
        statement
            .bind(blob.digest.bytes().as_slice())
            .bind(blob.size.cast_signed())
            .bind(*delta)
            .bind(now)
            .bind(blob.structure.as_ref())
    })
    .await
}

const CONTENT: Table = Table {
    head: "INSERT INTO content (digest, size, refs, changed, structure)",
    columns: 5,
};

/// The contents that a batch names, and by how much their references grow.
pub(crate) fn deltas(work: Work<'_>) -> BTreeMap<BlobDigest, i64> {
    let mut deltas: BTreeMap<BlobDigest, i64> = work.pins().map(|pin| (pin.digest(), 0)).collect();
    for op in work.changes().flat_map(|unit| &unit.record.ops) {
        references(op, |digest, delta| {
            *deltas.entry(digest).or_default() += delta
        });
    }
    deltas.remove(&BlobDigest::NONE);
    deltas
}

fn references(op: &Op, mut refer: impl FnMut(BlobDigest, i64)) {
    match op {
        Op::Add { items, .. } => items.iter().for_each(|added| refer(added.digest, 1)),
        Op::Remove { items, .. } => items.iter().for_each(|gone| refer(gone.digest, -1)),
        Op::Replace { gone, added, .. } => {
            refer(added.digest, 1);
            refer(gone.digest, -1);
        }
        Op::CreateMailbox { .. }
        | Op::DeleteMailbox
        | Op::PutFolder(_)
        | Op::DeleteFolder(_)
        | Op::PutKeyword(_)
        | Op::DeleteKeyword(_)
        | Op::KeepSubscription(_)
        | Op::DropSubscription(_)
        | Op::Alter { .. }
        | Op::Correct(_)
        | Op::Move { .. } => {}
    }
}

/// What a batch has made of a mailbox.
#[derive(Default)]
struct Latest<'a> {
    outline: Option<&'a Outline>,
    folders: BTreeMap<FolderId, &'a Folder>,
}

impl<'a> Latest<'a> {
    fn see(&mut self, unit: &'a ChangeUnit) {
        self.outline = Some(&unit.outline);
        for id in unit.record.folders() {
            // What is gone is in the outline no more.
            self.folders.remove(&id);
        }
        let folders = unit.outline.folders.iter();
        self.folders
            .extend(folders.map(|folder| (folder.id, folder)));
    }

    /// The mailbox, if it is there.
    fn alive(&self) -> Option<&'a Outline> {
        self.outline.filter(|outline| outline.life == Life::Alive)
    }
}

const MAILBOX: Table = Table {
    head: "REPLACE INTO mailbox (id, account, modseq, next_item, next_uid_validity, used)",
    columns: 6,
};

const FOLDER: Table = Table {
    head: "REPLACE INTO folder (mailbox, id, parent, name, kind, view, special_use, subscribed, \
           color, attributes, uid_validity, uid_next, modseq, items_modseq, total, unread, \
           deleted, size)",
    columns: 18,
};

/// The rows of mailboxes and folders as they are after a batch.
async fn put_mailboxes(
    connection: &mut Connected,
    latest: &BTreeMap<MailboxId, Latest<'_>>,
) -> Result<(), sqlx::Error> {
    let mut mailboxes = Vec::with_capacity(latest.len());
    let mut folders = Vec::with_capacity(latest.len());
    for latest in latest.values() {
        let Some(outline) = latest.alive() else {
            continue;
        };
        mailboxes.push(outline);
        let own = latest.folders.values().map(|folder| (outline.id, *folder));
        folders.extend(own);
    }
    rows::put(connection, &MAILBOX, &mailboxes, |statement, outline| {
        statement
            .bind(outline.id.get().cast_signed())
            .bind(outline.account.uuid().as_bytes().as_slice())
            .bind(outline.modseq.get().cast_signed())
            .bind(i64::from(outline.next_item))
            .bind(i64::from(outline.next_uid_validity))
            .bind(outline.used.cast_signed())
    })
    .await?;
    rows::put(
        connection,
        &FOLDER,
        &folders,
        |statement, (mailbox, folder)| {
            statement
                .bind(mailbox.get().cast_signed())
                .bind(i64::from(folder.id.get()))
                .bind(i64::from(folder.parent.get()))
                .bind(folder.name.as_str())
                .bind(row::kind_number(folder.kind))
                .bind(row::view_number(folder.view))
                .bind(row::use_number(folder.special_use))
                .bind(i64::from(folder.subscribed))
                .bind(i64::from(folder.color))
                .bind(folder.attributes.as_ref())
                .bind(i64::from(folder.uid_validity.get()))
                .bind(i64::from(folder.uid_next.get()))
                .bind(folder.modseq.get().cast_signed())
                .bind(folder.items_modseq.get().cast_signed())
                .bind(i64::from(folder.counts.total))
                .bind(i64::from(folder.counts.unread))
                .bind(i64::from(folder.counts.deleted))
                .bind(folder.counts.size.cast_signed())
        },
    )
    .await
}

//! Changes to the directory: one transaction at a time, all or nothing.

use std::collections::BTreeSet;

use sqlx::{Connection, SqliteConnection};
use tokio::sync::MutexGuard;

use super::cache::Changed;
use super::index::Key;
use super::{Found, Row, Store, StoreError, codec, sql};
use crate::dn::{Dn, DnKey};
use crate::entry::Entry;

/// The one connection that writes.
#[derive(Debug)]
pub struct Writer {
    connection: Option<SqliteConnection>,
    /// A transaction was begun, and neither committed nor rolled back: its future was dropped.
    open: bool,
}

/// Proof that a change is on disk; only this lets a request be answered with success.
#[derive(Debug)]
#[must_use]
pub struct Durable(());

/// A transaction. Dropped without [`Write::commit`], it never was.
#[derive(Debug)]
pub struct Write<'a> {
    store: &'a Store,
    writer: MutexGuard<'a, Writer>,
    changed: Changed,
}

impl Writer {
    pub(super) fn new(connection: SqliteConnection) -> Self {
        Self {
            connection: Some(connection),
            open: false,
        }
    }

    pub(super) async fn close(&mut self) {
        if let Some(connection) = self.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(error = %error, "the directory's database did not close cleanly");
        }
    }

    pub(super) async fn kept(
        &mut self,
        name: &str,
        make: impl FnOnce() -> Vec<u8>,
    ) -> Result<Vec<u8>, StoreError> {
        let failed = || StoreError::database("read a kept value");
        let connection = self.connection()?;
        let kept: Option<(Vec<u8>,)> = sqlx::query_as(sql::KEPT)
            .bind(name)
            .fetch_optional(&mut *connection)
            .await
            .map_err(failed())?;
        if let Some((value,)) = kept {
            return Ok(value);
        }
        let value = make();
        sqlx::query(sql::KEEP)
            .bind(name)
            .bind(&value)
            .execute(connection)
            .await
            .map_err(failed())?;
        Ok(value)
    }

    fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        self.connection.as_mut().ok_or(StoreError::Database {
            doing: "write",
            source: sqlx::Error::PoolClosed,
        })
    }

    async fn run(&mut self, statement: &'static str) -> Result<(), StoreError> {
        sqlx::query(statement)
            .execute(self.connection()?)
            .await
            .map_err(StoreError::database("begin or end a transaction"))?;
        Ok(())
    }
}

impl Store {
    /// Begins a change, after the changes before it are done.
    pub async fn write(&self) -> Result<Write<'_>, StoreError> {
        let mut writer = self.writer.lock().await;
        if writer.open {
            writer.run(sql::ROLLBACK).await?;
            writer.open = false;
        }
        writer.run(sql::BEGIN).await?;
        writer.open = true;
        Ok(Write {
            store: self,
            writer,
            changed: Changed::default(),
        })
    }
}

impl Write<'_> {
    /// The entry of this name, as this transaction has it.
    pub async fn find(&mut self, key: &DnKey) -> Result<Option<Found>, StoreError> {
        let row: Option<Row> = sqlx::query_as(sql::ENTRY_BY_NAME)
            .bind(key.as_bytes())
            .fetch_optional(self.writer.connection()?)
            .await
            .map_err(StoreError::database("look up an entry"))?;
        row.map(|row| self.store.decode(row)).transpose()
    }

    /// Whether an entry has others below it.
    pub async fn has_children(&mut self, id: i64) -> Result<bool, StoreError> {
        let (has,): (bool,) = sqlx::query_as(sql::HAS_CHILDREN)
            .bind(id)
            .fetch_one(self.writer.connection()?)
            .await
            .map_err(StoreError::database("look for children"))?;
        Ok(has)
    }

    /// Adds an entry below `parent`.
    pub async fn insert(&mut self, parent: i64, entry: &Entry) -> Result<(), StoreError> {
        let schema = &self.store.schema;
        let key = entry.dn.key(schema);
        let done = sqlx::query(sql::INSERT)
            .bind(parent)
            .bind(key.as_bytes())
            .bind(codec::encode(schema, entry))
            .execute(self.writer.connection()?)
            .await
            .map_err(StoreError::database("add an entry"))?;
        let keys = self.store.index.keys(schema, entry);
        self.index(done.last_insert_rowid(), &BTreeSet::new(), &keys)
            .await?;
        self.changed.names.insert(key);
        Ok(())
    }

    /// Replaces the attributes of an entry.
    pub async fn replace(&mut self, old: &Found, new: &Entry) -> Result<(), StoreError> {
        let schema = &self.store.schema;
        sqlx::query(sql::REPLACE)
            .bind(codec::encode(schema, new))
            .bind(old.id)
            .execute(self.writer.connection()?)
            .await
            .map_err(StoreError::database("change an entry"))?;
        self.reindex(old, new).await?;
        self.changed.names.insert(old.key.clone());
        Ok(())
    }

    /// Removes an entry that has none below it.
    pub async fn remove(&mut self, old: &Found) -> Result<(), StoreError> {
        sqlx::query(sql::DELETE)
            .bind(old.id)
            .execute(self.writer.connection()?)
            .await
            .map_err(StoreError::database("delete an entry"))?;
        let keys = self.store.index.keys(&self.store.schema, &old.entry);
        self.index(old.id, &keys, &BTreeSet::new()).await?;
        self.changed.names.insert(old.key.clone());
        Ok(())
    }

    /// Gives an entry a new name and attributes, and moves everything below it along.
    pub async fn rename(
        &mut self,
        old: &Found,
        parent: i64,
        new: &Entry,
    ) -> Result<(), StoreError> {
        let below = self.subtree(&old.key).await?;
        self.place(old, parent, new).await?;
        let new_key = new.dn.key(&self.store.schema);
        let depth = old.entry.dn.parts().len();
        for row in below.into_iter().filter(|(id, ..)| *id != old.id) {
            let found = self.store.decode(row)?;
            let mut entry = found.entry.clone();
            entry.dn = rebased(&found.entry.dn, depth, &new.dn);
            debug_assert_eq!(
                found.key.moved(&old.key, &new_key),
                Some(entry.dn.key(&self.store.schema))
            );
            self.place(&found, found.parent, &entry).await?;
        }
        self.changed.everything = true;
        Ok(())
    }

    /// Everything at and below a name, from the deepest up.
    pub async fn subtree_bottom_up(&mut self, key: &DnKey) -> Result<Vec<Found>, StoreError> {
        let rows = self.subtree(key).await?;
        rows.into_iter()
            .rev()
            .map(|row| self.store.decode(row))
            .collect()
    }

    /// Makes the change durable and visible.
    pub async fn commit(mut self) -> Result<Durable, StoreError> {
        if let Err(error) = self.writer.run(sql::COMMIT).await {
            // SQLite may have rolled back by itself; what matters is that the next one can begin.
            if self.writer.run(sql::ROLLBACK).await.is_ok() {
                tracing::debug!("rolled back a transaction that could not be committed");
            }
            self.writer.open = false;
            return Err(error);
        }
        self.writer.open = false;
        self.store.cache.forget(&self.changed);
        Ok(Durable(()))
    }

    async fn subtree(&mut self, key: &DnKey) -> Result<Vec<Row>, StoreError> {
        let end = key.after_subtree().unwrap_or_else(|| vec![0xff]);
        sqlx::query_as(sql::SUBTREE)
            .bind(key.as_bytes())
            .bind(end)
            .bind(i64::MAX)
            .fetch_all(self.writer.connection()?)
            .await
            .map_err(StoreError::database("list a subtree"))
    }

    async fn place(&mut self, old: &Found, parent: i64, new: &Entry) -> Result<(), StoreError> {
        let schema = &self.store.schema;
        sqlx::query(sql::MOVE)
            .bind(parent)
            .bind(new.dn.key(schema).as_bytes())
            .bind(codec::encode(schema, new))
            .bind(old.id)
            .execute(self.writer.connection()?)
            .await
            .map_err(StoreError::database("move an entry"))?;
        self.reindex(old, new).await
    }

    async fn reindex(&mut self, old: &Found, new: &Entry) -> Result<(), StoreError> {
        let before = self.store.index.keys(&self.store.schema, &old.entry);
        let after = self.store.index.keys(&self.store.schema, new);
        self.index(old.id, &before, &after).await
    }

    /// Writes the difference of two sets of index keys of an entry.
    async fn index(
        &mut self,
        entry: i64,
        before: &BTreeSet<Key>,
        after: &BTreeSet<Key>,
    ) -> Result<(), StoreError> {
        let gone = before.difference(after).map(|key| (sql::INDEX_DELETE, key));
        let came = after.difference(before).map(|key| (sql::INDEX_INSERT, key));
        for (statement, (attribute, form)) in gone.chain(came) {
            sqlx::query(statement)
                .bind(attribute)
                .bind(form)
                .bind(entry)
                .execute(self.writer.connection()?)
                .await
                .map_err(StoreError::database("index an entry"))?;
            self.changed.keys.insert((*attribute, form.clone()));
        }
        Ok(())
    }
}

/// The name of an entry after the `depth` last parts of it became `above`.
fn rebased(dn: &Dn, depth: usize, above: &Dn) -> Dn {
    let own = dn.parts().len().saturating_sub(depth);
    Dn::from_parts(
        dn.parts()
            .iter()
            .take(own)
            .chain(above.parts())
            .cloned()
            .collect(),
    )
}

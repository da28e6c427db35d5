//! The directory in SQLite: one row an entry, found by the normal form of its name, and one index
//! of attribute values. One writer, few readers, write-ahead log, and a sync before every
//! acknowledgement.
//!
//! | module | what |
//! |---|---|
//! | `sql` | every SQL text |
//! | `codec` | an entry ⇄ the octets of a row |
//! | `index` | which attributes are indexed, under which forms |
//! | [`plan`] | a filter and a scope → where to look for candidates |
//! | [`cursor`] | candidates in batches, in an order that a cookie can name |
//! | [`mod@write`] | changes, all or nothing |
//! | `cache` | decoded entries and recent lookups |

mod cache;
mod codec;
pub mod cursor;
#[cfg(fuzzing)]
pub mod fuzzing;
mod index;
pub mod plan;
mod sql;
#[cfg(test)]
mod tests;
pub mod write;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use crate::dn::{Dn, DnKey};
use crate::entry::Entry;
use crate::schema::Schema;

use cache::Cache;
use index::Index;

/// The form of the database that this version writes.
const FORMAT: i64 = 1;

/// Connections that only read. Each is a thread.
const READERS: u32 = 4;

/// How long a statement waits for another process (an administrator's `sqlite3`, a backup).
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// What can go wrong below the protocol.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite or the disk under it failed.
    #[error("cannot {doing} in the directory's database")]
    Database {
        /// What was tried.
        doing: &'static str,
        /// Why it failed.
        source: sqlx::Error,
    },
    /// A row does not decode.
    #[error("the entry {id} of the directory's database is damaged ({what})")]
    Corrupt {
        /// Its number.
        id: i64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Written by a newer version.
    #[error(
        "the directory's database has format {found}, this version knows up to {FORMAT} (install the newer version again)"
    )]
    Newer {
        /// The format found.
        found: i64,
    },
    /// More candidates than memory is set aside for.
    #[error("the search has too many candidates")]
    TooManyCandidates,
}

impl StoreError {
    pub(crate) fn database(doing: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| Self::Database { doing, source }
    }
}

/// An entry as it is stored.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its number; never used again after the entry is gone.
    pub id: i64,
    /// The number of the entry above; 0 for the root.
    pub parent: i64,
    /// The normal form of its name.
    pub key: DnKey,
    /// The entry itself.
    pub entry: Entry,
}

/// The directory.
#[derive(Debug)]
pub struct Store {
    schema: Arc<Schema>,
    readers: SqlitePool,
    writer: tokio::sync::Mutex<write::Writer>,
    index: Index,
    cache: Cache,
}

impl Store {
    /// Opens the database in `folder`, and makes it if there is none.
    pub async fn open(folder: &Path, schema: Arc<Schema>) -> Result<Self, StoreError> {
        let options = options(folder.join("directory.db"));
        let mut connection = options
            .connect()
            .await
            .map_err(StoreError::database("open a connection"))?;
        prepare(&mut connection).await?;
        let index = Index::open(&mut connection, &schema).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .min_connections(1)
            .connect_with(options.read_only(true))
            .await
            .map_err(StoreError::database("open a connection"))?;
        Ok(Self {
            schema,
            readers,
            writer: tokio::sync::Mutex::new(write::Writer::new(connection)),
            index,
            cache: Cache::new(),
        })
    }

    /// Closes the database; the write-ahead log is folded into it.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.lock().await.close().await;
    }

    /// The schema by which entries are stored.
    #[must_use]
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// The entry of this name.
    pub async fn find(&self, key: &DnKey) -> Result<Option<Arc<Found>>, StoreError> {
        if let Some(found) = self.cache.entry(key) {
            return Ok(Some(found));
        }
        let seen = self.cache.generation();
        let row: Option<Row> = sqlx::query_as(sql::ENTRY_BY_NAME)
            .bind(key.as_bytes())
            .fetch_optional(&self.readers)
            .await
            .map_err(StoreError::database("look up an entry"))?;
        let Some(row) = row else {
            return Ok(None);
        };
        let found = Arc::new(self.decode(row)?);
        self.cache.keep_entry(seen, &found);
        Ok(Some(found))
    }

    /// The nearest entry above a name, for the `matchedDN` of an answer.
    pub async fn nearest(&self, key: &DnKey) -> Result<Option<Arc<Found>>, StoreError> {
        let mut above = key.parent();
        while let Some(key) = above.filter(|key| !key.is_root()) {
            if let Some(found) = self.find(&key).await? {
                return Ok(Some(found));
            }
            above = key.parent();
        }
        Ok(None)
    }

    /// Whether an entry has others below it.
    pub async fn has_children(&self, id: i64) -> Result<bool, StoreError> {
        let (has,): (bool,) = sqlx::query_as(sql::HAS_CHILDREN)
            .bind(id)
            .fetch_one(&self.readers)
            .await
            .map_err(StoreError::database("look for children"))?;
        Ok(has)
    }

    /// The entries directly below the root: the naming contexts.
    pub async fn naming_contexts(&self) -> Result<Vec<Dn>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(sql::CHILDREN)
            .bind(0_i64)
            .bind(&[][..])
            .bind(NAMING_CONTEXTS_MAX)
            .fetch_all(&self.readers)
            .await
            .map_err(StoreError::database("list the naming contexts"))?;
        rows.into_iter()
            .map(|row| self.decode(row).map(|found| found.entry.dn))
            .collect()
    }

    /// Whether the database can be read, past every cache of ours.
    pub async fn check(&self) -> Result<(), StoreError> {
        let (_present,): (bool,) = sqlx::query_as(sql::HAS_CHILDREN)
            .bind(0_i64)
            .fetch_one(&self.readers)
            .await
            .map_err(StoreError::database("read"))?;
        Ok(())
    }

    /// How many entries there are.
    pub async fn count(&self) -> Result<i64, StoreError> {
        let (count,): (i64,) = sqlx::query_as(sql::COUNT)
            .fetch_one(&self.readers)
            .await
            .map_err(StoreError::database("count entries"))?;
        Ok(count)
    }

    /// Writes a consistent copy of the database while it is in use.
    pub async fn backup(&self, to: &Path) -> Result<(), StoreError> {
        sqlx::query(sql::BACKUP)
            .bind(to.to_string_lossy().into_owned())
            .execute(&self.readers)
            .await
            .map_err(StoreError::database("write a copy"))?;
        Ok(())
    }

    /// A value that this directory made once and keeps, such as a key; `make` makes it.
    pub async fn kept(
        &self,
        name: &str,
        make: impl FnOnce() -> Vec<u8>,
    ) -> Result<Vec<u8>, StoreError> {
        let mut writer = self.writer.lock().await;
        writer.kept(name, make).await
    }

    fn decode(&self, row: Row) -> Result<Found, StoreError> {
        let (id, parent, name, content) = row;
        let entry = codec::decode(&self.schema, &content)
            .map_err(|what| StoreError::Corrupt { id, what })?;
        Ok(Found {
            id,
            parent,
            key: DnKey::from_stored(name),
            entry,
        })
    }
}

/// Naming contexts that the root DSE names; beyond, it is a list that nobody reads.
const NAMING_CONTEXTS_MAX: i64 = 1000;

/// id, parent, name, content.
type Row = (i64, i64, Vec<u8>, Vec<u8>);

fn options(path: PathBuf) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // A change is acknowledged only when it is durable.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(false)
        .statement_cache_capacity(64)
        .disable_statement_logging()
}

async fn prepare(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let (found,): (i64,) = sqlx::query_as(sql::FORMAT)
        .fetch_one(&mut *connection)
        .await
        .map_err(StoreError::database("read the format"))?;
    if found > FORMAT {
        return Err(StoreError::Newer { found });
    }
    if found == 0 {
        let mut transaction = connection
            .begin()
            .await
            .map_err(StoreError::database("make the tables"))?;
        for statement in sql::TABLES.iter().copied() {
            sqlx::query(statement)
                .execute(&mut *transaction)
                .await
                .map_err(StoreError::database("make the tables"))?;
        }
        transaction
            .commit()
            .await
            .map_err(StoreError::database("make the tables"))?;
    }
    Ok(())
}

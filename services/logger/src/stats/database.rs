//! The database of statistics and alerts: one SQLite file with a write-ahead log.
//!
//! A kill loses nothing that was committed; a power cut may lose the last minutes, never their order:
//! these are figures, and not mail. One connection writes, few read.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::sync::{Mutex, MutexGuard};

/// The form of the database that this version writes.
const FORMAT: i64 = 1;
/// Connections that only read. Each is a thread.
const READERS: u32 = 2;
/// How long a statement waits for another process (an administrator's `sqlite3`).
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// The file.
const FILE: &str = "statistics.sqlite";

const READ_FORMAT: &str = "SELECT user_version FROM pragma_user_version";

const TABLES: &[&str] = &[
    "CREATE TABLE series (
        id INTEGER PRIMARY KEY,
        node TEXT NOT NULL,
        name TEXT NOT NULL,
        labels TEXT NOT NULL,
        is_rate INTEGER NOT NULL,
        last INTEGER NOT NULL,
        UNIQUE (node, name, labels)
    ) STRICT",
    // Slots of pieces that still fill, in the order of time: a minute's write touches few pages.
    "CREATE TABLE recent (
        level INTEGER NOT NULL,
        at INTEGER NOT NULL,
        series INTEGER NOT NULL,
        mean REAL NOT NULL,
        low REAL NOT NULL,
        high REAL NOT NULL,
        count INTEGER NOT NULL,
        PRIMARY KEY (level, at, series)
    ) STRICT, WITHOUT ROWID",
    // Whole pieces, by series: a chart reads few pages.
    "CREATE TABLE piece (
        series INTEGER NOT NULL,
        level INTEGER NOT NULL,
        ring INTEGER NOT NULL,
        start INTEGER NOT NULL,
        slots BLOB NOT NULL,
        PRIMARY KEY (series, level, ring)
    ) STRICT, WITHOUT ROWID",
    // Up to when the finer level was summed up into this one.
    "CREATE TABLE summed (level INTEGER PRIMARY KEY, until INTEGER NOT NULL) STRICT",
    // Mail of a day by domain (scope 0) and account (scope 1).
    "CREATE TABLE volume (
        day TEXT NOT NULL,
        scope INTEGER NOT NULL,
        name TEXT NOT NULL,
        received INTEGER NOT NULL DEFAULT 0,
        received_bytes INTEGER NOT NULL DEFAULT 0,
        sent INTEGER NOT NULL DEFAULT 0,
        sent_bytes INTEGER NOT NULL DEFAULT 0,
        recipients INTEGER NOT NULL DEFAULT 0,
        returned INTEGER NOT NULL DEFAULT 0,
        spam INTEGER NOT NULL DEFAULT 0,
        virus INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (day, scope, name)
    ) STRICT, WITHOUT ROWID",
    // How far lines were counted, and other single values.
    "CREATE TABLE mark (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE alert (
        rule TEXT NOT NULL,
        subject TEXT NOT NULL,
        phase TEXT NOT NULL,
        severity TEXT NOT NULL,
        began INTEGER NOT NULL,
        since INTEGER NOT NULL,
        told INTEGER,
        text TEXT NOT NULL,
        acknowledged TEXT,
        PRIMARY KEY (rule, subject)
    ) STRICT, WITHOUT ROWID",
    "CREATE TABLE silence (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        rule TEXT NOT NULL,
        subject TEXT NOT NULL,
        severity TEXT NOT NULL,
        until INTEGER NOT NULL,
        note TEXT NOT NULL
    ) STRICT",
    "CREATE TABLE outgoing (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        way TEXT NOT NULL,
        content TEXT NOT NULL,
        made INTEGER NOT NULL,
        next INTEGER NOT NULL,
        tries INTEGER NOT NULL DEFAULT 0
    ) STRICT",
    "PRAGMA user_version = 1",
];

/// What can go wrong with it.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// SQLite or the disk under it failed.
    #[error("cannot {doing} in the database of statistics")]
    Database {
        /// What was tried.
        doing: &'static str,
        /// Why it failed.
        source: sqlx::Error,
    },
    /// Written by a newer version.
    #[error(
        "the database of statistics has format {found}, this version knows up to {FORMAT} (install the newer version again)"
    )]
    Newer {
        /// The format found.
        found: i64,
    },
}

/// Says what was tried when it fails.
pub(crate) fn failed(doing: &'static str) -> impl FnOnce(sqlx::Error) -> DatabaseError {
    move |source| DatabaseError::Database { doing, source }
}

/// The database; cheap to clone.
#[derive(Debug, Clone)]
pub struct Database(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    writer: Mutex<SqliteConnection>,
    readers: SqlitePool,
}

impl Database {
    /// Opens the database in `folder`, which exists, and makes it if there is none.
    pub async fn open(folder: &Path) -> Result<Self, DatabaseError> {
        let options = SqliteConnectOptions::new()
            .filename(folder.join(FILE))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(BUSY_TIMEOUT)
            .foreign_keys(false)
            .disable_statement_logging();
        let mut writer = options
            .connect()
            .await
            .map_err(failed("open a connection"))?;
        prepare(&mut writer).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .idle_timeout(Duration::from_secs(60))
            .connect_with(options.read_only(true))
            .await
            .map_err(failed("open a connection"))?;
        Ok(Self(Arc::new(Inner {
            writer: Mutex::new(writer),
            readers,
        })))
    }

    /// The connection that writes; whoever has it writes alone.
    pub(crate) async fn writer(&self) -> MutexGuard<'_, SqliteConnection> {
        self.0.writer.lock().await
    }

    /// The connections that read what was committed.
    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.0.readers
    }

    /// Octets that it takes on the disk, without the write-ahead log.
    pub async fn size(&self) -> Result<u64, DatabaseError> {
        const SIZE: &str = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
        let (size,): (i64,) = sqlx::query_as(SIZE)
            .fetch_one(self.readers())
            .await
            .map_err(failed("read its size"))?;
        Ok(u64::try_from(size).unwrap_or_default())
    }

    /// Folds the write-ahead log into the database, at the end of the daemon.
    pub async fn close(&self) {
        self.0.readers.close().await;
        let mut writer = self.0.writer.lock().await;
        let folded = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)");
        if let Err(error) = folded.execute(&mut *writer).await {
            tracing::debug!(%error, "the log of the statistics was not folded");
        }
    }
}

async fn prepare(connection: &mut SqliteConnection) -> Result<(), DatabaseError> {
    let (found,): (i64,) = sqlx::query_as(READ_FORMAT)
        .fetch_one(&mut *connection)
        .await
        .map_err(failed("read the format"))?;
    if found > FORMAT {
        return Err(DatabaseError::Newer { found });
    }
    if found == FORMAT {
        return Ok(());
    }
    let mut transaction = connection
        .begin()
        .await
        .map_err(failed("make the tables"))?;
    for statement in TABLES.iter().copied() {
        sqlx::query(statement)
            .execute(&mut *transaction)
            .await
            .map_err(failed("make the tables"))?;
    }
    transaction
        .commit()
        .await
        .map_err(failed("make the tables"))
}

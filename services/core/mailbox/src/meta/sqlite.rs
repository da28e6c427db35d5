//! What is particular to SQLite.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, Pool, Sqlite, SqliteConnection};

/// The database that the engine is compiled for.
pub(crate) type Db = Sqlite;
/// One connection to it.
pub(crate) type Connected = SqliteConnection;

/// Follows the definition of a table that is kept in the order of its primary key.
pub(crate) const CLUSTERED: &str = " WITHOUT ROWID";

const FILE: &str = "meta.sqlite";

/// Page cache of a connection, in KiB (negative is SQLite's way of saying so). The writer keeps
/// the upper levels of a few large trees; readers read ranges.
const WRITER_CACHE: &str = "-16384";
const READER_CACHE: &str = "-2048";

fn options(directory: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(directory.join(FILE))
        .journal_mode(SqliteJournalMode::Wal)
        // A power cut may lose the last transactions, never their order: the journal has them.
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(Duration::from_secs(10))
        .auto_vacuum(SqliteAutoVacuum::None)
        .foreign_keys(false)
        .statement_cache_capacity(64)
        .disable_statement_logging()
}

/// The connection that writes. The write-ahead log is moved into the database by [`checkpoint`]
/// alone, or when it has grown to 64 MB.
pub(crate) async fn writer(directory: &Path) -> Result<Connected, sqlx::Error> {
    let options = options(directory)
        .create_if_missing(true)
        .pragma("cache_size", WRITER_CACHE)
        .pragma("wal_autocheckpoint", "16384");
    SqliteConnection::connect_with(&options).await
}

/// The connections that read.
pub(crate) async fn readers(directory: &Path, count: u32) -> Result<Pool<Db>, sqlx::Error> {
    SqlitePoolOptions::new()
        .max_connections(count.max(1))
        .acquire_timeout(Duration::from_secs(30))
        .idle_timeout(Duration::from_secs(60))
        .test_before_acquire(false)
        .connect_with(
            options(directory)
                .read_only(true)
                .pragma("cache_size", READER_CACHE),
        )
        .await
}

/// Makes everything committed durable.
pub(crate) async fn checkpoint(connection: &mut Connected) -> Result<(), sqlx::Error> {
    // PASSIVE syncs the log and what it moves, and waits for no reader.
    sqlx::query("PRAGMA wal_checkpoint(PASSIVE)")
        .fetch_one(&mut *connection)
        .await?;
    Ok(())
}

//! What is particular to SQLite.

use std::path::Path;
use std::time::Duration;

use roost_kit::disk::{Disk, RealDisk};
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

/// Copies the database as it is seen into a new file, and puts that in its place.
pub(crate) async fn rewrite(directory: &Path) -> Result<(), sqlx::Error> {
    let path = directory.join(FILE);
    if !path.exists() {
        return Ok(());
    }
    let fresh = directory.join(format!("{FILE}.new"));
    if fresh.exists() {
        std::fs::remove_file(&fresh)?;
    }
    let mut connection = writer(directory).await?;
    sqlx::query("VACUUM INTO ?")
        .bind(fresh.to_string_lossy())
        .execute(&mut connection)
        .await?;
    connection.close().await?;
    std::fs::File::open(&fresh)?.sync_all()?;
    for log in ["-wal", "-shm"] {
        let log = directory.join(format!("{FILE}{log}"));
        if log.exists() {
            std::fs::remove_file(&log)?;
        }
    }
    RealDisk.rename(&fresh, &path)?;
    RealDisk.sync_directory(directory)?;
    Ok(())
}

/// Whether a checkpoint that met this error may be tried again: for want of space, or because
/// somebody reads. Anything else may have lost pages.
pub(crate) fn passes(error: &sqlx::Error) -> bool {
    const BUSY: &str = "5";
    const LOCKED: &str = "6";
    const FULL: &str = "13";
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| [BUSY, LOCKED, FULL].contains(&code.as_ref()))
}

/// Makes everything committed durable.
pub(crate) async fn checkpoint(connection: &mut Connected) -> Result<(), sqlx::Error> {
    // PASSIVE syncs the log and what it moves, and waits for no reader.
    sqlx::query("PRAGMA wal_checkpoint(PASSIVE)")
        .fetch_one(&mut *connection)
        .await?;
    Ok(())
}

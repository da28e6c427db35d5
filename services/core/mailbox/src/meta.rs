//! The metadata: all SQL of the engine.
//!
//! One connection writes, owned by the applier; a few read. SQL text is portable between SQLite
//! and MariaDB (`REPLACE INTO`, no returning, no upsert clauses); what is not is in `sqlite`.
//!
//! Invariant: the `applied` column of `store` is written in the transaction of the records that it
//! counts, so that whoever reads both in one transaction knows what the rows hold.

mod apply;
mod read;
mod row;
mod rows;
mod schema;
mod sqlite;
mod verify;
mod write;

pub(crate) use read::Loaded;
pub(crate) use verify::{FolderFigures, MailboxFigures, Reference, WrongReferences};
pub(crate) use write::{Checkpoint, Writer, deltas};

use std::path::Path;

use sqlite::Db;
use sqlx::Pool;

use crate::error::Error;
use roost_kit::disk::DiskHandle;

/// The readers' side.
#[derive(Debug)]
pub(crate) struct Meta {
    pool: Pool<Db>,
}

impl Meta {
    /// Writes the whole database anew, from what is seen of it: after a failed sync it may be seen
    /// and not be on the disk.
    pub(crate) async fn rewrite(directory: &Path, disk: &DiskHandle) -> Result<(), Error> {
        let trouble = |error| {
            Error::open(
                "its metadata cannot be written anew after a failed sync",
                error,
            )
        };
        sqlite::rewrite(directory).await.map_err(trouble)?;
        disk.file_system(directory)
            .and_then(|file_system| file_system.sync())
            .map_err(|error| Error::open("its metadata cannot be made durable", error))
    }

    /// Opens, or makes, the database in `directory` and brings its schema up to date.
    pub(crate) async fn open(directory: &Path, readers: u32) -> Result<(Self, Writer), Error> {
        let opening =
            |error| Error::open(format!("its metadata in {}", directory.display()), error);
        let mut writer = sqlite::writer(directory).await.map_err(opening)?;
        schema::migrate(&mut writer).await?;
        let pool = sqlite::readers(directory, readers).await.map_err(opening)?;
        Ok((Self { pool }, Writer::new(writer)))
    }
}

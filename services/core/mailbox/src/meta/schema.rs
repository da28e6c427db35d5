//! The tables, and the steps from each version of them to the next.

use sqlx::{AssertSqlSafe, Connection, Row};

use super::sqlite::{CLUSTERED, Connected};
use crate::error::Error;

/// Each step's statements; a step that was released never changes. `{clustered}` is the dialect's.
const STEPS: &[&[&str]] = &[
    &[
        "CREATE TABLE store (
        id INTEGER NOT NULL PRIMARY KEY,
        applied BIGINT NOT NULL,
        next_mailbox BIGINT NOT NULL
    )",
        "INSERT INTO store (id, applied, next_mailbox) VALUES (1, 0, 1)",
        "CREATE TABLE mailbox (
        id BIGINT NOT NULL PRIMARY KEY,
        account VARBINARY(16) NOT NULL,
        modseq BIGINT NOT NULL,
        next_item BIGINT NOT NULL,
        next_uid_validity BIGINT NOT NULL,
        used BIGINT NOT NULL
    )",
        "CREATE UNIQUE INDEX mailbox_account ON mailbox (account)",
        "CREATE TABLE folder (
        mailbox BIGINT NOT NULL,
        id BIGINT NOT NULL,
        parent BIGINT NOT NULL,
        name VARCHAR(255) NOT NULL,
        kind INTEGER NOT NULL,
        view INTEGER NOT NULL,
        special_use INTEGER NOT NULL,
        subscribed INTEGER NOT NULL,
        color BIGINT NOT NULL,
        attributes LONGBLOB NOT NULL,
        uid_validity BIGINT NOT NULL,
        uid_next BIGINT NOT NULL,
        modseq BIGINT NOT NULL,
        items_modseq BIGINT NOT NULL,
        total BIGINT NOT NULL,
        unread BIGINT NOT NULL,
        deleted BIGINT NOT NULL,
        size BIGINT NOT NULL,
        PRIMARY KEY (mailbox, id)
    ){clustered}",
        "CREATE TABLE keyword (
        mailbox BIGINT NOT NULL,
        id INTEGER NOT NULL,
        name VARCHAR(255) NOT NULL,
        tag BIGINT NOT NULL,
        color BIGINT NOT NULL,
        PRIMARY KEY (mailbox, id)
    ){clustered}",
        "CREATE TABLE item (
        mailbox BIGINT NOT NULL,
        folder BIGINT NOT NULL,
        uid BIGINT NOT NULL,
        id BIGINT NOT NULL,
        kind INTEGER NOT NULL,
        flags BIGINT NOT NULL,
        keywords VARBINARY(4096) NOT NULL,
        modseq BIGINT NOT NULL,
        date BIGINT NOT NULL,
        size BIGINT NOT NULL,
        digest VARBINARY(32) NOT NULL,
        PRIMARY KEY (mailbox, folder, uid)
    ){clustered}",
        "CREATE INDEX item_id ON item (mailbox, id)",
        "CREATE TABLE metadata (
        mailbox BIGINT NOT NULL,
        item BIGINT NOT NULL,
        version INTEGER NOT NULL,
        content LONGBLOB NOT NULL,
        PRIMARY KEY (mailbox, item)
    )",
        "CREATE TABLE tombstone (
        mailbox BIGINT NOT NULL,
        folder BIGINT NOT NULL,
        uid BIGINT NOT NULL,
        item BIGINT NOT NULL,
        modseq BIGINT NOT NULL,
        removed INTEGER NOT NULL,
        PRIMARY KEY (mailbox, modseq, folder, uid)
    ){clustered}",
        "CREATE TABLE content (
        digest VARBINARY(32) NOT NULL PRIMARY KEY,
        size BIGINT NOT NULL,
        refs BIGINT NOT NULL,
        changed BIGINT NOT NULL,
        structure LONGBLOB NOT NULL
    )",
        "CREATE INDEX content_refs ON content (refs, changed)",
    ],
    // Names that are subscribed to and that no folder has.
    &["CREATE TABLE subscription (
        mailbox BIGINT NOT NULL,
        name VARCHAR(16384) NOT NULL,
        PRIMARY KEY (mailbox, name)
    ){clustered}"],
];

/// Brings the schema up to date; a newer one than this program knows is refused.
pub(crate) async fn migrate(connection: &mut Connected) -> Result<(), Error> {
    let version = version(connection).await.map_err(failed)?;
    if version > STEPS.len() {
        return Err(Error::Open {
            what: format!(
                "its metadata have schema {version}, which this program does not know (a newer \
                 one has written them)"
            ),
            source: None,
        });
    }
    for (index, step) in STEPS.iter().enumerate().skip(version) {
        take(connection, index + 1, step).await.map_err(failed)?;
    }
    Ok(())
}

async fn version(connection: &mut Connected) -> Result<usize, sqlx::Error> {
    sqlx::query("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)")
        .execute(&mut *connection)
        .await?;
    let row = sqlx::query("SELECT MAX(version) FROM schema_version")
        .fetch_one(connection)
        .await?;
    let version: Option<i64> = row.try_get(0)?;
    Ok(version
        .and_then(|version| usize::try_from(version).ok())
        .unwrap_or(0))
}

async fn take(
    connection: &mut Connected,
    version: usize,
    statements: &[&str],
) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin().await?;
    for statement in statements {
        // The text is a constant of this module.
        let statement = statement.replace("{clustered}", CLUSTERED);
        sqlx::query(AssertSqlSafe(statement))
            .execute(&mut *transaction)
            .await?;
    }
    sqlx::query("INSERT INTO schema_version (version) VALUES (?)")
        .bind(version as i64)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await
}

fn failed(error: sqlx::Error) -> Error {
    Error::open("its metadata cannot be brought up to date", error)
}

//! Every SQL text of the directory.

pub(super) const FORMAT: &str = "SELECT user_version FROM pragma_user_version";

pub(super) const TABLES: &[&str] = &[
    // AUTOINCREMENT: a number is never used again, so that a cookie or a cache cannot mistake one
    // entry for another.
    "CREATE TABLE entry (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        parent INTEGER NOT NULL,
        name BLOB NOT NULL UNIQUE,
        content BLOB NOT NULL
    ) STRICT",
    "CREATE UNIQUE INDEX entry_by_parent ON entry (parent, name)",
    "CREATE TABLE indexed_attribute (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE
    ) STRICT",
    "CREATE TABLE attribute_index (
        attribute INTEGER NOT NULL,
        form BLOB NOT NULL,
        entry INTEGER NOT NULL,
        PRIMARY KEY (attribute, form, entry)
    ) STRICT, WITHOUT ROWID",
    "CREATE TABLE kept (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID",
    "PRAGMA user_version = 1",
];

pub(super) const BEGIN: &str = "BEGIN IMMEDIATE";
pub(super) const COMMIT: &str = "COMMIT";
pub(super) const ROLLBACK: &str = "ROLLBACK";
pub(super) const BACKUP: &str = "VACUUM INTO ?";

pub(super) const ENTRY_BY_NAME: &str = "SELECT id, parent, name, content FROM entry WHERE name = ?";
pub(super) const ENTRIES_BY_ID: &str = "SELECT id, parent, name, content FROM entry
    WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id";
pub(super) const ALL_AFTER: &str =
    "SELECT id, parent, name, content FROM entry WHERE id > ? ORDER BY id LIMIT ?";
/// parent, after this name, at most.
pub(super) const CHILDREN: &str = "SELECT id, parent, name, content FROM entry
    WHERE parent = ? AND name > ? ORDER BY name LIMIT ?";
/// from this name, before this name, at most. (With a second lower bound SQLite would begin at the
/// lesser of both each time.)
pub(super) const SUBTREE: &str = "SELECT id, parent, name, content FROM entry
    WHERE name >= ? AND name < ? ORDER BY name LIMIT ?";
/// attribute, form, after this entry, at most.
pub(super) const EQUAL: &str = "SELECT e.id, e.parent, e.name, e.content
    FROM attribute_index i JOIN entry e ON e.id = i.entry
    WHERE i.attribute = ? AND i.form = ? AND i.entry > ? ORDER BY i.entry LIMIT ?";
/// attribute, from, to (inclusive), at most.
pub(super) const IDS_IN_RANGE: &str = "SELECT entry FROM attribute_index
    WHERE attribute = ? AND form >= ? AND form <= ? LIMIT ?";

pub(super) const HAS_CHILDREN: &str = "SELECT EXISTS (SELECT 1 FROM entry WHERE parent = ?)";
pub(super) const COUNT: &str = "SELECT count(*) FROM entry";
pub(super) const COUNT_CHILDREN: &str =
    "SELECT count(*) FROM (SELECT 1 FROM entry WHERE parent = ? LIMIT ?)";
pub(super) const COUNT_SUBTREE: &str =
    "SELECT count(*) FROM (SELECT 1 FROM entry WHERE name >= ? AND name < ? LIMIT ?)";
pub(super) const COUNT_RANGE: &str = "SELECT count(*) FROM (SELECT 1 FROM attribute_index
    WHERE attribute = ? AND form >= ? AND form <= ? LIMIT ?)";

pub(super) const INSERT: &str = "INSERT INTO entry (parent, name, content) VALUES (?, ?, ?)";
pub(super) const REPLACE: &str = "UPDATE entry SET content = ? WHERE id = ?";
pub(super) const MOVE: &str = "UPDATE entry SET parent = ?, name = ?, content = ? WHERE id = ?";
pub(super) const DELETE: &str = "DELETE FROM entry WHERE id = ?";

pub(super) const INDEX_INSERT: &str =
    "INSERT OR IGNORE INTO attribute_index (attribute, form, entry) VALUES (?, ?, ?)";
pub(super) const INDEX_DELETE: &str =
    "DELETE FROM attribute_index WHERE attribute = ? AND form = ? AND entry = ?";
pub(super) const INDEX_DROP: &str = "DELETE FROM attribute_index WHERE attribute = ?";
pub(super) const INDEXED: &str = "SELECT id, name FROM indexed_attribute";
pub(super) const INDEXED_INSERT: &str = "INSERT INTO indexed_attribute (name) VALUES (?)";
pub(super) const INDEXED_DELETE: &str = "DELETE FROM indexed_attribute WHERE id = ?";

pub(super) const KEPT: &str = "SELECT value FROM kept WHERE name = ?";
pub(super) const KEEP: &str = "INSERT INTO kept (name, value) VALUES (?, ?)";

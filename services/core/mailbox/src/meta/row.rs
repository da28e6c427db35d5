//! Rows to types and back. SQL integers are signed; what is unsigned is kept bit for bit.

use bytes::Bytes;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::error::Error;
use crate::flags::Flags;
use crate::folder::{Counts, Folder, FolderKind, SpecialUse, View};
use crate::id::{BlobDigest, FolderId, ItemId, KeywordId, ModSeq, Uid, UidValidity};
use crate::item::{Entry, ItemKind};
use crate::keyword::{Keyword, KeywordSet, Tag, keyword_set};

const KINDS: [FolderKind; 3] = [
    FolderKind::Folder,
    FolderKind::SearchFolder,
    FolderKind::Mountpoint,
];
const VIEWS: [View; 5] = [
    View::Message,
    View::Contact,
    View::Appointment,
    View::Task,
    View::Document,
];
const USES: [SpecialUse; 8] = [
    SpecialUse::Archive,
    SpecialUse::Drafts,
    SpecialUse::Flagged,
    SpecialUse::Junk,
    SpecialUse::Sent,
    SpecialUse::Trash,
    SpecialUse::All,
    SpecialUse::Important,
];

fn number<T: PartialEq>(of: &[T], value: &T) -> i64 {
    of.iter().position(|one| one == value).unwrap_or(0) as i64
}

fn value<T: Copy>(of: &[T], number: i64) -> Option<T> {
    of.get(usize::try_from(number).ok()?).copied()
}

pub(super) fn kind_number(kind: FolderKind) -> i64 {
    number(&KINDS, &kind)
}

pub(super) fn view_number(view: View) -> i64 {
    number(&VIEWS, &view)
}

/// 0 for none.
pub(super) fn use_number(special_use: Option<SpecialUse>) -> i64 {
    special_use.map_or(0, |special_use| number(&USES, &special_use) + 1)
}

/// A u32 column.
pub(super) fn u32_at(row: &SqliteRow, at: usize) -> Result<u32, sqlx::Error> {
    let number: i64 = row.try_get(at)?;
    u32::try_from(number).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

/// A u64 column.
pub(super) fn u64_at(row: &SqliteRow, at: usize) -> Result<u64, sqlx::Error> {
    Ok(row.try_get::<i64, _>(at)?.cast_unsigned())
}

pub(super) fn bytes_at(row: &SqliteRow, at: usize) -> Result<Bytes, sqlx::Error> {
    Ok(row.try_get::<Vec<u8>, _>(at)?.into())
}

pub(super) fn digest_at(row: &SqliteRow, at: usize) -> Result<BlobDigest, sqlx::Error> {
    let bytes: &[u8] = row.try_get(at)?;
    let bytes =
        <[u8; 32]>::try_from(bytes).map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
    Ok(BlobDigest::new(bytes))
}

/// id, parent, name, kind, view, special_use, subscribed, color, attributes, uid_validity,
/// uid_next, modseq, items_modseq, total, unread, deleted, size
pub(super) fn folder(row: &SqliteRow) -> Result<Folder, sqlx::Error> {
    let special_use: i64 = row.try_get(5)?;
    Ok(Folder {
        id: FolderId::new(u32_at(row, 0)?),
        parent: FolderId::new(u32_at(row, 1)?),
        name: row.try_get::<&str, _>(2)?.into(),
        kind: value(&KINDS, row.try_get(3)?).unwrap_or(FolderKind::Folder),
        view: value(&VIEWS, row.try_get(4)?).unwrap_or_default(),
        special_use: value(&USES, special_use - 1),
        subscribed: row.try_get::<i64, _>(6)? != 0,
        color: u32_at(row, 7)?,
        attributes: bytes_at(row, 8)?,
        uid_validity: UidValidity::new(u32_at(row, 9)?),
        uid_next: Uid::new(u32_at(row, 10)?),
        modseq: ModSeq::new(u64_at(row, 11)?),
        items_modseq: ModSeq::new(u64_at(row, 12)?),
        counts: Counts {
            total: u32_at(row, 13)?,
            unread: u32_at(row, 14)?,
            deleted: u32_at(row, 15)?,
            size: u64_at(row, 16)?,
        },
    })
}

/// uid, id, kind, flags, keywords, modseq, date, size, digest
pub(super) fn entry(row: &SqliteRow) -> Result<Entry, sqlx::Error> {
    let kind: i64 = row.try_get(2)?;
    Ok(Entry {
        uid: Uid::new(u32_at(row, 0)?),
        item: ItemId::new(u32_at(row, 1)?),
        kind: u8::try_from(kind)
            .ok()
            .and_then(ItemKind::from_number)
            .unwrap_or(ItemKind::Message),
        flags: Flags::from_bits(u32_at(row, 3)?),
        keywords: keywords(row.try_get(4)?),
        modseq: ModSeq::new(u64_at(row, 5)?),
        date: row.try_get(6)?,
        size: u64_at(row, 7)?,
        digest: digest_at(row, 8)?,
    })
}

/// id, name, tag, color
pub(super) fn keyword(row: &SqliteRow) -> Result<Keyword, sqlx::Error> {
    let id: i64 = row.try_get(0)?;
    let item = u32_at(row, 2)?;
    let color = u32_at(row, 3)?;
    Ok(Keyword {
        id: KeywordId::new(u16::try_from(id).unwrap_or(u16::MAX)),
        name: row.try_get::<&str, _>(1)?.into(),
        tag: (item != 0).then(|| Tag {
            item: ItemId::new(item),
            color,
        }),
    })
}

/// Two bytes each, little-endian.
pub(super) fn keyword_bytes(keywords: &[KeywordId]) -> Vec<u8> {
    keywords
        .iter()
        .flat_map(|keyword| keyword.get().to_le_bytes())
        .collect()
}

fn keywords(bytes: &[u8]) -> KeywordSet {
    if bytes.is_empty() {
        return None;
    }
    let (pairs, _) = bytes.as_chunks::<2>();
    keyword_set(
        pairs
            .iter()
            .map(|pair| KeywordId::new(u16::from_le_bytes(*pair)))
            .collect(),
    )
}

/// A placeholder for each of `count` values.
pub(super) fn placeholders(count: usize) -> String {
    let mut text = "?,".repeat(count);
    text.pop();
    text
}

/// Lists are asked in pieces of these sizes, so that few statements exist.
pub(super) const LIST: usize = 64;

/// The smallest of a few sizes that `count` fits in.
pub(super) fn list_size(count: usize) -> usize {
    [1, 8, LIST]
        .into_iter()
        .find(|size| count <= *size)
        .unwrap_or(LIST)
}

pub(super) fn missing() -> Error {
    Error::Open {
        what: "its metadata lack the row of the store".to_owned(),
        source: None,
    }
}

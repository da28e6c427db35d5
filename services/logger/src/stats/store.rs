//! Time series of fixed size in SQLite.
//!
//! A minute is one transaction: its slots go into `recent`; whole windows are summed up into the
//! coarser levels; whole pieces are packed into `piece`, where each replaces the one that is a turn of
//! the ring older. A level's slots are summed up before they are packed, since a piece ends where a
//! slot of the next level does. Done twice, it is the same.

mod pack;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use sqlx::{Connection, SqliteConnection};
use tokio::sync::Mutex;

use super::database::{Database, DatabaseError, failed};
use super::minute::{Minute, Slot};
use super::resolution::{LEVELS, Level, floor};
use super::series::{Key, Kind};
use pack::{Packed, unpack};

/// A series that was not seen for so long is forgotten, in seconds: nothing of it is kept any more.
const FORGOTTEN: i64 = 375 * 86_400;

/// A slot with its time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// When it began, in seconds since 1970.
    pub at: i64,
    /// What it says.
    pub slot: Slot,
}

/// A series that is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    id: i64,
    /// Its name.
    pub key: Key,
    /// What its values mean.
    pub kind: Kind,
    /// When it was last seen, in seconds since 1970.
    pub last: i64,
}

#[cfg(test)]
impl Known {
    /// A series that is nowhere.
    pub(crate) fn unknown() -> Self {
        let key = Key {
            node: String::new(),
            name: String::new(),
            labels: String::new(),
        };
        Self {
            id: 0,
            key,
            kind: Kind::Level,
            last: 0,
        }
    }
}

/// What became of a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    /// Slots that were kept.
    pub slots: u64,
    /// Series that there was no room for.
    pub refused: u64,
    /// Series in all.
    pub series: u64,
}

/// The series.
#[derive(Debug)]
pub struct Store {
    database: Database,
    /// The most series.
    most: usize,
    ids: Mutex<HashMap<Key, i64>>,
}

mod sql {
    pub(super) const BEGIN: &str = "BEGIN IMMEDIATE";
    pub(super) const ALL: &str = "SELECT id, node, name, labels, is_rate, last FROM series
        ORDER BY node, name, labels";
    pub(super) const ADD: &str =
        "INSERT INTO series (node, name, labels, is_rate, last) VALUES (?, ?, ?, ?, ?)";
    pub(super) const SEEN: &str = "UPDATE series SET last = max(last, ?) WHERE id = ?";
    pub(super) const OLD: &str = "SELECT id FROM series WHERE last < ?";
    pub(super) const FORGET: [&str; 3] = [
        "DELETE FROM piece WHERE series IN (SELECT id FROM series WHERE last < ?)",
        "DELETE FROM recent WHERE series IN (SELECT id FROM series WHERE last < ?)",
        "DELETE FROM series WHERE last < ?",
    ];
    pub(super) const PUT: &str = "INSERT OR REPLACE INTO recent
        (level, at, series, mean, low, high, count) VALUES (?, ?, ?, ?, ?, ?, ?)";
    pub(super) const SUMMED: &str = "SELECT until FROM summed WHERE level = ?";
    pub(super) const SET_SUMMED: &str =
        "INSERT OR REPLACE INTO summed (level, until) VALUES (?, ?)";
    /// level, step, finer level, from, to
    pub(super) const SUM_UP: &str = "INSERT OR REPLACE INTO recent
        SELECT ?1, at - at % ?2, series, sum(mean * count) / sum(count), min(low), max(high), sum(count)
        FROM recent WHERE level = ?3 AND at >= ?4 AND at < ?5 GROUP BY series, at - at % ?2";
    /// level, before
    pub(super) const RIPE: &str = "SELECT series, at, mean, low, high FROM recent
        WHERE level = ? AND at < ? ORDER BY series, at";
    pub(super) const PACKED: &str = "DELETE FROM recent WHERE level = ? AND at < ?";
    pub(super) const PIECE: &str =
        "SELECT start, slots FROM piece WHERE series = ? AND level = ? AND ring = ?";
    pub(super) const PUT_PIECE: &str = "INSERT OR REPLACE INTO piece
        (series, level, ring, start, slots) VALUES (?, ?, ?, ?, ?)";
    pub(super) const PIECES: &str = "SELECT start, slots FROM piece
        WHERE series = ? AND level = ? AND start > ? AND start < ? ORDER BY start";
    pub(super) const RECENT: &str = "SELECT at, mean, low, high, count FROM recent
        WHERE level = ? AND series = ? AND at >= ? AND at < ? ORDER BY at";
}

impl Store {
    /// The series of a database; at most `most`.
    pub async fn open(database: Database, most: usize) -> Result<Self, DatabaseError> {
        let this = Self {
            database,
            most,
            ids: Mutex::default(),
        };
        let known = this.all().await?;
        *this.ids.lock().await = known
            .into_iter()
            .map(|known| (known.key, known.id))
            .collect();
        Ok(this)
    }

    /// Keeps a minute.
    pub async fn write(&self, minute: &Minute) -> Result<Written, DatabaseError> {
        let mut ids = self.ids.lock().await;
        let mut writer = self.database.writer().await;
        let mut transaction = writer
            .begin_with(sql::BEGIN)
            .await
            .map_err(failed("begin a minute"))?;
        let [finest, ..] = LEVELS;
        let now = minute.at.saturating_add(finest.step);
        let mut written = Written::default();
        let mut added = Vec::new();
        for (key, kind, slot) in &minute.slots {
            let id = match ids.get(key) {
                Some(id) => *id,
                None if ids.len() + added.len() >= self.most => {
                    written.refused += 1;
                    continue;
                }
                None => {
                    let id = add(&mut transaction, key, *kind, minute.at).await?;
                    added.push((key.clone(), id));
                    id
                }
            };
            seen(&mut transaction, id, minute.at).await?;
            put(&mut transaction, finest, id, minute.at, slot).await?;
            written.slots += 1;
        }
        sum_up(&mut transaction, now).await?;
        for level in LEVELS {
            pack_ripe(&mut transaction, level, now).await?;
        }
        let gone = forget(&mut transaction, now.saturating_sub(FORGOTTEN)).await?;
        transaction
            .commit()
            .await
            .map_err(failed("keep a minute"))?;
        ids.extend(added);
        ids.retain(|_, id| !gone.contains(id));
        written.series = u64::try_from(ids.len()).unwrap_or(u64::MAX);
        Ok(written)
    }

    /// Every series, by node, name and labels.
    pub async fn all(&self) -> Result<Vec<Known>, DatabaseError> {
        type Row = (i64, String, String, String, bool, i64);
        let rows: Vec<Row> = sqlx::query_as(sql::ALL)
            .fetch_all(self.database.readers())
            .await
            .map_err(failed("list the series"))?;
        let known = rows
            .into_iter()
            .map(|(id, node, name, labels, is_rate, last)| Known {
                id,
                key: Key { node, name, labels },
                kind: if is_rate { Kind::Rate } else { Kind::Level },
                last,
            });
        Ok(known.collect())
    }

    /// The slots of a series that begin in `from..until`, in order, of one level.
    pub async fn read(
        &self,
        series: &Known,
        level: Level,
        from: i64,
        until: i64,
    ) -> Result<Vec<Point>, DatabaseError> {
        let pieces: Vec<(i64, Vec<u8>)> = sqlx::query_as(sql::PIECES)
            .bind(series.id)
            .bind(level.number)
            .bind(from.saturating_sub(level.span()))
            .bind(until)
            .fetch_all(self.database.readers())
            .await
            .map_err(failed("read a series"))?;
        let recent: Vec<(i64, f64, f64, f64, i64)> = sqlx::query_as(sql::RECENT)
            .bind(level.number)
            .bind(series.id)
            .bind(from)
            .bind(until)
            .fetch_all(self.database.readers())
            .await
            .map_err(failed("read a series"))?;
        let mut points: Vec<Point> = pieces
            .iter()
            .flat_map(|(start, slots)| unpack(*start, level, slots))
            .filter(|point| (from..until).contains(&point.at))
            .collect();
        points.extend(
            recent
                .into_iter()
                .map(|(at, mean, low, high, count)| Point {
                    at,
                    slot: Slot {
                        mean,
                        low,
                        high,
                        count: u32::try_from(count).unwrap_or(u32::MAX),
                    },
                }),
        );
        points.sort_by_key(|point| point.at);
        // Where a clock went back a slot may stand in both; the newer one is behind.
        points.dedup_by(|later, earlier| {
            let same = later.at == earlier.at;
            if same {
                *earlier = *later;
            }
            same
        });
        Ok(points)
    }
}

async fn add(
    connection: &mut SqliteConnection,
    key: &Key,
    kind: Kind,
    at: i64,
) -> Result<i64, DatabaseError> {
    let added = sqlx::query(sql::ADD)
        .bind(&key.node)
        .bind(&key.name)
        .bind(&key.labels)
        .bind(kind == Kind::Rate)
        .bind(at)
        .execute(connection)
        .await
        .map_err(failed("add a series"))?;
    Ok(added.last_insert_rowid())
}

async fn seen(connection: &mut SqliteConnection, id: i64, at: i64) -> Result<(), DatabaseError> {
    sqlx::query(sql::SEEN)
        .bind(at)
        .bind(id)
        .execute(connection)
        .await
        .map_err(failed("mark a series"))?;
    Ok(())
}

async fn put(
    connection: &mut SqliteConnection,
    level: Level,
    series: i64,
    at: i64,
    slot: &Slot,
) -> Result<(), DatabaseError> {
    sqlx::query(sql::PUT)
        .bind(level.number)
        .bind(at)
        .bind(series)
        .bind(slot.mean)
        .bind(slot.low)
        .bind(slot.high)
        .bind(i64::from(slot.count))
        .execute(connection)
        .await
        .map_err(failed("keep a slot"))?;
    Ok(())
}

/// Sums whole windows of each level up into the next one.
async fn sum_up(connection: &mut SqliteConnection, now: i64) -> Result<(), DatabaseError> {
    for (finer, level) in LEVELS.into_iter().zip(LEVELS.into_iter().skip(1)) {
        let until = floor(now, level.step);
        let summed: Option<(i64,)> = sqlx::query_as(sql::SUMMED)
            .bind(level.number)
            .fetch_optional(&mut *connection)
            .await
            .map_err(failed("see what was summed up"))?;
        let from = summed.map_or(0, |(until,)| until);
        if from == until {
            continue;
        }
        // A clock that was set back: what it tells again is summed up again.
        let from = from.min(until.saturating_sub(level.step));
        sqlx::query(sql::SUM_UP)
            .bind(level.number)
            .bind(level.step)
            .bind(finer.number)
            .bind(from)
            .bind(until)
            .execute(&mut *connection)
            .await
            .map_err(failed("sum up"))?;
        sqlx::query(sql::SET_SUMMED)
            .bind(level.number)
            .bind(until)
            .execute(&mut *connection)
            .await
            .map_err(failed("note what was summed up"))?;
    }
    Ok(())
}

/// Packs the pieces of a level that are over.
async fn pack_ripe(
    connection: &mut SqliteConnection,
    level: Level,
    now: i64,
) -> Result<(), DatabaseError> {
    let until = floor(now, level.span());
    let rows: Vec<(i64, i64, f64, f64, f64)> = sqlx::query_as(sql::RIPE)
        .bind(level.number)
        .bind(until)
        .fetch_all(&mut *connection)
        .await
        .map_err(failed("find what is to be packed"))?;
    if rows.is_empty() {
        return Ok(());
    }
    let mut pieces: Vec<(i64, Packed)> = Vec::new();
    for (series, at, mean, low, high) in rows {
        let start = floor(at, level.span());
        let is_open = |(open, packed): &mut (i64, Packed)| *open == series && packed.start == start;
        if !pieces.last_mut().is_some_and(is_open) {
            let known: Option<(i64, Vec<u8>)> = sqlx::query_as(sql::PIECE)
                .bind(series)
                .bind(level.number)
                .bind(level.ring(start))
                .fetch_optional(&mut *connection)
                .await
                .map_err(failed("read a piece"))?;
            // One of an earlier turn is replaced, one of the same hour is filled up.
            let known = known.filter(|(known, _)| *known == start);
            pieces.push((series, Packed::new(start, known.map(|(_, slots)| slots))));
        }
        if let Some((_, packed)) = pieces.last_mut() {
            packed.put(at, level, [mean, low, high]);
        }
    }
    for (series, packed) in pieces {
        sqlx::query(sql::PUT_PIECE)
            .bind(series)
            .bind(level.number)
            .bind(level.ring(packed.start))
            .bind(packed.start)
            .bind(packed.slots)
            .execute(&mut *connection)
            .await
            .map_err(failed("keep a piece"))?;
    }
    sqlx::query(sql::PACKED)
        .bind(level.number)
        .bind(until)
        .execute(&mut *connection)
        .await
        .map_err(failed("clear what was packed"))?;
    Ok(())
}

/// Forgets series that were last seen before that, and says which.
async fn forget(connection: &mut SqliteConnection, before: i64) -> Result<Vec<i64>, DatabaseError> {
    let old: Vec<(i64,)> = sqlx::query_as(sql::OLD)
        .bind(before)
        .fetch_all(&mut *connection)
        .await
        .map_err(failed("look for old series"))?;
    if old.is_empty() {
        return Ok(Vec::new());
    }
    for statement in sql::FORGET {
        sqlx::query(statement)
            .bind(before)
            .execute(&mut *connection)
            .await
            .map_err(failed("forget a series"))?;
    }
    Ok(old.into_iter().map(|(id,)| id).collect())
}

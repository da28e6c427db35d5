//! Candidates of a search, in batches and in a fixed order, so that a page can go on where the one
//! before it ended without anything being remembered here.

use std::sync::Arc;

use super::cache::LOOKUP_ENTRIES;
use super::index::Key;
use super::plan::{Order, Plan, Reach, Region};
use super::{Found, Row, Store, StoreError, sql};
use crate::dn::DnKey;
use crate::filter::Prepared;
use crate::limits::SEARCH_BATCH;

/// After which candidate to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Position {
    /// After this name.
    Name(DnKey),
    /// After this number.
    Number(i64),
}

/// Walks through the candidates of a search.
#[derive(Debug)]
pub struct Cursor {
    region: Region,
    plan: Plan,
    position: Position,
    finished: bool,
}

impl Cursor {
    /// The candidates of `filter` in `region`, from the beginning or after a position.
    pub async fn open(
        store: &Store,
        region: Region,
        filter: &Prepared,
        after: Option<Position>,
    ) -> Result<Self, StoreError> {
        let order = after.as_ref().map(|position| match position {
            Position::Name(_) => Order::Name,
            Position::Number(_) => Order::Number,
        });
        let plan = store.plan(&region, filter, order).await?;
        let position = after.unwrap_or_else(|| match plan {
            Plan::Scan => Position::Name(DnKey::default()),
            Plan::Equal(_) | Plan::Numbers(_) => Position::Number(0),
        });
        Ok(Self {
            region,
            plan,
            position,
            finished: false,
        })
    }

    /// The position after `found`, a candidate of this cursor.
    #[must_use]
    pub fn after(&self, found: &Found) -> Position {
        match self.position {
            Position::Name(_) => Position::Name(found.key.clone()),
            Position::Number(_) => Position::Number(found.id),
        }
    }

    /// The next candidates; empty at the end. All lie in the region.
    pub async fn next(&mut self, store: &Store) -> Result<Vec<Arc<Found>>, StoreError> {
        loop {
            if self.finished {
                return Ok(Vec::new());
            }
            let batch = match (&self.plan, &self.position) {
                (Plan::Equal(key), Position::Number(0)) if store.cached(key).is_some() => {
                    self.finished = true;
                    store.cached_entries(key).await?
                }
                _ => self.read(store).await?,
            };
            match batch.last() {
                None => self.finished = true,
                Some(last) => self.position = self.after(last),
            }
            let inside: Vec<Arc<Found>> = batch
                .into_iter()
                .filter(|found| self.region.contains(found.parent, &found.key))
                .collect();
            if !inside.is_empty() {
                return Ok(inside);
            }
        }
    }

    async fn read(&mut self, store: &Store) -> Result<Vec<Arc<Found>>, StoreError> {
        let limit = i64::from(SEARCH_BATCH);
        let seen = store.cache.generation();
        let query = match (&self.plan, &self.position) {
            (Plan::Scan, Position::Name(after)) => store.scan(&self.region, after, limit),
            (Plan::Equal((attribute, form)), Position::Number(after)) => sqlx::query_as(sql::EQUAL)
                .bind(*attribute)
                .bind(form.clone())
                .bind(*after)
                .bind(limit),
            (Plan::Numbers(numbers), Position::Number(after)) => {
                let start = numbers.partition_point(|number| number <= after);
                let batch: Vec<String> = numbers
                    .iter()
                    .skip(start)
                    .take(SEARCH_BATCH as usize)
                    .map(i64::to_string)
                    .collect();
                // An entry that was deleted meanwhile is skipped, a whole batch of them too.
                if let Some(last) = numbers.get(start + batch.len().saturating_sub(1)) {
                    self.position = Position::Number(*last);
                }
                self.finished = start + batch.len() >= numbers.len();
                sqlx::query_as(sql::ENTRIES_BY_ID).bind(format!("[{}]", batch.join(",")))
            }
            // A cookie of another search was refused before; there is nothing to find.
            _ => return Ok(Vec::new()),
        };
        let rows: Vec<Row> = query
            .fetch_all(&store.readers)
            .await
            .map_err(StoreError::database("read candidates"))?;
        let short = rows.len() < SEARCH_BATCH as usize;
        let found: Vec<Arc<Found>> = rows
            .into_iter()
            .map(|row| store.decode(row).map(Arc::new))
            .collect::<Result<_, _>>()?;
        if let Plan::Equal(key) = &self.plan
            && self.position == Position::Number(0)
            && short
        {
            store.remember(seen, key, &found);
        }
        self.finished |= short && !matches!(self.plan, Plan::Numbers(_));
        Ok(found)
    }
}

type RowQuery = sqlx::query::QueryAs<'static, sqlx::Sqlite, Row, sqlx::sqlite::SqliteArguments>;

impl Store {
    fn scan(&self, region: &Region, after: &DnKey, limit: i64) -> RowQuery {
        match region.reach {
            Reach::Children => sqlx::query_as(sql::CHILDREN)
                .bind(region.base)
                .bind(after.as_bytes().to_vec())
                .bind(limit),
            Reach::Subtree | Reach::Below => {
                let from = match after.is_root() {
                    true => region.key.as_bytes().to_vec(),
                    // The least key that is greater.
                    false => [after.as_bytes(), &[0]].concat(),
                };
                sqlx::query_as(sql::SUBTREE)
                    .bind(from)
                    .bind(region.key.after_subtree().unwrap_or_else(|| vec![0xff]))
                    .bind(limit)
            }
        }
    }

    fn cached(&self, key: &Key) -> Option<Arc<[DnKey]>> {
        self.cache.lookup(key)
    }

    async fn cached_entries(&self, key: &Key) -> Result<Vec<Arc<Found>>, StoreError> {
        let mut found = Vec::new();
        for name in self.cached(key).iter().flat_map(|names| names.iter()) {
            found.extend(self.find(name).await?);
        }
        found.sort_by_key(|found| found.id);
        Ok(found)
    }

    fn remember(&self, seen: u64, key: &Key, found: &[Arc<Found>]) {
        if found.len() > LOOKUP_ENTRIES {
            return;
        }
        for found in found {
            self.cache.keep_entry(seen, found);
        }
        self.cache.keep_lookup(
            seen,
            key.clone(),
            found.iter().map(|found| found.key.clone()).collect(),
        );
    }
}

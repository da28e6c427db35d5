//! A filter and a scope → where to look for candidates. Every candidate is tried on the filter
//! afterwards, so a plan may hold too many but never too few.

use roost_core_directory::schema::Rule;

use super::index::{Key, cut};
use super::{Store, StoreError, sql};
use crate::dn::DnKey;
use crate::filter::{Comparison, Prepared, Test};
use crate::limits::{PLAN_CANDIDATES_MAX, PLAN_LOOKUPS_MAX, PLAN_PROBE};
use crate::schema::{AttributeId, Schema};

/// The part of the tree that a search is about, apart from a lone base.
#[derive(Debug, Clone)]
pub struct Region {
    /// The number of the base; 0 is the root.
    pub base: i64,
    /// Its name.
    pub key: DnKey,
    /// How far.
    pub reach: Reach,
}

/// How far below its base a search looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The children.
    Children,
    /// The base and all below.
    Subtree,
    /// All below.
    Below,
}

impl Region {
    /// Whether an entry lies in the region.
    #[must_use]
    pub fn contains(&self, parent: i64, key: &DnKey) -> bool {
        match self.reach {
            Reach::Children => parent == self.base,
            Reach::Subtree => key.is_within(&self.key),
            Reach::Below => key.is_within(&self.key) && *key != self.key,
        }
    }
}

/// In which order candidates come; a cookie must keep to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// By the normal form of their names: a scan of the region.
    Name,
    /// By their numbers: lookups in the index.
    Number,
}

/// Where to look.
#[derive(Debug, Clone)]
pub(super) enum Plan {
    /// Through the region.
    Scan,
    /// Entries with one indexed value.
    Equal(Key),
    /// Entries with these numbers, ascending.
    Numbers(Vec<i64>),
}

/// A range of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Lookup {
    attribute: i64,
    from: Vec<u8>,
    to: Vec<u8>,
}

/// Lookups of which the union holds every match.
#[derive(Debug)]
struct Lookups {
    all: Vec<Lookup>,
    /// Few entries are expected, without counting.
    selective: bool,
}

/// After every form that begins with what is before it: no form has eight such octets in a row,
/// apart from a UUID of nothing else.
const GREATEST: [u8; 32] = [0xff; 32];

impl Store {
    pub(super) async fn plan(
        &self,
        region: &Region,
        filter: &Prepared,
        order: Option<Order>,
    ) -> Result<Plan, StoreError> {
        if order == Some(Order::Name) {
            return Ok(Plan::Scan);
        }
        let Some(lookups) = self.lookups(filter) else {
            return Ok(Plan::Scan);
        };
        if !lookups.selective && order.is_none() && self.scan_is_cheaper(region, &lookups).await? {
            return Ok(Plan::Scan);
        }
        match lookups.all.as_slice() {
            [one] if one.from == one.to => Ok(Plan::Equal((one.attribute, one.from.clone()))),
            _ => self.numbers(&lookups.all).await.map(Plan::Numbers),
        }
    }

    fn lookups(&self, filter: &Prepared) -> Option<Lookups> {
        match filter {
            Prepared::And(all) => {
                let plans = all.iter().filter_map(|one| self.lookups(one));
                plans.min_by_key(|plan| (!plan.selective, plan.all.len()))
            }
            Prepared::Or(all) => {
                let mut union = Lookups {
                    all: Vec::new(),
                    selective: true,
                };
                for one in all {
                    let plan = self.lookups(one)?;
                    union.selective &= plan.selective;
                    union.all.extend(plan.all);
                }
                (union.all.len() <= PLAN_LOOKUPS_MAX).then_some(union)
            }
            Prepared::Not(_) => None,
            Prepared::Test(test) => self.test_lookups(test),
            // Never true, so there are no candidates.
            Prepared::Undefined => Some(Lookups {
                all: Vec::new(),
                selective: true,
            }),
        }
    }

    fn test_lookups(&self, test: &Test) -> Option<Lookups> {
        if test.dn_attributes {
            return None;
        }
        let (from, to) = range(&test.comparison)?;
        let class = self.schema.known.object_class;
        if test.attributes.contains(&class) && test.comparison == Comparison::Present {
            return None;
        }
        let selective = from == to && !test.attributes.contains(&class);
        let all = test
            .attributes
            .iter()
            .map(|&id| {
                indexed_rule(&self.schema, id, test.rule)?;
                let attribute = self.index.id(id)?;
                Some(Lookup {
                    attribute,
                    from: from.clone(),
                    to: to.clone(),
                })
            })
            .collect::<Option<Vec<_>>>()?;
        Some(Lookups { all, selective })
    }

    async fn scan_is_cheaper(
        &self,
        region: &Region,
        lookups: &Lookups,
    ) -> Result<bool, StoreError> {
        let scanned = self.count_region(region).await?;
        let mut found = 0;
        for lookup in &lookups.all {
            found += self.count_lookup(lookup).await?;
            if found > scanned {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn count_region(&self, region: &Region) -> Result<i64, StoreError> {
        let query = match region.reach {
            Reach::Children => sqlx::query_as(sql::COUNT_CHILDREN).bind(region.base),
            Reach::Subtree | Reach::Below => sqlx::query_as(sql::COUNT_SUBTREE)
                .bind(region.key.as_bytes().to_vec())
                .bind(
                    region
                        .key
                        .after_subtree()
                        .unwrap_or_else(|| GREATEST.to_vec()),
                ),
        };
        let (count,): (i64,) = query
            .bind(PLAN_PROBE)
            .fetch_one(&self.readers)
            .await
            .map_err(StoreError::database("count candidates"))?;
        Ok(count)
    }

    async fn count_lookup(&self, lookup: &Lookup) -> Result<i64, StoreError> {
        let (count,): (i64,) = sqlx::query_as(sql::COUNT_RANGE)
            .bind(lookup.attribute)
            .bind(&lookup.from)
            .bind(&lookup.to)
            .bind(PLAN_PROBE)
            .fetch_one(&self.readers)
            .await
            .map_err(StoreError::database("count candidates"))?;
        Ok(count)
    }

    async fn numbers(&self, lookups: &[Lookup]) -> Result<Vec<i64>, StoreError> {
        let mut numbers = Vec::new();
        for lookup in lookups {
            let room = PLAN_CANDIDATES_MAX.saturating_sub(numbers.len());
            let rows: Vec<(i64,)> = sqlx::query_as(sql::IDS_IN_RANGE)
                .bind(lookup.attribute)
                .bind(&lookup.from)
                .bind(&lookup.to)
                .bind(i64::try_from(room + 1).unwrap_or(i64::MAX))
                .fetch_all(&self.readers)
                .await
                .map_err(StoreError::database("look up candidates"))?;
            if rows.len() > room {
                return Err(StoreError::TooManyCandidates);
            }
            numbers.extend(rows.into_iter().map(|(id,)| id));
        }
        numbers.sort_unstable();
        numbers.dedup();
        Ok(numbers)
    }
}

/// The rule under whose forms the index holds an attribute, if `asked` can use them.
fn indexed_rule(schema: &Schema, attribute: AttributeId, asked: Option<Rule>) -> Option<Rule> {
    let own = schema.get(attribute).row.equality()?;
    (asked.is_none_or(|rule| rule == own)).then_some(own)
}

fn range(comparison: &Comparison) -> Option<(Vec<u8>, Vec<u8>)> {
    let up = |mut from: Vec<u8>| {
        from.extend_from_slice(&GREATEST);
        from
    };
    match comparison {
        Comparison::Present => Some((Vec::new(), GREATEST.to_vec())),
        Comparison::Equal(form) => Some((cut(form.clone()), cut(form.clone()))),
        Comparison::AtLeast(form) => Some((cut(form.clone()), GREATEST.to_vec())),
        Comparison::AtMost(form) => Some((Vec::new(), up(cut(form.clone())))),
        Comparison::Substrings {
            initial: Some(initial),
            ..
        } => {
            let from = cut(initial.clone());
            Some((from.clone(), up(from)))
        }
        Comparison::Substrings { .. }
        | Comparison::Words(_)
        | Comparison::AllBits(_)
        | Comparison::AnyBit(_) => None,
    }
}

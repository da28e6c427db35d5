//! Server-side sorting (RFC 2891): names in order, bounded, without their entries.

use std::cmp::Ordering;

use roost_core_directory::schema::Rule;

use super::search::Running;
use crate::dn::DnKey;
use crate::limits::SORT_ENTRIES_MAX;
use crate::matching;
use crate::refuse::Refusal;
use crate::schema::AttributeId;
use crate::store::Found;
use crate::store::cursor::Cursor;
use crate::store::plan::Region;
use crate::wire::control::SortKey;
use crate::wire::response::ResultCode;

/// By what is sorted.
struct Key {
    attribute: AttributeId,
    rule: Rule,
    reverse: bool,
}

/// An entry with the least form of each key; `None` where it has no value.
type Sorted = (Vec<Option<Vec<u8>>>, DnKey);

/// The names of all matches in order, or why they cannot be sorted.
pub(super) async fn gather(
    running: &Running<'_>,
    region: Region,
    keys: &[SortKey],
) -> Result<Result<Vec<DnKey>, ResultCode>, Refusal> {
    let keys = match look_up(running, keys) {
        Ok(keys) => keys,
        Err(code) => return Ok(Err(code)),
    };
    let store = &running.directory.store;
    let mut cursor = Cursor::open(store, region, &running.filter, None).await?;
    let mut found: Vec<Sorted> = Vec::new();
    loop {
        let batch = cursor.next(store).await?;
        if batch.is_empty() {
            break;
        }
        for candidate in batch {
            running.check_time()?;
            if running.matches(&candidate).await?.is_none() {
                continue;
            }
            if found.len() >= SORT_ENTRIES_MAX {
                return Ok(Err(ResultCode::AdminLimitExceeded));
            }
            found.push((forms(running, &candidate, &keys), candidate.key.clone()));
        }
    }
    found.sort_by(|one, other| compare(&keys, &one.0, &other.0).then_with(|| one.1.cmp(&other.1)));
    Ok(Ok(found.into_iter().map(|(_, key)| key).collect()))
}

/// RFC 2891 §1.1. An attribute without a rule of order is sorted by its rule of equality: forms sort
/// as their values do, and clients rarely name a rule.
fn look_up(running: &Running<'_>, keys: &[SortKey]) -> Result<Vec<Key>, ResultCode> {
    let schema = &running.directory.schema;
    keys.iter()
        .map(|key| {
            let attribute = schema
                .attribute(&key.attribute)
                .ok_or(ResultCode::NoSuchAttribute)?;
            let rule = match &key.rule {
                Some(name) => Rule::find(name),
                None => attribute.row.ordering().or(attribute.row.equality()),
            };
            Ok(Key {
                attribute: attribute.id,
                rule: rule.ok_or(ResultCode::InappropriateMatching)?,
                reverse: key.reverse,
            })
        })
        .collect()
}

fn forms(running: &Running<'_>, found: &Found, keys: &[Key]) -> Vec<Option<Vec<u8>>> {
    let schema = &running.directory.schema;
    let readable = running.identity.reader(schema, found);
    keys.iter()
        .map(|key| {
            let values = found
                .entry
                .get(key.attribute)
                .iter()
                .filter(|_| readable(key.attribute));
            values
                .filter_map(|value| matching::normalise(schema, key.rule, value))
                .min()
        })
        .collect()
}

/// RFC 2891 §2.2: an entry without a value comes last, or first in reverse.
fn compare(keys: &[Key], one: &[Option<Vec<u8>>], other: &[Option<Vec<u8>>]) -> Ordering {
    keys.iter()
        .zip(one.iter().zip(other))
        .map(|(key, (one, other))| {
            let order = match (one, other) {
                (Some(one), Some(other)) => one.cmp(other),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => Ordering::Equal,
            };
            if key.reverse { order.reverse() } else { order }
        })
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

//! Server-side sorting (RFC 2891): names in order, bounded, without their entries.

use std::cmp::Ordering;

use roost_core_directory::schema::Rule;

use super::Answer;
use super::page::{Cookie, Place, fingerprint};
use super::search::{Room, Running, paged, wrong_cookie};
use crate::controls::Controls;
use crate::dn::DnKey;
use crate::limits::SORT_ENTRIES_MAX;
use crate::matching;
use crate::refuse::Refusal;
use crate::schema::AttributeId;
use crate::store::Found;
use crate::store::cursor::Cursor;
use crate::store::plan::Region;
use crate::wire::control::{SortKey, sort_answer};
use crate::wire::request::Search;
use crate::wire::response::{Outcome, ResultCode};

/// By what is sorted.
struct Key {
    attribute: AttributeId,
    rule: Rule,
    reverse: bool,
}

/// An entry with the least form of each key; `None` where it has no value.
type Sorted = (Vec<Option<Vec<u8>>>, DnKey);

impl Running<'_> {
    /// Sends what is found in order.
    pub(super) async fn sorted(
        &self,
        search: &Search,
        controls: &Controls,
        region: Region,
        keys: &[SortKey],
        mut room: Room,
    ) -> Result<Answer, Refusal> {
        let critical = controls
            .sort
            .as_ref()
            .is_some_and(|(_, critical)| *critical);
        let order = match gather(self, region.clone(), keys).await? {
            Ok(order) => order,
            // RFC 2891 §2: without criticality the answer comes unsorted, and says why.
            Err(code) if !critical => {
                let mut answer = self.unsorted(search, controls, region, room).await?;
                answer.controls.push(sort_answer(code as i64));
                return Ok(answer);
            }
            Err(code) => {
                let mut answer = Answer {
                    outcome: Outcome::new(
                        ResultCode::UnavailableCriticalExtension,
                        "the entries cannot be sorted like that",
                    ),
                    controls: Vec::new(),
                };
                answer.controls.push(sort_answer(code as i64));
                return Ok(answer);
            }
        };
        let mark = fingerprint(self.identity, search);
        let mut start = 0;
        if let Some(page) = controls
            .page
            .as_ref()
            .filter(|page| !page.cookie.is_empty())
        {
            match Cookie::read(&page.cookie, mark)? {
                Cookie {
                    place: Place::Sorted(count),
                    returned,
                } => {
                    start = count;
                    room.returned = returned;
                }
                Cookie {
                    place: Place::After(_),
                    ..
                } => return Err(wrong_cookie()),
            }
        }
        let mut answer = self
            .send_in_order(controls, &order, start, room, mark)
            .await?;
        answer
            .controls
            .push(sort_answer(ResultCode::Success as i64));
        Ok(answer)
    }

    async fn send_in_order(
        &self,
        controls: &Controls,
        order: &[DnKey],
        start: u32,
        mut room: Room,
        mark: u64,
    ) -> Result<Answer, Refusal> {
        for (index, key) in (start..).zip(order.iter().skip(start as usize)) {
            self.check_time()?;
            if room.is_limit_reached() {
                return Ok(self.too_many(controls));
            }
            if room.is_page_full() {
                let cookie = Cookie {
                    place: Place::Sorted(index),
                    returned: room.returned,
                };
                return Ok(paged(ResultCode::Success, &cookie.write(mark)));
            }
            // It may have changed since it was put in order.
            let Some(found) = self.directory.store.find(key).await? else {
                continue;
            };
            if let Some(derived) = self.matches(&found).await? {
                self.send(&found, &derived).await?;
                room.count();
            }
        }
        Ok(match controls.page {
            Some(_) => paged(ResultCode::Success, &[]),
            None => Answer::success(),
        })
    }
}

/// The names of all matches in order, or why they cannot be sorted.
async fn gather(
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

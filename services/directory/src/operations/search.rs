//! Search (RFC 4511 §4.5).

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::Answer;
use super::page::{Cookie, Place, fingerprint};
use super::show::{Derived, Selection, shown};
use crate::access::Identity;
use crate::controls::Controls;
use crate::directory::Directory;
use crate::dn::{Dn, DnKey};
use crate::filter::{Candidate, Prepared, Truth, evaluate, prepare};
use crate::outbox::Outbox;
use crate::refuse::Refusal;
use crate::root;
use crate::store::Found;
use crate::store::cursor::Cursor;
use crate::store::plan::{Reach, Region};
use crate::wire::control::page_answer;
use crate::wire::message::MessageId;
use crate::wire::request::{Scope, Search};
use crate::wire::response::{ResultCode, entry as write_entry};

/// Where entries go; full means that the client reads too slowly, and the search waits.
#[derive(Debug)]
pub struct Entries<'a> {
    /// Whose answer they are.
    pub id: MessageId,
    /// What is to be written to the client.
    pub out: &'a Outbox,
    /// Set when the client does not want the answer any more.
    pub cancelled: &'a CancellationToken,
}

/// A search on its way.
pub(super) struct Running<'a> {
    pub(super) directory: &'a Directory,
    pub(super) identity: &'a Identity,
    pub(super) filter: Prepared,
    selection: Selection,
    types_only: bool,
    wants_subordinates: bool,
    deadline: Instant,
    cancelled: &'a CancellationToken,
    entries: &'a Entries<'a>,
}

/// How many more entries may go out, and what it means when there are more.
pub(super) struct Room {
    size_limit: u32,
    page: u32,
    pub(super) returned: u32,
    on_this_page: u32,
}

impl Room {
    pub(super) fn is_limit_reached(&self) -> bool {
        self.returned >= self.size_limit
    }

    pub(super) fn is_page_full(&self) -> bool {
        self.on_this_page >= self.page
    }

    pub(super) fn count(&mut self) {
        self.returned += 1;
        self.on_this_page += 1;
    }
}

/// Runs a search; entries go out as they are found.
pub async fn search(
    directory: &Directory,
    identity: &Identity,
    search: &Search,
    controls: &Controls,
    entries: &Entries<'_>,
) -> Result<Answer, Refusal> {
    let (base, key) = directory.name(&search.base)?;
    let limits = &directory.limits;
    let privileged = identity.is_administrator() || identity.is_service();
    let least = |asked: u32, ours: u32| if asked == 0 { ours } else { asked.min(ours) };
    let (entries_max, seconds_max) = if privileged {
        (u32::MAX, u32::MAX)
    } else {
        (limits.entries, limits.seconds())
    };
    let seconds = u64::from(least(search.time_limit, seconds_max));
    let running = Running {
        directory,
        identity,
        filter: prepare(&directory.schema, &search.filter),
        selection: Selection::new(&directory.schema, &search.attributes),
        types_only: search.types_only,
        wants_subordinates: false,
        deadline: directory.clock.instant() + Duration::from_secs(seconds),
        cancelled: entries.cancelled,
        entries,
    };
    let running = Running {
        wants_subordinates: running.asks_for_subordinates(),
        ..running
    };
    if let Some(special) = running.special(&base, &key, search.scope).await? {
        return running.one(&special, true).await;
    }
    if !identity.is_known() {
        return Err(Refusal::denied(
            "who has not signed in may read the root DSE and the schema only",
        ));
    }
    // RFC 3672 §3: there are no subentries in the tree, and nothing else is wanted.
    if controls.subentries == Some(true) {
        return Ok(Answer::success());
    }
    let room = Room {
        size_limit: least(search.size_limit, entries_max),
        page: controls.page.as_ref().map_or(u32::MAX, |page| page.size),
        returned: 0,
        on_this_page: 0,
    };
    running.tree(search, &key, controls, room).await
}

impl Running<'_> {
    /// The entries that are not in the tree: the root DSE and the schema.
    async fn special(
        &self,
        base: &Dn,
        key: &DnKey,
        scope: Scope,
    ) -> Result<Option<Found>, Refusal> {
        if base.is_root() && scope == Scope::Base {
            let contexts = self.directory.store.naming_contexts().await?;
            return Ok(Some(root::root_dse(&self.directory.schema, &contexts)));
        }
        let (_, subschema) = self.directory.name(root::SUBSCHEMA_DN)?;
        let itself = matches!(scope, Scope::Base | Scope::Subtree);
        Ok((*key == subschema && itself).then(|| root::subschema(&self.directory.schema)))
    }

    async fn tree(
        &self,
        search: &Search,
        key: &DnKey,
        controls: &Controls,
        room: Room,
    ) -> Result<Answer, Refusal> {
        let base = if key.is_root() {
            None
        } else {
            let base = self.directory.visible(self.identity, key).await?;
            self.directory
                .assert(self.identity, &base, controls.assertion.as_ref())?;
            Some(base)
        };
        let reach = match search.scope {
            Scope::Base => match base {
                Some(base) => return self.one(&base, false).await,
                None => return Ok(Answer::success()),
            },
            Scope::One => Reach::Children,
            Scope::Subtree => Reach::Subtree,
            Scope::Children => Reach::Below,
        };
        let region = Region {
            base: base.map_or(0, |base| base.id),
            key: key.clone(),
            reach,
        };
        match &controls.sort {
            Some((keys, _)) => self.sorted(search, controls, region, keys, room).await,
            None => self.unsorted(search, controls, region, room).await,
        }
    }

    pub(super) async fn unsorted(
        &self,
        search: &Search,
        controls: &Controls,
        region: Region,
        mut room: Room,
    ) -> Result<Answer, Refusal> {
        let mark = fingerprint(self.identity, search);
        let mut after = None;
        if let Some(page) = controls
            .page
            .as_ref()
            .filter(|page| !page.cookie.is_empty())
        {
            match Cookie::read(&page.cookie, mark)? {
                Cookie {
                    place: Place::After(position),
                    returned,
                } => {
                    after = Some(position);
                    room.returned = returned;
                }
                Cookie {
                    place: Place::Sorted(_),
                    ..
                } => return Err(wrong_cookie()),
            }
        }
        // RFC 2696 §3: a page of no entries ends the sequence.
        if controls.page.as_ref().is_some_and(|page| page.size == 0) {
            return Ok(paged(ResultCode::Success, &[]));
        }
        let mut cursor = Cursor::open(&self.directory.store, region, &self.filter, after).await?;
        let mut last = None;
        loop {
            let batch = cursor.next(&self.directory.store).await?;
            if batch.is_empty() {
                return Ok(match controls.page {
                    Some(_) => paged(ResultCode::Success, &[]),
                    None => Answer::success(),
                });
            }
            for found in batch {
                self.check_time()?;
                let Some(derived) = self.matches(&found).await? else {
                    continue;
                };
                if room.is_limit_reached() {
                    return Ok(self.too_many(controls));
                }
                if room.is_page_full() {
                    let place = Place::After(last.unwrap_or_else(|| cursor.after(&found)));
                    let cookie = Cookie {
                        place,
                        returned: room.returned,
                    };
                    return Ok(paged(ResultCode::Success, &cookie.write(mark)));
                }
                self.send(&found, &derived).await?;
                last = Some(cursor.after(&found));
                room.count();
            }
        }
    }

    /// One entry, if it matches.
    async fn one(&self, found: &Found, special: bool) -> Result<Answer, Refusal> {
        let derived = if special {
            self.matches_special(found)
                .then(|| Derived::of(&found.entry, None))
        } else {
            self.matches(found).await?
        };
        if let Some(derived) = derived {
            if special {
                self.send_with(found, &derived, &|_| true).await?;
            } else {
                self.send(found, &derived).await?;
            }
        }
        Ok(Answer::success())
    }

    /// What else is to be shown of an entry, if it exists for the asker and the filter holds.
    pub(super) async fn matches(&self, found: &Found) -> Result<Option<Derived>, Refusal> {
        let schema = &self.directory.schema;
        if !self.identity.sees(schema, found) {
            return Ok(None);
        }
        let has_subordinates = match self.wants_subordinates {
            true => Some(self.directory.store.has_children(found.id).await?),
            false => None,
        };
        let candidate = Candidate {
            entry: &found.entry,
            has_subordinates,
        };
        let readable = self.identity.reader(schema, found);
        let holds = evaluate(schema, &self.filter, candidate, &readable) == Truth::True;
        Ok(holds.then(|| Derived::of(&found.entry, has_subordinates)))
    }

    fn matches_special(&self, found: &Found) -> bool {
        let candidate = Candidate {
            entry: &found.entry,
            has_subordinates: None,
        };
        evaluate(&self.directory.schema, &self.filter, candidate, &|_| true) == Truth::True
    }

    pub(super) async fn send(&self, found: &Found, derived: &Derived) -> Result<(), Refusal> {
        let readable = self.identity.reader(&self.directory.schema, found);
        self.send_with(found, derived, &readable).await
    }

    async fn send_with(
        &self,
        found: &Found,
        derived: &Derived,
        readable: &(dyn Fn(crate::schema::AttributeId) -> bool + Sync),
    ) -> Result<(), Refusal> {
        let message = {
            let schema = &self.directory.schema;
            let mut attributes = shown(schema, &found.entry, derived, &self.selection, readable);
            if self.types_only {
                attributes
                    .iter_mut()
                    .for_each(|attribute| attribute.values.clear());
            }
            write_entry(self.entries.id, derived.name(), &attributes, &[])
        };
        // The receiver is gone with the connection, and the search with it.
        self.entries
            .out
            .send(message)
            .await
            .map_err(|_| cancelled())
    }

    pub(super) fn check_time(&self) -> Result<(), Refusal> {
        if self.cancelled.is_cancelled() {
            return Err(cancelled());
        }
        if self.directory.clock.instant() >= self.deadline {
            return Err(Refusal::new(
                ResultCode::TimeLimitExceeded,
                "the search took too long",
            ));
        }
        Ok(())
    }

    fn asks_for_subordinates(&self) -> bool {
        let attribute = self
            .directory
            .schema
            .get(self.directory.schema.known.has_subordinates);
        self.selection.selects(attribute) || self.filter.mentions(attribute.id)
    }

    pub(super) fn too_many(&self, controls: &Controls) -> Answer {
        let mut answer = match controls.page {
            Some(_) => paged(ResultCode::SizeLimitExceeded, &[]),
            None => Answer::of(ResultCode::SizeLimitExceeded),
        };
        answer.outcome.message = "there are more entries than the limit allows".to_owned();
        answer
    }
}

pub(super) fn paged(code: ResultCode, cookie: &[u8]) -> Answer {
    Answer {
        controls: vec![page_answer(cookie)],
        ..Answer::of(code)
    }
}

fn cancelled() -> Refusal {
    Refusal::new(ResultCode::Canceled, "the client cancelled the search")
}

pub(super) fn wrong_cookie() -> Refusal {
    Refusal::new(
        ResultCode::UnwillingToPerform,
        "the paged results cookie is not one of this search",
    )
}

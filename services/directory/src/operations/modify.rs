//! Modify (RFC 4511 §4.6), with increment (RFC 4525): all changes or none.

use super::deposit::{self, Deposit};
use super::{Answer, add, read_entry, stamp};
use crate::access::Identity;
use crate::controls::Controls;
use crate::directory::Directory;
use crate::entry::{Entry, value_form};
use crate::limits::CHANGES_MAX;
use crate::password::verify;
use crate::refuse::Refusal;
use crate::schema::{Attribute, Schema, check_entry, check_values};
use crate::store::Found;
use crate::wire::request::{Change, ChangeKind, Modify};
use crate::wire::response::ResultCode;

/// Changes attributes of an entry.
pub async fn modify(
    directory: &Directory,
    identity: &Identity,
    modify: &Modify,
    controls: &Controls,
) -> Result<Answer, Refusal> {
    if modify.changes.len() > CHANGES_MAX {
        let message = format!("a modify has at most {CHANGES_MAX} changes");
        return Err(Refusal::new(ResultCode::AdminLimitExceeded, message));
    }
    let (dn, key) = directory.name(&modify.dn)?;
    add::check_place(directory, &dn, &key)?;
    let found = directory.visible(identity, &key).await?;
    check_rights(directory, identity, &found, &modify.changes)?;
    let password = new_password(directory, identity, &found, &modify.changes).await?;

    let mut write = directory.store.write().await?;
    let Some(old) = write.find(&key).await? else {
        drop(write);
        return Err(directory.nothing_at(identity, &key).await?);
    };
    directory.assert(identity, &old, controls.assertion.as_ref())?;
    let mut entry = old.entry.clone();
    for change in modify
        .changes
        .iter()
        .filter(|change| !is_password(&directory.schema, change))
    {
        apply(&directory.schema, &mut entry, change)?;
    }
    if let Some(password) = password {
        let known = &directory.schema.known;
        if old.entry.get(known.user_password) != found.entry.get(known.user_password) {
            // It was hashed before the transaction began, against what is no longer there.
            return Err(Refusal::new(
                ResultCode::Busy,
                "the password has just been changed",
            ));
        }
        super::password::remember(directory, &old, &mut entry).await?;
        password.into_entry(directory, &mut entry);
    }
    finish(directory, identity, &old.entry, &mut entry)?;
    write.replace(&old, &entry).await?;
    let durable = write.commit().await?;
    let pre = read_entry::before(directory, identity, &old, controls.pre_read.as_deref());
    let new = Found { entry, ..old };
    let post = read_entry::after(directory, identity, &new, controls.post_read.as_deref());
    Ok(Answer::durable(
        durable,
        pre.into_iter().chain(post).collect(),
    ))
}

fn check_rights(
    directory: &Directory,
    identity: &Identity,
    found: &Found,
    changes: &[Change],
) -> Result<(), Refusal> {
    let schema = &directory.schema;
    for change in changes {
        let attribute = add::writable(schema, &change.attribute.name)?;
        if !identity.writes(schema, found, attribute) {
            return Err(Refusal::denied(format!(
                "the attribute {} of this entry cannot be changed by {}",
                attribute.name,
                match identity.is_known() {
                    true => identity.dn.to_string(),
                    false => "clients that have not signed in".to_owned(),
                }
            )));
        }
    }
    Ok(())
}

/// What must hold after any change to an entry.
pub(super) fn finish(
    directory: &Directory,
    identity: &Identity,
    old: &Entry,
    entry: &mut Entry,
) -> Result<(), Refusal> {
    let schema = &directory.schema;
    check_name(schema, entry)?;
    let class = check_entry(schema, entry)?;
    // RFC 4511 §4.6: the structural class of an entry cannot change; a more derived one is another.
    let was = old
        .text(schema.known.structural_object_class)
        .and_then(|name| schema.class(name));
    if was.is_some_and(|was| was.id != class) {
        return Err(Refusal::new(
            ResultCode::ObjectClassModsProhibited,
            "the structural object class of an entry cannot change",
        ));
    }
    stamp::structural_class(directory, class, entry);
    stamp::modified(directory, identity, entry);
    add::check_size(entry)
}

/// RFC 4511 §4.6: the values of the name cannot be removed.
fn check_name(schema: &Schema, entry: &Entry) -> Result<(), Refusal> {
    for pair in entry.dn.rdn().iter().flat_map(|rdn| rdn.pairs()) {
        let Some(attribute) = schema.attribute(&pair.attribute) else {
            continue;
        };
        let form = value_form(schema, attribute, &pair.value);
        let has = entry
            .get(attribute.id)
            .iter()
            .any(|own| value_form(schema, attribute, own) == form);
        if !has {
            return Err(Refusal::new(
                ResultCode::NotAllowedOnRdn,
                format!(
                    "a value of {} is part of the entry's name (rename it instead)",
                    attribute.name
                ),
            ));
        }
    }
    Ok(())
}

fn apply(schema: &Schema, entry: &mut Entry, change: &Change) -> Result<(), Refusal> {
    let attribute = add::writable(schema, &change.attribute.name)?;
    let values = &change.attribute.values;
    match change.kind {
        ChangeKind::Add => add_values(schema, entry, attribute, values),
        ChangeKind::Delete => delete_values(schema, entry, attribute, values),
        ChangeKind::Replace => {
            check_values(attribute, values)?;
            add::check_distinct(schema, attribute, values)?;
            entry.set(attribute.id, values.clone());
            Ok(())
        }
        ChangeKind::Increment => increment(entry, attribute, values),
    }
}

fn add_values(
    schema: &Schema,
    entry: &mut Entry,
    attribute: &Attribute,
    values: &[Vec<u8>],
) -> Result<(), Refusal> {
    if values.is_empty() {
        return Err(Refusal::new(
            ResultCode::ProtocolError,
            format!("no value of {} is to be added", attribute.name),
        ));
    }
    let mut all = entry.get(attribute.id).to_vec();
    all.extend(values.iter().cloned());
    add::check_distinct(schema, attribute, &all)?;
    // Old values may stem from an older schema: only the number of all is checked.
    check_values(attribute, values)?;
    if attribute.row.single && all.len() > 1 {
        return Err(Refusal::new(
            ResultCode::ConstraintViolation,
            format!("attribute {} holds one value only", attribute.name),
        ));
    }
    entry.set(attribute.id, all);
    Ok(())
}

fn delete_values(
    schema: &Schema,
    entry: &mut Entry,
    attribute: &Attribute,
    values: &[Vec<u8>],
) -> Result<(), Refusal> {
    let missing = |what: &str| {
        Refusal::new(
            ResultCode::NoSuchAttribute,
            format!("the entry has no {what}{}", attribute.name),
        )
    };
    let mut own = entry.get(attribute.id).to_vec();
    if own.is_empty() {
        return Err(missing(""));
    }
    if values.is_empty() {
        own.clear();
    }
    for value in values {
        let form = value_form(schema, attribute, value);
        let place = own
            .iter()
            .position(|own| value_form(schema, attribute, own) == form);
        own.remove(place.ok_or_else(|| missing("such value of "))?);
    }
    entry.set(attribute.id, own);
    Ok(())
}

/// RFC 4525: every value grows by the one that is given.
fn increment(entry: &mut Entry, attribute: &Attribute, values: &[Vec<u8>]) -> Result<(), Refusal> {
    let number = |value: &[u8]| {
        std::str::from_utf8(value)
            .ok()
            .and_then(|text| text.parse::<i64>().ok())
            .ok_or_else(|| {
                Refusal::new(
                    ResultCode::ConstraintViolation,
                    format!(
                        "the attribute {} does not hold a number that can grow",
                        attribute.name
                    ),
                )
            })
    };
    let [by] = values else {
        return Err(Refusal::new(
            ResultCode::ProtocolError,
            "an increment has one value",
        ));
    };
    let by = number(by)?;
    let own = entry.get(attribute.id);
    if own.is_empty() {
        return Err(Refusal::new(
            ResultCode::NoSuchAttribute,
            format!("the entry has no {}", attribute.name),
        ));
    }
    let grown = own
        .iter()
        .map(|value| {
            let sum = number(value)?.checked_add(by).ok_or_else(|| {
                Refusal::new(
                    ResultCode::ConstraintViolation,
                    "the number becomes too large",
                )
            })?;
            Ok(sum.to_string().into_bytes())
        })
        .collect::<Result<Vec<_>, Refusal>>()?;
    check_values(attribute, &grown)?;
    entry.set(attribute.id, grown);
    Ok(())
}

fn is_password(schema: &Schema, change: &Change) -> bool {
    schema
        .attribute(&change.attribute.name)
        .is_some_and(|attribute| attribute.id == schema.known.user_password)
}

/// The values of `userPassword` after the changes, if any concern it. A value in clear that is to be
/// deleted names the hash that it fits, as a client that knows only the password has it.
async fn new_password(
    directory: &Directory,
    identity: &Identity,
    found: &Found,
    changes: &[Change],
) -> Result<Option<Deposit>, Refusal> {
    let schema = &directory.schema;
    let known = &schema.known;
    let old = found.entry.get(known.user_password);
    let mut kept = old.to_vec();
    let mut added: Vec<Vec<u8>> = Vec::new();
    let mut touched = false;
    for change in changes.iter().filter(|change| is_password(schema, change)) {
        touched = true;
        let values = &change.attribute.values;
        match change.kind {
            ChangeKind::Add => added.extend(values.iter().cloned()),
            ChangeKind::Replace => {
                kept.clear();
                added = values.clone();
            }
            ChangeKind::Delete if values.is_empty() => kept.clear(),
            ChangeKind::Delete => {
                for value in values {
                    forget(directory, &mut kept, value).await?;
                }
            }
            ChangeKind::Increment => {
                let message = "a password cannot grow by a number";
                return Err(Refusal::new(ResultCode::ConstraintViolation, message));
            }
        }
    }
    if !touched {
        return Ok(None);
    }
    for value in &added {
        super::password::check_change(directory, identity, found, value).await?;
    }
    let mut deposit = deposit::deposit(directory, &added).await?;
    if added.is_empty() && kept.len() == old.len() {
        deposit.keys = found.entry.get(known.auth_password).to_vec();
    }
    kept.append(&mut deposit.hashes);
    deposit.hashes = kept;
    Ok(Some(deposit))
}

async fn forget(
    directory: &Directory,
    kept: &mut Vec<Vec<u8>>,
    value: &[u8],
) -> Result<(), Refusal> {
    let mut place = kept.iter().position(|own| own == value);
    if place.is_none()
        && let Some(clear) = verify::clear(value)
    {
        for (index, own) in kept.iter().enumerate() {
            if directory
                .checker
                .check(std::slice::from_ref(own), clear)
                .await?
            {
                place = Some(index);
                break;
            }
        }
    }
    let place = place.ok_or_else(|| {
        Refusal::new(
            ResultCode::NoSuchAttribute,
            "the entry has no such value of userPassword",
        )
    })?;
    kept.remove(place);
    Ok(())
}

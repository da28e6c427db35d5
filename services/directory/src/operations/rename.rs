//! Modify DN (RFC 4511 §4.9): rename an entry, move it, and everything below it along.

use super::{Answer, add, modify, read_entry};
use crate::access::Identity;
use crate::controls::Controls;
use crate::directory::Directory;
use crate::dn::{Dn, Rdn};
use crate::entry::{Entry, value_form};
use crate::refuse::Refusal;
use crate::schema::Schema;
use crate::store::Found;
use crate::store::write::Write;
use crate::wire::request::ModifyDn;
use crate::wire::response::ResultCode;

/// Renames or moves an entry.
pub async fn rename(
    directory: &Directory,
    identity: &Identity,
    request: &ModifyDn,
    controls: &Controls,
) -> Result<Answer, Refusal> {
    let schema = &directory.schema;
    let (dn, key) = directory.name(&request.dn)?;
    add::check_place(directory, &dn, &key)?;
    if !identity.may_change_the_tree() {
        return Err(Refusal::denied("only administrators rename entries"));
    }
    let new_rdn = Rdn::parse(&request.new_rdn)?;
    let superior = request
        .new_superior
        .as_deref()
        .map(|name| directory.name(name))
        .transpose()?;

    let mut write = directory.store.write().await?;
    let Some(old) = write.find(&key).await? else {
        drop(write);
        return Err(directory.nothing_at(identity, &key).await?);
    };
    directory.assert(identity, &old, controls.assertion.as_ref())?;
    let (above, parent) = match superior {
        None => (old.entry.dn.parent(), old.parent),
        Some((_, superior)) if superior.is_root() => (Dn::ROOT, 0),
        Some((_, superior)) if superior.is_within(&key) => {
            let message = "an entry cannot be moved below itself";
            return Err(Refusal::new(ResultCode::UnwillingToPerform, message));
        }
        Some((_, superior)) => match write.find(&superior).await? {
            Some(found) => (found.entry.dn, found.id),
            None => {
                drop(write);
                return Err(directory.nothing_at(identity, &superior).await?);
            }
        },
    };
    let new_dn = above.child(new_rdn);
    let (_, new_key) = directory.name(&new_dn.to_string())?;
    add::check_place(directory, &new_dn, &new_key)?;
    check_free(&mut write, &old, &new_dn, &new_key).await?;

    let mut entry = old.entry.clone();
    entry.dn = new_dn.clone();
    if request.delete_old_rdn {
        remove_old_name(schema, &old.entry, &mut entry);
    }
    add::add_name(schema, &new_dn, &mut entry)?;
    modify::finish(directory, identity, &old.entry, &mut entry)?;
    write.rename(&old, parent, &entry).await?;
    let durable = write.commit().await?;
    let pre = read_entry::before(directory, identity, &old, controls.pre_read.as_deref());
    let new = Found {
        entry,
        key: new_key,
        parent,
        ..old
    };
    let post = read_entry::after(directory, identity, &new, controls.post_read.as_deref());
    Ok(Answer::durable(
        durable,
        pre.into_iter().chain(post).collect(),
    ))
}

/// The new name is not taken, unless it is another spelling of the old one.
async fn check_free(
    write: &mut Write<'_>,
    old: &Found,
    new_dn: &Dn,
    new_key: &crate::dn::DnKey,
) -> Result<(), Refusal> {
    match write.find(new_key).await? {
        Some(other) if other.id != old.id => Err(Refusal::new(
            ResultCode::EntryAlreadyExists,
            format!("{new_dn} exists already"),
        )),
        _ => Ok(()),
    }
}

/// Removes the values of the old name that are not in the new one.
fn remove_old_name(schema: &Schema, old: &Entry, entry: &mut Entry) {
    let names = |dn: &Dn| -> Vec<_> {
        dn.rdn()
            .iter()
            .flat_map(|rdn| rdn.pairs())
            .filter_map(|pair| {
                let attribute = schema.attribute(&pair.attribute)?;
                Some((attribute.id, value_form(schema, attribute, &pair.value)))
            })
            .collect()
    };
    let new = names(&entry.dn);
    for (id, form) in names(&old.dn)
        .into_iter()
        .filter(|name| !new.contains(name))
    {
        let attribute = schema.get(id);
        let mut values = entry.get(id).to_vec();
        values.retain(|value| value_form(schema, attribute, value) != form);
        entry.set(id, values);
    }
}

//! Add (RFC 4511 §4.7).

use super::{Answer, deposit, read_entry, stamp};
use crate::access::Identity;
use crate::controls::Controls;
use crate::directory::Directory;
use crate::dn::{Dn, DnKey};
use crate::entry::{Entry, value_form};
use crate::limits::{ENTRY_SIZE_MAX, VALUES_MAX};
use crate::refuse::Refusal;
use crate::root;
use crate::schema::{Attribute, Schema, check_entry, check_values};
use crate::store::Found;
use crate::wire::request::{Add, Attribute as Sent};
use crate::wire::response::ResultCode;

/// Adds an entry.
pub async fn add(
    directory: &Directory,
    identity: &Identity,
    add: &Add,
    controls: &Controls,
) -> Result<Answer, Refusal> {
    if !identity.may_change_the_tree() {
        return Err(Refusal::denied("only administrators add entries"));
    }
    let (dn, key) = directory.name(&add.dn)?;
    check_place(directory, &dn, &key)?;
    let entry = read(&directory.schema, dn, &add.attributes)?;
    let password = entry.get(directory.schema.known.user_password).to_vec();
    let mut found = Found {
        id: 0,
        parent: 0,
        key,
        entry,
    };
    super::password::check_first(directory, &found, &password).await?;
    deposit::deposit(directory, &password)
        .await?
        .into_entry(directory, &mut found.entry);
    store(directory, identity, found, controls).await
}

async fn store(
    directory: &Directory,
    identity: &Identity,
    mut found: Found,
    controls: &Controls,
) -> Result<Answer, Refusal> {
    let class = check_entry(&directory.schema, &found.entry)?;
    stamp::created(directory, identity, &mut found.entry);
    stamp::structural_class(directory, class, &mut found.entry);
    check_size(&found.entry)?;
    let key = &found.key;
    directory.assert(identity, &found, controls.assertion.as_ref())?;
    let mut write = directory.store.write().await?;
    if write.find(key).await?.is_some() {
        let message = format!("{} exists already", found.entry.dn);
        return Err(Refusal::new(ResultCode::EntryAlreadyExists, message));
    }
    let parent = match key.parent().filter(|parent| !parent.is_root()) {
        None => 0,
        Some(parent) => match write.find(&parent).await? {
            Some(parent) => parent.id,
            None => {
                drop(write);
                return Err(directory.nothing_at(identity, key).await?);
            }
        },
    };
    write.insert(parent, &found.entry).await?;
    let durable = write.commit().await?;
    let post = read_entry::after(directory, identity, &found, controls.post_read.as_deref());
    Ok(Answer::durable(durable, post.into_iter().collect()))
}

/// The entries that are the server's own cannot be made.
pub(super) fn check_place(directory: &Directory, dn: &Dn, key: &DnKey) -> Result<(), Refusal> {
    let (_, subschema) = directory.name(root::SUBSCHEMA_DN)?;
    if dn.is_root() || key.is_within(&subschema) {
        return Err(Refusal::new(
            ResultCode::UnwillingToPerform,
            "the root and the schema are the server's own",
        ));
    }
    Ok(())
}

pub(super) fn check_size(entry: &Entry) -> Result<(), Refusal> {
    if entry.size() > ENTRY_SIZE_MAX {
        return Err(Refusal::new(
            ResultCode::AdminLimitExceeded,
            format!("an entry has at most {ENTRY_SIZE_MAX} octets"),
        ));
    }
    Ok(())
}

/// The attributes of a request → an entry, each value checked.
fn read(schema: &Schema, dn: Dn, attributes: &[Sent]) -> Result<Entry, Refusal> {
    let mut entry = Entry::new(dn.clone());
    for sent in attributes {
        let attribute = writable(schema, &sent.name)?;
        if sent.values.is_empty() {
            // RFC 4511 §4.1.7: an attribute of an entry has a value.
            return Err(Refusal::new(
                ResultCode::ProtocolError,
                format!("the attribute {} comes without a value", attribute.name),
            ));
        }
        let mut values = entry.get(attribute.id).to_vec();
        values.extend(sent.values.iter().cloned());
        check_values(attribute, &values)?;
        check_distinct(schema, attribute, &values)?;
        entry.set(attribute.id, values);
    }
    // RFC 4511 §4.7: the values of the name may be left out of the list.
    add_name(schema, &dn, &mut entry)?;
    Ok(entry)
}

/// The attribute of this name, which clients may write.
pub(super) fn writable<'a>(schema: &'a Schema, name: &str) -> Result<&'a Attribute, Refusal> {
    let (name, options) = name.split_once(';').unwrap_or((name, "binary"));
    if !options.eq_ignore_ascii_case("binary") {
        return Err(Refusal::new(
            ResultCode::UndefinedAttributeType,
            format!("the option of {name};{options} is not known here"),
        ));
    }
    let attribute = schema
        .attribute(name)
        .ok_or_else(|| Refusal::new(ResultCode::UndefinedAttributeType, unknown_attribute(name)))?;
    if attribute.row.read_only() {
        return Err(Refusal::new(
            ResultCode::ConstraintViolation,
            format!("the attribute {} is kept by the server", attribute.name),
        ));
    }
    if attribute.id == schema.known.auth_password {
        return Err(Refusal::new(
            ResultCode::ConstraintViolation,
            "authPassword is made by the server from userPassword",
        ));
    }
    Ok(attribute)
}

fn unknown_attribute(name: &str) -> String {
    match roost_core_directory::schema::similar_attributes(name).first() {
        Some(similar) => format!("there is no attribute {name}; did you mean {similar}?"),
        None => format!("there is no attribute {name}"),
    }
}

/// No two equal values (RFC 4512 §2.2).
pub(super) fn check_distinct(
    schema: &Schema,
    attribute: &Attribute,
    values: &[Vec<u8>],
) -> Result<(), Refusal> {
    if values.len() > VALUES_MAX {
        return Err(Refusal::new(
            ResultCode::AdminLimitExceeded,
            format!(
                "the attribute {} has more than {VALUES_MAX} values",
                attribute.name
            ),
        ));
    }
    let mut forms = std::collections::HashSet::with_capacity(values.len());
    for value in values {
        if !forms.insert(value_form(schema, attribute, value)) {
            return Err(Refusal::new(
                ResultCode::AttributeOrValueExists,
                format!("the attribute {} has a value twice", attribute.name),
            ));
        }
    }
    Ok(())
}

/// Adds the values of an entry's name to its attributes where they are missing.
pub(super) fn add_name(schema: &Schema, dn: &Dn, entry: &mut Entry) -> Result<(), Refusal> {
    for pair in dn.rdn().iter().flat_map(|rdn| rdn.pairs()) {
        let attribute = writable(schema, &pair.attribute)?;
        if attribute.row.equality().is_none() || attribute.id == schema.known.user_password {
            return Err(Refusal::new(
                ResultCode::NamingViolation,
                format!("the attribute {} cannot name an entry", attribute.name),
            ));
        }
        check_values(attribute, std::slice::from_ref(&pair.value))?;
        let form = value_form(schema, attribute, &pair.value);
        let has = entry
            .get(attribute.id)
            .iter()
            .any(|own| value_form(schema, attribute, own) == form);
        if !has {
            entry.push(attribute.id, pair.value.clone());
            check_values(attribute, entry.get(attribute.id))?;
        }
    }
    Ok(())
}

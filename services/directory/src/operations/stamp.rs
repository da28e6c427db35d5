//! What the server keeps of every entry: identity, who made and changed it, and when (RFC 4512
//! §3.4, RFC 4530).

use crate::access::Identity;
use crate::directory::Directory;
use crate::entry::Entry;
use crate::schema::ClassId;

/// Stamps a new entry.
pub(super) fn created(directory: &Directory, by: &Identity, entry: &mut Entry) {
    let known = &directory.schema.known;
    let now = directory.timestamp();
    let name = by.dn.to_string().into_bytes();
    entry.set(
        known.entry_uuid,
        vec![uuid::Uuid::new_v4().to_string().into_bytes()],
    );
    entry.set(known.create_timestamp, vec![now]);
    entry.set(known.creators_name, vec![name]);
    modified(directory, by, entry);
}

/// Stamps a changed entry.
pub(super) fn modified(directory: &Directory, by: &Identity, entry: &mut Entry) {
    let known = &directory.schema.known;
    entry.set(known.modify_timestamp, vec![directory.timestamp()]);
    entry.set(known.modifiers_name, vec![by.dn.to_string().into_bytes()]);
}

/// Notes what an entry is.
pub(super) fn structural_class(directory: &Directory, class: ClassId, entry: &mut Entry) {
    let name = directory.schema.get_class(class).row.name;
    entry.set(
        directory.schema.known.structural_object_class,
        vec![name.as_bytes().to_vec()],
    );
}

//! The entry before and after a change, for whoever asks (RFC 4527).

use super::show::{Derived, Selection, shown};
use crate::access::Identity;
use crate::directory::Directory;
use crate::store::Found;
use crate::wire::control::oid;
use crate::wire::message::Control;
use crate::wire::response::entry_value;

/// The answer to a pre-read control, if there was one.
pub(super) fn before(
    directory: &Directory,
    identity: &Identity,
    found: &Found,
    names: Option<&[String]>,
) -> Option<Control> {
    names.map(|names| read(directory, identity, found, names, oid::PRE_READ))
}

/// The answer to a post-read control, if there was one.
pub(super) fn after(
    directory: &Directory,
    identity: &Identity,
    found: &Found,
    names: Option<&[String]>,
) -> Option<Control> {
    names.map(|names| read(directory, identity, found, names, oid::POST_READ))
}

fn read(
    directory: &Directory,
    identity: &Identity,
    found: &Found,
    names: &[String],
    oid: &str,
) -> Control {
    let schema = &directory.schema;
    let selection = Selection::new(schema, names);
    let derived = Derived::of(&found.entry, None);
    let readable = identity.reader(schema, found);
    let attributes = shown(schema, &found.entry, &derived, &selection, &readable);
    Control::answer(oid, entry_value(derived.name(), &attributes))
}

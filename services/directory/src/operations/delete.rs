//! Delete (RFC 4511 §4.8), of one entry or, with the control for it, of a whole tree.

use super::{Answer, add, read_entry};
use crate::access::Identity;
use crate::controls::Controls;
use crate::directory::Directory;
use crate::refuse::Refusal;
use crate::wire::response::ResultCode;

/// Deletes an entry.
pub async fn delete(
    directory: &Directory,
    identity: &Identity,
    name: &str,
    controls: &Controls,
) -> Result<Answer, Refusal> {
    let (dn, key) = directory.name(name)?;
    add::check_place(directory, &dn, &key)?;
    if !identity.may_change_the_tree() {
        return Err(Refusal::denied("only administrators delete entries"));
    }
    // Whoever is signed in with this entry, or one below it, would saw off the branch.
    if identity.key.is_within(&key) {
        let message = "an administrator cannot delete the entry that it is signed in with";
        return Err(Refusal::new(ResultCode::UnwillingToPerform, message));
    }
    let mut write = directory.store.write().await?;
    let Some(old) = write.find(&key).await? else {
        drop(write);
        return Err(directory.nothing_at(identity, &key).await?);
    };
    directory.assert(identity, &old, controls.assertion.as_ref())?;
    if controls.tree_delete {
        for found in write.subtree_bottom_up(&key).await? {
            write.remove(&found).await?;
        }
    } else if write.has_children(old.id).await? {
        let message = "the entry has others below it (delete those first)";
        return Err(Refusal::new(ResultCode::NotAllowedOnNonLeaf, message));
    } else {
        write.remove(&old).await?;
    }
    let durable = write.commit().await?;
    let pre = read_entry::before(directory, identity, &old, controls.pre_read.as_deref());
    Ok(Answer::durable(durable, pre.into_iter().collect()))
}

//! Password modify (RFC 3062), and what any change of a password must pass.

use std::sync::Arc;

use roost_core_directory::dn;
use roost_core_directory::schema::kind::time;

use super::bind::{Connection, named};
use super::deposit::{self, Deposit};
use super::stamp;
use crate::access::Identity;
use crate::directory::Directory;
use crate::password::policy::{Policy, since};
use crate::password::{hash, verify};
use crate::refuse::Refusal;
use crate::store::Found;
use crate::wire::ber::{self, Malformed, Reader, Writer};
use crate::wire::response::ResultCode;

/// The value of the request.
#[derive(Default)]
struct Request {
    user: Option<String>,
    old: Option<Vec<u8>>,
    new: Option<Vec<u8>>,
}

/// Changes a password. Returns the value of the answer: a password that was made up, if none came.
pub async fn modify(
    directory: &Directory,
    connection: Connection,
    identity: &Identity,
    value: Option<&[u8]>,
) -> Result<Option<Vec<u8>>, Refusal> {
    if !connection.secure {
        let message = "a password must not travel in clear (use StartTLS or ldaps)";
        return Err(Refusal::new(ResultCode::ConfidentialityRequired, message));
    }
    if !identity.is_known() {
        return Err(Refusal::denied(
            "who has not signed in cannot change a password",
        ));
    }
    let request = read(value)?;
    let found = whose(directory, identity, request.user.as_deref()).await?;
    let attribute = directory.schema.get(directory.schema.known.user_password);
    if !identity.writes(&directory.schema, &found, attribute) {
        return Err(Refusal::denied(format!(
            "the password of {} cannot be changed",
            found.entry.dn
        )));
    }
    if let Some(old) = &request.old {
        let stored = found.entry.get(attribute.id);
        if !directory.checker.check(stored, old).await? {
            return Err(Refusal::new(
                ResultCode::InvalidCredentials,
                "the old password is wrong",
            ));
        }
    }
    let generated = request.new.is_none().then(hash::generate);
    let new = request
        .new
        .or_else(|| generated.clone().map(String::into_bytes))
        .unwrap_or_default();
    if verify::scheme(&new).is_some() {
        return Err(Refusal::new(
            ResultCode::ConstraintViolation,
            "a password, not a hash, is expected",
        ));
    }
    check_change(directory, identity, &found, &new).await?;
    let deposit = deposit::deposit(directory, &[new]).await?;
    store(directory, identity, &found, deposit).await?;
    Ok(generated.map(|password| answer(&password)))
}

fn read(value: Option<&[u8]>) -> Result<Request, Malformed> {
    let Some(value) = value else {
        return Ok(Request::default());
    };
    let mut inner = Reader::new(value).enter(ber::SEQUENCE, "a password modify request")?;
    Ok(Request {
        user: inner
            .optional(ber::context(0))?
            .map(ber::text)
            .transpose()?,
        old: inner.optional(ber::context(1))?.map(<[u8]>::to_vec),
        new: inner.optional(ber::context(2))?.map(<[u8]>::to_vec),
    })
}

fn answer(password: &str) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.constructed(ber::SEQUENCE, |writer| {
        writer.primitive(ber::context(0), password.as_bytes());
    });
    writer.into_bytes()
}

async fn whose(
    directory: &Directory,
    identity: &Identity,
    user: Option<&str>,
) -> Result<Arc<Found>, Refusal> {
    let Some(user) = user.filter(|user| !user.is_empty()) else {
        return directory.visible(identity, &identity.key).await;
    };
    let found = named(directory, user).await?;
    found
        .filter(|found| identity.sees(&directory.schema, found))
        .ok_or_else(|| Refusal::no_such_object(String::new()))
}

async fn store(
    directory: &Directory,
    identity: &Identity,
    found: &Found,
    deposit: Deposit,
) -> Result<(), Refusal> {
    let mut write = directory.store.write().await?;
    let Some(old) = write.find(&found.key).await? else {
        return Err(Refusal::no_such_object(String::new()));
    };
    let mut entry = old.entry.clone();
    remember(directory, &old, &mut entry).await?;
    deposit.into_entry(directory, &mut entry);
    crate::schema::check_entry(&directory.schema, &entry)?;
    stamp::modified(directory, identity, &mut entry);
    write.replace(&old, &entry).await?;
    let _durable = write.commit().await?;
    Ok(())
}

/// Whether a new account may begin with these values of `userPassword`: the policy holds for them as
/// for a change.
pub(super) async fn check_first(
    directory: &Directory,
    found: &Found,
    values: &[Vec<u8>],
) -> Result<(), Refusal> {
    for value in values {
        check_strength(directory, found, value).await?;
    }
    Ok(())
}

/// Whether a password that an administrator sets is as the account's policy wants it. What is hashed
/// already cannot be looked at; the system's own identities, whose secrets no person chooses, have no
/// policy.
async fn check_strength(directory: &Directory, found: &Found, new: &[u8]) -> Result<(), Refusal> {
    let (_, own) = directory.name(dn::ZIMBRA)?;
    if !found.entry.is_a(&directory.schema, "zimbraAccount") || found.key.is_within(&own) {
        return Ok(());
    }
    let Some(clear) = verify::clear(new) else {
        return Ok(());
    };
    let clear = std::str::from_utf8(clear).map_err(|_| objection("a password is text"))?;
    let policy = policy(directory, found).await?;
    refuse_weak(&policy, clear)
}

fn refuse_weak(policy: &Policy, clear: &str) -> Result<(), Refusal> {
    match policy.objection(clear) {
        None => Ok(()),
        Some(what) => Err(objection(format!("the new password is refused: {what}"))),
    }
}

fn objection(message: impl Into<String>) -> Refusal {
    Refusal::new(ResultCode::ConstraintViolation, message)
}

/// Whether the password of an account may be changed to this. For administrators it must be a good
/// one, too; when it was changed last, and to what, does not bind them.
pub(super) async fn check_change(
    directory: &Directory,
    identity: &Identity,
    found: &Found,
    new: &[u8],
) -> Result<(), Refusal> {
    if identity.is_administrator() {
        return check_strength(directory, found, new).await;
    }
    let clear = verify::clear(new)
        .and_then(|clear| std::str::from_utf8(clear).ok())
        .ok_or_else(|| objection("a password is text"))?;
    let policy = policy(directory, found).await?;
    if policy.locked {
        return Err(Refusal::denied(
            "only an administrator can change this password",
        ));
    }
    refuse_weak(&policy, clear)?;
    let schema = &directory.schema;
    let changed = found
        .entry
        .text_of(schema, "zimbraPasswordModifiedTime")
        .and_then(time);
    let days = |then| since(then, directory.now()).as_secs() / (24 * 60 * 60);
    if changed.is_some_and(|then| days(then) < policy.age_min_days) {
        return Err(objection(format!(
            "the password may be changed again {} days after the last time",
            policy.age_min_days
        )));
    }
    if policy.history > 0 {
        let mut earlier = found.entry.get(schema.known.user_password).to_vec();
        earlier.extend(history(directory, found).into_iter().map(|(_, hash)| hash));
        for hash in earlier.iter().take(policy.history + 1) {
            if directory
                .checker
                .check(std::slice::from_ref(hash), clear.as_bytes())
                .await?
            {
                return Err(objection("the new password was used before".to_owned()));
            }
        }
    }
    Ok(())
}

async fn policy(directory: &Directory, found: &Found) -> Result<Policy, Refusal> {
    let levels = directory.levels(found).await?;
    let entries: Vec<_> = levels.iter().map(|found| &found.entry).collect();
    Ok(Policy::of(&directory.schema, &entries))
}

/// Earlier hashes, the latest first. They are kept as Zimbra does: `milliseconds:hash`.
fn history(directory: &Directory, found: &Found) -> Vec<(u64, Vec<u8>)> {
    let values = directory
        .schema
        .attribute("zimbraPasswordHistory")
        .map_or(&[][..], |attribute| found.entry.get(attribute.id));
    let mut history: Vec<(u64, Vec<u8>)> = values
        .iter()
        .filter_map(|value| {
            let at = value.iter().position(|octet| *octet == b':')?;
            let (time, hash) = value.split_at_checked(at)?;
            let time = std::str::from_utf8(time).ok()?.parse().ok()?;
            Some((time, hash.get(1..)?.to_vec()))
        })
        .collect();
    history.sort_unstable_by_key(|(time, _)| std::cmp::Reverse(*time));
    history
}

/// Puts the hash that is replaced into the history, as far as the policy wants one; and the password
/// is no longer one that must change.
pub(super) async fn remember(
    directory: &Directory,
    old: &Found,
    entry: &mut crate::entry::Entry,
) -> Result<(), Refusal> {
    let schema = &directory.schema;
    if !old.entry.is_a(schema, "zimbraAccount") {
        return Ok(());
    }
    if let Some(must_change) = schema.attribute("zimbraPasswordMustChange") {
        entry.set(must_change.id, Vec::new());
    }
    let keep = policy(directory, old).await?.history;
    let Some(attribute) = schema
        .attribute("zimbraPasswordHistory")
        .filter(|_| keep > 0)
    else {
        return Ok(());
    };
    let now = u64::try_from(directory.now().as_millisecond()).unwrap_or_default();
    let current = old
        .entry
        .get(schema.known.user_password)
        .iter()
        .map(|hash| (now, hash.clone()));
    let values = current
        .chain(history(directory, old))
        .take(keep)
        .map(|(time, hash)| [format!("{time}:").into_bytes(), hash].concat())
        .collect();
    entry.set(attribute.id, values);
    Ok(())
}

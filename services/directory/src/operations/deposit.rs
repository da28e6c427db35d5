//! Passwords on their way into an entry: whatever comes in clear is kept as a hash and SCRAM keys,
//! and a hash from elsewhere as it is.

use crate::directory::Directory;
use crate::entry::Entry;
use crate::limits::PASSWORD_SIZE_MAX;
use crate::password::checker::Kept;
use crate::password::verify;
use crate::refuse::Refusal;
use crate::wire::response::ResultCode;

/// What becomes of new values of `userPassword`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Deposit {
    /// The new values of `userPassword`.
    pub(super) hashes: Vec<Vec<u8>>,
    /// The new values of `authPassword`. None for a hash from elsewhere: old keys would be of
    /// another password.
    pub(super) keys: Vec<Vec<u8>>,
}

/// Hashes what is in clear. It is slow, so it is done before a transaction begins.
pub(super) async fn deposit(directory: &Directory, values: &[Vec<u8>]) -> Result<Deposit, Refusal> {
    let mut deposit = Deposit::default();
    for value in values {
        match verify::clear(value) {
            Some(clear) => {
                check_size(clear)?;
                let Kept { hash, scram } = directory.checker.keep(clear).await?;
                deposit.hashes.push(hash);
                deposit.keys.extend(scram);
            }
            None => deposit.hashes.push(value.clone()),
        }
    }
    Ok(deposit)
}

/// Passwords have a size.
pub(super) fn check_size(password: &[u8]) -> Result<(), Refusal> {
    if password.is_empty() || password.len() > PASSWORD_SIZE_MAX {
        return Err(Refusal::new(
            ResultCode::ConstraintViolation,
            format!("a password has 1 to {PASSWORD_SIZE_MAX} octets"),
        ));
    }
    Ok(())
}

impl Deposit {
    /// Puts it into an entry, and notes when.
    pub(super) fn into_entry(self, directory: &Directory, entry: &mut Entry) {
        let schema = &directory.schema;
        let has_any = !self.hashes.is_empty();
        entry.set(schema.known.user_password, self.hashes);
        entry.set(schema.known.auth_password, self.keys);
        if has_any
            && entry.is_a(schema, "zimbraAccount")
            && let Some(modified) = schema.attribute("zimbraPasswordModifiedTime")
        {
            entry.set(modified.id, vec![directory.timestamp()]);
        }
    }
}

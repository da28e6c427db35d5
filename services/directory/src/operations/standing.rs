//! Whether an account may sign in, apart from its password: its status, its domain's, and failed
//! logins.

use jiff::Timestamp;
use roost_core_directory::schema::kind::{generalized_time, time};

use crate::directory::Directory;
use crate::password::policy::{Lockout, Policy};
use crate::refuse::Refusal;
use crate::store::Found;

/// Whether an account may sign in, apart from its password.
pub(super) struct Standing {
    pub(super) is_open: bool,
    lockout: Option<Lockout>,
    /// The status that a lockout which is over leaves behind.
    locked_out: bool,
    failures: Vec<Timestamp>,
}

impl Standing {
    pub(super) async fn of(directory: &Directory, found: &Found) -> Result<Self, Refusal> {
        let schema = &directory.schema;
        if !found.entry.is_a(schema, "zimbraAccount") {
            return Ok(Self {
                is_open: true,
                lockout: None,
                locked_out: false,
                failures: Vec::new(),
            });
        }
        let levels = directory.levels(found).await?;
        let entries: Vec<_> = levels.iter().map(|found| &found.entry).collect();
        let lockout = Policy::of(schema, &entries).lockout;
        let times = |name: &str| -> Vec<Timestamp> {
            let values = schema
                .attribute(name)
                .map_or(&[][..], |one| found.entry.get(one.id));
            values
                .iter()
                .filter_map(|value| time(std::str::from_utf8(value).ok()?))
                .collect()
        };
        let now = directory.now();
        let locked = times("zimbraPasswordLockoutLockedTime").into_iter().next();
        let holds = match (&lockout, locked) {
            (Some(lockout), Some(locked)) => lockout.holds(locked, now),
            _ => false,
        };
        let status = found
            .entry
            .text_of(schema, "zimbraAccountStatus")
            .unwrap_or("active");
        let status_allows = match status {
            "active" => true,
            "lockout" => locked.is_some() && lockout.is_some() && !holds,
            _ => false,
        };
        Ok(Self {
            is_open: status_allows && !holds && domain_is_open(directory, found).await?,
            lockout,
            locked_out: locked.is_some(),
            failures: times("zimbraPasswordLockoutFailureTime"),
        })
    }

    /// Counts a failed login, and locks the account when it is one too many.
    pub(super) async fn failed(&self, directory: &Directory, found: &Found) -> Result<(), Refusal> {
        let Some(lockout) = self.lockout.filter(|_| self.is_open) else {
            return Ok(());
        };
        let now = directory.now();
        let mut failures = lockout.recent(&self.failures, now);
        failures.push(now);
        let locked = (failures.len() >= lockout.failures).then_some(now);
        if locked.is_some() {
            tracing::info!(account = %found.entry.dn, "locked after too many failed logins");
        }
        note(directory, found, &failures, locked).await
    }

    /// Forgets failed logins.
    pub(super) async fn succeeded(
        &self,
        directory: &Directory,
        found: &Found,
    ) -> Result<(), Refusal> {
        if self.failures.is_empty() && !self.locked_out {
            return Ok(());
        }
        note(directory, found, &[], None).await
    }
}

async fn domain_is_open(directory: &Directory, found: &Found) -> Result<bool, Refusal> {
    let schema = &directory.schema;
    let mut above = found.key.parent();
    while let Some(key) = above.filter(|key| !key.is_root()) {
        let domain = directory.store.find(&key).await?;
        if let Some(domain) = domain.filter(|found| found.entry.is_a(schema, "zimbraDomain")) {
            let status = domain
                .entry
                .text_of(schema, "zimbraDomainStatus")
                .unwrap_or("active");
            return Ok(status == "active");
        }
        above = key.parent();
    }
    Ok(true)
}

/// Writes when logins failed, and whether the account is locked for it.
async fn note(
    directory: &Directory,
    found: &Found,
    failures: &[Timestamp],
    locked: Option<Timestamp>,
) -> Result<(), Refusal> {
    let schema = &directory.schema;
    let mut write = directory.store.write().await?;
    let Some(old) = write.find(&found.key).await? else {
        return Ok(());
    };
    let mut entry = old.entry.clone();
    let texts = |times: &[Timestamp]| -> Vec<Vec<u8>> {
        times
            .iter()
            .map(|time| generalized_time(*time).into_bytes())
            .collect()
    };
    let mut failed = texts(failures);
    failed.dedup();
    for (name, values) in [
        ("zimbraPasswordLockoutFailureTime", failed),
        ("zimbraPasswordLockoutLockedTime", texts(locked.as_slice())),
    ] {
        if let Some(attribute) = schema.attribute(name) {
            entry.set(attribute.id, values);
        }
    }
    if let Some(status) = schema.attribute("zimbraAccountStatus") {
        let was_locked_out = entry.text(status.id) == Some("lockout");
        match locked {
            Some(_) => entry.set(status.id, vec![b"lockout".to_vec()]),
            None if was_locked_out => entry.set(status.id, vec![b"active".to_vec()]),
            None => {}
        }
    }
    write.replace(&old, &entry).await?;
    let _durable = write.commit().await?;
    Ok(())
}

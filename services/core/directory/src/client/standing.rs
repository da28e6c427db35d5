//! Where accounts are now: for whoever keeps sessions open for them.

use std::collections::HashMap;

use super::Directory;
use super::find::{self, Find};
use super::unavailable::Unavailable;
use crate::model::AccountStatus;
use crate::name::AccountId;

/// Accounts asked about in one search: its filter stays below 8 KB.
const BATCH: usize = 100;

const ATTRIBUTES: &[&str] = &["zimbraId", "zimbraMailHost", "zimbraAccountStatus"];

/// What matters to an open session of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Where its mailbox is, in lower case.
    pub mail_host: Option<String>,
    /// What its own entry says; nothing where it says nothing.
    pub status: Option<AccountStatus>,
}

impl Directory {
    /// How these accounts stand now; those that are missing in the answer exist no more. Not cached.
    ///
    /// # Errors
    /// When the directory cannot be asked.
    pub async fn standings(
        &self,
        accounts: &[AccountId],
    ) -> Result<HashMap<AccountId, Standing>, Unavailable> {
        let mut standings = HashMap::with_capacity(accounts.len());
        for batch in accounts.chunks(BATCH) {
            let filter = find::any(&["zimbraId"], batch.iter().map(ToString::to_string));
            let found = self.find(Find::anywhere(&filter).only(ATTRIBUTES)).await?;
            for entry in found {
                let attributes = &entry.attributes;
                let id = attributes.text("zimbraId").map(AccountId::parse);
                let Some(Ok(id)) = id else { continue };
                let standing = Standing {
                    mail_host: attributes
                        .text("zimbraMailHost")
                        .map(str::to_ascii_lowercase),
                    status: attributes
                        .text("zimbraAccountStatus")
                        .map(AccountStatus::parse),
                };
                standings.insert(id, standing);
            }
        }
        Ok(standings)
    }
}

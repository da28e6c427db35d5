//! Which sender addresses an account may use.

use std::collections::HashSet;

use super::unavailable::Unavailable;
use super::{Directory, Party};
use crate::access::{Right, decide};
use crate::model::Account;
use crate::name::EmailAddress;

/// The sender addresses that an account may use.
#[derive(Debug, Clone, Default)]
pub struct Senders {
    /// Its own: its name, its aliases, both in all names of their domain, and those it was allowed.
    pub addresses: HashSet<EmailAddress>,
    /// Whether it may use any.
    pub anybody: bool,
    delimiters: String,
}

impl Senders {
    /// Whether it may use this address, with or without a detail.
    #[must_use]
    pub fn allows(&self, address: &EmailAddress) -> bool {
        self.anybody
            || self.addresses.contains(address)
            || address
                .split_detail(&self.delimiters)
                .is_some_and(|(plain, _)| self.addresses.contains(&plain))
    }
}

impl Directory {
    /// The sender addresses that an account may use without asking anybody.
    ///
    /// # Errors
    /// When the directory cannot be asked.
    pub async fn allowed_senders(&self, account: &Account) -> Result<Senders, Unavailable> {
        let mut addresses: HashSet<_> = account.addresses().collect();
        if let Some(domain) = &account.domain {
            let aliases = self.domain_aliases(domain.id).await?;
            let own: Vec<_> = addresses
                .iter()
                .filter(|address| *address.domain() == domain.name)
                .cloned()
                .collect();
            for alias in aliases.iter() {
                addresses.extend(own.iter().map(|address| address.at(alias)));
            }
        }
        addresses.extend(account.setting("zimbraAllowFromAddress").addresses());
        Ok(Senders {
            addresses,
            anybody: account.may_send_as_anybody(),
            delimiters: account.config.recipient_delimiters(),
        })
    }

    /// Whether an account may use a sender address: its own, or one whose owner granted it.
    ///
    /// # Errors
    /// When the directory cannot be asked.
    pub async fn may_send_as(
        &self,
        account: &Account,
        address: &EmailAddress,
    ) -> Result<bool, Unavailable> {
        if self.allowed_senders(account).await?.allows(address) {
            return Ok(true);
        }
        let (grants, rights) = match self.party(address).await? {
            Some(Party::Account(owner)) => (owner.grants(), [Right::SendAs, Right::SendOnBehalfOf]),
            Some(Party::List(list)) => (
                list.grants(),
                [Right::SendAsList, Right::SendOnBehalfOfList],
            ),
            None => return Ok(false),
        };
        if grants.is_empty() {
            return Ok(false);
        }
        let asker = self.asker(Some(account), None).await?;
        Ok(rights
            .into_iter()
            .any(|right| decide(&grants, right, &asker) == Some(true)))
    }
}

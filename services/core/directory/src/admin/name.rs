//! Whether a name is free, and whose domain it is in.

use std::sync::Arc;

use super::{Admin, AdminError, Thing};
use crate::client::{Directory, all_of, any_of, equal};
use crate::entry::Entry;
use crate::model::{Domain, DomainKind, DomainStatus};
use crate::name::{DomainName, EmailAddress};

impl Admin {
    /// A domain that must exist.
    pub(super) async fn existing_domain(
        &self,
        name: &DomainName,
    ) -> Result<Arc<Domain>, AdminError> {
        self.directory.forget();
        match self.directory.domain(name).await? {
            Some(domain) => Ok(domain),
            None => Err(self.not_found(Thing::Domain, name.as_str()).await?),
        }
    }

    /// The domain in which an account or list is created or changed.
    pub(super) async fn domain_for_changes(
        &self,
        name: &DomainName,
    ) -> Result<Arc<Domain>, AdminError> {
        let domain = self.existing_domain(name).await?;
        match domain.status() {
            status @ (DomainStatus::Suspended | DomainStatus::Shutdown) => {
                let domain = name.to_string();
                Err(AdminError::Suspended {
                    domain,
                    status: status.name(),
                })
            }
            _ => Ok(domain),
        }
    }

    /// The domain in which an account or list is created: one that has some of its own.
    pub(super) async fn local_domain(&self, name: &DomainName) -> Result<Arc<Domain>, AdminError> {
        let domain = self.domain_for_changes(name).await?;
        match domain.kind {
            DomainKind::Local => Ok(domain),
            DomainKind::Alias(_) => Err(AdminError::AliasDomain(name.to_string())),
        }
    }

    /// Makes sure that nobody has an address: no account, list or alias.
    pub(super) async fn must_be_free(&self, address: &EmailAddress) -> Result<(), AdminError> {
        const ATTRIBUTES: &[&str] = &["zimbraMailDeliveryAddress", "zimbraMailAlias", "mail"];
        let filter = any_of(ATTRIBUTES, [address.to_string()]);
        let holder = match self.first(Self::EVERYWHERE, &filter).await? {
            Some(holder) => Some(holder),
            None => self.directory.entry(&crate::dn::person(address)).await?,
        };
        match holder {
            None => Ok(()),
            Some(holder) => Err(AdminError::Taken {
                name: address.to_string(),
                by: described(&holder),
            }),
        }
    }

    /// The entry of an account or list by its name or an alias, as it is now.
    pub(super) async fn holder(
        &self,
        classes: &str,
        address: &EmailAddress,
    ) -> Result<Option<Entry>, AdminError> {
        const ATTRIBUTES: &[&str] = &["zimbraMailDeliveryAddress", "zimbraMailAlias", "mail"];
        let addresses = any_of(ATTRIBUTES, [address.to_string()]);
        self.first(Self::EVERYWHERE, &all_of(&[classes, &addresses]))
            .await
    }

    /// Replaces an address in every list that has it as a member; nothing to put in its place
    /// removes it.
    pub(super) async fn replace_member(
        &self,
        old: &EmailAddress,
        new: Option<&EmailAddress>,
    ) -> Result<(), AdminError> {
        let member = equal("zimbraMailForwardingAddress", &old.to_string());
        let filter = all_of(&["(objectClass=zimbraDistributionList)", &member]);
        for list in self.all(Self::EVERYWHERE, &filter).await? {
            let mut after = list.clone();
            let old = old.to_string();
            let kept = list.attributes.texts("zimbraMailForwardingAddress");
            let mut members: Vec<String> = kept
                .filter(|member| !member.eq_ignore_ascii_case(&old))
                .map(str::to_owned)
                .collect();
            members.extend(new.map(EmailAddress::to_string));
            after.attributes.set("zimbraMailForwardingAddress", members);
            self.change(&list.dn, &super::edit::changes(&list, &after))
                .await?;
        }
        Ok(())
    }
}

/// What an entry is, for messages.
fn described(entry: &Entry) -> String {
    let name = entry.attributes.text("zimbraMailDeliveryAddress");
    let name = name.or_else(|| entry.attributes.text("mail"));
    let kind = if entry.is_a("zimbraAlias") {
        "an alias"
    } else if entry.is_a("zimbraAccount") {
        "the account"
    } else if entry.is_a("zimbraDistributionList") || entry.is_a("zimbraGroup") {
        "the list"
    } else {
        "the entry"
    };
    format!("{kind} {}", name.unwrap_or(&entry.dn))
}

impl Directory {
    /// The time, as entries have it.
    pub(crate) fn now(&self) -> jiff::Timestamp {
        self.clock().now()
    }
}

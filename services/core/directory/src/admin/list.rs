//! Distribution lists.

use std::sync::Arc;

use super::account::rename_values;
use super::{Admin, AdminError, Edit, Thing, edit};
use crate::client::Party;
use crate::dn;
use crate::entry::Entry;
use crate::model::DistributionList;
use crate::name::{DomainName, EmailAddress};
use crate::seed;

const LISTS: &str = "(|(objectClass=zimbraDistributionList)(objectClass=zimbraGroup))";

impl Admin {
    /// The lists of a domain, or of all; by name.
    ///
    /// # Errors
    /// When there is no such domain, or the directory cannot be asked.
    pub async fn lists(
        &self,
        domain: Option<&DomainName>,
    ) -> Result<Vec<Arc<DistributionList>>, AdminError> {
        let base = match domain {
            Some(name) => dn::domain(&self.existing_domain(name).await?.name),
            None => Self::EVERYWHERE.to_owned(),
        };
        let mut lists = Vec::new();
        for entry in self.all(&base, LISTS).await? {
            if let Some(Party::List(list)) = self.directory.party_of(Some(entry)).await? {
                lists.push(list);
            }
        }
        // Domains below this one lie in the same tree.
        lists.retain(|list| domain.is_none_or(|domain| list.name.domain() == domain));
        lists.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(lists)
    }

    /// A list that must exist, by its name or an alias.
    ///
    /// # Errors
    /// When there is none (the error names those that look like it).
    pub async fn get_list(
        &self,
        address: &EmailAddress,
    ) -> Result<Arc<DistributionList>, AdminError> {
        self.directory.forget();
        match self.directory.list(address).await? {
            Some(list) => Ok(list),
            None => Err(self.not_found(Thing::List, &address.to_string()).await?),
        }
    }

    /// Creates a list, with members.
    ///
    /// # Errors
    /// When the name is taken or in no domain of ours, or the directory refuses.
    pub async fn create_list(
        &self,
        address: &EmailAddress,
        members: &[EmailAddress],
        edits: &[Edit],
    ) -> Result<(), AdminError> {
        self.local_domain(address.domain()).await?;
        self.must_be_free(address).await?;
        let mut entry = seed::list(address, self.directory.now());
        edit::apply(&mut entry, edits)?;
        edit::apply(&mut entry, &members.iter().map(joins).collect::<Vec<_>>())?;
        self.add(&entry).await
    }

    /// Changes a list.
    ///
    /// # Errors
    /// When there is none, or a change is not allowed.
    pub async fn modify_list(
        &self,
        address: &EmailAddress,
        edits: &[Edit],
    ) -> Result<(), AdminError> {
        let entry = self.list_entry(address).await?;
        self.modify(&entry, edits).await
    }

    /// Adds members to a list.
    ///
    /// # Errors
    /// When there is no such list.
    pub async fn add_members(
        &self,
        address: &EmailAddress,
        members: &[EmailAddress],
    ) -> Result<(), AdminError> {
        self.modify_list(address, &members.iter().map(joins).collect::<Vec<_>>())
            .await
    }

    /// Removes members from a list.
    ///
    /// # Errors
    /// When there is no such list.
    pub async fn remove_members(
        &self,
        address: &EmailAddress,
        members: &[EmailAddress],
    ) -> Result<(), AdminError> {
        self.modify_list(address, &members.iter().map(leaves).collect::<Vec<_>>())
            .await
    }

    /// Gives a list another name, in lists it is a member of too.
    ///
    /// # Errors
    /// When there is no such list, or the new name is taken or in no domain of ours.
    pub async fn rename_list(
        &self,
        old: &EmailAddress,
        new: &EmailAddress,
    ) -> Result<(), AdminError> {
        let entry = self.list_entry(old).await?;
        let old = DistributionList::name_of(&entry)?;
        self.local_domain(new.domain()).await?;
        self.must_be_free(new).await?;
        self.move_entry(&entry, new).await?;
        let mut before = Entry {
            dn: dn::person(new),
            ..entry
        };
        before.attributes.set("uid", [new.local()]);
        let mut after = before.clone();
        rename_values(&mut after, &["mail", "zimbraMailAlias"], &old, new);
        self.change(&after.dn, &edit::changes(&before, &after))
            .await?;
        self.replace_member(&old, Some(new)).await
    }

    /// Deletes a list, its aliases and its place in other lists.
    ///
    /// # Errors
    /// When there is no such list.
    pub async fn delete_list(&self, address: &EmailAddress) -> Result<(), AdminError> {
        let entry = self.list_entry(address).await?;
        self.delete_party(&entry).await
    }

    async fn list_entry(&self, address: &EmailAddress) -> Result<Entry, AdminError> {
        let found = self.holder(LISTS, address).await?;
        self.must(Thing::List, &address.to_string(), found).await
    }
}

fn joins(member: &EmailAddress) -> Edit {
    Edit::Add(
        "zimbraMailForwardingAddress".to_owned(),
        member.to_string().into_bytes(),
    )
}

fn leaves(member: &EmailAddress) -> Edit {
    let value = member.to_string().into_bytes();
    Edit::Remove("zimbraMailForwardingAddress".to_owned(), Some(value))
}

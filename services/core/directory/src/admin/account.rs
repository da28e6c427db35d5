//! Accounts.

use std::sync::Arc;

use roost_kit::secret::Secret;

use super::{Admin, AdminError, Edit, Thing, edit};
use crate::client::{Operation, Party, equal};
use crate::dn;
use crate::entry::Entry;
use crate::model::{Account, Domain};
use crate::name::{DomainName, EmailAddress};
use crate::seed;

pub(super) const ACCOUNTS: &str = "(objectClass=zimbraAccount)";

/// An account to be created.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// Its name.
    pub address: EmailAddress,
    /// Its password; nobody can sign in without one.
    pub password: Option<Secret<String>>,
    /// The name of its class of service; its domain's, else `default`, when absent.
    pub cos: Option<String>,
    /// What else it has.
    pub edits: Vec<Edit>,
}

impl Admin {
    /// The accounts of a domain, or of all; by name.
    ///
    /// # Errors
    /// When there is no such domain, or the directory cannot be asked.
    pub async fn accounts(
        &self,
        domain: Option<&DomainName>,
    ) -> Result<Vec<Arc<Account>>, AdminError> {
        let base = match domain {
            Some(name) => dn::people(&self.existing_domain(name).await?.name),
            None => Self::EVERYWHERE.to_owned(),
        };
        let filter = "(&(objectClass=zimbraAccount)(zimbraMailDeliveryAddress=*))";
        let mut accounts = Vec::new();
        for entry in self.all(&base, filter).await? {
            if let Some(Party::Account(account)) = self.directory.party_of(Some(entry)).await? {
                accounts.push(account);
            }
        }
        accounts.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(accounts)
    }

    /// An account that must exist, by its name or an alias.
    ///
    /// # Errors
    /// When there is none (the error names those that look like it).
    pub async fn get_account(&self, address: &EmailAddress) -> Result<Arc<Account>, AdminError> {
        self.directory.forget();
        match self.directory.account(address).await? {
            Some(account) => Ok(account),
            None => Err(self.not_found(Thing::Account, &address.to_string()).await?),
        }
    }

    /// Creates an account.
    ///
    /// # Errors
    /// When the name is taken, the domain is none of ours or full, or the directory refuses.
    pub async fn create_account(&self, new: &NewAccount) -> Result<(), AdminError> {
        let domain = self.local_domain(new.address.domain()).await?;
        self.must_be_free(&new.address).await?;
        self.must_have_room(&domain).await?;
        let mut entry = seed::account(&new.address, self.directory.now());
        if let Some(cos) = &new.cos {
            let cos = self.get_cos(cos).await?;
            entry.attributes.set("zimbraCOSId", [cos.id.to_string()]);
        }
        edit::apply(&mut entry, &self.with_ids(&new.edits).await?)?;
        if entry.attributes.get("zimbraMailHost").is_empty() {
            entry
                .attributes
                .set("zimbraMailHost", [self.mail_host(&entry, &domain).await?]);
        }
        name_person(&mut entry, &new.address);
        self.add(&entry).await?;
        let Some(password) = &new.password else {
            return Ok(());
        };
        let set = Operation::SetPassword {
            dn: &entry.dn,
            password: password.expose(),
        };
        if let Err(error) = self.write(&set).await {
            // An account without the password it was meant to have is worse than none.
            self.delete(&entry.dn).await?;
            return Err(error);
        }
        Ok(())
    }

    /// Changes an account.
    ///
    /// # Errors
    /// When there is none, or a change is not allowed.
    pub async fn modify_account(
        &self,
        address: &EmailAddress,
        edits: &[Edit],
    ) -> Result<(), AdminError> {
        let entry = self.account_entry(address).await?;
        self.modify(&entry, edits).await
    }

    /// Gives an account another class of service, by name.
    ///
    /// # Errors
    /// When there is no such account or class of service.
    pub async fn assign_cos(&self, address: &EmailAddress, cos: &str) -> Result<(), AdminError> {
        let cos = self.get_cos(cos).await?;
        let id = cos.id.to_string().into_bytes();
        self.modify_account(address, &[Edit::Set("zimbraCOSId".to_owned(), vec![id])])
            .await
    }

    /// Sets an account's password.
    ///
    /// # Errors
    /// When there is no such account, or the directory refuses the password.
    pub async fn set_password(
        &self,
        address: &EmailAddress,
        password: &Secret<String>,
    ) -> Result<(), AdminError> {
        let entry = self.account_entry(address).await?;
        let set = Operation::SetPassword {
            dn: &entry.dn,
            password: password.expose(),
        };
        self.write(&set).await
    }

    /// Gives an account another name, in lists it is a member of too. Its aliases stay.
    ///
    /// # Errors
    /// When there is no such account, or the new name is taken or in no domain of ours.
    pub async fn rename_account(
        &self,
        old: &EmailAddress,
        new: &EmailAddress,
    ) -> Result<(), AdminError> {
        let entry = self.account_entry(old).await?;
        let old = Account::name_of(&entry)?;
        self.local_domain(new.domain()).await?;
        self.must_be_free(new).await?;
        self.move_entry(&entry, new).await?;
        let mut after = Entry {
            dn: dn::person(new),
            ..entry.clone()
        };
        after.attributes.set("uid", [new.local()]);
        rename_values(
            &mut after,
            &["mail", "zimbraMailDeliveryAddress"],
            &old,
            new,
        );
        // The move has changed uid already.
        let mut before = entry;
        before.attributes.set("uid", [new.local()]);
        self.change(&after.dn, &edit::changes(&before, &after))
            .await?;
        self.replace_member(&old, Some(new)).await
    }

    /// Deletes an account: its aliases, its identities and data sources, its place in lists. Its
    /// mailbox is its store's affair.
    ///
    /// # Errors
    /// When there is no such account, or it belongs to the system.
    pub async fn delete_account(&self, address: &EmailAddress) -> Result<(), AdminError> {
        let entry = self.account_entry(address).await?;
        if entry.attributes.text("zimbraIsSystemResource") == Some("TRUE") {
            let name = address.to_string();
            return Err(AdminError::Protected {
                thing: Thing::Account,
                name,
            });
        }
        self.domain_for_changes(Account::name_of(&entry)?.domain())
            .await?;
        self.delete_party(&entry).await
    }

    /// Deletes an account or list with its aliases and memberships.
    pub(super) async fn delete_party(&self, entry: &Entry) -> Result<(), AdminError> {
        let id = entry.attributes.text("zimbraId").unwrap_or_default();
        for alias in self
            .all(Self::EVERYWHERE, &equal("zimbraAliasTargetId", id))
            .await?
        {
            self.delete(&alias.dn).await?;
        }
        let addresses: Vec<_> = entry
            .attributes
            .texts("mail")
            .chain(entry.attributes.texts("zimbraMailAlias"))
            .filter_map(|text| EmailAddress::parse(text).ok())
            .collect();
        for address in &addresses {
            self.replace_member(address, None).await?;
        }
        self.delete_tree(&entry.dn).await
    }

    async fn account_entry(&self, address: &EmailAddress) -> Result<Entry, AdminError> {
        let found = self.holder(ACCOUNTS, address).await?;
        self.must(Thing::Account, &address.to_string(), found).await
    }

    /// Moves an entry to where its new name belongs.
    pub(super) async fn move_entry(
        &self,
        entry: &Entry,
        new: &EmailAddress,
    ) -> Result<(), AdminError> {
        let name = dn::person(new);
        let Some((rdn, _)) = name.split_once(",ou=people,") else {
            return Ok(());
        };
        let parent = dn::people(new.domain());
        let rename = Operation::Rename {
            dn: &entry.dn,
            rdn,
            parent: Some(&parent),
        };
        self.write(&rename).await
    }

    async fn must_have_room(&self, domain: &Domain) -> Result<(), AdminError> {
        let Some(max) = domain
            .setting("zimbraDomainMaxAccounts")
            .count()
            .filter(|max| *max > 0)
        else {
            return Ok(());
        };
        let count = self.all(&dn::people(&domain.name), ACCOUNTS).await?.len();
        if u64::try_from(count).is_ok_and(|count| count < max) {
            return Ok(());
        }
        Err(AdminError::TooManyAccounts {
            domain: domain.name.to_string(),
            max,
        })
    }

    /// Where a new mailbox is put: one of the servers that its class of service names, else any
    /// that keeps mailboxes.
    async fn mail_host(&self, account: &Entry, domain: &Domain) -> Result<String, AdminError> {
        let cos = self.directory.cos_of(account, Some(domain)).await?;
        let pool: Vec<_> = cos
            .iter()
            .flat_map(|cos| cos.entry.attributes.texts("zimbraMailHostPool"))
            .map(str::to_owned)
            .collect();
        let mut hosts: Vec<_> = self
            .servers()
            .await?
            .into_iter()
            .filter(|server| server.runs("mailbox"))
            .filter(|server| pool.is_empty() || pool.contains(&server.id.to_string()))
            .collect();
        if hosts.is_empty() {
            return Err(AdminError::NoMailHost);
        }
        let chosen = rand::random_range(0..hosts.len());
        Ok(hosts.swap_remove(chosen).name.clone())
    }
}

/// `inetOrgPerson` requires a name and a surname.
fn name_person(entry: &mut Entry, address: &EmailAddress) {
    let attributes = &entry.attributes;
    let shown = attributes
        .text("displayName")
        .or_else(|| attributes.text("cn"));
    let shown = shown.unwrap_or(address.local()).to_owned();
    let surname = shown.rsplit(' ').next().unwrap_or(&shown).to_owned();
    if attributes.get("cn").is_empty() {
        entry.attributes.set("cn", [shown]);
    }
    if entry.attributes.get("sn").is_empty() {
        entry.attributes.set("sn", [surname]);
    }
}

/// Replaces an address among the values of attributes.
pub(super) fn rename_values(
    entry: &mut Entry,
    attributes: &[&str],
    old: &EmailAddress,
    new: &EmailAddress,
) {
    for attribute in attributes {
        let others = entry
            .attributes
            .texts(attribute)
            .filter(|value| EmailAddress::parse(value).is_ok_and(|address| address != *old));
        let mut values: Vec<_> = others.map(str::to_owned).collect();
        let new = if *attribute == "mail" {
            seed::ascii(new)
        } else {
            Some(new.to_string())
        };
        // The name comes first, as far as a server keeps the order.
        values.splice(0..0, new);
        entry.attributes.set(attribute, values);
    }
}

//! Aliases: other addresses of accounts and lists.

use super::{Admin, AdminError, Thing, edit};
use crate::client::{all_of, equal};
use crate::dn;
use crate::entry::Entry;
use crate::name::EmailAddress;
use crate::seed;

/// Entries that have addresses.
const PARTIES: &str =
    "(|(objectClass=zimbraAccount)(objectClass=zimbraDistributionList)(objectClass=zimbraGroup))";

impl Admin {
    /// Gives an account or list another address.
    ///
    /// # Errors
    /// When there is no such account or list, or the address is taken or in no domain of ours.
    pub async fn create_alias(
        &self,
        target: &EmailAddress,
        alias: &EmailAddress,
    ) -> Result<(), AdminError> {
        let found = self.holder(PARTIES, target).await?;
        let owner = self
            .must(Thing::Account, &target.to_string(), found)
            .await?;
        self.local_domain(alias.domain()).await?;
        self.must_be_free(alias).await?;
        let id = owner.attributes.text("zimbraId").unwrap_or_default();
        let entry = seed::alias(alias, id, self.directory.now());
        self.add(&entry).await?;
        let after = owner
            .clone()
            .with("zimbraMailAlias", [alias.to_string()])
            .with("mail", seed::ascii(alias));
        if let Err(error) = self.change(&owner.dn, &edit::changes(&owner, &after)).await {
            // Half an alias helps nobody.
            self.delete(&entry.dn).await?;
            return Err(error);
        }
        Ok(())
    }

    /// Takes an address from whoever has it as an alias.
    ///
    /// # Errors
    /// When nobody has it as an alias.
    pub async fn delete_alias(&self, alias: &EmailAddress) -> Result<(), AdminError> {
        let text = alias.to_string();
        let filter = all_of(&[PARTIES, &equal("zimbraMailAlias", &text)]);
        let owner = self
            .first(Self::EVERYWHERE, &filter)
            .await?
            .filter(|owner| {
                // A list carries its own name among its aliases.
                owner.attributes.text("uid") != Some(alias.local()) || owner.dn != dn::person(alias)
            });
        let entry = self.directory.entry(&dn::person(alias)).await?;
        let entry = entry.filter(|entry| entry.is_a("zimbraAlias"));
        if owner.is_none() && entry.is_none() {
            return Err(self.not_found(Thing::Alias, &text).await?);
        }
        if let Some(owner) = owner {
            let mut after = owner.clone();
            for attribute in ["zimbraMailAlias", "mail"] {
                let kept = owner.attributes.texts(attribute);
                let kept: Vec<_> = kept
                    .filter(|own| !own.eq_ignore_ascii_case(&text))
                    .map(str::to_owned)
                    .collect();
                after.attributes.set(attribute, kept);
            }
            self.change(&owner.dn, &edit::changes(&owner, &after))
                .await?;
        }
        match entry {
            Some(entry) => self.delete(&entry.dn).await,
            None => Ok(()),
        }
    }

    /// All aliases: the address, and the name of whoever has it. Of one account or list, or of all.
    ///
    /// # Errors
    /// When there is no such account or list.
    pub async fn aliases(
        &self,
        of: Option<&EmailAddress>,
    ) -> Result<Vec<(EmailAddress, EmailAddress)>, AdminError> {
        let owners = match of {
            Some(address) => {
                let found = self.holder(PARTIES, address).await?;
                vec![
                    self.must(Thing::Account, &address.to_string(), found)
                        .await?,
                ]
            }
            None => self.all(Self::EVERYWHERE, "(zimbraMailAlias=*)").await?,
        };
        let mut aliases: Vec<_> = owners.iter().flat_map(pairs).collect();
        aliases.sort();
        Ok(aliases)
    }
}

/// The aliases of an entry, each with the entry's name.
fn pairs(owner: &Entry) -> Vec<(EmailAddress, EmailAddress)> {
    let attributes = &owner.attributes;
    let name = attributes
        .text("zimbraMailDeliveryAddress")
        .or_else(|| attributes.text("mail"));
    let Some(name) = name.and_then(|name| EmailAddress::parse(name).ok()) else {
        return Vec::new();
    };
    let aliases = attributes
        .texts("zimbraMailAlias")
        .filter_map(|one| EmailAddress::parse(one).ok());
    aliases
        .filter(|alias| *alias != name)
        .map(|alias| (alias, name.clone()))
        .collect()
}

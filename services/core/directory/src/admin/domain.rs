//! Domains.

use std::sync::Arc;

use super::{Admin, AdminError, Edit, Thing, edit};
use crate::client::{Operation, all_of, code, equal};
use crate::dn;
use crate::entry::Entry;
use crate::model::Domain;
use crate::name::DomainName;
use crate::seed;

/// A domain to be created.
#[derive(Debug, Clone)]
pub struct NewDomain {
    /// Its name.
    pub name: DomainName,
    /// The domain that it is another name of, if it is.
    pub alias_of: Option<DomainName>,
    /// What else it has.
    pub edits: Vec<Edit>,
}

impl Admin {
    /// All domains, by name.
    ///
    /// # Errors
    /// When the directory cannot be asked.
    pub async fn domains(&self) -> Result<Vec<Arc<Domain>>, AdminError> {
        let config = self.config().await?;
        let entries = self
            .all(Self::EVERYWHERE, "(objectClass=zimbraDomain)")
            .await?;
        let mut domains = Vec::with_capacity(entries.len());
        for entry in entries {
            domains.push(Arc::new(Domain::new(entry, Arc::clone(&config))?));
        }
        domains.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(domains)
    }

    /// A domain that must exist; the error names those that look like it.
    ///
    /// # Errors
    /// When there is none, or the directory cannot be asked.
    pub async fn get_domain(&self, name: &DomainName) -> Result<Arc<Domain>, AdminError> {
        self.existing_domain(name).await
    }

    /// Creates a domain.
    ///
    /// # Errors
    /// When it exists, or the directory refuses.
    pub async fn create_domain(&self, new: &NewDomain) -> Result<(), AdminError> {
        self.directory.forget();
        if self.directory.domain(&new.name).await?.is_some() {
            let name = new.name.to_string();
            return Err(AdminError::Taken {
                name,
                by: "a domain".to_owned(),
            });
        }
        let target = match &new.alias_of {
            Some(target) => Some(self.existing_domain(target).await?),
            None => None,
        };
        let kind = if target.is_some() { "alias" } else { "local" };
        let edits = self.with_ids(&new.edits).await?;
        let mut entries = seed::domain(&new.name, kind, self.directory.now());
        let own = dn::domain(&new.name);
        for entry in &mut entries {
            if entry.dn == own {
                if let Some(target) = &target {
                    let id = target.id.to_string();
                    entry.attributes.set("zimbraDomainAliasTargetId", [id]);
                }
                edit::apply(entry, &edits)?;
            }
        }
        for entry in &entries {
            self.add_or_extend(entry, entry.dn == own).await?;
        }
        Ok(())
    }

    /// Adds an entry. One that exists is left alone, or, if it is the domain's own (left there as
    /// the parent of another domain), becomes what it should be.
    async fn add_or_extend(&self, entry: &Entry, own: bool) -> Result<(), AdminError> {
        match self.add(entry).await {
            Err(AdminError::Server {
                code: code::ENTRY_ALREADY_EXISTS,
                ..
            }) if own => {
                let before = self.directory.entry(&entry.dn).await?;
                let before = before.unwrap_or_else(|| Entry::new(entry.dn.as_str()));
                let mut after = before.clone();
                for (name, values) in entry.attributes.iter().filter(|(name, _)| *name != "dc") {
                    after.attributes.set(name, values.to_vec());
                }
                let changes = edit::changes(&before, &after);
                self.change(&entry.dn, &changes).await
            }
            Err(AdminError::Server {
                code: code::ENTRY_ALREADY_EXISTS,
                ..
            }) => Ok(()),
            other => other,
        }
    }

    /// Changes a domain.
    ///
    /// # Errors
    /// When there is none, or a change is not allowed.
    pub async fn modify_domain(&self, name: &DomainName, edits: &[Edit]) -> Result<(), AdminError> {
        let domain = self.existing_domain(name).await?;
        self.modify(&domain.entry, edits).await
    }

    /// Deletes a domain that has nothing left in it.
    ///
    /// # Errors
    /// When it has accounts, lists, or other names; when it is the default domain.
    pub async fn delete_domain(&self, name: &DomainName) -> Result<(), AdminError> {
        let domain = self.existing_domain(name).await?;
        let people = dn::people(name);
        for (class, what) in [
            ("zimbraAccount", "account(s)"),
            ("zimbraDistributionList", "list(s)"),
            ("zimbraAlias", "alias(es)"),
        ] {
            let count = self.some(&people, &equal("objectClass", class)).await?;
            if count > 0 {
                let domain = name.to_string();
                return Err(AdminError::NotEmpty {
                    domain,
                    what: format!("{count} {what}"),
                });
            }
        }
        let in_use = |by: String| AdminError::InUse {
            thing: Thing::Domain,
            name: name.to_string(),
            by,
        };
        let alias = equal("zimbraDomainAliasTargetId", &domain.id.to_string());
        let alias = all_of(&["(objectClass=zimbraDomain)", &alias]);
        if let Some(alias) = self.first(Self::EVERYWHERE, &alias).await? {
            return Err(in_use(format!("the domain {} as its other name", alias.dn)));
        }
        if domain.config.default_domain().as_ref() == Some(name) {
            return Err(in_use(
                "zimbraDefaultDomainName of the global configuration".to_owned(),
            ));
        }
        self.remove_domain(&domain).await
    }

    async fn remove_domain(&self, domain: &Domain) -> Result<(), AdminError> {
        self.delete_tree(&dn::people(&domain.name)).await?;
        self.delete_tree(&format!("cn=groups,{}", domain.entry.dn))
            .await?;
        match self.write(&Operation::Delete(&domain.entry.dn)).await {
            // A domain below it stays; the entry is then a mere step on the way to that.
            Err(AdminError::Server {
                code: code::NOT_ALLOWED_ON_NON_LEAF,
                ..
            }) => {
                let mut plain = Entry::new(domain.entry.dn.as_str())
                    .with("objectClass", ["dcObject", "organization"]);
                for name in ["dc", "o"] {
                    plain
                        .attributes
                        .set(name, domain.entry.attributes.get(name).to_vec());
                }
                self.change(&plain.dn, &edit::changes(&domain.entry, &plain))
                    .await
            }
            other => other,
        }
    }
}

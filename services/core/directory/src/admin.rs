//! Administration: creating, changing and deleting, with the rules that keep the tree whole.
//!
//! A change is checked here before it is sent: names are free, attributes exist and belong to the
//! entry, values are of their type. Errors say what is wrong and, where a name was mistyped, what
//! was probably meant. Whether somebody may do it at all is the server's decision.

mod account;
mod alias;
mod cos;
mod domain;
mod edit;
mod error;
mod list;
mod name;
mod server;

pub use account::NewAccount;
pub use domain::NewDomain;
pub use edit::{BadEdit, Difference, Edit};
pub use error::{AdminError, Thing};

use crate::client::{Change, Directory, Find, Operation, code};
use crate::dn;
use crate::entry::Entry;
use crate::model::GlobalConfig;
use crate::name::{CosId, DomainName};
use crate::schema;
use crate::seed;
use std::sync::Arc;

/// Administers the directory, as whoever the [`Directory`] is signed in.
#[derive(Debug, Clone)]
pub struct Admin {
    directory: Directory,
}

/// Creates what a new directory begins with; what exists already is left as it is.
///
/// Passwords are set by the password modify operation, so that the server hashes them, and only
/// for entries that are created.
///
/// # Errors
/// When the directory cannot be asked, or refuses an entry.
pub async fn bootstrap(directory: &Directory, plan: &seed::Plan<'_>) -> Result<(), AdminError> {
    let admin = Admin::new(directory.clone());
    for mut entry in seed::entries(plan) {
        let password = entry.attributes.text("userPassword").map(str::to_owned);
        entry.attributes.set("userPassword", [""; 0]);
        match admin.write(&Operation::Add(&entry)).await {
            Ok(()) => {}
            Err(AdminError::Server {
                code: code::ENTRY_ALREADY_EXISTS,
                ..
            }) => continue,
            Err(error) => return Err(error),
        }
        if let Some(password) = password {
            let operation = Operation::SetPassword {
                dn: &entry.dn,
                password: &password,
            };
            admin.write(&operation).await?;
        }
    }
    Ok(())
}

impl Admin {
    /// Administers this directory.
    #[must_use]
    pub fn new(directory: Directory) -> Self {
        Self { directory }
    }

    /// The directory, for looking things up.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The global configuration.
    ///
    /// # Errors
    /// When the directory cannot be asked.
    pub async fn config(&self) -> Result<Arc<GlobalConfig>, AdminError> {
        self.directory.forget();
        Ok(self.directory.config().await?)
    }

    /// Changes the global configuration.
    ///
    /// # Errors
    /// When a change is not allowed, or the directory cannot be asked.
    pub async fn modify_config(&self, edits: &[Edit]) -> Result<(), AdminError> {
        let config = self.config().await?;
        self.modify(&config.entry, edits).await
    }

    /// What edits would change of an entry, checked as if they were made; nothing where it is set
    /// like that already.
    ///
    /// # Errors
    /// When a change is not allowed, or the directory cannot be asked.
    pub async fn preview(
        &self,
        entry: &Entry,
        edits: &[Edit],
    ) -> Result<Vec<Difference>, AdminError> {
        let after = self.edited(entry, edits).await?;
        Ok(edit::differences(entry, &after))
    }

    /// Applies edits to an entry: checks what would come out, then sends the changes.
    async fn modify(&self, entry: &Entry, edits: &[Edit]) -> Result<(), AdminError> {
        let after = self.edited(entry, edits).await?;
        let changes = edit::changes(entry, &after);
        self.change(&entry.dn, &changes).await
    }

    /// The entry as the edits make it.
    async fn edited(&self, entry: &Entry, edits: &[Edit]) -> Result<Entry, AdminError> {
        let mut after = entry.clone();
        edit::apply(&mut after, &self.with_ids(edits).await?)?;
        after.check()?;
        let default = after.attributes.text("zimbraDefaultDomainName");
        if let Some(name) = default
            && entry.attributes.text("zimbraDefaultDomainName") != default
        {
            // Logins without a domain would be completed to what does not exist.
            self.existing_domain(&DomainName::parse(name)?).await?;
        }
        Ok(after)
    }

    /// The edits with the id of a class of service wherever its name was written instead.
    async fn with_ids(&self, edits: &[Edit]) -> Result<Vec<Edit>, AdminError> {
        const NAMING_A_COS: [&str; 3] = [
            "zimbraCOSId",
            "zimbraDomainDefaultCOSId",
            "zimbraDomainDefaultExternalUserCOSId",
        ];
        let mut edits = edits.to_vec();
        for edit in &mut edits {
            let attribute = schema::attribute(edit.name()).map(|attribute| attribute.name);
            if !attribute.is_some_and(|name| NAMING_A_COS.contains(&name)) {
                continue;
            }
            for value in edit.values_mut() {
                if let Ok(name) = std::str::from_utf8(value)
                    && CosId::parse(name).is_err()
                {
                    *value = self.get_cos(name).await?.id.to_string().into_bytes();
                }
            }
        }
        Ok(edits)
    }

    async fn change(&self, dn: &str, changes: &[Change]) -> Result<(), AdminError> {
        if changes.is_empty() {
            return Ok(());
        }
        self.write(&Operation::Modify { dn, changes }).await
    }

    async fn add(&self, entry: &Entry) -> Result<(), AdminError> {
        entry.check()?;
        self.write(&Operation::Add(entry)).await
    }

    async fn delete(&self, dn: &str) -> Result<(), AdminError> {
        self.write(&Operation::Delete(dn)).await
    }

    /// Deletes an entry and all below it, deepest first.
    async fn delete_tree(&self, dn: &str) -> Result<(), AdminError> {
        let below = self
            .directory
            .find(Find::below(dn, "(objectClass=*)").only(&["1.1"]))
            .await?;
        let mut names: Vec<_> = below.into_iter().map(|entry| entry.dn).collect();
        names.sort_by_key(|name| std::cmp::Reverse(name.matches(',').count()));
        for name in &names {
            self.delete(name).await?;
        }
        Ok(())
    }

    /// Sends a change. What is cached is out of date afterwards.
    async fn write(&self, operation: &Operation<'_>) -> Result<(), AdminError> {
        let answer = self.directory.service().run(operation).await;
        self.directory.forget();
        let answer = answer?;
        match answer.code {
            code::SUCCESS => Ok(()),
            code => Err(AdminError::Server {
                what: operation.name(),
                code,
                text: answer.text,
            }),
        }
    }

    /// All entries that match.
    async fn all(&self, base: &str, filter: &str) -> Result<Vec<Entry>, AdminError> {
        Ok(self.directory.find(Find::below(base, filter)).await?)
    }

    /// How many entries match, counted up to a few.
    async fn some(&self, base: &str, filter: &str) -> Result<usize, AdminError> {
        const FEW: i32 = 100;
        let find = Find::below(base, filter).only(&["1.1"]).limit(FEW);
        Ok(self.directory.find(find).await?.len())
    }

    /// The domain part of the whole tree's root: where searches over everything begin.
    const EVERYWHERE: &'static str = "";

    /// The first entry below `base` that matches.
    async fn first(&self, base: &str, filter: &str) -> Result<Option<Entry>, AdminError> {
        Ok(self
            .directory
            .find(Find::below(base, filter).limit(2))
            .await?
            .into_iter()
            .next())
    }

    /// An entry that must exist, by its name and kind; the error names what looks like it.
    async fn must(
        &self,
        thing: Thing,
        name: &str,
        found: Option<Entry>,
    ) -> Result<Entry, AdminError> {
        match found {
            Some(entry) => Ok(entry),
            None => Err(self.not_found(thing, name).await?),
        }
    }

    /// The error for a name that nobody has, with the names that look like it.
    async fn not_found(&self, thing: Thing, name: &str) -> Result<AdminError, AdminError> {
        let (base, filter, attribute) = match thing {
            Thing::Domain => (
                Self::EVERYWHERE,
                "(objectClass=zimbraDomain)",
                "zimbraDomainName",
            ),
            Thing::Account => (
                Self::EVERYWHERE,
                "(&(objectClass=zimbraAccount)(zimbraMailDeliveryAddress=*))",
                "zimbraMailDeliveryAddress",
            ),
            Thing::List => (
                Self::EVERYWHERE,
                "(objectClass=zimbraDistributionList)",
                "mail",
            ),
            Thing::Alias => (Self::EVERYWHERE, "(zimbraMailAlias=*)", "zimbraMailAlias"),
            Thing::Cos => (dn::COS, "(objectClass=zimbraCOS)", "cn"),
            Thing::Server => (dn::SERVERS, "(objectClass=zimbraServer)", "cn"),
        };
        let find = Find::below(base, filter)
            .only(std::slice::from_ref(&attribute))
            .limit(NEAR_MAX);
        let known = self.directory.find(find).await?;
        let names = known
            .iter()
            .flat_map(|entry| entry.attributes.texts(attribute));
        let near = crate::near::nearest(name, names.map(str::to_owned));
        Ok(AdminError::NotFound {
            thing,
            name: name.to_owned(),
            near,
        })
    }
}

/// Names compared with one that was mistyped, at most.
const NEAR_MAX: i32 = 2_000;

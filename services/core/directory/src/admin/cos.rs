//! Classes of service.

use std::sync::Arc;

use super::{Admin, AdminError, Edit, Thing, edit};
use crate::client::{Operation, equal};
use crate::dn;
use crate::model::Cos;
use crate::seed;

impl Admin {
    /// All classes of service, by name.
    ///
    /// # Errors
    /// When the directory cannot be asked.
    pub async fn classes_of_service(&self) -> Result<Vec<Arc<Cos>>, AdminError> {
        let config = self.config().await?;
        let mut classes = Vec::new();
        for entry in self.all(dn::COS, "(objectClass=zimbraCOS)").await? {
            classes.push(Arc::new(Cos::new(entry, Arc::clone(&config))?));
        }
        classes.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(classes)
    }

    /// A class of service that must exist.
    ///
    /// # Errors
    /// When there is none (the error names those that look like it).
    pub async fn get_cos(&self, name: &str) -> Result<Arc<Cos>, AdminError> {
        self.directory.forget();
        match self.directory.cos(name).await? {
            Some(cos) => Ok(cos),
            None => Err(self.not_found(Thing::Cos, name).await?),
        }
    }

    /// Creates a class of service.
    ///
    /// # Errors
    /// When the name is taken, or an edit is not allowed.
    pub async fn create_cos(&self, name: &str, edits: &[Edit]) -> Result<(), AdminError> {
        self.cos_must_be_free(name).await?;
        let id = uuid::Uuid::new_v4().to_string();
        let mut entry = seed::cos(name, &id, self.directory.now());
        edit::apply(&mut entry, edits)?;
        self.add(&entry).await
    }

    /// Changes a class of service.
    ///
    /// # Errors
    /// When there is none, or a change is not allowed.
    pub async fn modify_cos(&self, name: &str, edits: &[Edit]) -> Result<(), AdminError> {
        let cos = self.get_cos(name).await?;
        self.modify(&cos.entry, edits).await
    }

    /// Gives a class of service another name.
    ///
    /// # Errors
    /// When there is none, the new name is taken, or it belongs to the system.
    pub async fn rename_cos(&self, old: &str, new: &str) -> Result<(), AdminError> {
        let cos = self.get_cos(old).await?;
        own(&cos)?;
        self.cos_must_be_free(new).await?;
        let name = dn::cos(new);
        let rdn = name.strip_suffix(&format!(",{}", dn::COS)).unwrap_or(&name);
        self.write(&Operation::Rename {
            dn: &cos.entry.dn,
            rdn,
            parent: None,
        })
        .await
    }

    /// Deletes a class of service that nobody has.
    ///
    /// # Errors
    /// When accounts or domains have it, or it belongs to the system.
    pub async fn delete_cos(&self, name: &str) -> Result<(), AdminError> {
        let cos = self.get_cos(name).await?;
        own(&cos)?;
        let id = cos.id.to_string();
        for (attribute, what) in [
            ("zimbraCOSId", "account(s)"),
            ("zimbraDomainDefaultCOSId", "domain(s)"),
            ("zimbraDomainDefaultExternalUserCOSId", "domain(s)"),
        ] {
            let count = self.some(Self::EVERYWHERE, &equal(attribute, &id)).await?;
            if count > 0 {
                let (name, by) = (cos.name.clone(), format!("{count} {what}"));
                return Err(AdminError::InUse {
                    thing: Thing::Cos,
                    name,
                    by,
                });
            }
        }
        self.delete(&cos.entry.dn).await
    }

    async fn cos_must_be_free(&self, name: &str) -> Result<(), AdminError> {
        self.directory.forget();
        match self.directory.cos(name).await? {
            None => Ok(()),
            Some(cos) => {
                let by = "a class of service".to_owned();
                Err(AdminError::Taken {
                    name: cos.name.clone(),
                    by,
                })
            }
        }
    }
}

/// Only those that administrators made may go.
fn own(cos: &Cos) -> Result<(), AdminError> {
    if [seed::DEFAULT_COS, seed::EXTERNAL_COS].contains(&cos.name.as_str()) {
        return Err(AdminError::Protected {
            thing: Thing::Cos,
            name: cos.name.clone(),
        });
    }
    Ok(())
}

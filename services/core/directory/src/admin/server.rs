//! Servers.

use std::sync::Arc;

use super::{Admin, AdminError, Edit, Thing, edit};
use crate::client::equal;
use crate::dn;
use crate::model::Server;
use crate::seed;

impl Admin {
    /// All servers, by name.
    ///
    /// # Errors
    /// When the directory cannot be asked.
    pub async fn servers(&self) -> Result<Vec<Arc<Server>>, AdminError> {
        let config = self.config().await?;
        let mut servers = Vec::new();
        for entry in self.all(dn::SERVERS, "(objectClass=zimbraServer)").await? {
            servers.push(Arc::new(Server::new(entry, Arc::clone(&config))?));
        }
        servers.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(servers)
    }

    /// A server that must exist.
    ///
    /// # Errors
    /// When there is none (the error names those that look like it).
    pub async fn get_server(&self, name: &str) -> Result<Arc<Server>, AdminError> {
        self.directory.forget();
        match self.directory.server(name).await? {
            Some(server) => Ok(server),
            None => Err(self.not_found(Thing::Server, name).await?),
        }
    }

    /// Creates a server.
    ///
    /// # Errors
    /// When the name is taken, or an edit is not allowed.
    pub async fn create_server(&self, name: &str, edits: &[Edit]) -> Result<(), AdminError> {
        self.directory.forget();
        if self.directory.server(name).await?.is_some() {
            return Err(AdminError::Taken {
                name: name.to_owned(),
                by: "a server".to_owned(),
            });
        }
        let mut entry = seed::server(&name.to_ascii_lowercase(), self.directory.now());
        edit::apply(&mut entry, edits)?;
        self.add(&entry).await
    }

    /// Changes a server.
    ///
    /// # Errors
    /// When there is none, or a change is not allowed.
    pub async fn modify_server(&self, name: &str, edits: &[Edit]) -> Result<(), AdminError> {
        let server = self.get_server(name).await?;
        self.modify(&server.entry, edits).await
    }

    /// Deletes a server that keeps no mailbox.
    ///
    /// # Errors
    /// When accounts have their mailbox on it.
    pub async fn delete_server(&self, name: &str) -> Result<(), AdminError> {
        let server = self.get_server(name).await?;
        let count = self
            .some(Self::EVERYWHERE, &equal("zimbraMailHost", &server.name))
            .await?;
        if count > 0 {
            let (name, by) = (server.name.clone(), format!("{count} account(s)"));
            return Err(AdminError::InUse {
                thing: Thing::Server,
                name,
                by,
            });
        }
        self.delete(&server.entry.dn).await
    }
}

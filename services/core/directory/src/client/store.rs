//! Where an account's store is reached.

use std::sync::Arc;

use super::Directory;
use super::unavailable::Unavailable;
use crate::model::{Account, Server};

/// The store of an account.
#[derive(Debug, Clone)]
pub struct StoreHost {
    /// Its name: the account's `zimbraMailHost`, in lower case.
    pub name: String,
    /// The host name to connect to.
    pub host: String,
    /// Its entry; nothing where the directory knows no such server.
    pub server: Option<Arc<Server>>,
}

impl StoreHost {
    /// The port of a service by the attribute that holds it, such as `zimbraImapBindPort`.
    #[must_use]
    pub fn port(&self, attribute: &str) -> Option<u16> {
        self.server
            .as_ref()
            .and_then(|server| server.port(attribute))
    }
}

impl Directory {
    /// Where an account's mailbox is; nothing when it has none.
    ///
    /// # Errors
    /// When the directory cannot be asked.
    pub async fn store_of(&self, account: &Account) -> Result<Option<StoreHost>, Unavailable> {
        let Some(name) = account.mail_host() else {
            return Ok(None);
        };
        let server = self.server(name).await?;
        let name = name.to_ascii_lowercase();
        Ok(Some(StoreHost {
            host: server
                .as_ref()
                .map_or_else(|| name.clone(), |server| server.host().to_owned()),
            name,
            server,
        }))
    }
}

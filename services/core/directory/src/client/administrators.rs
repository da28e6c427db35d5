//! Who administers: the accounts that get the postmaster's mail where nobody else does.

use super::Directory;
use super::find::Find;
use super::unavailable::Unavailable;
use crate::model::Account;
use crate::name::EmailAddress;

/// Administrators that are named at most: it is about reaching one.
const ADMINISTRATORS_MAX: i32 = 20;

const FILTER: &str = "(&(objectClass=zimbraAccount)(zimbraIsAdminAccount=TRUE)(zimbraAccountStatus=active)(zimbraMailDeliveryAddress=*))";

impl Directory {
    /// The addresses of accounts that may administer everything. Not cached.
    ///
    /// # Errors
    /// When the directory cannot be asked.
    pub async fn administrators(&self) -> Result<Vec<EmailAddress>, Unavailable> {
        let attributes = ["mail", "zimbraMailDeliveryAddress"];
        let find = Find::anywhere(FILTER)
            .only(&attributes)
            .limit(ADMINISTRATORS_MAX);
        let entries = self.find(find).await?;
        Ok(entries
            .iter()
            .filter_map(|entry| Account::name_of(entry).ok())
            .collect())
    }
}

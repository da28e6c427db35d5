//! Accounts of a table, for tests.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use roost_core_directory::name::{AccountId, EmailAddress};
use roost_proto_sasl::{Login, Parameters, Proof, Refused};
use roost_proto_smtp::Refusal;

use super::{Accounts, Owner, Pop3Deletion, Proven, Recipient};
use crate::metrics::Protocol;

/// Accounts by name; each one's password is `secret`.
#[derive(Debug, Clone, Default)]
pub(crate) struct TableAccounts(Arc<Mutex<HashMap<EmailAddress, Entry>>>);

#[derive(Debug, Clone)]
struct Entry {
    owner: Owner,
    refusal: Option<Refusal>,
}

impl TableAccounts {
    pub(crate) fn add(&self, name: &str, quota: Option<u64>) -> Owner {
        let name = EmailAddress::parse(name).unwrap();
        let owner = Owner {
            id: AccountId::random(),
            name: name.clone(),
            quota,
            pop3_deletion: Pop3Deletion::Delete,
        };
        let entry = Entry {
            owner: owner.clone(),
            refusal: None,
        };
        self.0.lock().insert(name, entry);
        owner
    }

    /// From now on mail to it is answered so.
    pub(crate) fn refuse(&self, name: &str, refusal: Refusal) {
        let name = EmailAddress::parse(name).unwrap();
        self.0.lock().get_mut(&name).unwrap().refusal = Some(refusal);
    }

    fn find(&self, name: &str) -> Option<Owner> {
        let name = EmailAddress::parse(name).ok()?;
        Some(self.0.lock().get(&name)?.owner.clone())
    }
}

impl Accounts for TableAccounts {
    async fn recipient(&self, address: &EmailAddress) -> Result<Recipient, Refusal> {
        let (plain, detail) = match address.split_detail("+") {
            Some((plain, detail)) => (plain, Some(detail.to_owned())),
            None => (address.clone(), None),
        };
        let found = self.0.lock().get(&plain).cloned();
        let entry = found.ok_or_else(Refusal::unknown_recipient)?;
        match entry.refusal {
            Some(refusal) => Err(refusal),
            None => Ok(Recipient {
                owner: entry.owner,
                detail,
            }),
        }
    }

    async fn password(&self, login: &Login, _protocol: Protocol) -> Result<Owner, Refused> {
        match self.find(&login.authcid) {
            Some(owner) if login.password.expose() == "secret" => Ok(owner),
            _ => Err(Refused::Credentials),
        }
    }

    async fn ticket(&self, login: &Login, _protocol: Protocol) -> Result<Owner, Refused> {
        match self.find(&login.authcid) {
            Some(owner) if login.password.expose() == "rt1.good" => Ok(owner),
            _ => Err(Refused::Credentials),
        }
    }

    async fn offers_scram(&self) -> bool {
        false
    }

    async fn scram_parameters(&self, _name: &str) -> Result<Parameters, Refused> {
        Err(Refused::Unavailable)
    }

    async fn scram_verify(&self, _proof: &Proof, _protocol: Protocol) -> Result<Proven, Refused> {
        Err(Refused::Unavailable)
    }
}

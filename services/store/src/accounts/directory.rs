//! Accounts by the directory.

use std::sync::Arc;

use roost_core_directory::client::{
    AccountRoute, Deferral, Denied, Directory, Refusal as Refused_, Resolution, ScramVerdict,
    SignIn, Unavailable,
};
use roost_core_directory::model::{Account, Transport};
use roost_core_directory::name::EmailAddress;
use roost_kit::fields::{self, Chain, Escaped};
use roost_kit::secret::Secret;
use roost_proto_sasl::{Login, Parameters, Proof, Refused};
use roost_proto_smtp::Refusal;

use super::{Accounts, Owner, Pop3Deletion, Proven, Recipient};
use crate::metrics::Protocol;

/// The accounts of this node, as the directory has them.
#[derive(Debug, Clone)]
pub(crate) struct LdapAccounts {
    directory: Directory,
    /// This node's `zimbraMailHost`.
    node: Arc<str>,
}

impl LdapAccounts {
    pub(crate) fn new(directory: Directory, node: &str) -> Self {
        Self {
            directory,
            node: node.into(),
        }
    }

    fn is_here(&self, account: &Account) -> bool {
        match (account.mail_host(), account.transport()) {
            (Some(host), _) => host.eq_ignore_ascii_case(&self.node),
            (None, Some(Transport::Lmtp { host, .. })) => host.eq_ignore_ascii_case(&self.node),
            (None, Some(Transport::Smtp { .. }) | None) => false,
        }
    }

    /// Whose mailbox is opened when `account` has proved itself and asks to act as `authzid`.
    async fn admit(
        &self,
        account: Arc<Account>,
        authzid: Option<&str>,
        protocol: Protocol,
    ) -> Result<Owner, Refused> {
        let account = match authzid {
            None => account,
            Some(name) => self.acting_as(account, name).await?,
        };
        let enabled = match protocol {
            Protocol::Imap => account.may_use_imap(),
            Protocol::Pop3 => account.may_use_pop3(),
        };
        if !enabled {
            tracing::info!({ fields::ACCOUNT } = %account.name, ?protocol, "not enabled for the account");
            return Err(Refused::Forbidden);
        }
        if !self.is_here(&account) {
            let host = account.mail_host().unwrap_or("nowhere");
            tracing::info!({ fields::ACCOUNT } = %account.name, host, "the mailbox is elsewhere");
            return Err(Refused::Forbidden);
        }
        Ok(owner(&account))
    }

    /// RFC 4616 §2: an administrator may act as somebody else, everybody as themselves.
    async fn acting_as(
        &self,
        account: Arc<Account>,
        authzid: &str,
    ) -> Result<Arc<Account>, Refused> {
        let target = self
            .directory
            .account_of_login(authzid)
            .await
            .map_err(|error| unavailable(&error))?;
        match target {
            Some(target) if target.id == account.id => Ok(target),
            Some(target) if account.is_admin() => {
                let administrator = &account.name;
                tracing::info!({ fields::ACCOUNT } = %target.name, %administrator, "acts as the account");
                Ok(target)
            }
            _ => {
                let asked = Escaped(authzid.as_bytes());
                tracing::info!({ fields::ACCOUNT } = %account.name, %asked, "may not act as another");
                Err(Refused::Forbidden)
            }
        }
    }

    fn routed(&self, route: AccountRoute) -> Result<Recipient, Refusal> {
        if !self.is_here(&route.account) {
            // The mail server goes by a directory entry that is older or newer than ours.
            let text = format!("The mailbox is at {}, not here", route.transport);
            return Err(Refusal::temporary(451, 4, 4, &text));
        }
        Ok(Recipient {
            owner: owner(&route.account),
            detail: route.detail,
        })
    }
}

impl Accounts for LdapAccounts {
    async fn recipient(&self, address: &EmailAddress) -> Result<Recipient, Refusal> {
        let resolution = self.directory.recipient(address).await.map_err(|error| {
            let error = Chain(&error);
            tracing::warn!({ fields::TO } = %address, %error, "mail waits");
            Refusal::unavailable()
        })?;
        match resolution {
            Resolution::Account(route) => self.routed(route),
            Resolution::UnknownUser | Resolution::NotLocal => Err(Refusal::unknown_recipient()),
            Resolution::Refused(Refused_::Closed) => Err(Refusal::unknown_recipient()),
            Resolution::Refused(Refused_::Disabled) => Err(Refusal::recipient_disabled()),
            Resolution::Refused(Refused_::Loop) => Err(Refusal::permanent(
                550,
                4,
                6,
                "The address leads in a circle",
            )),
            Resolution::Deferred(Deferral::Maintenance) => Err(Refusal::temporary(
                450,
                2,
                1,
                "The mailbox is in maintenance, try again later",
            )),
            Resolution::Deferred(Deferral::NoMailHost | Deferral::TooManyMembers) => {
                Err(Refusal::unavailable())
            }
            // Lists and addresses elsewhere are the mail server's affair.
            Resolution::List(_) | Resolution::Forward(_) | Resolution::Relay { .. } => {
                Err(Refusal::permanent(
                    551,
                    1,
                    6,
                    "No mailbox of this store: the address is expanded or forwarded before",
                ))
            }
        }
    }

    async fn password(&self, login: &Login, protocol: Protocol) -> Result<Owner, Refused> {
        let password = Secret::new(login.password.expose().to_owned());
        let answer = self
            .directory
            .authenticate(&login.authcid, &password)
            .await
            .map_err(|error| unavailable(&error))?;
        match answer {
            SignIn::Granted(account) => {
                self.admit(account, login.authzid.as_deref(), protocol)
                    .await
            }
            SignIn::Denied(denied) => Err(denial(denied, &login.authcid)),
        }
    }

    async fn offers_scram(&self) -> bool {
        self.directory.offers_scram().await.unwrap_or(false)
    }

    async fn scram_parameters(&self, name: &str) -> Result<Parameters, Refused> {
        let parameters = self
            .directory
            .scram_parameters(name)
            .await
            .map_err(|error| unavailable(&error))?;
        Parameters::new(parameters.salt, parameters.iterations).map_err(|error| {
            tracing::warn!(%error, "the directory's SCRAM parameters cannot be used");
            Refused::Unavailable
        })
    }

    async fn scram_verify(&self, proof: &Proof, protocol: Protocol) -> Result<Proven, Refused> {
        let verdict = self
            .directory
            .scram_verify(&proof.name, &proof.auth_message, &proof.client_proof)
            .await
            .map_err(|error| unavailable(&error))?;
        match verdict {
            ScramVerdict::Granted {
                account,
                server_signature,
            } => Ok(Proven {
                owner: self
                    .admit(account, proof.authzid.as_deref(), protocol)
                    .await?,
                signature: server_signature.try_into().map_err(|_odd| {
                    tracing::warn!("the directory's SCRAM signature has a wrong length");
                    Refused::Unavailable
                })?,
            }),
            ScramVerdict::Denied(denied) => Err(denial(denied, &proof.name)),
        }
    }
}

fn owner(account: &Account) -> Owner {
    Owner {
        id: account.id,
        name: account.name.clone(),
        quota: account.quota(),
        pop3_deletion: match account.setting("zimbraPrefPop3DeleteOption").text() {
            Some("keep") => Pop3Deletion::Keep,
            Some("read") => Pop3Deletion::Read,
            Some("trash") => Pop3Deletion::Trash,
            _ => Pop3Deletion::Delete,
        },
    }
}

fn denial(denied: Denied, name: &str) -> Refused {
    match denied {
        Denied::Credentials => Refused::Credentials,
        Denied::Status(status) => {
            let name = Escaped(name.as_bytes());
            tracing::info!({ fields::ACCOUNT } = %name, status = status.name(), "may not sign in");
            Refused::Forbidden
        }
    }
}

fn unavailable(error: &Unavailable) -> Refused {
    let error = Chain(error);
    tracing::warn!(%error, "nobody can sign in");
    Refused::Unavailable
}

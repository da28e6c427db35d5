//! Accounts by the directory.

use std::sync::Arc;

use roost_core_directory::client::{
    AccountRoute, Deferral, Directory, Refusal as Refused_, Resolution,
};
use roost_core_directory::model::{Account, Transport};
use roost_core_directory::name::EmailAddress;
use roost_core_directory::ticket::{Claim, Inspector, Keys};
use roost_kit::clock::Clock;
use roost_kit::fields::{self, Chain};
use roost_login::{Logins, unavailable};
use roost_proto_sasl::{Login, Parameters, Proof, Refused};
use roost_proto_smtp::Refusal;

use super::{Accounts, Owner, Pop3Deletion, Proven, Recipient};
use crate::metrics::Protocol;

/// The accounts of this node, as the directory has them.
#[derive(Debug, Clone)]
pub(crate) struct LdapAccounts {
    directory: Directory,
    logins: Logins,
    /// This node's `zimbraMailHost`.
    node: Arc<str>,
    /// Looks at proxies' tickets.
    inspector: Arc<Inspector>,
    clock: Clock,
}

impl LdapAccounts {
    pub(crate) fn new(directory: Directory, node: &str, clock: Clock) -> Self {
        Self {
            logins: Logins::new(directory.clone()),
            directory,
            node: node.into(),
            inspector: Arc::new(Inspector::new(clock.now())),
            clock,
        }
    }

    fn is_here(&self, account: &Account) -> bool {
        match (account.mail_host(), account.transport()) {
            (Some(host), _) => host.eq_ignore_ascii_case(&self.node),
            (None, Some(Transport::Lmtp { host, .. })) => host.eq_ignore_ascii_case(&self.node),
            (None, Some(Transport::Smtp { .. }) | None) => false,
        }
    }

    /// Whose mailbox is opened for an account that has proved itself.
    async fn admit(&self, account: Arc<Account>, protocol: Protocol) -> Result<Owner, Refused> {
        let enabled = match protocol {
            Protocol::Imap => account.may_use_imap(),
            Protocol::Pop3 => account.may_use_pop3(),
        };
        if !enabled {
            tracing::info!({ fields::ACCOUNT } = %account.name, ?protocol, "not enabled for the account");
            return Err(Refused::Forbidden);
        }
        if !self.is_here(&account) && !self.has_come_here(&account).await? {
            let host = account.mail_host().unwrap_or("nowhere");
            tracing::info!({ fields::ACCOUNT } = %account.name, host, "the mailbox is elsewhere");
            return Err(Refused::Forbidden);
        }
        Ok(owner(&account))
    }

    /// Whether an account that was elsewhere when it was last asked about has been moved here since.
    async fn has_come_here(&self, account: &Account) -> Result<bool, Refused> {
        let afresh = self.directory.account_afresh(account).await;
        let afresh = afresh.map_err(|error| unavailable(&error))?;
        Ok(afresh.is_some_and(|account| self.is_here(&account)))
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
        let account = self.logins.password(login).await?;
        self.admit(account, protocol).await
    }

    async fn ticket(&self, login: &Login, protocol: Protocol) -> Result<Owner, Refused> {
        let config = self.directory.config().await;
        let config = config.map_err(|error| unavailable(&error))?;
        let Some(keys) = Keys::of(&config) else {
            tracing::error!("the directory has no zimbraAuthTokenKey, so proxies cannot log in");
            return Err(Refused::Unavailable);
        };
        let account = self.directory.account_of_login(&login.authcid).await;
        let Some(account) = account.map_err(|error| unavailable(&error))? else {
            return Err(Refused::Credentials);
        };
        let claim = Claim {
            account: account.id,
            service: protocol.name(),
            store: &self.node,
        };
        let ticket = login.password.expose();
        if let Err(error) = self.inspector.check(&keys, ticket, claim, self.clock.now()) {
            tracing::warn!({ fields::ACCOUNT } = %account.name, %error, "a proxy's ticket is refused");
            return Err(match error.is_transient() {
                true => Refused::Unavailable,
                false => Refused::Credentials,
            });
        }
        self.admit(account, protocol).await
    }

    async fn offers_scram(&self) -> bool {
        self.logins.offers_scram().await
    }

    async fn scram_parameters(&self, name: &str) -> Result<Parameters, Refused> {
        self.logins.scram_parameters(name).await
    }

    async fn scram_verify(&self, proof: &Proof, protocol: Protocol) -> Result<Proven, Refused> {
        let (account, signature) = self.logins.scram_verify(proof).await?;
        Ok(Proven {
            owner: self.admit(account, protocol).await?,
            signature: signature.0,
        })
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

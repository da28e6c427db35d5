//! What becomes of mail for an address.

use std::sync::Arc;

use super::unavailable::Unavailable;
use super::{Directory, Party};
use crate::model::{
    Account, CatchAll, Delivery, DistributionList, Domain, DomainKind, Forwarding, Transport,
};
use crate::name::{DomainName, EmailAddress};

/// Rewritings at most before an address is called a loop.
const REWRITES_MAX: usize = 10;
/// The port of a store's LMTP where its server entry does not say.
const LMTP_PORT: u16 = 7025;

/// What becomes of mail for an address.
#[derive(Debug, Clone)]
pub enum Resolution {
    /// An account of ours.
    Account(AccountRoute),
    /// A list of ours.
    List(ListRoute),
    /// It is forwarded to addresses elsewhere: what an unknown address of a domain is sent to.
    Forward(Vec<EmailAddress>),
    /// The domain is ours, the address is not: another server has it.
    Relay {
        /// The address, in the domain that the other server knows.
        address: EmailAddress,
        /// The other server.
        transport: Transport,
    },
    /// The domain is ours and nobody has the address.
    UnknownUser,
    /// The domain is not ours.
    NotLocal,
    /// It is refused for good.
    Refused(Refusal),
    /// It has to wait.
    Deferred(Deferral),
}

/// An account and how its mail gets there.
#[derive(Debug, Clone)]
pub struct AccountRoute {
    /// The account.
    pub account: Arc<Account>,
    /// What followed the delimiter in the local part, without it.
    pub detail: Option<String>,
    /// Where its store takes mail, from `zimbraMailTransport`, else from `zimbraMailHost`.
    pub transport: Transport,
    /// Where else its mail goes, and whether it is kept.
    pub forwarding: Forwarding,
}

/// A list and the addresses its mail goes to.
#[derive(Debug, Clone)]
pub struct ListRoute {
    /// The list.
    pub list: Arc<DistributionList>,
    /// Its members, those of lists within it included; each once. Each is a recipient in turn.
    pub members: Vec<EmailAddress>,
}

/// Why mail is refused for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The account or its domain is closed.
    Closed,
    /// The list, or the account's mail, is switched off.
    Disabled,
    /// Domains and catch-all addresses lead to each other in a circle.
    Loop,
}

/// Why mail has to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deferral {
    /// The account or its domain is in maintenance.
    Maintenance,
    /// The account names no host for its mailbox.
    NoMailHost,
    /// The list has more members than one message can go to.
    TooManyMembers,
}

impl Directory {
    /// What becomes of mail for an address: exact names and aliases first, then names without their
    /// detail, then the domain that this one is another name of, then whoever catches the rest.
    ///
    /// # Errors
    /// When the directory cannot be asked; answer 4xx then, never 5xx.
    pub async fn recipient(&self, address: &EmailAddress) -> Result<Resolution, Unavailable> {
        let mut address = address.clone();
        for _ in 0..REWRITES_MAX {
            match self.step(&address).await? {
                Step::Done(resolution) => return Ok(*resolution),
                Step::Again(next) => address = next,
                Step::Elsewhere(next) => {
                    if self.domain(next.domain()).await?.is_none() {
                        return Ok(Resolution::Forward(vec![next]));
                    }
                    address = next;
                }
            }
        }
        tracing::warn!(%address, "domains and catch-all addresses lead in a circle");
        Ok(Resolution::Refused(Refusal::Loop))
    }

    async fn step(&self, address: &EmailAddress) -> Result<Step, Unavailable> {
        let Some(domain) = self.domain(address.domain()).await? else {
            return Ok(Resolution::NotLocal.into());
        };
        if let Some((party, detail)) = self.addressee(address, &domain).await? {
            return Ok(self.route(party, detail).await?.into());
        }
        if let DomainKind::Alias(Some(id)) = domain.kind
            && let Some(target) = self.domain_by_id(id).await?
        {
            return Ok(Step::Again(address.at(&target.name)));
        }
        self.caught(address, &domain).await
    }

    /// Whoever has the address, else whoever has it without its detail.
    async fn addressee(
        &self,
        address: &EmailAddress,
        domain: &Domain,
    ) -> Result<Option<(Party, Option<String>)>, Unavailable> {
        if let Some(party) = self.party(address).await? {
            return Ok(Some((party, None)));
        }
        let delimiters = domain.config.recipient_delimiters();
        let Some((plain, detail)) = address.split_detail(&delimiters) else {
            return Ok(None);
        };
        let party = self.party(&plain).await?;
        Ok(party.map(|party| (party, Some(detail.to_owned()))))
    }

    async fn route(&self, party: Party, detail: Option<String>) -> Result<Resolution, Unavailable> {
        match party {
            Party::Account(account) => self.route_account(account, detail).await,
            Party::List(list) => self.route_list(list).await,
        }
    }

    async fn route_account(
        &self,
        account: Arc<Account>,
        detail: Option<String>,
    ) -> Result<Resolution, Unavailable> {
        let disabled = account.setting("zimbraMailStatus").text() == Some("disabled");
        match account.status().delivery() {
            Delivery::Refuse => return Ok(Resolution::Refused(Refusal::Closed)),
            Delivery::Defer => return Ok(Resolution::Deferred(Deferral::Maintenance)),
            Delivery::Accept if disabled => return Ok(Resolution::Refused(Refusal::Disabled)),
            Delivery::Accept => {}
        }
        let Some(transport) = self.transport_of(&account).await? else {
            tracing::warn!(account = %account.name, "has neither zimbraMailHost nor zimbraMailTransport");
            return Ok(Resolution::Deferred(Deferral::NoMailHost));
        };
        let forwarding = account.forwarding();
        Ok(Resolution::Account(AccountRoute {
            account,
            detail,
            transport,
            forwarding,
        }))
    }

    async fn route_list(&self, list: Arc<DistributionList>) -> Result<Resolution, Unavailable> {
        match list
            .domain
            .as_ref()
            .map_or(Delivery::Accept, |domain| domain.status().delivery())
        {
            Delivery::Refuse => return Ok(Resolution::Refused(Refusal::Closed)),
            Delivery::Defer => return Ok(Resolution::Deferred(Deferral::Maintenance)),
            Delivery::Accept => {}
        }
        if !list.is_enabled() {
            return Ok(Resolution::Refused(Refusal::Disabled));
        }
        let members = self.members(&list).await?;
        if members.truncated {
            tracing::warn!(list = %list.name, "has more members than a message can go to");
            return Ok(Resolution::Deferred(Deferral::TooManyMembers));
        }
        Ok(Resolution::List(ListRoute {
            list,
            members: members.addresses.clone(),
        }))
    }

    /// Where an account's store takes mail.
    ///
    /// # Errors
    /// When the directory cannot be asked.
    pub async fn transport_of(&self, account: &Account) -> Result<Option<Transport>, Unavailable> {
        if let Some(transport) = account.transport() {
            return Ok(Some(transport));
        }
        let Some(name) = account.mail_host() else {
            return Ok(None);
        };
        let server = self.server(name).await?;
        let (host, port) = match &server {
            Some(server) => (
                server.host(),
                server.port("zimbraLmtpBindPort").unwrap_or(LMTP_PORT),
            ),
            None => (name, LMTP_PORT),
        };
        Ok(Some(Transport::Lmtp {
            host: host.to_lowercase().into(),
            port,
        }))
    }

    /// What becomes of an address of a domain of ours that nobody has.
    async fn caught(&self, address: &EmailAddress, domain: &Domain) -> Result<Step, Unavailable> {
        let Some(catcher) = self.catcher(&domain.name).await? else {
            return Ok(unknown(address, domain));
        };
        match catcher.rule {
            CatchAll::Own => match catcher.account {
                Some(account) => Ok(self.route_account(account, None).await?.into()),
                None => Ok(unknown(address, domain)),
            },
            CatchAll::Domain(name) if name == domain.name => Ok(unknown(address, domain)),
            CatchAll::Domain(name) => Ok(moved(address, &name)),
            CatchAll::Address(next) => Ok(Step::Elsewhere(next)),
        }
    }
}

/// One rewriting of an address.
enum Step {
    Done(Box<Resolution>),
    /// Try this address of ours.
    Again(EmailAddress),
    /// Try this address, which may be somebody else's.
    Elsewhere(EmailAddress),
}

impl From<Resolution> for Step {
    fn from(resolution: Resolution) -> Self {
        Self::Done(Box::new(resolution))
    }
}

fn moved(address: &EmailAddress, domain: &DomainName) -> Step {
    Step::Elsewhere(address.at(domain))
}

/// Nobody here has it: another server, when the domain is shared with one.
fn unknown(address: &EmailAddress, domain: &Domain) -> Step {
    match (domain.status().delivery(), domain.transport()) {
        (Delivery::Defer, _) => Resolution::Deferred(Deferral::Maintenance),
        (_, Some(transport @ Transport::Smtp { .. })) => Resolution::Relay {
            address: address.clone(),
            transport,
        },
        _ => Resolution::UnknownUser,
    }
    .into()
}

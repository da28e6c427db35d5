//! Accounts.

use std::sync::Arc;

use super::{AccountStatus, Cos, Damaged, Domain, GlobalConfig, Transport, required, unreadable};
use crate::access::Grant;
use crate::entry::{Attributes, Entry};
use crate::name::{AccountId, EmailAddress};
use crate::resolve::{Level, Setting, effective, resolve};
use crate::schema::AttributeType;

/// An account with everything it inherits from.
#[derive(Debug)]
pub struct Account {
    /// Its entry.
    pub entry: Entry,
    /// Its identifier.
    pub id: AccountId,
    /// Its name: the address it is delivered under.
    pub name: EmailAddress,
    /// Its class of service.
    pub cos: Option<Arc<Cos>>,
    /// Its domain.
    pub domain: Option<Arc<Domain>>,
    /// The global configuration.
    pub config: Arc<GlobalConfig>,
}

/// Where an account's mail goes besides or instead of its mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forwarding {
    /// Where it is forwarded to.
    pub addresses: Vec<EmailAddress>,
    /// Whether it is kept in the mailbox too.
    pub keep: bool,
}

impl Account {
    /// The name of an account's entry.
    pub(crate) fn name_of(entry: &Entry) -> Result<EmailAddress, Damaged> {
        let address = match entry.attributes.text("zimbraMailDeliveryAddress") {
            Some(address) => address,
            None => required(entry, "mail")?,
        };
        EmailAddress::parse(address).map_err(|error| unreadable(&entry.dn, &error))
    }

    /// Reads an entry.
    pub(crate) fn new(
        entry: Entry,
        cos: Option<Arc<Cos>>,
        domain: Option<Arc<Domain>>,
        config: Arc<GlobalConfig>,
    ) -> Result<Self, Damaged> {
        let id = AccountId::parse(required(&entry, "zimbraId")?)
            .map_err(|error| unreadable(&entry.dn, &error))?;
        let name = Self::name_of(&entry)?;
        Ok(Self {
            entry,
            id,
            name,
            cos,
            domain,
            config,
        })
    }

    /// The entries that its settings come from, nearest first.
    #[must_use]
    pub fn levels(&self) -> Vec<(Level, &Attributes)> {
        let mut levels = Vec::with_capacity(4);
        levels.push((Level::Account, &self.entry.attributes));
        levels.extend(
            self.cos
                .iter()
                .map(|cos| (Level::Cos, &cos.entry.attributes)),
        );
        levels.extend(
            self.domain
                .iter()
                .map(|domain| (Level::Domain, &domain.entry.attributes)),
        );
        levels.push((Level::Global, &self.config.entry.attributes));
        levels
    }

    /// Any setting, as it holds for this account, with where it comes from.
    #[must_use]
    pub fn setting(&self, name: &str) -> Setting<'_> {
        resolve(name, &self.levels())
    }

    /// Every setting that it or something it inherits from has a value for.
    pub fn settings(&self) -> impl Iterator<Item = (&'static AttributeType, Setting<'_>)> {
        effective(&self.levels()).collect::<Vec<_>>().into_iter()
    }

    fn flag(&self, name: &str) -> bool {
        self.setting(name).boolean().unwrap_or(false)
    }

    /// Its distinguished name.
    #[must_use]
    pub fn dn(&self) -> &str {
        &self.entry.dn
    }

    /// The status that holds, its domain's taken into account.
    #[must_use]
    pub fn status(&self) -> AccountStatus {
        let own = self
            .entry
            .attributes
            .text("zimbraAccountStatus")
            .unwrap_or_default();
        let own = AccountStatus::parse(own);
        self.domain
            .as_ref()
            .map_or(own, |domain| own.under(domain.status()))
    }

    /// Its name and its aliases.
    pub fn addresses(&self) -> impl Iterator<Item = EmailAddress> {
        let name = [self.name.clone()].into_iter();
        let more = ["zimbraMailDeliveryAddress", "zimbraMailAlias"]
            .into_iter()
            .flat_map(|attribute| self.setting(attribute).addresses().collect::<Vec<_>>())
            .filter(|address| *address != self.name);
        name.chain(more)
    }

    /// What people call its owner.
    #[must_use]
    pub fn display_name(&self) -> Option<&str> {
        let attributes = &self.entry.attributes;
        attributes
            .text("displayName")
            .or_else(|| attributes.text("cn"))
    }

    /// The host of its mailbox.
    #[must_use]
    pub fn mail_host(&self) -> Option<&str> {
        self.setting("zimbraMailHost").text()
    }

    /// Where its mail goes, when that is not the LMTP port of its [`mail_host`](Self::mail_host).
    #[must_use]
    pub fn transport(&self) -> Option<Transport> {
        Transport::parse(self.setting("zimbraMailTransport").text()?)
    }

    /// Where its mail is forwarded to.
    ///
    /// An account without anywhere to forward to keeps its mail, whatever it says: switching local
    /// delivery off would lose it.
    #[must_use]
    pub fn forwarding(&self) -> Forwarding {
        let mut addresses: Vec<_> = self
            .setting("zimbraMailForwardingAddress")
            .addresses()
            .collect();
        if self.flag("zimbraFeatureMailForwardingEnabled") {
            addresses.extend(self.setting("zimbraPrefMailForwardingAddress").addresses());
        }
        addresses.retain(|address| *address != self.name);
        let keep = addresses.is_empty() || !self.flag("zimbraPrefMailLocalDeliveryDisabled");
        Forwarding { addresses, keep }
    }

    /// The size of its mailbox at most, in bytes; none when there is no limit.
    #[must_use]
    pub fn quota(&self) -> Option<u64> {
        let own = self
            .setting("zimbraMailQuota")
            .count()
            .filter(|size| *size > 0);
        let domain = self
            .domain
            .as_ref()
            .and_then(|domain| domain.mailbox_quota());
        own.into_iter().chain(domain).min()
    }

    /// Whether its owner may read mail by IMAP.
    #[must_use]
    pub fn may_use_imap(&self) -> bool {
        self.flag("zimbraImapEnabled")
    }

    /// Whether its owner may fetch mail by POP3.
    #[must_use]
    pub fn may_use_pop3(&self) -> bool {
        self.flag("zimbraPop3Enabled")
    }

    /// Whether its owner may do everything.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.flag("zimbraIsAdminAccount")
    }

    /// Whether its owner may use any sender address.
    #[must_use]
    pub fn may_send_as_anybody(&self) -> bool {
        self.flag("zimbraAllowAnyFromAddress")
    }

    /// What it grants to others.
    #[must_use]
    pub fn grants(&self) -> Vec<Grant> {
        self.entry
            .attributes
            .texts("zimbraACE")
            .filter_map(Grant::parse)
            .collect()
    }
}

//! Domains, classes of service and the global configuration.

use std::sync::Arc;

use super::{Damaged, DomainStatus, Transport, required, unreadable};
use crate::entry::Entry;
use crate::name::{CosId, DomainId, DomainName, EmailAddress};
use crate::resolve::{Level, Setting, resolve};

/// `cn=config,cn=zimbra`: what holds where nothing nearer says otherwise.
#[derive(Debug)]
pub struct GlobalConfig {
    /// Its entry.
    pub entry: Entry,
}

impl GlobalConfig {
    /// Any setting.
    #[must_use]
    pub fn setting(&self, name: &str) -> Setting<'_> {
        resolve(name, &[(Level::Global, &self.entry.attributes)])
    }

    /// The domain of login names that have none.
    #[must_use]
    pub fn default_domain(&self) -> Option<DomainName> {
        DomainName::parse(self.setting("zimbraDefaultDomainName").text()?).ok()
    }

    /// The characters between a name and its detail.
    #[must_use]
    pub fn recipient_delimiters(&self) -> String {
        self.setting("zimbraMtaRecipientDelimiter")
            .texts()
            .collect()
    }

    /// The size of the largest message; none when there is no limit.
    #[must_use]
    pub fn message_size_max(&self) -> Option<u64> {
        self.setting("zimbraMtaMaxMessageSize")
            .count()
            .filter(|size| *size > 0)
    }
}

/// A class of service.
#[derive(Debug)]
pub struct Cos {
    /// Its entry.
    pub entry: Entry,
    /// Its identifier.
    pub id: CosId,
    /// Its name.
    pub name: String,
    /// The global configuration.
    pub config: Arc<GlobalConfig>,
}

impl Cos {
    /// Reads an entry.
    pub(crate) fn new(entry: Entry, config: Arc<GlobalConfig>) -> Result<Self, Damaged> {
        let id = CosId::parse(required(&entry, "zimbraId")?)
            .map_err(|error| unreadable(&entry.dn, &error))?;
        let name = required(&entry, "cn")?.to_owned();
        Ok(Self {
            entry,
            id,
            name,
            config,
        })
    }

    /// Any setting.
    #[must_use]
    pub fn setting(&self, name: &str) -> Setting<'_> {
        let own = (Level::Cos, &self.entry.attributes);
        resolve(name, &[own, (Level::Global, &self.config.entry.attributes)])
    }
}

/// Local, or another name of a local one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DomainKind {
    /// It has accounts of its own.
    Local,
    /// Its addresses are those of another domain.
    Alias(Option<DomainId>),
}

/// A domain.
#[derive(Debug)]
pub struct Domain {
    /// Its entry.
    pub entry: Entry,
    /// Its identifier.
    pub id: DomainId,
    /// Its name.
    pub name: DomainName,
    /// Local or alias.
    pub kind: DomainKind,
    /// The global configuration.
    pub config: Arc<GlobalConfig>,
}

/// What becomes of addresses of a domain that nobody has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CatchAll {
    /// They are tried in this domain.
    Domain(DomainName),
    /// Their mail goes to this address.
    Address(EmailAddress),
    /// Their mail goes to whoever catches it.
    Own,
}

impl Domain {
    /// Reads an entry.
    pub(crate) fn new(entry: Entry, config: Arc<GlobalConfig>) -> Result<Self, Damaged> {
        let bad = |error| unreadable(&entry.dn, &error);
        let id = DomainId::parse(required(&entry, "zimbraId")?).map_err(bad)?;
        let name = DomainName::parse(required(&entry, "zimbraDomainName")?).map_err(bad)?;
        let kind = match required(&entry, "zimbraDomainType")?
            .to_ascii_lowercase()
            .as_str()
        {
            "alias" => {
                let target = entry.attributes.text("zimbraDomainAliasTargetId");
                DomainKind::Alias(target.map(DomainId::parse).transpose().map_err(bad)?)
            }
            _ => DomainKind::Local,
        };
        Ok(Self {
            entry,
            id,
            name,
            kind,
            config,
        })
    }

    /// Any setting.
    #[must_use]
    pub fn setting(&self, name: &str) -> Setting<'_> {
        let own = (Level::Domain, &self.entry.attributes);
        resolve(name, &[own, (Level::Global, &self.config.entry.attributes)])
    }

    /// Its status; active when it says nothing.
    #[must_use]
    pub fn status(&self) -> DomainStatus {
        self.setting("zimbraDomainStatus")
            .text()
            .map_or(DomainStatus::Active, DomainStatus::parse)
    }

    /// The class of service of accounts that name none.
    #[must_use]
    pub fn default_cos(&self) -> Option<CosId> {
        CosId::parse(self.setting("zimbraDomainDefaultCOSId").text()?).ok()
    }

    /// Where mail for addresses goes that nobody here has, when not here.
    #[must_use]
    pub fn transport(&self) -> Option<Transport> {
        Transport::parse(self.setting("zimbraMailTransport").text()?)
    }

    /// The size of its accounts' largest mailbox; none when the domain sets no limit.
    #[must_use]
    pub fn mailbox_quota(&self) -> Option<u64> {
        self.setting("zimbraMailDomainQuota")
            .count()
            .filter(|size| *size > 0)
    }
}

/// What `zimbraMailCatchAllForwardingAddress` of an entry says.
pub(crate) fn catch_all(entry: &Entry) -> CatchAll {
    let forwarding = entry.attributes.text("zimbraMailCatchAllForwardingAddress");
    forwarding
        .and_then(|text| match text.strip_prefix('@') {
            Some(domain) => DomainName::parse(domain).ok().map(CatchAll::Domain),
            None => EmailAddress::parse(text).ok().map(CatchAll::Address),
        })
        .unwrap_or(CatchAll::Own)
}

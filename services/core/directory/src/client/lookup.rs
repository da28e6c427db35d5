//! Looking up entries, through the cache.

use std::sync::Arc;

use compact_str::CompactString;
use ldap3::Scope;
use uuid::Uuid;

use super::find::{self, Find};
use super::unavailable::{Cause, Unavailable};
use super::{Directory, Key, Party};
use crate::dn;
use crate::entry::Entry;
use crate::model::{Account, CatchAll, Cos, DistributionList, Domain, GlobalConfig, Server};
use crate::name::{AccountId, CosId, DomainId, DomainName, EmailAddress};
use crate::seed;

/// Entries that have addresses.
const PARTIES: &str =
    "(|(objectClass=zimbraAccount)(objectClass=zimbraDistributionList)(objectClass=zimbraGroup))";
/// The attributes that make an address somebody's.
const ADDRESSES: &[&str] = &["zimbraMailDeliveryAddress", "zimbraMailAlias", "mail"];

/// More entries with one address than anybody looks at.
const FEW: i32 = 10;

/// Who takes mail for addresses that nobody has.
#[derive(Debug, Clone)]
pub(super) struct Catcher {
    pub(super) rule: CatchAll,
    /// The account that catches, when it is one.
    pub(super) account: Option<Arc<Account>>,
}

impl Directory {
    /// The global configuration.
    ///
    /// # Errors
    /// When the directory cannot be asked, or has none.
    pub async fn config(&self) -> Result<Arc<GlobalConfig>, Unavailable> {
        let ask = async {
            let entry = self.entry(dn::CONFIG).await?;
            Ok(entry.map(|entry| Arc::new(GlobalConfig { entry })))
        };
        let config = self.0.config.get(&(), ask).await?;
        config.ok_or_else(|| Cause::NoEntry(dn::CONFIG).into())
    }

    /// A domain by its name.
    ///
    /// # Errors
    /// When the directory cannot be asked.
    pub async fn domain(&self, name: &DomainName) -> Result<Option<Arc<Domain>>, Unavailable> {
        let filter = find::equal("zimbraDomainName", name.as_str());
        self.0
            .domains
            .get(&Key::Name(name.clone()), self.ask_domain(filter))
            .await
    }

    /// A domain by its identifier.
    ///
    /// # Errors
    /// When the directory cannot be asked.
    pub async fn domain_by_id(&self, id: DomainId) -> Result<Option<Arc<Domain>>, Unavailable> {
        let filter = find::equal("zimbraId", &id.to_string());
        self.0
            .domains
            .get(&Key::Id(id.uuid()), self.ask_domain(filter))
            .await
    }

    /// The domain that a host name on the web stands for (`zimbraVirtualHostname`). Not cached.
    ///
    /// # Errors
    /// When the directory cannot be asked.
    pub async fn domain_by_virtual_host(
        &self,
        host: &str,
    ) -> Result<Option<Arc<Domain>>, Unavailable> {
        self.ask_domain(find::equal("zimbraVirtualHostname", host))
            .await
    }

    /// The domain whose users connect to an address (`zimbraVirtualIPAddress`). Not cached.
    ///
    /// # Errors
    /// When the directory cannot be asked.
    pub async fn domain_by_virtual_address(
        &self,
        address: std::net::IpAddr,
    ) -> Result<Option<Arc<Domain>>, Unavailable> {
        let filter = find::equal("zimbraVirtualIPAddress", &address.to_string());
        self.ask_domain(filter).await
    }

    async fn ask_domain(&self, filter: String) -> Result<Option<Arc<Domain>>, Unavailable> {
        let filter = find::all(&["(objectClass=zimbraDomain)", &filter]);
        let Some(entry) = self.first(&filter).await? else {
            return Ok(None);
        };
        Ok(Some(Arc::new(Domain::new(entry, self.config().await?)?)))
    }

    /// Whether mail for a domain is ours to deliver.
    ///
    /// # Errors
    /// When the directory cannot be asked.
    pub async fn is_local_domain(&self, name: &DomainName) -> Result<bool, Unavailable> {
        Ok(self.domain(name).await?.is_some())
    }

    /// The domains that are other names of a domain.
    ///
    /// # Errors
    /// When the directory cannot be asked.
    pub async fn domain_aliases(
        &self,
        domain: DomainId,
    ) -> Result<Arc<Vec<DomainName>>, Unavailable> {
        let ask = async {
            let target = find::equal("zimbraDomainAliasTargetId", &domain.to_string());
            let filter = find::all(&["(objectClass=zimbraDomain)", &target]);
            let entries = self
                .find(Find::anywhere(&filter).only(&["zimbraDomainName"]))
                .await?;
            let name = |entry: &Entry| entry.attributes.text("zimbraDomainName").map(str::to_owned);
            let names = entries.iter().filter_map(name);
            Ok(Some(Arc::new(
                names
                    .filter_map(|name| DomainName::parse(&name).ok())
                    .collect(),
            )))
        };
        Ok(self
            .0
            .domain_aliases
            .get(&domain.uuid(), ask)
            .await?
            .unwrap_or_default())
    }

    /// A class of service by its name.
    ///
    /// # Errors
    /// When the directory cannot be asked.
    pub async fn cos(&self, name: &str) -> Result<Option<Arc<Cos>>, Unavailable> {
        let key = Key::Name(CompactString::from(name).to_lowercase());
        self.0
            .cos
            .get(&key, self.ask_cos(find::equal("cn", name)))
            .await
    }

    /// A class of service by its identifier.
    ///
    /// # Errors
    /// When the directory cannot be asked.
    pub async fn cos_by_id(&self, id: CosId) -> Result<Option<Arc<Cos>>, Unavailable> {
        let filter = find::equal("zimbraId", &id.to_string());
        self.0
            .cos
            .get(&Key::Id(id.uuid()), self.ask_cos(filter))
            .await
    }

    async fn ask_cos(&self, filter: String) -> Result<Option<Arc<Cos>>, Unavailable> {
        let filter = find::all(&["(objectClass=zimbraCOS)", &filter]);
        let found = self
            .find(Find::below(dn::COS, &filter))
            .await?
            .into_iter()
            .next();
        let Some(entry) = found else { return Ok(None) };
        Ok(Some(Arc::new(Cos::new(entry, self.config().await?)?)))
    }

    /// A server by its name.
    ///
    /// # Errors
    /// When the directory cannot be asked.
    pub async fn server(&self, name: &str) -> Result<Option<Arc<Server>>, Unavailable> {
        let name = CompactString::from(name).to_lowercase();
        let ask = async {
            let Some(entry) = self.entry(&dn::server(&name)).await? else {
                return Ok(None);
            };
            Ok(Some(Arc::new(Server::new(entry, self.config().await?)?)))
        };
        self.0.servers.get(&name, ask).await
    }

    /// Whoever has an address: its name or an alias, exactly. Domains that are other names, details
    /// and catch-all addresses are [`recipient`](Self::recipient)'s affair.
    ///
    /// # Errors
    /// When the directory cannot be asked.
    pub async fn party(&self, address: &EmailAddress) -> Result<Option<Party>, Unavailable> {
        let ask = async {
            let filter = find::all(&[PARTIES, &find::any(ADDRESSES, [address.to_string()])]);
            let mut entries = self.find(Find::anywhere(&filter).limit(FEW)).await?;
            if entries.len() > 1 {
                let dns: Vec<_> = entries.iter().map(|entry| entry.dn.as_str()).collect();
                tracing::warn!(%address, ?dns, "several entries have the same address");
            }
            // Whose name it is comes before whose alias it is.
            let alias = |entry: &Entry| {
                Account::name_of(entry).is_ok_and(|name| name == *address)
                    || DistributionList::name_of(entry).is_ok_and(|name| name == *address)
            };
            entries.sort_by_key(|entry| !alias(entry));
            self.party_of(entries.into_iter().next()).await
        };
        self.0.parties.get(&Key::Name(address.clone()), ask).await
    }

    /// Whoever has an identifier.
    ///
    /// # Errors
    /// When the directory cannot be asked.
    pub async fn party_by_id(&self, id: Uuid) -> Result<Option<Party>, Unavailable> {
        let ask = async {
            let filter = find::all(&[PARTIES, &find::equal("zimbraId", &id.to_string())]);
            let entry = self.first(&filter).await?;
            self.party_of(entry).await
        };
        self.0.parties.get(&Key::Id(id), ask).await
    }

    /// An account by its name or an alias.
    ///
    /// # Errors
    /// When the directory cannot be asked.
    pub async fn account(
        &self,
        address: &EmailAddress,
    ) -> Result<Option<Arc<Account>>, Unavailable> {
        Ok(self.party(address).await?.and_then(Party::into_account))
    }

    /// An account by its identifier.
    ///
    /// # Errors
    /// When the directory cannot be asked.
    pub async fn account_by_id(&self, id: AccountId) -> Result<Option<Arc<Account>>, Unavailable> {
        Ok(self
            .party_by_id(id.uuid())
            .await?
            .and_then(Party::into_account))
    }

    /// An account as it is now, past the cache; nothing when it is gone.
    ///
    /// # Errors
    /// When the directory cannot be asked.
    pub async fn account_afresh(
        &self,
        account: &Account,
    ) -> Result<Option<Arc<Account>>, Unavailable> {
        self.account_by_dn(account.dn()).await
    }

    /// An account by its distinguished name; not cached.
    pub(super) async fn account_by_dn(
        &self,
        dn: &str,
    ) -> Result<Option<Arc<Account>>, Unavailable> {
        let entry = self.entry(dn).await?;
        Ok(self.party_of(entry).await?.and_then(Party::into_account))
    }

    /// A list by its name or an alias.
    ///
    /// # Errors
    /// When the directory cannot be asked.
    pub async fn list(
        &self,
        address: &EmailAddress,
    ) -> Result<Option<Arc<DistributionList>>, Unavailable> {
        match self.party(address).await? {
            Some(Party::List(list)) => Ok(Some(list)),
            Some(Party::Account(_)) | None => Ok(None),
        }
    }

    /// Who catches mail for a domain's unknown addresses.
    pub(super) async fn catcher(
        &self,
        domain: &DomainName,
    ) -> Result<Option<Catcher>, Unavailable> {
        let ask = async {
            let filter = find::equal("zimbraMailCatchAllAddress", &format!("@{domain}"));
            let Some(entry) = self.first(&filter).await? else {
                return Ok(None);
            };
            let rule = crate::model::catch_all(&entry);
            let account = match (&rule, entry.is_a("zimbraAccount")) {
                (CatchAll::Own, true) => self
                    .party_of(Some(entry))
                    .await?
                    .and_then(Party::into_account),
                _ => None,
            };
            Ok(Some(Catcher { rule, account }))
        };
        self.0.catchers.get(domain, ask).await
    }

    /// Makes an account or list of an entry, with everything it inherits from.
    pub(crate) async fn party_of(
        &self,
        entry: Option<Entry>,
    ) -> Result<Option<Party>, Unavailable> {
        let Some(entry) = entry else { return Ok(None) };
        if !entry.is_a("zimbraAccount") {
            let domain = self
                .domain(DistributionList::name_of(&entry)?.domain())
                .await?;
            return Ok(Some(Party::List(Arc::new(DistributionList::new(
                entry, domain,
            )?))));
        }
        let config = self.config().await?;
        let domain = self.domain(Account::name_of(&entry)?.domain()).await?;
        let cos = self.cos_of(&entry, domain.as_deref()).await?;
        Ok(Some(Party::Account(Arc::new(Account::new(
            entry, cos, domain, config,
        )?))))
    }

    /// The class of service of an account: its own, else its domain's, else `default`.
    pub(crate) async fn cos_of(
        &self,
        account: &Entry,
        domain: Option<&Domain>,
    ) -> Result<Option<Arc<Cos>>, Unavailable> {
        let own = account
            .attributes
            .text("zimbraCOSId")
            .and_then(|id| CosId::parse(id).ok());
        let named = own.or_else(|| domain.and_then(Domain::default_cos));
        if let Some(id) = named
            && let Some(cos) = self.cos_by_id(id).await?
        {
            return Ok(Some(cos));
        }
        self.cos(seed::DEFAULT_COS).await
    }

    /// The first entry of the whole tree that matches.
    async fn first(&self, filter: &str) -> Result<Option<Entry>, Unavailable> {
        Ok(self
            .find(Find::anywhere(filter).limit(2))
            .await?
            .into_iter()
            .next())
    }

    /// The entries one level below another.
    pub(crate) async fn children(
        &self,
        base: &str,
        filter: &str,
    ) -> Result<Vec<Entry>, Unavailable> {
        self.find(Find {
            scope: Scope::OneLevel,
            ..Find::below(base, filter)
        })
        .await
    }
}

impl Party {
    /// The account, if it is one.
    #[must_use]
    pub fn into_account(self) -> Option<Arc<Account>> {
        match self {
            Self::Account(account) => Some(account),
            Self::List(_) => None,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &EmailAddress {
        match self {
            Self::Account(account) => &account.name,
            Self::List(list) => &list.name,
        }
    }
}

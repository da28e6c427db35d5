//! Members of lists, lists within lists included.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use uuid::Uuid;

use super::find::{self, Find};
use super::unavailable::Unavailable;
use super::{Directory, Party};
use crate::access::{Asker, Right, decide};
use crate::entry::Entry;
use crate::model::{Account, DistributionList};
use crate::name::{DomainId, EmailAddress};

/// Members of a list at most, those of lists within it included: bounds what one message becomes.
const MEMBERS_MAX: usize = 20_000;
/// Lists within a list at most: bounds the searches that one message costs.
const LISTS_MAX: usize = 200;
/// Addresses asked about in one search: keeps a filter below 16 KiB.
const BATCH: usize = 50;

/// The members of a list, all lists resolved.
#[derive(Debug, Default)]
pub(super) struct Members {
    pub(super) addresses: Vec<EmailAddress>,
    /// Whether a limit cut them short.
    pub(super) truncated: bool,
}

impl Directory {
    /// The addresses that mail for a list goes to, each once. Lists within it are resolved, however
    /// they are nested; one that takes no mail has no members.
    pub(super) async fn members(
        &self,
        list: &Arc<DistributionList>,
    ) -> Result<Arc<Members>, Unavailable> {
        let ask = async {
            self.expand(list)
                .await
                .map(|members| Some(Arc::new(members)))
        };
        Ok(self
            .0
            .members
            .get(&list.id.uuid(), ask)
            .await?
            .unwrap_or_default())
    }

    async fn expand(&self, list: &Arc<DistributionList>) -> Result<Members, Unavailable> {
        let mut seen: HashSet<Uuid> = [list.id.uuid()].into();
        let mut queue = VecDeque::from([Arc::clone(list)]);
        let mut addresses = BTreeSet::new();
        let mut truncated = false;
        while let Some(list) = queue.pop_front() {
            let direct = self.direct_members(&list).await?;
            let mut lists = self.lists_among(&direct).await?;
            for address in direct {
                match lists.remove(&address) {
                    Some(inner) if !seen.insert(inner.id.uuid()) => {}
                    Some(_) if seen.len() > LISTS_MAX => truncated = true,
                    Some(inner) if inner.is_enabled() => queue.push_back(inner),
                    Some(_) => {}
                    None if addresses.len() >= MEMBERS_MAX => truncated = true,
                    None => {
                        addresses.insert(address);
                    }
                }
            }
        }
        Ok(Members {
            addresses: addresses.into_iter().collect(),
            truncated,
        })
    }

    /// A list's own members.
    ///
    /// # Errors
    /// When the directory cannot be asked.
    pub async fn direct_members(
        &self,
        list: &DistributionList,
    ) -> Result<Vec<EmailAddress>, Unavailable> {
        if !list.is_dynamic() {
            return Ok(list.members().collect());
        }
        let filter = format!("(&(objectClass=zimbraAccount){})", dynamic_filter(list));
        let attributes = ["mail", "zimbraMailDeliveryAddress"];
        let accounts = self.find(Find::anywhere(&filter).only(&attributes)).await?;
        let mut members: Vec<_> = accounts
            .iter()
            .filter_map(|entry| Account::name_of(entry).ok())
            .collect();
        // Members elsewhere are kept in an entry below the group.
        let units = self
            .children(&list.entry.dn, "(objectClass=zimbraGroupStaticUnit)")
            .await?;
        members.extend(units.iter().flat_map(external_members));
        Ok(members)
    }

    /// Which of these addresses are lists of ours.
    async fn lists_among(
        &self,
        addresses: &[EmailAddress],
    ) -> Result<HashMap<EmailAddress, Arc<DistributionList>>, Unavailable> {
        const LISTS: &str = "(|(objectClass=zimbraDistributionList)(objectClass=zimbraGroup))";
        let mut lists = HashMap::new();
        for batch in addresses.chunks(BATCH) {
            let batch = batch.iter().map(EmailAddress::to_string);
            let filter = find::all(&[LISTS, &find::any(&["zimbraMailAlias", "mail"], batch)]);
            for entry in self.find(Find::anywhere(&filter)).await? {
                if let Some(Party::List(list)) = self.party_of(Some(entry)).await? {
                    lists.extend(list.addresses().map(|address| (address, Arc::clone(&list))));
                }
            }
        }
        Ok(lists)
    }

    /// Whether somebody may send to a list.
    ///
    /// Everybody may, unless the list (or its domain) grants the right to anybody in particular.
    /// `sender` is the account that signed in, or the address of the envelope where nobody did.
    ///
    /// # Errors
    /// When the directory cannot be asked.
    pub async fn may_send_to(
        &self,
        list: &DistributionList,
        sender: Option<&Account>,
        address: Option<&EmailAddress>,
    ) -> Result<bool, Unavailable> {
        if !list.is_restricted() {
            return Ok(true);
        }
        let asker = self.asker(sender, address).await?;
        Ok(decide(&list.grants(), Right::SendToList, &asker).unwrap_or(false))
    }

    /// Everything that grants may be given to about somebody.
    pub(super) async fn asker(
        &self,
        account: Option<&Account>,
        address: Option<&EmailAddress>,
    ) -> Result<Asker, Unavailable> {
        let mut addresses: Vec<String> = address.map(ToString::to_string).into_iter().collect();
        let mut groups: Vec<String> = Vec::new();
        if let Some(account) = account {
            addresses.extend(account.addresses().map(|address| address.to_string()));
            groups.extend(account.setting("zimbraMemberOf").texts().map(str::to_owned));
        }
        groups.extend(self.lists_with(&addresses).await?);
        Ok(Asker {
            account: account.map(|account| account.id.to_string()),
            domain: account
                .and_then(|account| account.domain.as_ref())
                .map(|domain| DomainId::to_string(&domain.id)),
            groups,
            address: address.map(ToString::to_string),
        })
    }

    /// The identifiers of the static lists that have one of these members.
    async fn lists_with(&self, addresses: &[String]) -> Result<Vec<String>, Unavailable> {
        if addresses.is_empty() {
            return Ok(Vec::new());
        }
        let member = find::any(&["zimbraMailForwardingAddress"], addresses.iter().cloned());
        let filter = find::all(&["(objectClass=zimbraDistributionList)", &member]);
        let lists = self
            .find(Find::anywhere(&filter).only(&["zimbraId"]))
            .await?;
        let id = |entry: &Entry| entry.attributes.text("zimbraId").map(str::to_owned);
        Ok(lists.iter().filter_map(id).collect())
    }
}

/// The filter that finds the accounts of a dynamic group.
fn dynamic_filter(group: &DistributionList) -> String {
    let attributes = &group.entry.attributes;
    let by_membership = attributes
        .text("zimbraIsACLGroup")
        .is_none_or(|text| text == "TRUE");
    // RFC 4516 §2: ldap://host/base?attributes?scope?filter
    let own = attributes
        .text("memberURL")
        .and_then(|url| url.splitn(4, '?').nth(3));
    match own {
        Some(filter) if !by_membership && filter.starts_with('(') => filter.to_owned(),
        _ => find::equal("zimbraMemberOf", &group.id.to_string()),
    }
}

fn external_members(unit: &Entry) -> Vec<EmailAddress> {
    let addresses = unit.attributes.texts("zimbraMailForwardingAddress");
    addresses
        .filter_map(|text| EmailAddress::parse(text).ok())
        .collect()
}

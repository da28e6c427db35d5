//! Distribution lists.

use std::sync::Arc;

use super::{Damaged, Domain, required, unreadable};
use crate::access::{Grant, Right};
use crate::entry::Entry;
use crate::name::{EmailAddress, ListId};

/// A distribution list, static or dynamic.
#[derive(Debug)]
pub struct DistributionList {
    /// Its entry.
    pub entry: Entry,
    /// Its identifier.
    pub id: ListId,
    /// Its name: its first address.
    pub name: EmailAddress,
    /// Its domain.
    pub domain: Option<Arc<Domain>>,
}

impl DistributionList {
    /// The name of a list's entry.
    pub(crate) fn name_of(entry: &Entry) -> Result<EmailAddress, Damaged> {
        let address = match entry.attributes.text("mail") {
            Some(address) => address,
            None => required(entry, "zimbraMailAlias")?,
        };
        EmailAddress::parse(address).map_err(|error| unreadable(&entry.dn, &error))
    }

    /// Reads an entry.
    pub(crate) fn new(entry: Entry, domain: Option<Arc<Domain>>) -> Result<Self, Damaged> {
        let id = ListId::parse(required(&entry, "zimbraId")?)
            .map_err(|error| unreadable(&entry.dn, &error))?;
        let name = Self::name_of(&entry)?;
        Ok(Self {
            entry,
            id,
            name,
            domain,
        })
    }

    /// Its name and its aliases.
    pub fn addresses(&self) -> impl Iterator<Item = EmailAddress> {
        let aliases = self.entry.attributes.texts("zimbraMailAlias");
        let aliases = aliases.filter_map(|text| EmailAddress::parse(text).ok());
        [self.name.clone()]
            .into_iter()
            .chain(aliases.filter(|address| *address != self.name))
    }

    /// Its direct members.
    ///
    /// A static list names them; those of a dynamic group carry its identifier in `zimbraMemberOf`
    /// and have to be searched for.
    pub fn members(&self) -> impl Iterator<Item = EmailAddress> {
        let members = self.entry.attributes.texts("zimbraMailForwardingAddress");
        members.filter_map(|text| EmailAddress::parse(text).ok())
    }

    /// Whether its members are searched for.
    #[must_use]
    pub fn is_dynamic(&self) -> bool {
        self.entry.is_a("zimbraGroup")
    }

    /// Whether it takes mail.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        let status = self.entry.attributes.text("zimbraMailStatus");
        status.is_none_or(|status| !status.eq_ignore_ascii_case("disabled"))
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

    /// Whether only some may send to it: a list that grants the right to anybody is open to them only.
    #[must_use]
    pub fn is_restricted(&self) -> bool {
        self.grants()
            .iter()
            .any(|grant| grant.right == Right::SendToList.name())
    }
}

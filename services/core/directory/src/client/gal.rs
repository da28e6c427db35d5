//! The address list of a domain (Zimbra's GAL).

use ldap3::ldap_escape;

use super::Directory;
use super::find::Find;
use super::unavailable::Unavailable;
use crate::dn;
use crate::entry::Entry;
use crate::model::Domain;
use crate::schema::{self, Access};

/// The filter of searches that name none.
const PEOPLE_AND_LISTS: &str = "zimbraAccounts";

impl Directory {
    /// The entries of a domain's address list that match what a user typed; at most as many as the
    /// domain allows. Only attributes that everybody of the domain may see are returned.
    ///
    /// # Errors
    /// When the directory cannot be asked.
    pub async fn search_gal(&self, domain: &Domain, text: &str) -> Result<Vec<Entry>, Unavailable> {
        let template = named_filter(domain, PEOPLE_AND_LISTS).unwrap_or_default();
        let filter = format!("(&{}(!(zimbraHideInGal=TRUE)))", filled(&template, text));
        let limit = domain.setting("zimbraGalMaxResults").count().unwrap_or(100);
        let limit = i32::try_from(limit).unwrap_or(i32::MAX);
        let attributes: Vec<_> = schema::attributes()
            .filter(|row| row.access == Access::AddressBook && !row.read_only())
            .map(|row| row.name)
            .collect();
        let base = dn::domain(&domain.name);
        self.find(Find::below(&base, &filter).only(&attributes).limit(limit))
            .await
    }
}

/// A filter of the address list by its name.
fn named_filter(domain: &Domain, name: &str) -> Option<String> {
    let filters = domain.config.setting("zimbraGalLdapFilterDef");
    let found = filters
        .texts()
        .find_map(|text| text.strip_prefix(name)?.strip_prefix(':'));
    found.map(str::to_owned)
}

/// The filter with what the user typed in it; without anything typed, `**` becomes "present".
fn filled(template: &str, text: &str) -> String {
    let text = ldap_escape(text.trim());
    template.replace("%s", &text).replace("=**)", "=*)")
}

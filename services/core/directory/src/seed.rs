//! The entries that a new directory begins with. Both servers start from this list.

use jiff::Timestamp;
use roost_kit::secret::{Identity, Secret};

use crate::dn;
use crate::entry::Entry;
use crate::name::{DomainName, EmailAddress};
use crate::schema::kind::generalized_time;

/// The identifier of the class of service `default`; every Zimbra has the same.
pub const DEFAULT_COS_ID: &str = "e00428a1-0c00-11d9-836a-000d93afea2a";
/// The name of the class of service of accounts that name none.
pub const DEFAULT_COS: &str = "default";
/// The class of service of guests.
pub const EXTERNAL_COS: &str = "defaultExternal";
/// An account that nobody can sign in to: a wrong name costs as much time as a wrong password.
pub const DECOY: &str = "decoy";

/// What runs on the first node.
const SERVICES: &[&str] = &[
    "mailbox",
    "mta",
    "ldap",
    "service",
    "zimbra",
    "zimbraAdmin",
    "proxy",
];

/// What is particular to a new directory.
#[derive(Debug, Clone)]
pub struct Plan<'a> {
    /// The host name of the first node.
    pub node: &'a str,
    /// The time of creation.
    pub now: Timestamp,
    /// Who may sign in: the administrator and the daemons, as [`Identity::all`] finds them.
    pub staff: Vec<Identity>,
}

/// The entries, parents first. `userPassword` holds passwords in the clear: a server hashes them
/// when it stores them, and [`bootstrap`](crate::admin::bootstrap) sets them by the password
/// modify operation instead.
#[must_use]
pub fn entries(plan: &Plan<'_>) -> Vec<Entry> {
    let mut entries = vec![container(dn::ZIMBRA, "zimbra")];
    entries.push(
        Entry::new(dn::CONFIG)
            .with("objectClass", ["organizationalRole", "zimbraGlobalConfig"])
            .with("cn", ["config"])
            .with("zimbraAuthTokenKey", [auth_token_key(plan.now)])
            .with("zimbraCreateTimestamp", [generalized_time(plan.now)]),
    );
    entries.push(
        Entry::new(dn::GLOBAL_GRANT)
            .with("objectClass", ["zimbraAclTarget"])
            .with("cn", ["globalgrant"]),
    );
    for name in [
        "admins",
        "appaccts",
        "cos",
        "servers",
        "zimlets",
        "groups",
        "xmppcomponents",
        "ucservices",
        "alwaysOnClusters",
        "sharelocators",
    ] {
        entries.push(container(&format!("cn={name},{}", dn::ZIMBRA), name));
    }
    entries.push(cos(DEFAULT_COS, DEFAULT_COS_ID, plan.now));
    entries.push(
        cos(EXTERNAL_COS, &random_id(), plan.now)
            .with("zimbraImapEnabled", ["FALSE"])
            .with("zimbraPop3Enabled", ["FALSE"])
            .with("zimbraFeatureMailEnabled", ["FALSE"]),
    );
    entries
        .push(server(plan.node, plan.now).with("zimbraServiceInstalled", SERVICES.iter().copied()));
    let decoy = Identity {
        dn: dn::service_account(DECOY),
        password: unknown_password(),
    };
    let admin = Identity {
        dn: dn::ADMIN.to_owned(),
        password: unknown_password(),
    };
    let given = |own: &Identity| plan.staff.iter().any(|given| given.dn == own.dn);
    let missing = [decoy, admin].into_iter().filter(|own| !given(own));
    entries.extend(
        plan.staff
            .iter()
            .cloned()
            .chain(missing)
            .map(|one| staff(&one, plan.now)),
    );
    entries
}

/// A fresh key for tokens that nodes accept from each other, as Zimbra writes them: number, time of
/// making in milliseconds, 32 random octets in hexadecimal.
#[must_use]
pub fn auth_token_key(now: Timestamp) -> String {
    let random: [u8; 32] = rand::random();
    let hex: String = random.iter().map(|octet| format!("{octet:02x}")).collect();
    format!("0:{}:{hex}", now.as_millisecond())
}

/// A password that nobody knows, for those who were given none.
fn unknown_password() -> Secret<String> {
    Secret::new(random_id() + &random_id())
}

/// A class of service.
pub(crate) fn cos(name: &str, id: &str, now: Timestamp) -> Entry {
    Entry::new(dn::cos(name))
        .with("objectClass", ["zimbraCOS"])
        .with("cn", [name])
        .with("zimbraId", [id])
        .with("zimbraCreateTimestamp", [generalized_time(now)])
}

/// A server.
pub(crate) fn server(name: &str, now: Timestamp) -> Entry {
    Entry::new(dn::server(name))
        .with("objectClass", ["zimbraServer"])
        .with("cn", [name])
        .with("zimbraId", [random_id()])
        .with("zimbraServiceHostname", [name])
        .with("zimbraServiceEnabled", SERVICES.iter().copied())
        .with("zimbraCreateTimestamp", [generalized_time(now)])
}

/// The entries of a domain, parents first. Those above it may exist already.
pub(crate) fn domain(name: &DomainName, kind: &str, now: Timestamp) -> Vec<Entry> {
    let mut above: Vec<_> = std::iter::successors(name.parent(), DomainName::parent)
        .map(|parent| named_domain(&parent).with("objectClass", ["dcObject", "organization"]))
        .collect();
    above.reverse();
    let own = named_domain(name)
        .with(
            "objectClass",
            ["dcObject", "organization", "zimbraDomain", "amavisAccount"],
        )
        .with("zimbraId", [random_id()])
        .with("zimbraDomainName", [name.as_str()])
        .with("zimbraDomainType", [kind])
        .with("zimbraDomainStatus", ["active"])
        .with("zimbraMailStatus", ["enabled"])
        .with("zimbraCreateTimestamp", [generalized_time(now)]);
    let people = Entry::new(dn::people(name))
        .with("objectClass", ["organizationalRole"])
        .with("ou", ["people"])
        .with("cn", ["people"]);
    let groups = container(&format!("cn=groups,{}", dn::domain(name)), "groups");
    above.into_iter().chain([own, people, groups]).collect()
}

fn named_domain(name: &DomainName) -> Entry {
    let label = name.labels().next().unwrap_or_default().to_owned();
    Entry::new(dn::domain(name))
        .with("dc", [label])
        .with("o", [format!("{name} domain")])
}

/// An account, without its password.
pub(crate) fn account(address: &EmailAddress, now: Timestamp) -> Entry {
    Entry::new(dn::person(address))
        .with(
            "objectClass",
            ["inetOrgPerson", "zimbraAccount", "amavisAccount"],
        )
        .with("uid", [address.local()])
        .with("zimbraId", [random_id()])
        .with("zimbraAccountStatus", ["active"])
        .with("zimbraMailStatus", ["enabled"])
        .with("mail", ascii(address))
        .with("zimbraMailDeliveryAddress", [address.to_string()])
        .with("zimbraCreateTimestamp", [generalized_time(now)])
}

/// A distribution list without members.
pub(crate) fn list(address: &EmailAddress, now: Timestamp) -> Entry {
    Entry::new(dn::person(address))
        .with(
            "objectClass",
            ["zimbraDistributionList", "zimbraMailRecipient"],
        )
        .with("uid", [address.local()])
        .with("zimbraId", [random_id()])
        .with("zimbraMailStatus", ["enabled"])
        .with("mail", ascii(address))
        .with("zimbraMailAlias", [address.to_string()])
        .with("zimbraCreateTimestamp", [generalized_time(now)])
}

/// An alias entry that points to the account or list with this identifier.
pub(crate) fn alias(address: &EmailAddress, target: &str, now: Timestamp) -> Entry {
    Entry::new(dn::person(address))
        .with("objectClass", ["zimbraAlias"])
        .with("uid", [address.local()])
        .with("zimbraId", [random_id()])
        .with("zimbraAliasTargetId", [target])
        .with("zimbraCreateTimestamp", [generalized_time(now)])
}

/// An account that is no mailbox: of an administrator of the directory, or of a daemon.
fn staff(identity: &Identity, now: Timestamp) -> Entry {
    let rdn = identity.dn.split(',').next().unwrap_or_default();
    let name = rdn.split_once('=').map_or(rdn, |(_, name)| name);
    let entry = Entry::new(identity.dn.as_str())
        .with("objectClass", ["inetOrgPerson", "zimbraAccount"])
        .with("uid", [name])
        .with("cn", [name])
        .with("sn", [name])
        .with("zimbraId", [random_id()])
        .with("zimbraAccountStatus", ["active"])
        .with("zimbraIsSystemResource", ["TRUE"])
        .with("zimbraHideInGal", ["TRUE"])
        .with("zimbraCreateTimestamp", [generalized_time(now)])
        .with("userPassword", [identity.password.expose().as_str()]);
    if identity.dn == dn::ADMIN {
        entry.with("zimbraIsAdminAccount", ["TRUE"])
    } else {
        entry
    }
}

/// An address as a value of `mail`, which holds ASCII (RFC 4524 §2.16): none, when it needs more
/// (RFC 6531). The attributes of our own that name addresses hold all of Unicode.
pub(crate) fn ascii(address: &EmailAddress) -> Option<String> {
    Some(address.to_string()).filter(|text| text.is_ascii())
}

fn container(dn: &str, name: &str) -> Entry {
    Entry::new(dn)
        .with("objectClass", ["organizationalRole"])
        .with("cn", [name])
}

fn random_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan<'static> {
        Plan {
            node: "mail.example.com",
            now: Timestamp::UNIX_EPOCH,
            staff: vec![Identity {
                dn: dn::service_account("roost-store"),
                password: Secret::new("rose".to_owned()),
            }],
        }
    }

    #[test]
    fn every_entry_keeps_to_the_schema_and_comes_after_its_parent() {
        let address = EmailAddress::parse("alice@example.com").unwrap();
        let mut all = entries(&plan());
        all.extend(domain(address.domain(), "local", Timestamp::UNIX_EPOCH));
        let named = |entry: Entry| entry.with("cn", ["Alice"]).with("sn", ["Alice"]);
        all.push(named(account(&address, Timestamp::UNIX_EPOCH)));
        all.push(list(
            &EmailAddress::parse("all@example.com").unwrap(),
            Timestamp::UNIX_EPOCH,
        ));
        all.push(alias(
            &EmailAddress::parse("al@example.com").unwrap(),
            DEFAULT_COS_ID,
            Timestamp::UNIX_EPOCH,
        ));
        for (index, entry) in all.iter().enumerate() {
            assert_eq!(entry.check(), Ok(()), "{}", entry.dn);
            if let Some((_, parent)) = entry.dn.split_once(',') {
                assert!(
                    all[..index].iter().any(|above| above.dn == parent),
                    "{}",
                    entry.dn
                );
            }
        }
    }
}

//! Where entries lie in the tree.

use ldap3::dn_escape;

use crate::name::{DomainName, EmailAddress};

/// The root of everything that is no domain.
pub const ZIMBRA: &str = "cn=zimbra";
/// The global configuration.
pub const CONFIG: &str = "cn=config,cn=zimbra";
/// Rights that hold everywhere.
pub const GLOBAL_GRANT: &str = "cn=globalgrant,cn=zimbra";
/// Above the classes of service.
pub const COS: &str = "cn=cos,cn=zimbra";
/// Above the servers.
pub const SERVERS: &str = "cn=servers,cn=zimbra";
/// Above the directory's own administrators.
pub const ADMINS: &str = "cn=admins,cn=zimbra";
/// The directory's first administrator.
pub const ADMIN: &str = "uid=zimbra,cn=admins,cn=zimbra";
/// Above the accounts of daemons.
pub const SERVICE_ACCOUNTS: &str = "cn=appaccts,cn=zimbra";

/// `cn=NAME,cn=cos,cn=zimbra`.
#[must_use]
pub fn cos(name: &str) -> String {
    format!("cn={},{COS}", dn_escape(name))
}

/// `cn=NAME,cn=servers,cn=zimbra`.
#[must_use]
pub fn server(name: &str) -> String {
    format!("cn={},{SERVERS}", dn_escape(name))
}

/// `uid=NAME,cn=appaccts,cn=zimbra`: what a daemon binds as.
#[must_use]
pub fn service_account(daemon: &str) -> String {
    format!("uid={},{SERVICE_ACCOUNTS}", dn_escape(daemon))
}

/// `dc=example,dc=com`.
#[must_use]
pub fn domain(name: &DomainName) -> String {
    name.labels()
        .map(|label| format!("dc={label}"))
        .collect::<Vec<_>>()
        .join(",")
}

/// `ou=people,dc=example,dc=com`: above accounts, aliases and lists.
#[must_use]
pub fn people(domain_name: &DomainName) -> String {
    format!("ou=people,{}", domain(domain_name))
}

/// `uid=alice,ou=people,dc=example,dc=com`: an account, an alias or a list.
#[must_use]
pub fn person(address: &EmailAddress) -> String {
    format!(
        "uid={},{}",
        dn_escape(address.local()),
        people(address.domain())
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_special_characters_are_escaped() {
        let address = EmailAddress::parse("\"a,b\"@example.com").unwrap();
        assert_eq!(person(&address), "uid=a\\2cb,ou=people,dc=example,dc=com");
        assert_eq!(
            server("mail.example.com"),
            "cn=mail.example.com,cn=servers,cn=zimbra"
        );
    }
}

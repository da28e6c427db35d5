//! `slapd.ldif`: a whole configuration for Debian's slapd, with the access rules that the embedded
//! server has built in.
//!
//! Who may do what is the table's `access` column; the lists of attributes below are made from it,
//! so that a new attribute is protected on both servers at once.

use super::super::{Access, Source, attributes};
use super::folded;
use crate::dn;

const HEAD: &str = "\
# A configuration for OpenLDAP's slapd (2.5), written from the table in
# services/core/directory/src/schema/table.
# Do not edit: cargo run -p roost-core-directory --example openldap-schema
#
#   systemctl stop slapd
#   rm -r /etc/ldap/slapd.d/* && install -d -o openldap -g openldap /var/lib/roost/openldap
#   slapadd -n 0 -F /etc/ldap/slapd.d -l slapd.ldif && chown -R openldap: /etc/ldap/slapd.d
#   systemctl start slapd
#
# Root on this machine is the directory's administrator at ldapi:///; the first entries are made
# from there. Certificates (olcTLSCertificateFile, olcTLSCertificateKeyFile) belong into cn=config.
";

const BODY: &str = "
dn: cn=config
objectClass: olcGlobal
cn: config
olcPidFile: /run/slapd/slapd.pid
olcArgsFile: /run/slapd/slapd.args
olcSizeLimit: 1000
olcAuthzRegexp: {0}gidNumber=0\\+uidNumber=0,cn=peercred,cn=external,cn=auth uid=zimbra,cn=admins,cn=zimbra

dn: cn=module{0},cn=config
objectClass: olcModuleList
cn: module{0}
olcModulePath: /usr/lib/ldap
olcModuleLoad: {0}back_mdb
olcModuleLoad: {1}argon2
# Hashes that came from Zimbra: {SSHA512}
olcModuleLoad: {2}pw-sha2

dn: cn=schema,cn=config
objectClass: olcSchemaConfig
cn: schema

include: file:///etc/ldap/schema/core.ldif
include: file:///etc/ldap/schema/cosine.ldif
include: file:///etc/ldap/schema/inetorgperson.ldif
include: file:///etc/ldap/schema/dyngroup.ldif
include: file:///usr/share/roost/openldap/roost.ldif

dn: olcDatabase={-1}frontend,cn=config
objectClass: olcDatabaseConfig
objectClass: olcFrontendConfig
olcDatabase: {-1}frontend
olcPasswordHash: {ARGON2}
olcAccess: {0}to dn.base=\"\" by * read
olcAccess: {1}to dn.base=\"cn=Subschema\" by * read

dn: olcDatabase={0}config,cn=config
objectClass: olcDatabaseConfig
olcDatabase: {0}config
olcAccess: {0}to * by dn.exact=\"uid=zimbra,cn=admins,cn=zimbra\" manage by * none

dn: olcDatabase={1}mdb,cn=config
objectClass: olcDatabaseConfig
objectClass: olcMdbConfig
olcDatabase: {1}mdb
olcSuffix:
olcDbDirectory: /var/lib/roost/openldap
olcDbMaxSize: 10737418240
olcRootDN: uid=zimbra,cn=admins,cn=zimbra
olcLimits: {0}dn.subtree=\"cn=zimbra\" size=unlimited time=unlimited
olcDbIndex: objectClass eq
olcDbIndex: entryUUID,entryCSN eq
olcDbIndex: uid,cn,sn,givenName,displayName,mail eq,sub
olcDbIndex: zimbraMailDeliveryAddress,zimbraMailAlias eq,sub
olcDbIndex: zimbraMailForwardingAddress,zimbraMailCatchAllAddress,zimbraMemberOf eq
olcDbIndex: zimbraId,zimbraCOSId,zimbraMailHost,zimbraAliasTargetId eq
olcDbIndex: zimbraDomainName,zimbraDomainAliasTargetId,zimbraVirtualHostname eq
";

/// Administrators: the directory's own are its root; accounts are by their own attribute.
const ADMINS: &str = "by set=\"user/zimbraIsAdminAccount & [TRUE]\"";

/// The text of `slapd.ldif`.
#[must_use]
pub fn configuration() -> String {
    let mut text = format!("{HEAD}{BODY}");
    for (index, rule) in rules().iter().enumerate() {
        text.push_str(&folded(&format!("olcAccess: {{{index}}}to {rule}")));
    }
    text
}

fn rules() -> Vec<String> {
    let daemons = format!("by dn.onelevel=\"{}\"", dn::SERVICE_ACCOUNTS);
    let mut rules = vec![
        // Whoever binds as a user needs nothing but that the password is compared.
        format!(
            "attrs={} {ADMINS} =wx by self =wx by anonymous auth by * none",
            names(Access::Secret)
        ),
        format!(
            "attrs={} {ADMINS} write {daemons} read by * none",
            names(Access::Key)
        ),
        format!(
            "attrs={} {ADMINS} write by self write {daemons} read by * none",
            names(Access::Preference)
        ),
    ];
    // The address list of a domain is for its own users.
    let listed = format!("entry,{}", names(Access::AddressBook));
    rules.push(format!(
        "dn.regex=\"^uid=[^,]+,ou=people,(dc=.+)$\" filter=(!(zimbraHideInGal=TRUE)) \
         attrs={listed} {ADMINS} write by self read {daemons} read \
         by dn.onelevel,expand=\"ou=people,$1\" read by * none"
    ));
    rules.push(format!(
        "dn.regex=\"^(ou=people,)?(dc=.+)$\" attrs=entry {ADMINS} write {daemons} read \
         by dn.onelevel,expand=\"ou=people,$2\" search by * none"
    ));
    rules.push(format!(
        "* {ADMINS} write {daemons} read by self read by * none"
    ));
    rules
}

/// The attributes of this access that slapd knows.
fn names(access: Access) -> String {
    let rows = attributes()
        .filter(|row| row.access == access && row.source != Source::Embedded && !row.read_only());
    rows.map(|row| row.name).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_reads_passwords() {
        let rules = rules();
        let secret = rules.first().unwrap();
        assert!(secret.contains("userPassword") && secret.contains("zimbraPasswordHistory"));
        assert!(!secret.contains("read"));
        assert!(
            rules
                .iter()
                .filter(|rule| rule.contains("userPassword"))
                .count()
                == 1
        );
    }
}

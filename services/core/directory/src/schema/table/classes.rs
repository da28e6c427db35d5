//! The object classes.

use super::super::attribute::Source;
use super::super::class::Carrier;
use super::super::class::ClassKind::{Abstract, Auxiliary, Structural};
use super::super::class::{ClassKind, ObjectClass};
use super::super::oid::Oid;

/// A class of a standard.
const fn s(
    oid: &'static str,
    name: &'static str,
    superior: &'static str,
    kind: ClassKind,
    must: &'static [&'static str],
    may: &'static [&'static str],
) -> ObjectClass {
    let superior = if superior.is_empty() {
        None
    } else {
        Some(superior)
    };
    ObjectClass {
        oid: Oid::Plain(oid),
        name,
        superior,
        kind,
        listed_must: must,
        listed_may: may,
        carrier: None,
        source: Source::Standard,
    }
}

/// A class of ours: its attributes are those whose rows name its carrier.
const fn c(
    oid: Oid,
    name: &'static str,
    superior: &'static str,
    kind: ClassKind,
    carrier: Carrier,
) -> ObjectClass {
    ObjectClass {
        oid,
        name,
        superior: Some(superior),
        kind,
        listed_must: &[],
        listed_may: &[],
        carrier: Some(carrier),
        source: Source::Roost,
    }
}

const fn z(number: u16) -> Oid {
    Oid::ZimbraClass(number)
}

// What residences, organizations and roles share (RFC 4519 §3).
const X121: &str = "x121Address";
const REGISTERED: &str = "registeredAddress";
const DESTINATION: &str = "destinationIndicator";
const METHOD: &str = "preferredDeliveryMethod";
const TELEX: &str = "telexNumber";
const TELETEX: &str = "teletexTerminalIdentifier";
const PHONE: &str = "telephoneNumber";
const ISDN: &str = "internationaliSDNNumber";
const FAX: &str = "facsimileTelephoneNumber";
const STREET: &str = "street";
const BOX: &str = "postOfficeBox";
const CODE: &str = "postalCode";
const ADDRESS: &str = "postalAddress";
const OFFICE: &str = "physicalDeliveryOfficeName";

#[rustfmt::skip]
const ORGANIZATION: &[&str] = &[
    "userPassword", "searchGuide", "seeAlso", "businessCategory", X121, REGISTERED, DESTINATION, METHOD,
    TELEX, TELETEX, PHONE, ISDN, FAX, STREET, BOX, CODE, ADDRESS, OFFICE, "st", "l", "description",
];
#[rustfmt::skip]
const PERSON_AT_WORK: &[&str] = &[
    "title", X121, REGISTERED, DESTINATION, METHOD, TELEX, TELETEX, PHONE, ISDN, FAX, STREET, BOX, CODE,
    ADDRESS, OFFICE, "ou", "st", "l",
];
#[rustfmt::skip]
const ROLE: &[&str] = &[
    X121, REGISTERED, DESTINATION, METHOD, TELEX, TELETEX, PHONE, ISDN, FAX, "seeAlso", "roleOccupant",
    STREET, BOX, CODE, ADDRESS, OFFICE, "ou", "st", "l", "description",
];
#[rustfmt::skip]
const INTERNET_PERSON: &[&str] = &[
    "audio", "businessCategory", "carLicense", "departmentNumber", "displayName", "employeeNumber",
    "employeeType", "givenName", "homePhone", "homePostalAddress", "initials", "jpegPhoto", "labeledURI",
    "mail", "manager", "mobile", "o", "pager", "photo", "roomNumber", "secretary", "uid", "userCertificate",
    "x500UniqueIdentifier", "preferredLanguage", "userSMIMECertificate", "userPKCS12",
];
#[rustfmt::skip]
const DOMAIN: &[&str] = &[
    "associatedName", "o", "description", "businessCategory", "seeAlso", "searchGuide", "userPassword", "l",
    "st", STREET, OFFICE, ADDRESS, CODE, BOX, PHONE, FAX, TELEX, TELETEX, ISDN, X121, REGISTERED,
    DESTINATION, METHOD,
];
const GROUP: &[&str] = &[
    "businessCategory",
    "seeAlso",
    "owner",
    "ou",
    "o",
    "description",
];
const SUBSCHEMA: &[&str] = &[
    "matchingRules",
    "attributeTypes",
    "objectClasses",
    "matchingRuleUse",
    "ldapSyntaxes",
];

#[rustfmt::skip]
pub(super) static CLASSES: &[ObjectClass] = &[
    s("2.5.6.0",  "top", "", Abstract, &["objectClass"], &[]),
    s("2.5.6.1",  "alias", "top", Structural, &["aliasedObjectName"], &[]),
    s("2.5.6.2",  "country", "top", Structural, &["c"], &["searchGuide", "description"]),
    s("2.5.6.3",  "locality", "top", Structural, &[], &[STREET, "seeAlso", "searchGuide", "st", "l", "description"]),
    s("2.5.6.4",  "organization", "top", Structural, &["o"], ORGANIZATION),
    s("2.5.6.5",  "organizationalUnit", "top", Structural, &["ou"], ORGANIZATION),
    s("2.5.6.6",  "person", "top", Structural, &["sn", "cn"], &["userPassword", PHONE, "seeAlso", "description"]),
    s("2.5.6.7",  "organizationalPerson", "person", Structural, &[], PERSON_AT_WORK),
    s("2.5.6.8",  "organizationalRole", "top", Structural, &["cn"], ROLE),
    s("2.5.6.9",  "groupOfNames", "top", Structural, &["member", "cn"], GROUP),
    s("2.5.6.17", "groupOfUniqueNames", "top", Structural, &["uniqueMember", "cn"], GROUP),
    s("2.5.20.1", "subschema", "top", Auxiliary, &[], SUBSCHEMA),
    s("1.3.6.1.4.1.1466.344", "dcObject", "top", Auxiliary, &["dc"], &[]),
    s("1.3.6.1.1.3.1", "uidObject", "top", Auxiliary, &["uid"], &[]),
    s("1.3.6.1.4.1.250.3.15", "labeledURIObject", "top", Auxiliary, &[], &["labeledURI"]),
    s("0.9.2342.19200300.100.4.5",  "account", "top", Structural, &["uid"], &["description", "seeAlso", "l", "o", "ou", "host"]),
    s("0.9.2342.19200300.100.4.13", "domain", "top", Structural, &["dc"], DOMAIN),
    s("0.9.2342.19200300.100.4.19", "simpleSecurityObject", "top", Auxiliary, &["userPassword"], &[]),
    s("2.16.840.1.113730.3.2.2",  "inetOrgPerson", "organizationalPerson", Structural, &[], INTERNET_PERSON),
    s("2.16.840.1.113730.3.2.33", "groupOfURLs", "top", Structural, &["cn"], &["memberURL", "businessCategory", "description", "o", "ou", "owner", "seeAlso"]),
    s("1.3.6.1.4.1.4203.666.11.8.2.1", "dgIdentityAux", "top", Auxiliary, &[], &["dgIdentity"]),

    c(z(7),  "zimbraMailRecipient", "top", Auxiliary, Carrier::Recipient),
    c(z(1),  "zimbraAccount", "zimbraMailRecipient", Auxiliary, Carrier::Account),
    c(z(3),  "zimbraCOS", "top", Structural, Carrier::Cos),
    c(z(4),  "zimbraDomain", "zimbraMailRecipient", Auxiliary, Carrier::Domain),
    c(z(5),  "zimbraSecurityGroup", "top", Auxiliary, Carrier::SecurityGroup),
    c(z(6),  "zimbraDistributionList", "top", Structural, Carrier::List),
    c(z(8),  "zimbraServer", "top", Structural, Carrier::Server),
    c(z(9),  "zimbraGlobalConfig", "top", Auxiliary, Carrier::Global),
    c(z(11), "zimbraAlias", "top", Structural, Carrier::Alias),
    c(z(15), "zimbraZimletEntry", "top", Structural, Carrier::Zimlet),
    c(z(16), "zimbraCalendarResource", "top", Auxiliary, Carrier::Resource),
    c(z(17), "zimbraIdentity", "top", Structural, Carrier::Identity),
    c(z(18), "zimbraDataSource", "top", Structural, Carrier::DataSource),
    c(z(19), "zimbraPop3DataSource", "zimbraDataSource", Structural, Carrier::Pop3Source),
    c(z(20), "zimbraImapDataSource", "zimbraDataSource", Structural, Carrier::ImapSource),
    c(z(21), "zimbraSignature", "top", Structural, Carrier::Signature),
    c(z(22), "zimbraXMPPComponent", "top", Structural, Carrier::XmppComponent),
    c(z(23), "zimbraAclTarget", "top", Structural, Carrier::AclTarget),
    c(z(24), "zimbraRssDataSource", "zimbraDataSource", Structural, Carrier::RssSource),
    c(z(26), "zimbraGalDataSource", "zimbraDataSource", Structural, Carrier::GalSource),
    c(z(27), "zimbraGroup", "top", Auxiliary, Carrier::Group),
    c(z(28), "zimbraGroupDynamicUnit", "top", Auxiliary, Carrier::DynamicUnit),
    c(z(29), "zimbraGroupStaticUnit", "top", Structural, Carrier::StaticUnit),
    c(z(30), "zimbraShareLocator", "top", Structural, Carrier::ShareLocator),
    c(z(31), "zimbraUCService", "top", Structural, Carrier::UcService),
    c(z(32), "zimbraAlwaysOnCluster", "top", Structural, Carrier::Cluster),
    c(z(33), "zimbraHabGroup", "top", Auxiliary, Carrier::HabGroup),
    c(z(34), "zimbraAddressList", "top", Structural, Carrier::AddressList),
    c(Oid::RoostClass(1), "amavisAccount", "top", Auxiliary, Carrier::Amavis),
    c(Oid::RoostClass(2), "DKIM", "top", Auxiliary, Carrier::Dkim),
];

//! The attribute types of RFC 4512, 4519, 4523, 4524, 2798 and 2079 that our entries stand on.

use super::super::attribute::AttributeType;
use super::super::class::Carrier;
use super::super::class::Carrier::{
    Account, AclTarget, AddressList, Alias, Cluster, Cos, Domain, DynamicUnit, Global, Group, List,
    Server, ShareLocator, StaticUnit, UcService, XmppComponent, Zimlet,
};
use super::super::kind::Kind::{
    AsciiExact, Binary, Certificate, Country, Dn, Exact, Jpeg, Numeric, ObjectIdentifier, Octets,
    Opaque, PostalAddress, Printable, Telephone, Text,
};
use super::super::syntax::Syntax;
use super::{Kind, Source, s};

const ACCOUNT: &[Carrier] = &[Account];
const CN_REQUIRED: &[Carrier] = &[
    Cos,
    Server,
    Cluster,
    UcService,
    Zimlet,
    XmppComponent,
    AclTarget,
    ShareLocator,
    StaticUnit,
    AddressList,
];
const CN_ALLOWED: &[Carrier] = &[Account, Alias, List];
const DESCRIBED: &[Carrier] = &[
    Account,
    List,
    Group,
    DynamicUnit,
    StaticUnit,
    Cos,
    Domain,
    Server,
    Cluster,
    UcService,
    AclTarget,
    Global,
    XmppComponent,
    Zimlet,
    AddressList,
];
const SHOWN: &[Carrier] = &[Account, List, Group, DynamicUnit];
/// RFC 4524 §2: mail is compared as IA5 text.
const MAILBOX: Kind = Kind::Ascii;

#[rustfmt::skip]
pub(super) static CORE: &[AttributeType] = &[
    s("2.5.4.0",  "objectClass", ObjectIdentifier).address_book(),
    s("2.5.4.1",  "aliasedObjectName", Dn).aliases(&["aliasedEntryName"]),
    s("2.5.4.41", "name", Text).address_book(),
    s("2.5.4.49", "distinguishedName", Dn),
    s("2.5.4.3",  "cn", Text).aliases(&["commonName"]).sup("name").required_on(CN_REQUIRED).on(CN_ALLOWED).address_book(),
    s("2.5.4.4",  "sn", Text).aliases(&["surname"]).sup("name").on(ACCOUNT).address_book(),
    s("2.5.4.5",  "serialNumber", Printable),
    s("2.5.4.6",  "c", Country).aliases(&["countryName"]).sup("name").one().on(ACCOUNT).address_book(),
    s("2.5.4.7",  "l", Text).aliases(&["localityName"]).sup("name").on(ACCOUNT).address_book(),
    s("2.5.4.8",  "st", Text).aliases(&["stateOrProvinceName"]).sup("name").on(ACCOUNT).address_book(),
    s("2.5.4.9",  "street", Text).aliases(&["streetAddress"]).on(ACCOUNT).address_book(),
    s("2.5.4.10", "o", Text).aliases(&["organizationName"]).sup("name").on(ACCOUNT).address_book(),
    s("2.5.4.11", "ou", Text).aliases(&["organizationalUnitName"]).sup("name").on(ACCOUNT).address_book(),
    s("2.5.4.12", "title", Text).sup("name").on(ACCOUNT).address_book(),
    s("2.5.4.13", "description", Text).on(DESCRIBED).address_book(),
    s("2.5.4.14", "searchGuide", Opaque(Syntax::OctetString)),
    s("2.5.4.15", "businessCategory", Text).address_book(),
    s("2.5.4.16", "postalAddress", PostalAddress).on(ACCOUNT).address_book(),
    s("2.5.4.17", "postalCode", Text).on(ACCOUNT).address_book(),
    s("2.5.4.18", "postOfficeBox", Text).on(ACCOUNT).address_book(),
    s("2.5.4.19", "physicalDeliveryOfficeName", Text).on(ACCOUNT).address_book(),
    s("2.5.4.20", "telephoneNumber", Telephone).on(ACCOUNT).address_book(),
    s("2.5.4.21", "telexNumber", Opaque(Syntax::TelexNumber)).on(ACCOUNT),
    s("2.5.4.22", "teletexTerminalIdentifier", Opaque(Syntax::TeletexTerminalIdentifier)).on(ACCOUNT),
    s("2.5.4.23", "facsimileTelephoneNumber", Opaque(Syntax::FacsimileTelephoneNumber)).aliases(&["fax"]).on(ACCOUNT).address_book(),
    s("2.5.4.24", "x121Address", Numeric).on(ACCOUNT),
    s("2.5.4.25", "internationaliSDNNumber", Numeric).on(ACCOUNT),
    s("2.5.4.26", "registeredAddress", PostalAddress).sup("postalAddress").on(ACCOUNT),
    s("2.5.4.27", "destinationIndicator", Printable).on(ACCOUNT),
    s("2.5.4.28", "preferredDeliveryMethod", Opaque(Syntax::DeliveryMethod)).one().on(ACCOUNT),
    s("2.5.4.31", "member", Dn).sup("distinguishedName"),
    s("2.5.4.32", "owner", Dn).sup("distinguishedName"),
    s("2.5.4.33", "roleOccupant", Dn).sup("distinguishedName"),
    s("2.5.4.34", "seeAlso", Dn).sup("distinguishedName"),
    s("2.5.4.35", "userPassword", Octets).on(ACCOUNT).secret(),
    s("2.5.4.36", "userCertificate", Certificate).on(ACCOUNT).address_book(),
    s("2.5.4.42", "givenName", Text).aliases(&["gn"]).sup("name").on(ACCOUNT).address_book(),
    s("2.5.4.43", "initials", Text).sup("name").on(ACCOUNT).address_book(),
    s("2.5.4.44", "generationQualifier", Text).sup("name").address_book(),
    s("2.5.4.45", "x500UniqueIdentifier", Opaque(Syntax::BitString)),
    s("2.5.4.46", "dnQualifier", Printable),
    s("2.5.4.50", "uniqueMember", Dn),
    s("2.5.4.51", "houseIdentifier", Text),
];

#[rustfmt::skip]
pub(super) static PEOPLE: &[AttributeType] = &[
    s("0.9.2342.19200300.100.1.1",  "uid", Text).aliases(&["userid"]).required_on(&[Account, List]).on(&[Alias]).address_book(),
    s("0.9.2342.19200300.100.1.3",  "mail", MAILBOX).aliases(&["rfc822Mailbox"]).on(SHOWN).address_book(),
    s("0.9.2342.19200300.100.1.4",  "info", Text),
    s("0.9.2342.19200300.100.1.5",  "drink", Text).aliases(&["favouriteDrink"]),
    s("0.9.2342.19200300.100.1.6",  "roomNumber", Text).address_book(),
    s("0.9.2342.19200300.100.1.7",  "photo", Binary),
    s("0.9.2342.19200300.100.1.9",  "host", Text),
    s("0.9.2342.19200300.100.1.10", "manager", Dn).address_book(),
    s("0.9.2342.19200300.100.1.20", "homePhone", Telephone).aliases(&["homeTelephoneNumber"]).on(ACCOUNT).address_book(),
    s("0.9.2342.19200300.100.1.21", "secretary", Dn).address_book(),
    s("0.9.2342.19200300.100.1.25", "dc", Kind::Ascii).aliases(&["domainComponent"]).one().address_book(),
    s("0.9.2342.19200300.100.1.37", "associatedDomain", Kind::Ascii),
    s("0.9.2342.19200300.100.1.38", "associatedName", Dn),
    s("0.9.2342.19200300.100.1.39", "homePostalAddress", PostalAddress).address_book(),
    s("0.9.2342.19200300.100.1.40", "personalTitle", Text).address_book(),
    s("0.9.2342.19200300.100.1.41", "mobile", Telephone).aliases(&["mobileTelephoneNumber"]).on(ACCOUNT).address_book(),
    s("0.9.2342.19200300.100.1.42", "pager", Telephone).aliases(&["pagerTelephoneNumber"]).on(ACCOUNT).address_book(),
    s("0.9.2342.19200300.100.1.43", "co", Text).aliases(&["friendlyCountryName"]).on(ACCOUNT).address_book(),
    s("0.9.2342.19200300.100.1.55", "audio", Binary),
    s("0.9.2342.19200300.100.1.60", "jpegPhoto", Jpeg).on(ACCOUNT).address_book(),
    s("1.3.6.1.4.1.250.1.57",       "labeledURI", Exact).address_book(),
    s("2.16.840.1.113730.3.1.1",    "carLicense", Text),
    s("2.16.840.1.113730.3.1.2",    "departmentNumber", Text).address_book(),
    s("2.16.840.1.113730.3.1.3",    "employeeNumber", Text).one(),
    s("2.16.840.1.113730.3.1.4",    "employeeType", Text),
    s("2.16.840.1.113730.3.1.39",   "preferredLanguage", Text).one(),
    s("2.16.840.1.113730.3.1.40",   "userSMIMECertificate", Binary).on(ACCOUNT).address_book(),
    s("2.16.840.1.113730.3.1.198",  "memberURL", Exact).sup("labeledURI").required_on(&[Group, DynamicUnit]),
    s("2.16.840.1.113730.3.1.216",  "userPKCS12", Binary).key(),
    s("2.16.840.1.113730.3.1.241",  "displayName", Text).one().required_on(&[Carrier::Resource]).on(SHOWN).address_book(),
    s("1.3.6.1.4.1.4203.666.11.8.1.1", "dgIdentity", Dn).sup("distinguishedName").one(),
    // The number is Microsoft's; slapd's own copy (msuser.schema) is not loaded.
    AttributeType::new(super::Oid::Plain("1.2.840.113556.1.2.146"), "company", Text, Source::Roost).on(ACCOUNT).address_book(),
    AttributeType::new(super::Oid::Plain("1.3.6.1.4.1.4203.1.3.4"), "authPassword", AsciiExact, Source::Embedded).many().on(ACCOUNT).secret(),
];

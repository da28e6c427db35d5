//! What the server keeps by itself (RFC 4512 §3.4, §4.2, §5.1; RFC 3045, 4530, 5020).

use super::super::attribute::{AttributeType, Usage};
use super::super::kind::Kind::{
    Boolean, Description, Dn, EntryUuid, Exact, ObjectIdentifier, Text, Time,
};
use super::super::kind::{INTEGER, Kind};
use super::super::syntax::Syntax;
use super::s;

const fn kept(oid: &'static str, name: &'static str, kind: Kind) -> AttributeType {
    s(oid, name, kind)
        .one()
        .usage(Usage::Operational)
        .address_book()
}

const fn of_server(oid: &'static str, name: &'static str, kind: Kind) -> AttributeType {
    s(oid, name, kind).usage(Usage::Server).address_book()
}

#[rustfmt::skip]
pub(super) static OPERATIONAL: &[AttributeType] = &[
    kept("2.5.18.1",  "createTimestamp", Time),
    kept("2.5.18.2",  "modifyTimestamp", Time),
    kept("2.5.18.3",  "creatorsName", Dn),
    kept("2.5.18.4",  "modifiersName", Dn),
    kept("2.5.18.9",  "hasSubordinates", Boolean),
    kept("2.5.18.10", "subschemaSubentry", Dn),
    kept("2.5.21.9",  "structuralObjectClass", ObjectIdentifier),
    kept("1.3.6.1.1.16.4", "entryUUID", EntryUuid),
    kept("1.3.6.1.1.20",   "entryDN", Dn),
    kept("1.3.6.1.4.1.453.16.2.103", "numSubordinates", INTEGER),
    kept("2.5.21.4",  "matchingRules", Description(Syntax::MatchingRuleDescription)).many(),
    kept("2.5.21.5",  "attributeTypes", Description(Syntax::AttributeTypeDescription)).many(),
    kept("2.5.21.6",  "objectClasses", Description(Syntax::ObjectClassDescription)).many(),
    kept("2.5.21.8",  "matchingRuleUse", Description(Syntax::MatchingRuleUseDescription)).many(),
    kept("1.3.6.1.4.1.1466.101.120.16", "ldapSyntaxes", Description(Syntax::LdapSyntaxDescription)).many(),
    of_server("1.3.6.1.4.1.1466.101.120.5",  "namingContexts", Dn),
    of_server("1.3.6.1.4.1.1466.101.120.6",  "altServer", Exact),
    of_server("1.3.6.1.4.1.1466.101.120.7",  "supportedExtension", ObjectIdentifier),
    of_server("1.3.6.1.4.1.1466.101.120.13", "supportedControl", ObjectIdentifier),
    of_server("1.3.6.1.4.1.1466.101.120.14", "supportedSASLMechanisms", Text),
    of_server("1.3.6.1.4.1.1466.101.120.15", "supportedLDAPVersion", INTEGER),
    of_server("1.3.6.1.4.1.4203.1.3.5",      "supportedFeatures", ObjectIdentifier),
    of_server("1.3.6.1.1.4", "vendorName", Exact).one(),
    of_server("1.3.6.1.1.5", "vendorVersion", Exact).one(),
];

//! The table: every attribute type and object class, declared once.
//!
//! A row reads: number, name, type, then who carries it (`on`, `required_on`), whether it is
//! `inherited`, its `default`, and who may see it. Rows are kept on one line each, hence no rustfmt.
//! The numbers are those of Zimbra's own schema; what has no number there, or one that we do not
//! know, is numbered under the arc that [`Oid::RoostAttribute`] describes.

mod account;
mod classes;
mod directory;
mod domain;
mod mobile;
mod operational;
mod parts;
mod recipient;
mod server;
mod standard;

use super::attribute::{AttributeType, Source};
use super::class::{Carrier, ObjectClass};
use super::kind::Kind;
use super::oid::Oid;

/// The sections of the table, in the order in which schemas are written.
pub(super) static ATTRIBUTES: &[&[AttributeType]] = &[
    standard::CORE,
    standard::PEOPLE,
    operational::OPERATIONAL,
    directory::EVERY_ENTRY,
    recipient::ENTRY,
    account::ENTRY,
    account::PASSWORDS,
    account::FEATURES,
    account::PREFERENCES,
    account::FILTERS,
    mobile::MOBILE,
    domain::ENTRY,
    server::ENTRY,
    server::MAIL_TRANSFER,
    server::PROXY,
    server::GLOBAL_ONLY,
    parts::IDENTITY,
    parts::DATA_SOURCE,
    parts::RESOURCE_ATTRIBUTES,
    parts::OTHERS,
    parts::FOREIGN,
];

/// Every object class; each after those it derives from.
pub(super) static CLASSES: &[ObjectClass] = classes::CLASSES;

const TRUE: &[&str] = &["TRUE"];
const FALSE: &[&str] = &["FALSE"];
const YES_NO: Kind = Kind::Choice(&["yes", "no"]);

const ACCOUNT: &[Carrier] = &[Carrier::Account];
const ACCOUNT_COS: &[Carrier] = &[Carrier::Account, Carrier::Cos];
const ACCOUNT_COS_DOMAIN: &[Carrier] = &[Carrier::Account, Carrier::Cos, Carrier::Domain];
const ACCOUNT_COS_GLOBAL: &[Carrier] = &[Carrier::Account, Carrier::Cos, Carrier::Global];
const ACCOUNT_COS_DOMAIN_GLOBAL: &[Carrier] = &[
    Carrier::Account,
    Carrier::Cos,
    Carrier::Domain,
    Carrier::Global,
];
const COS: &[Carrier] = &[Carrier::Cos];
const DOMAIN: &[Carrier] = &[Carrier::Domain];
const DOMAIN_GLOBAL: &[Carrier] = &[Carrier::Domain, Carrier::Global];
const DOMAIN_SERVER_GLOBAL: &[Carrier] = &[Carrier::Domain, Carrier::Server, Carrier::Global];
const SERVER: &[Carrier] = &[Carrier::Server];
const SERVER_GLOBAL: &[Carrier] = &[Carrier::Server, Carrier::Global];
const GLOBAL: &[Carrier] = &[Carrier::Global];

/// A row with Zimbra's number.
const fn z(number: u16, name: &'static str, kind: Kind) -> AttributeType {
    AttributeType::new(Oid::ZimbraAttribute(number), name, kind, Source::Roost)
}

/// A row with a number of our own.
const fn r(number: u16, name: &'static str, kind: Kind) -> AttributeType {
    AttributeType::new(Oid::RoostAttribute(number), name, kind, Source::Roost)
}

/// A row of a standard; the `userApplications` ones hold several values unless said otherwise.
const fn s(oid: &'static str, name: &'static str, kind: Kind) -> AttributeType {
    AttributeType::new(Oid::Plain(oid), name, kind, Source::Standard).many()
}

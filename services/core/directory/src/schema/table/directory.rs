//! What every entry of ours has.

use super::super::attribute::AttributeType;
use super::super::class::Carrier;
use super::super::class::Carrier::{
    Account, AclTarget, AddressList, Alias, Cluster, Cos, DataSource, Domain, DynamicUnit, Global,
    Group, Identity, List, Server, ShareLocator, Signature, StaticUnit, UcService, XmppComponent,
    Zimlet,
};
use super::super::kind::Kind::{Text, Time, Uuid};
use super::z;

const NAMED: &[Carrier] = &[
    Account,
    Alias,
    List,
    Cos,
    Domain,
    Server,
    Group,
    DynamicUnit,
    StaticUnit,
    XmppComponent,
    UcService,
    Cluster,
];
const IDENTIFIED: &[Carrier] = &[Global, Zimlet, AclTarget, ShareLocator, AddressList];
const DATED: &[Carrier] = &[
    Account,
    Alias,
    List,
    Cos,
    Domain,
    Server,
    Global,
    Group,
    DynamicUnit,
    StaticUnit,
    XmppComponent,
    UcService,
    Cluster,
    Zimlet,
    Identity,
    Signature,
    DataSource,
    AddressList,
];
const NOTED: &[Carrier] = &[Account, List, Group, Cos, Domain, Server, Global];
const GRANTED: &[Carrier] = &[
    Account,
    List,
    Group,
    Cos,
    Domain,
    Server,
    Global,
    Zimlet,
    AclTarget,
    XmppComponent,
    UcService,
    Cluster,
];
const LOCALIZED: &[Carrier] = &[
    Account,
    Alias,
    List,
    Group,
    Cos,
    Domain,
    Server,
    Global,
    Carrier::Recipient,
];

#[rustfmt::skip]
pub(super) static EVERY_ENTRY: &[AttributeType] = &[
    z(  1, "zimbraId", Uuid).required_on(NAMED).on(IDENTIFIED).address_book(),
    z(790, "zimbraCreateTimestamp", Time).on(DATED),
    z(  9, "zimbraNotes", Text).on(NOTED),
    z(659, "zimbraACE", Text).many().on(GRANTED),
    z(345, "zimbraLocale", Text).on(LOCALIZED).inherited(),
];

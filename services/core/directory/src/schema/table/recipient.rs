//! Addresses and delivery: what accounts, domains and lists share.

use super::super::attribute::AttributeType;
use super::super::class::Carrier;
use super::super::class::Carrier::{
    Account, Alias, Cos, DynamicUnit, Group, List, Recipient, StaticUnit,
};
use super::super::kind::Kind::{Ascii, Boolean, CatchAll, Choice, Email, Text, Uuid};
use super::z;

const RECIPIENT: &[Carrier] = &[Carrier::Recipient];

#[rustfmt::skip]
pub(super) static ENTRY: &[AttributeType] = &[
    z(  3, "zimbraMailAddress", Email).many().on(RECIPIENT),
    z( 13, "zimbraMailDeliveryAddress", Email).many().on(RECIPIENT).address_book(),
    z( 20, "zimbraMailAlias", Email).many().on(&[Recipient, Group, DynamicUnit]).address_book(),
    z( 12, "zimbraMailForwardingAddress", Email).many().on(&[Recipient, StaticUnit]),
    z(213, "zimbraMailCanonicalAddress", Email).on(RECIPIENT),
    z(214, "zimbraMailCatchAllAddress", CatchAll).many().on(RECIPIENT),
    z(215, "zimbraMailCatchAllForwardingAddress", CatchAll).on(RECIPIENT),
    z(216, "zimbraMailCatchAllCanonicalAddress", CatchAll).on(RECIPIENT),
    z(247, "zimbraMailTransport", Ascii).on(RECIPIENT),
    z(  4, "zimbraMailHost", Ascii).on(&[Recipient, Group]),
    z(125, "zimbraMailHostPool", Uuid).many().on(&[Cos]),
    z( 15, "zimbraMailStatus", Choice(&["enabled", "disabled"])).on(&[Recipient, Group, DynamicUnit]),
    z(353, "zimbraHideInGal", Boolean).on(&[Recipient, Group]),
    z( 40, "zimbraAliasTargetId", Text).required_on(&[Alias]),
    z(1333, "zimbraPrefAllowAddressForDelegatedSender", Email).many().on(&[Account, List, Group]).preference(),
    z(1275, "zimbraDistributionListSubscriptionPolicy", Choice(&["ACCEPT", "REJECT", "APPROVAL"])).on(&[List, Group]),
    z(1276, "zimbraDistributionListUnsubscriptionPolicy", Choice(&["ACCEPT", "REJECT", "APPROVAL"])).on(&[List, Group]),
    z(802, "zimbraIsAdminGroup", Boolean).on(&[List, Group]),
];

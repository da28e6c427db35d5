//! Entries below accounts and domains (identities, signatures, data sources, units of groups),
//! resources, and what other programs' schemas add.

use super::super::attribute::AttributeType;
use super::super::class::Carrier;
use super::super::class::Carrier::{
    Account, Amavis, Cluster, DataSource, Dkim, DynamicUnit, Group, Identity, ImapSource, List,
    Pop3Source, Resource, SecurityGroup, ShareLocator, Signature, StaticUnit, UcService,
    XmppComponent, Zimlet,
};
use super::super::kind::Kind::{
    Ascii, Boolean, Choice, Duration, Exact, Telephone, Text, Time, Uuid,
};
use super::super::kind::{COUNT, PERCENT, PORT};
use super::{ACCOUNT_COS, r, z};

const SECURITY: super::Kind = Choice(&["cleartext", "ssl", "tls", "tls_if_available"]);
const SASL: super::Kind = Choice(&["PLAIN", "GSSAPI", "CRAM-MD5", "XOAUTH2"]);
const RESOURCE: &[Carrier] = &[Resource];
const AMAVIS: &[Carrier] = &[Amavis];

#[rustfmt::skip]
pub(super) static IDENTITY: &[AttributeType] = &[
    z( 412, "zimbraPrefIdentityName", Text).required_on(&[Identity]).on(&[Account]).preference(),
    z( 433, "zimbraPrefIdentityId", Uuid).on(&[Identity]).preference(),
    z(1419, "zimbraPrefFromAddressType", Choice(&["sendAs", "sendOnBehalfOf"])).on(&[Account, Identity]).preference(),
    z( 406, "zimbraPrefWhenSentToEnabled", Boolean).on(&[Account, Identity]).preference(),
    z( 407, "zimbraPrefWhenSentToAddresses", Text).many().on(&[Account, Identity]).preference(),
    z( 408, "zimbraPrefWhenInFoldersEnabled", Boolean).on(&[Account, Identity]).preference(),
    z( 409, "zimbraPrefWhenInFolderIds", Text).many().on(&[Account, Identity]).preference(),
    z( 411, "zimbraPrefBccAddress", Text).on(&[Account, Identity]).preference(),
    z( 413, "zimbraPrefForwardReplyFormat", Choice(&["text", "html", "same"])).on(&[Account, Carrier::Cos, Identity]).preference(),
    z( 490, "zimbraSignatureId", Uuid).required_on(&[Signature]).on(&[Account]).preference(),
    z( 491, "zimbraSignatureName", Text).required_on(&[Signature]).on(&[Account]).preference(),
    z(1129, "zimbraPrefMailSignatureContactId", Text).on(&[Account, Signature]).preference(),
];

#[rustfmt::skip]
pub(super) static DATA_SOURCE: &[AttributeType] = &[
    z( 417, "zimbraDataSourceId", Uuid).required_on(&[DataSource]),
    z( 418, "zimbraDataSourceName", Text).required_on(&[DataSource]),
    z( 419, "zimbraDataSourceEnabled", Boolean).required_on(&[DataSource]),
    z( 716, "zimbraDataSourceType", Text).on(&[DataSource]),
    z( 420, "zimbraDataSourceHost", Text).required_on(&[Pop3Source, ImapSource]).on(&[DataSource]),
    z( 421, "zimbraDataSourcePort", PORT).required_on(&[Pop3Source, ImapSource]).on(&[DataSource]),
    z( 425, "zimbraDataSourceConnectionType", SECURITY).required_on(&[Pop3Source, ImapSource]).on(&[DataSource, Carrier::Global]),
    z( 422, "zimbraDataSourceUsername", Text).on(&[DataSource]),
    z( 423, "zimbraDataSourcePassword", Text).on(&[DataSource]).key(),
    z( 424, "zimbraDataSourceFolderId", Text).required_on(&[DataSource]),
    z( 434, "zimbraDataSourceLeaveOnServer", Boolean).on(&[Pop3Source]),
    z( 455, "zimbraDataSourcePollingInterval", Duration).on(&[DataSource, Account, Carrier::Cos]).inherited(),
    z( 525, "zimbraDataSourceMinPollingInterval", Duration).on(ACCOUNT_COS).inherited().default(&["1m"]),
    z( 495, "zimbraDataSourceEmailAddress", Text).on(&[DataSource]),
    z( 496, "zimbraDataSourceUseAddressForForwardReply", Boolean).on(&[DataSource]),
    z( 717, "zimbraDataSourceImportClassName", Text).on(&[DataSource]),
    z( 718, "zimbraDataSourceAttribute", Text).many().on(&[DataSource]),
    z(1029, "zimbraDataSourceLastError", Text).on(&[DataSource]),
    z(1030, "zimbraDataSourceFailingSince", Time).on(&[DataSource]),
    z(1037, "zimbraDataSourceDomain", Text).on(&[DataSource]),
    z(1106, "zimbraDataSourceImportOnly", Boolean).on(&[DataSource]),
    z(1107, "zimbraDataSourceAuthMechanism", SASL).on(&[ImapSource]),
    z(1108, "zimbraDataSourceAuthorizationId", Text).on(&[ImapSource]),
    z(1126, "zimbraDataSourceIsInternal", Boolean).on(&[DataSource]),
    z(1761, "zimbraDataSourceOAuthToken", Text).on(&[ImapSource]).key(),
    z(2021, "zimbraDataSourceOAuthClientId", Text).on(&[DataSource]),
    z(2022, "zimbraDataSourceOAuthClientSecret", Text).on(&[DataSource]).key(),
    z(2023, "zimbraDataSourceOAuthRefreshToken", Text).on(&[DataSource]).key(),
    z(2024, "zimbraDataSourceOAuthRefreshTokenUrl", Text).on(&[DataSource]),
    z(1910, "zimbraDataSourceSmtpEnabled", Boolean).on(&[DataSource]),
    z(1911, "zimbraDataSourceSmtpHost", Text).on(&[DataSource]),
    z(1912, "zimbraDataSourceSmtpPort", PORT).on(&[DataSource]),
    z(1913, "zimbraDataSourceSmtpConnectionType", Choice(&["cleartext", "ssl"])).on(&[DataSource]),
    z(1914, "zimbraDataSourceSmtpAuthRequired", Boolean).on(&[DataSource]),
    z(1915, "zimbraDataSourceSmtpAuthUsername", Text).on(&[DataSource]),
    z(1916, "zimbraDataSourceSmtpAuthPassword", Text).on(&[DataSource]).key(),
];

#[rustfmt::skip]
pub(super) static RESOURCE_ATTRIBUTES: &[AttributeType] = &[
    z( 314, "zimbraCalResType", Choice(&["Location", "Equipment"])).required_on(RESOURCE).address_book(),
    z( 315, "zimbraCalResAutoAcceptDecline", Boolean).on(RESOURCE),
    z( 322, "zimbraCalResAutoDeclineIfBusy", Boolean).on(RESOURCE),
    z( 323, "zimbraCalResAutoDeclineRecurring", Boolean).on(RESOURCE),
    z( 324, "zimbraCalResLocationDisplayName", Text).on(RESOURCE).address_book(),
    z( 326, "zimbraCalResSite", Text).on(RESOURCE).address_book(),
    z( 327, "zimbraCalResBuilding", Text).on(RESOURCE).address_book(),
    z( 328, "zimbraCalResFloor", Text).on(RESOURCE).address_book(),
    z( 329, "zimbraCalResRoom", Text).on(RESOURCE).address_book(),
    z( 330, "zimbraCalResCapacity", COUNT).on(RESOURCE).address_book(),
    z( 331, "zimbraCalResContactName", Text).on(RESOURCE).address_book(),
    z( 332, "zimbraCalResContactEmail", super::Kind::Email).on(RESOURCE).address_book(),
    z( 333, "zimbraCalResContactPhone", Telephone).on(RESOURCE).address_book(),
    z( 808, "zimbraCalResMaxNumConflictsAllowed", COUNT).on(RESOURCE),
    z( 809, "zimbraCalResMaxPercentConflictsAllowed", PERCENT).on(RESOURCE),
];

#[rustfmt::skip]
pub(super) static OTHERS: &[AttributeType] = &[
    z( 325, "zimbraGroupId", Uuid).required_on(&[SecurityGroup, DynamicUnit, StaticUnit]).on(&[List]),
    z(1242, "zimbraIsACLGroup", Boolean).required_on(&[Group]),
    z( 301, "zimbraZimletEnabled", Boolean).required_on(&[Zimlet]),
    z( 282, "zimbraZimletVersion", Text).required_on(&[Zimlet]),
    z( 281, "zimbraZimletKeyword", Text).on(&[Zimlet]),
    z( 283, "zimbraZimletDescription", Text).on(&[Zimlet]),
    z( 287, "zimbraZimletHandlerConfig", Text).many().on(&[Zimlet]),
    z( 302, "zimbraZimletPriority", Text).on(&[Zimlet]),
    z( 304, "zimbraZimletIsExtension", Boolean).on(&[Zimlet]),
    z( 606, "zimbraZimletTarget", Exact).many().on(&[Zimlet]),
    z(1375, "zimbraShareOwnerAccountId", Uuid).required_on(&[ShareLocator]),
    z( 737, "zimbraXMPPComponentCategory", Text).required_on(&[XmppComponent]),
    z( 738, "zimbraXMPPComponentType", Text).required_on(&[XmppComponent]),
    z( 763, "zimbraXMPPComponentClassName", Text).required_on(&[XmppComponent]),
    z( 741, "zimbraDomainId", Uuid).required_on(&[XmppComponent]),
    z( 742, "zimbraServerId", Uuid).required_on(&[XmppComponent]),
    z(1402, "zimbraUCProvider", Exact).required_on(&[UcService]),
    z(1447, "zimbraZookeeperClientServerList", Text).many().on(&[Carrier::Server, Carrier::Global, Cluster]),
];

/// amavisd-new and OpenDKIM; their own numbers are unknown to us.
#[rustfmt::skip]
pub(super) static FOREIGN: &[AttributeType] = &[
    r( 101, "amavisWhitelistSender", Ascii).many().on(AMAVIS).preference(),
    r( 102, "amavisBlacklistSender", Ascii).many().on(AMAVIS).preference(),
    r( 103, "amavisBypassSpamChecks", Boolean).on(AMAVIS),
    r( 104, "amavisBypassVirusChecks", Boolean).on(AMAVIS),
    r( 105, "amavisSpamTagLevel", Ascii).on(AMAVIS),
    r( 106, "amavisSpamTag2Level", Ascii).on(AMAVIS),
    r( 107, "amavisSpamKillLevel", Ascii).on(AMAVIS),
    r( 108, "amavisArchiveQuarantineTo", Ascii).on(AMAVIS),
    r( 201, "DKIMSelector", Text).many().on(&[Dkim]),
    r( 202, "DKIMDomain", Text).many().on(&[Dkim]),
    r( 203, "DKIMIdentity", Text).many().on(&[Dkim]),
    r( 204, "DKIMKey", super::Kind::AsciiExact).many().on(&[Dkim]).key(),
    r( 205, "DKIMPublicKey", super::Kind::AsciiExact).many().on(&[Dkim]),
];

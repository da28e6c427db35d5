//! Servers and the global configuration.

use super::super::attribute::AttributeType;
use super::super::kind::Kind::{Ascii, Boolean, Choice, Duration, Email, Octets, Text};
use super::super::kind::{COUNT, INTEGER, Kind, LONG, PERCENT, PORT};
use super::{DOMAIN_SERVER_GLOBAL, FALSE, GLOBAL, SERVER, SERVER_GLOBAL, TRUE, YES_NO, z};

const WEB_MODE: Kind = Choice(&["http", "https", "both", "mixed", "redirect"]);
const SPAM_END: Kind = Choice(&["D_PASS", "D_BOUNCE", "D_REJECT", "D_DISCARD"]);

/// File name extensions that mail programs would run.
const RUNNABLE: &[&str] = &[
    "asd", "bat", "chm", "cmd", "com", "dll", "do", "exe", "hlp", "hta", "js", "jse", "lnk", "ocx",
    "pif", "reg", "scr", "shb", "shm", "shs", "vbe", "vbs", "vbx", "vxd", "wsf", "wsh", "xl",
];

/// Filters of the address list by name; `%s` is what the user typed.
const GAL_FILTERS: &[&str] = &[
    "zimbraAccounts:(&(|(displayName=*%s*)(cn=*%s*)(sn=*%s*)(gn=*%s*)(mail=*%s*)(zimbraMailDeliveryAddress=*%s*)(zimbraMailAlias=*%s*))(|(objectclass=zimbraAccount)(objectclass=zimbraDistributionList)(objectclass=zimbraGroup))(!(objectclass=zimbraCalendarResource)))",
    "zimbraAccountAutoComplete:(&(|(displayName=*%s*)(cn=%s*)(sn=%s*)(gn=%s*)(mail=%s*)(zimbraMailDeliveryAddress=%s*)(zimbraMailAlias=%s*))(|(objectclass=zimbraAccount)(objectclass=zimbraDistributionList)(objectclass=zimbraGroup))(!(objectclass=zimbraCalendarResource)))",
    "zimbraAccountSync:(&(|(objectclass=zimbraAccount)(objectclass=zimbraDistributionList)(objectclass=zimbraGroup))(!(objectclass=zimbraCalendarResource)))",
    "zimbraResources:(&(|(displayName=*%s*)(cn=*%s*)(sn=*%s*)(gn=*%s*)(mail=*%s*))(objectclass=zimbraCalendarResource)(zimbraAccountStatus=active))",
    "zimbraResourceAutoComplete:(&(|(displayName=%s*)(cn=%s*)(sn=%s*)(gn=%s*)(mail=%s*))(objectclass=zimbraCalendarResource)(zimbraAccountStatus=active))",
    "zimbraResourceSync:(&(objectclass=zimbraCalendarResource)(zimbraAccountStatus=active))",
    "zimbraGroups:(&(|(displayName=*%s*)(cn=*%s*)(mail=*%s*)(zimbraMailAlias=*%s*))(|(objectclass=zimbraDistributionList)(objectclass=zimbraGroup)))",
    "zimbraGroupAutoComplete:(&(|(displayName=%s*)(cn=%s*)(mail=%s*)(zimbraMailAlias=%s*))(|(objectclass=zimbraDistributionList)(objectclass=zimbraGroup)))",
    "zimbraGroupSync:(|(objectclass=zimbraDistributionList)(objectclass=zimbraGroup))",
    "externalLdapAutoComplete:(|(cn=%s*)(sn=%s*)(gn=%s*)(mail=%s*))",
    "ad:(&(|(displayName=*%s*)(cn=*%s*)(sn=*%s*)(givenName=*%s*)(mail=*%s*))(!(msExchHideFromAddressLists=TRUE))(|(&(objectCategory=person)(objectClass=user))(&(objectCategory=person)(objectClass=contact))(objectCategory=group)))",
    "adAutoComplete:(&(|(displayName=%s*)(cn=%s*)(sn=%s*)(givenName=%s*)(mail=%s*))(!(msExchHideFromAddressLists=TRUE))(|(&(objectCategory=person)(objectClass=user))(&(objectCategory=person)(objectClass=contact))(objectCategory=group)))",
];

#[rustfmt::skip]
pub(super) static ENTRY: &[AttributeType] = &[
    z(  65, "zimbraServiceHostname", Text).on(SERVER),
    z( 220, "zimbraServiceEnabled", Text).many().on(SERVER),
    z( 221, "zimbraServiceInstalled", Text).many().on(SERVER),
    z( 581, "zimbraMemcachedBindAddress", Text).many().on(SERVER),
    z( 262, "zimbraSshPublicKey", Ascii).on(SERVER),
    z( 580, "zimbraMemcachedBindPort", PORT).on(SERVER_GLOBAL).inherited().default(&["11211"]),
    z(1014, "zimbraMemcachedClientServerList", Text).many().on(SERVER_GLOBAL).inherited(),
    z(1171, "zimbraIPMode", Choice(&["ipv4", "ipv6", "both"])).on(SERVER_GLOBAL).inherited().default(&["ipv4"]),
    z( 563, "zimbraSSLCertificate", Ascii).on(DOMAIN_SERVER_GLOBAL).inherited(),
    z( 564, "zimbraSSLPrivateKey", Ascii).on(DOMAIN_SERVER_GLOBAL).inherited().key(),

    z( 176, "zimbraImapServerEnabled", Boolean).on(SERVER_GLOBAL).inherited().default(TRUE),
    z( 184, "zimbraImapSSLServerEnabled", Boolean).on(SERVER_GLOBAL).inherited().default(TRUE),
    z( 180, "zimbraImapBindPort", PORT).on(SERVER_GLOBAL).inherited().default(&["7143"]),
    z( 183, "zimbraImapSSLBindPort", PORT).on(SERVER_GLOBAL).inherited().default(&["7993"]),
    z( 185, "zimbraImapCleartextLoginEnabled", Boolean).on(SERVER_GLOBAL).inherited().default(FALSE),
    z(1156, "zimbraImapMaxConnections", INTEGER).on(SERVER_GLOBAL).inherited().default(&["200"]),
    z(3015, "zimbraRemoteImapBindPort", PORT).on(SERVER_GLOBAL).inherited().default(&["8143"]),
    z(3016, "zimbraRemoteImapSSLBindPort", PORT).on(SERVER_GLOBAL).inherited().default(&["8993"]),
    z( 177, "zimbraPop3ServerEnabled", Boolean).on(SERVER_GLOBAL).inherited().default(TRUE),
    z(  94, "zimbraPop3BindPort", PORT).on(SERVER_GLOBAL).inherited().default(&["7110"]),
    z( 187, "zimbraPop3SSLBindPort", PORT).on(SERVER_GLOBAL).inherited().default(&["7995"]),
    z( 188, "zimbraPop3SSLServerEnabled", Boolean).on(SERVER_GLOBAL).inherited().default(TRUE),
    z( 189, "zimbraPop3CleartextLoginEnabled", Boolean).on(SERVER_GLOBAL).inherited().default(FALSE),
    z(1155, "zimbraPop3MaxConnections", INTEGER).on(SERVER_GLOBAL).inherited().default(&["200"]),
    z( 630, "zimbraLmtpServerEnabled", Boolean).on(SERVER_GLOBAL).inherited().default(TRUE),
    z(  24, "zimbraLmtpBindPort", PORT).on(SERVER_GLOBAL).inherited().default(&["7025"]),
    z( 657, "zimbraLmtpPermanentFailureWhenOverQuota", Boolean).on(SERVER_GLOBAL).inherited().default(FALSE),
    z( 154, "zimbraMailPort", PORT).on(SERVER_GLOBAL).inherited().default(&["80"]),
    z( 166, "zimbraMailSSLPort", PORT).on(SERVER_GLOBAL).inherited().default(&["0"]),
    z( 308, "zimbraMailMode", WEB_MODE).on(SERVER_GLOBAL).inherited(),
    z( 155, "zimbraAdminPort", PORT).on(SERVER_GLOBAL).inherited().default(&["7071"]),
    z(1980, "zimbraExtensionBindPort", PORT).on(SERVER_GLOBAL).inherited().default(&["7072"]),
    z(1906, "zimbraMtaAuthPort", PORT).on(SERVER_GLOBAL).inherited().default(&["7073"]),
    z(1025, "zimbraMailTrustedIP", Text).many().on(SERVER_GLOBAL).inherited(),

    z( 227, "zimbraFileUploadMaxSize", LONG).on(SERVER_GLOBAL).inherited().default(&["10485760"]),
    z( 807, "zimbraMailContentMaxSize", LONG).on(SERVER_GLOBAL).inherited().default(&["10240000"]),
    z(1024, "zimbraHsmPolicy", Text).many().on(SERVER_GLOBAL).inherited().default(&["message,document:before:-30days"]),
    z( 458, "zimbraBackupTarget", Text).on(SERVER_GLOBAL).inherited().default(&["/opt/zimbra/backup"]),
    z(  74, "zimbraRedoLogEnabled", Boolean).on(SERVER_GLOBAL).inherited().default(TRUE),
    z(  75, "zimbraRedoLogLogPath", Text).on(SERVER_GLOBAL).inherited().default(&["redolog/redo.log"]),
    z(  76, "zimbraRedoLogArchiveDir", Text).on(SERVER_GLOBAL).inherited().default(&["redolog/archive"]),
    z(  78, "zimbraRedoLogRolloverFileSizeKB", COUNT).on(SERVER_GLOBAL).inherited().default(&["1048576"]),
];

#[rustfmt::skip]
pub(super) static MAIL_TRANSFER: &[AttributeType] = &[
    z( 311, "zimbraMtaMyNetworks", Ascii).many().on(SERVER_GLOBAL).inherited(),
    z( 199, "zimbraMtaRelayHost", Ascii).many().on(SERVER_GLOBAL).inherited(),
    z(1435, "zimbraMtaFallbackRelayHost", Ascii).on(SERVER_GLOBAL).inherited(),
    z( 509, "zimbraMtaMyHostname", Ascii).on(SERVER_GLOBAL).inherited(),
    z( 510, "zimbraMtaMyOrigin", Ascii).on(SERVER_GLOBAL).inherited(),
    z( 226, "zimbraMtaRestriction", Text).many().on(SERVER_GLOBAL).inherited().default(&["reject_invalid_helo_hostname", "reject_non_fqdn_sender"]),
    z( 306, "zimbraMtaRecipientDelimiter", Ascii).many().on(GLOBAL).default(&["+"]),
    z( 796, "zimbraMtaSaslAuthEnable", YES_NO).on(SERVER_GLOBAL).inherited().default(&["yes"]),
    z( 795, "zimbraMtaTlsSecurityLevel", Choice(&["may", "none"])).on(SERVER_GLOBAL).inherited().default(&["may"]),
    z( 200, "zimbraMtaTlsAuthOnly", Boolean).on(SERVER_GLOBAL).inherited().default(TRUE),
    z(1835, "zimbraMtaHopcountLimit", INTEGER).on(SERVER_GLOBAL).inherited().default(&["50"]),
    z(1544, "zimbraMtaVirtualAliasExpansionLimit", INTEGER).on(SERVER_GLOBAL).inherited().default(&["10000"]),
    z(1116, "zimbraMilterServerEnabled", Boolean).on(SERVER_GLOBAL).inherited().default(FALSE),
    z(1114, "zimbraMilterBindPort", PORT).on(SERVER_GLOBAL).inherited().default(&["7026"]),
    z(1461, "zimbraAmavisMaxServers", INTEGER).on(SERVER_GLOBAL).inherited().default(&["10"]),
    z(1460, "zimbraAmavisFinalSpamDestiny", SPAM_END).on(SERVER_GLOBAL).inherited().default(&["D_DISCARD"]),
    z(  97, "zimbraSmtpHostname", Ascii).many().on(DOMAIN_SERVER_GLOBAL).inherited().default(&["localhost"]),
    z(  98, "zimbraSmtpPort", PORT).on(DOMAIN_SERVER_GLOBAL).inherited().default(&["25"]),
];

#[rustfmt::skip]
pub(super) static PROXY: &[AttributeType] = &[
    z( 629, "zimbraReverseProxyMailEnabled", Boolean).on(SERVER_GLOBAL).inherited().default(TRUE),
    z( 628, "zimbraReverseProxyHttpEnabled", Boolean).on(SERVER_GLOBAL).inherited().default(TRUE),
    z(1360, "zimbraReverseProxySSLToUpstreamEnabled", Boolean).on(SERVER_GLOBAL).inherited().default(TRUE),
    z( 504, "zimbraReverseProxyLookupTarget", Boolean).on(SERVER_GLOBAL).inherited().default(FALSE),
    z( 685, "zimbraReverseProxyMailMode", WEB_MODE).on(SERVER_GLOBAL).inherited(),
    z( 745, "zimbraReverseProxyRouteLookupTimeout", Duration).on(SERVER_GLOBAL).inherited().default(&["15s"]),
    z(1653, "zimbraReverseProxySSLProtocols", Text).many().on(SERVER_GLOBAL).inherited().default(&["TLSv1.2", "TLSv1.3"]),
    z(1384, "zimbraReverseProxyDnsLookupInServerEnabled", Boolean).on(SERVER_GLOBAL).inherited().default(TRUE),
    z( 348, "zimbraImapProxyBindPort", PORT).on(SERVER_GLOBAL).inherited().default(&["143"]),
    z( 349, "zimbraImapSSLProxyBindPort", PORT).on(SERVER_GLOBAL).inherited().default(&["993"]),
    z( 350, "zimbraPop3ProxyBindPort", PORT).on(SERVER_GLOBAL).inherited().default(&["110"]),
    z( 351, "zimbraPop3SSLProxyBindPort", PORT).on(SERVER_GLOBAL).inherited().default(&["995"]),
    z( 626, "zimbraMailProxyPort", PORT).on(SERVER_GLOBAL).inherited().default(&["0"]),
    z( 627, "zimbraMailSSLProxyPort", PORT).on(SERVER_GLOBAL).inherited().default(&["0"]),
    z(1322, "zimbraAdminProxyPort", PORT).on(SERVER_GLOBAL).inherited().default(&["9071"]),
    z( 569, "zimbraReverseProxyAuthWaitInterval", Duration).on(GLOBAL).default(&["10s"]),
    z( 732, "zimbraReverseProxyCacheEntryTTL", Duration).on(GLOBAL).default(&["1h"]),
    z( 622, "zimbraReverseProxyIPLoginLimit", COUNT).on(GLOBAL).default(&["0"]),
    z( 623, "zimbraReverseProxyIPLoginLimitTime", COUNT).on(GLOBAL).default(&["3600"]),
    z( 624, "zimbraReverseProxyUserLoginLimit", COUNT).on(GLOBAL).default(&["0"]),
    z( 625, "zimbraReverseProxyUserLoginLimitTime", COUNT).on(GLOBAL).default(&["3600"]),
    z( 697, "zimbraReverseProxyAdminIPAddress", Ascii).many().on(GLOBAL),
    z( 472, "zimbraReverseProxyMailHostQuery", Text).on(GLOBAL).default(&["(|(zimbraMailDeliveryAddress=${USER})(zimbraMailAlias=${USER})(zimbraId=${USER}))"]),
    z( 475, "zimbraReverseProxyPortQuery", Text).on(GLOBAL).default(&["(&(zimbraServiceHostname=${MAILHOST})(objectClass=zimbraServer))"]),
    z( 479, "zimbraReverseProxyImapPortAttribute", Text).on(GLOBAL).default(&["zimbraImapBindPort"]),
    z( 480, "zimbraReverseProxyImapSSLPortAttribute", Text).on(GLOBAL).default(&["zimbraImapSSLBindPort"]),
    z( 477, "zimbraReverseProxyPop3PortAttribute", Text).on(GLOBAL).default(&["zimbraPop3BindPort"]),
    z( 478, "zimbraReverseProxyPop3SSLPortAttribute", Text).on(GLOBAL).default(&["zimbraPop3SSLBindPort"]),
    z( 632, "zimbraReverseProxyHttpPortAttribute", Text).on(GLOBAL).default(&["zimbraMailPort"]),
    z(1359, "zimbraReverseProxyHttpSSLPortAttribute", Text).on(GLOBAL).default(&["zimbraMailSSLPort"]),
    z( 700, "zimbraReverseProxyAdminPortAttribute", Text).on(GLOBAL).default(&["zimbraAdminPort"]),
];

#[rustfmt::skip]
pub(super) static GLOBAL_ONLY: &[AttributeType] = &[
    z( 172, "zimbraDefaultDomainName", Text).on(GLOBAL),
    z( 198, "zimbraMtaMaxMessageSize", LONG).on(GLOBAL).default(&["10240000"]),
    z( 195, "zimbraMtaBlockedExtension", Text).many().on(GLOBAL),
    z( 196, "zimbraMtaCommonBlockedExtension", Text).many().on(GLOBAL).default(RUNNABLE),
    z( 100, "zimbraAuthTokenKey", Octets).many().on(GLOBAL).key(),
    z(1627, "zimbraCsrfTokenKey", Octets).many().on(GLOBAL).key(),
    z(  52, "zimbraGalLdapFilterDef", Text).many().on(GLOBAL).default(GAL_FILTERS),
    z(1828, "zimbraTwoFactorCodeLength", INTEGER).on(GLOBAL).default(&["6"]),
    z(1827, "zimbraTwoFactorScratchCodeLength", INTEGER).on(GLOBAL).default(&["8"]),
    z(1829, "zimbraTwoFactorTimeWindowLength", Duration).on(GLOBAL).default(&["30s"]),
    z( 250, "zimbraLogHostname", Ascii).many().on(GLOBAL),
    z( 114, "zimbraLastLogonTimestampFrequency", Duration).on(GLOBAL).default(&["7d"]),

    z( 244, "zimbraSpamIsSpamAccount", Email).on(GLOBAL),
    z( 245, "zimbraSpamIsNotSpamAccount", Email).on(GLOBAL),
    z(1100, "zimbraAmavisQuarantineAccount", Email).on(GLOBAL),
    z( 202, "zimbraSpamKillPercent", PERCENT).on(GLOBAL).default(&["75"]),
    z( 204, "zimbraSpamTagPercent", PERCENT).on(GLOBAL).default(&["33"]),
    z( 203, "zimbraSpamSubjectTag", Ascii).on(GLOBAL),
    z( 201, "zimbraSpamCheckEnabled", Boolean).on(GLOBAL).default(FALSE),
    z( 210, "zimbraSpamHeader", Text).on(GLOBAL).default(&["X-Spam-Flag"]),
    z( 211, "zimbraSpamHeaderValue", Text).on(GLOBAL).default(&["YES"]),
    z( 206, "zimbraVirusCheckEnabled", Boolean).on(GLOBAL).default(FALSE),
    z( 205, "zimbraVirusBlockEncryptedArchive", Boolean).on(GLOBAL).default(TRUE),
    z( 208, "zimbraVirusWarnRecipient", Boolean).on(GLOBAL).default(TRUE),
    z( 207, "zimbraVirusWarnAdmin", Boolean).on(GLOBAL).default(TRUE),

    z( 438, "zimbraAccountExtraObjectClass", Text).many().on(GLOBAL).default(&["amavisAccount"]),
    z( 753, "zimbraCalendarResourceExtraObjectClass", Text).many().on(GLOBAL).default(&["amavisAccount"]),
    z( 754, "zimbraCosExtraObjectClass", Text).many().on(GLOBAL),
    z( 755, "zimbraDomainExtraObjectClass", Text).many().on(GLOBAL).default(&["amavisAccount"]),
    z( 756, "zimbraServerExtraObjectClass", Text).many().on(GLOBAL),
];

//! Well-known ports and paths: the defaults of every setting that names one.
//!
//! Ports follow Zimbra's table, so that firewalls need no new thinking.

/// SMTP, for mail from other domains.
pub const SMTP: u16 = 25;
/// Submission with STARTTLS.
pub const SUBMISSION: u16 = 587;
/// Submission with TLS from the first octet.
pub const SUBMISSIONS: u16 = 465;
/// IMAP as users see it; the proxy's.
pub const IMAP: u16 = 143;
/// IMAP with TLS as users see it; the proxy's.
pub const IMAPS: u16 = 993;
/// POP3 as users see it; the proxy's.
pub const POP3: u16 = 110;
/// POP3 with TLS as users see it; the proxy's.
pub const POP3S: u16 = 995;
/// LMTP of a store.
pub const LMTP: u16 = 7025;
/// IMAP of a store.
pub const STORE_IMAP: u16 = 7143;
/// IMAP with TLS of a store.
pub const STORE_IMAPS: u16 = 7993;
/// POP3 of a store.
pub const STORE_POP3: u16 = 7110;
/// POP3 with TLS of a store.
pub const STORE_POP3S: u16 = 7995;
/// Route lookup of a store.
pub const LOOKUP: u16 = 7072;
/// HTTP as users see it; the proxy's.
pub const HTTP: u16 = 80;
/// HTTPS as users see it; the proxy's.
pub const HTTPS: u16 = 443;
/// The directory.
pub const LDAP: u16 = 389;
/// The directory with TLS.
pub const LDAPS: u16 = 636;
/// Health and metrics of the directory.
pub const DIRECTORY_HEALTH: u16 = 7190;
/// Health and metrics of a store.
pub const STORE_HEALTH: u16 = 7191;
/// Health and metrics of the mta.
pub const MTA_HEALTH: u16 = 7192;
/// Health and metrics of the proxy.
pub const PROXY_HEALTH: u16 = 7193;
/// Syslog in the clear, over UDP and TCP; the logger's.
pub const SYSLOG: u16 = 514;
/// Syslog over TLS (RFC 5425); the logger's.
pub const SYSLOG_TLS: u16 = 6514;
/// Health and metrics of the logger.
pub const LOGGER_HEALTH: u16 = 7194;
/// Health and metrics of the SNMP subagent.
pub const SNMP_HEALTH: u16 = 7195;

/// A daemon of a node, as others find it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DaemonPlace {
    /// Its name, such as `roost-store`.
    pub name: &'static str,
    /// Its table in the configuration, whose `health` says where it serves health and metrics.
    pub table: &'static str,
    /// The loopback port for that where the table does not say.
    pub health: u16,
    /// Whether a node does without it unless the configuration has its table.
    pub is_optional: bool,
}

/// Every daemon that a node can have. A new one goes to the end: what watches a node numbers them.
pub const DAEMONS: [DaemonPlace; 6] = [
    DaemonPlace {
        name: "roost-directory",
        table: "directory-server",
        health: DIRECTORY_HEALTH,
        is_optional: false,
    },
    DaemonPlace {
        name: "roost-store",
        table: "store",
        health: STORE_HEALTH,
        is_optional: false,
    },
    DaemonPlace {
        name: "roost-mta",
        table: "mta",
        health: MTA_HEALTH,
        is_optional: false,
    },
    DaemonPlace {
        name: "roost-snmp",
        table: "snmp",
        health: SNMP_HEALTH,
        is_optional: true,
    },
    DaemonPlace {
        name: "roost-proxy",
        table: "proxy",
        health: PROXY_HEALTH,
        is_optional: true,
    },
    DaemonPlace {
        name: "roost-logger",
        table: "logger",
        health: LOGGER_HEALTH,
        is_optional: true,
    },
];

/// Where the directory keeps its entries.
pub const DIRECTORY_STATE: &str = "/var/lib/roost/directory";
/// Where a store keeps mailboxes.
pub const STORE_STATE: &str = "/var/lib/roost/store";
/// Where the mta keeps its queue.
pub const MTA_STATE: &str = "/var/lib/roost/queue";
/// Where the logger keeps log lines.
pub const LOGGER_STATE: &str = "/var/lib/roost/logger";
/// A store's control socket.
pub const STORE_CONTROL: &str = "/run/roost/store.sock";
/// The mta's control socket.
pub const MTA_CONTROL: &str = "/run/roost/mta.sock";
/// The proxy's control socket.
pub const PROXY_CONTROL: &str = "/run/roost/proxy.sock";
/// The logger's control socket.
pub const LOGGER_CONTROL: &str = "/run/roost/logger.sock";

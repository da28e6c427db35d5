//! The tables that every daemon of a node reads.

use std::path::PathBuf;

use serde::Deserialize;

use super::Period;

/// The tables that every daemon of a node reads.
#[derive(Debug, Clone, Default)]
pub struct Shared {
    /// `[node]`
    pub node: NodeSettings,
    /// `[log]`
    pub log: LogSettings,
    /// `[directory]`
    pub directory: DirectoryAccess,
    /// `[tls]`
    pub tls: TlsSettings,
}

/// `[node]`: who this machine is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NodeSettings {
    /// The host name that peers see, and under which the directory knows this server
    /// (`zimbraMailHost`). Default: the machine's own.
    pub name: String,
    /// How long sessions may take to end when a daemon is stopped.
    pub drain: Period,
    /// How long a client may take none of what a server has to say to it.
    pub write_timeout: Period,
}

impl Default for NodeSettings {
    fn default() -> Self {
        Self {
            name: host_name(),
            drain: Period::seconds(30),
            write_timeout: Period::minutes(2),
        }
    }
}

/// `[log]`: what is logged.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogSettings {
    /// `error`, `warn`, `info`, `debug` or `trace`, and exceptions by module:
    /// `"info,roost_store::imap=debug"`. The variable `ROOST_LOG` overrides it.
    pub level: String,
    /// The path of a socket for datagrams to which every line is sent too, as RFC 5424 has it: the
    /// logger's, where no journal passes lines on to it. A line that cannot be sent is kept for a
    /// while; when too many wait, newer ones are dropped.
    pub socket: Option<PathBuf>,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            level: "info".to_owned(),
            socket: None,
        }
    }
}

/// `[directory]`: how the directory is reached.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DirectoryAccess {
    /// `ldap://`, `ldaps://` or `ldapi://` and where; several are separated by spaces and tried in
    /// this order.
    pub url: String,
    /// The certificate authority of the directory, a PEM file; without it the system's are trusted.
    pub ca: Option<PathBuf>,
    /// A folder with one file for each daemon, named like it (`roost-store`), that holds its
    /// password for the directory, and the administrator's, `zimbra`. Systemd's credential
    /// `directory-password` comes before a daemon's file.
    pub secrets: PathBuf,
}

impl Default for DirectoryAccess {
    fn default() -> Self {
        Self {
            url: "ldap://127.0.0.1:389".to_owned(),
            ca: None,
            secrets: PathBuf::from("/etc/roost/secrets"),
        }
    }
}

/// `[tls]`: with which certificates servers of this node answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsSettings {
    /// Certificates with their keys. The name that a client asks for chooses; the first answers
    /// where none fits. Without any, TLS is not offered.
    pub certificates: Vec<CertificateFiles>,
    /// A folder with a file for each further name: `mail.example.org.pem` with key and chain, or
    /// `_.example.org.pem` for all names one label below. A file is read when somebody asks for its
    /// name, and again when it has changed. At least one certificate must be listed above.
    pub folder: Option<PathBuf>,
    /// A file of random octets, 32 at least, that several servers share: clients then resume their
    /// sessions at any of them. Keys made of it change every six hours. Without it each server has
    /// keys of its own.
    pub ticket_secret: Option<PathBuf>,
    /// The oldest TLS version that is spoken.
    pub minimum: TlsVersion,
    /// How long a client may take for its handshake.
    pub handshake_timeout: Period,
}

impl Default for TlsSettings {
    fn default() -> Self {
        Self {
            certificates: Vec::new(),
            folder: None,
            ticket_secret: None,
            minimum: TlsVersion::default(),
            handshake_timeout: Period::seconds(30),
        }
    }
}

/// One certificate chain and its key.
#[derive(Debug, Clone, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct CertificateFiles {
    /// The chain in PEM, the server's own certificate first.
    pub certificate: PathBuf,
    /// The private key in PEM; others must not be able to read it.
    pub key: PathBuf,
    /// The authority's word that the certificate is good (OCSP, DER), to be stapled; whoever fetches
    /// it replaces the file.
    #[serde(default)]
    pub ocsp: Option<PathBuf>,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, Deserialize, PartialEq, Eq, Default)]
pub enum TlsVersion {
    /// TLS 1.2
    #[default]
    #[serde(rename = "1.2")]
    Tls12,
    /// TLS 1.3
    #[serde(rename = "1.3")]
    Tls13,
}

fn host_name() -> String {
    nix::unistd::gethostname()
        .ok()
        .and_then(|name| name.into_string().ok())
        .unwrap_or_else(|| "localhost".to_owned())
}

//! `[store]`: what this daemon can be told.

use std::path::PathBuf;

use roost_kit::config::{ByteSize, Listen, Period, Settings, Wrong};
use roost_kit::net::{ConnectionLimits, Networks};
use roost_kit::place;
use serde::Deserialize;

/// A checkpoint for less costs more than it saves.
const CHECKPOINT_BYTES_MIN: u64 = 1 << 20;

/// `[store]`: the mail store of this node.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The folder that holds the journal, the messages and their metadata.
    pub state: PathBuf,
    /// Where mail for this node's accounts is taken (LMTP, RFC 2033). There is no sign-in: only the
    /// mail servers of this installation may reach it.
    pub lmtp: Listen,
    /// Where IMAP is spoken, with STARTTLS.
    pub imap: Listen,
    /// Where IMAP is spoken over TLS from the first octet.
    pub imaps: Listen,
    /// Where POP3 is spoken, with STLS.
    pub pop3: Listen,
    /// Where POP3 is spoken over TLS from the first octet.
    pub pop3s: Listen,
    /// The Unix socket for `roostctl store`.
    pub control: PathBuf,
    /// Where proxies ask which store an account is at (HTTP, as Zimbra's nginx does it). There is no
    /// sign-in: only the proxies of this installation may reach it.
    pub lookup: Listen,
    /// Where health and metrics are served.
    pub health: Listen,
    /// The largest message that is taken, by LMTP or IMAP APPEND.
    pub message_size_max: ByteSize,
    /// Networks of the proxies: they may say for which client they speak (IMAP ID, POP3 XCLIENT), log
    /// in by ticket, and do so without TLS.
    pub trusted_proxies: Networks,
    /// Limits on connections at a time, in total and from one address, for LMTP and for the readers'
    /// protocols (IMAP and POP3 together).
    pub connections: Connections,
    /// How many sessions one account may have at a time, over all protocols.
    pub sessions_per_account: u32,
    /// How long a client may be silent before it has signed in.
    pub login_timeout: Period,
    /// How long an IMAP client may be silent. RFC 9051 §5.4 asks for 30 minutes.
    pub imap_timeout: Period,
    /// How long a POP3 client may be silent. RFC 1939 §3 asks for 10 minutes.
    pub pop3_timeout: Period,
    /// How long an LMTP client may be silent. RFC 5321 §4.5.3.2.7 asks for 5 minutes.
    pub lmtp_timeout: Period,
    /// When the state on disk catches up with the journal.
    pub checkpoint: Checkpoint,
    /// Nothing new is taken while less than this is free on the state's file system: mail is put
    /// off with 452, APPEND and COPY with `[LIMIT]`. Reading, flags and removals go on.
    pub space_reserve: ByteSize,
}

/// `[store.connections]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Connections {
    /// For LMTP.
    pub lmtp: ConnectionLimits,
    /// For IMAP and POP3 together.
    pub readers: ConnectionLimits,
}

/// `[store.checkpoint]`: whichever comes first. What came since the last checkpoint is read from the
/// journal at a start after a crash, so these bound how long that takes: about a second for each
/// 256 MiB, however much mail there is.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Checkpoint {
    /// After so much time.
    pub interval: Period,
    /// After so many octets of journal.
    pub bytes: ByteSize,
}

impl Default for Checkpoint {
    fn default() -> Self {
        Self {
            interval: Period::seconds(60),
            bytes: ByteSize::mib(256),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            state: PathBuf::from(place::STORE_STATE),
            lmtp: Listen::loopback(place::LMTP),
            imap: Listen::loopback(place::STORE_IMAP),
            imaps: Listen::loopback(place::STORE_IMAPS),
            pop3: Listen::loopback(place::STORE_POP3),
            pop3s: Listen::loopback(place::STORE_POP3S),
            control: PathBuf::from(place::STORE_CONTROL),
            lookup: Listen::loopback(place::LOOKUP),
            health: Listen::loopback(place::STORE_HEALTH),
            message_size_max: ByteSize::mib(50),
            trusted_proxies: Networks::loopback(),
            connections: Connections::default(),
            sessions_per_account: 100,
            login_timeout: Period::seconds(60),
            imap_timeout: Period::minutes(30),
            pop3_timeout: Period::minutes(10),
            lmtp_timeout: Period::minutes(5),
            checkpoint: Checkpoint::default(),
            space_reserve: ByteSize::mib(64),
        }
    }
}

impl Settings for Config {
    const TABLE: &'static str = "store";

    fn health(&self) -> &Listen {
        &self.health
    }

    fn check(&self) -> Result<(), Wrong> {
        if self.sessions_per_account == 0 {
            return Err(Wrong::new("sessions_per_account", "expected at least 1"));
        }
        if self.checkpoint.bytes.as_u64() < CHECKPOINT_BYTES_MIN {
            return Err(Wrong::new("checkpoint.bytes", "expected at least 1 MiB"));
        }
        Ok(())
    }
}

//! AgentX's octets (RFC 2741, sections 5 and 6): the part of the protocol that a subagent speaks.
//!
//! Written here because values must carry any octets (`DateAndTime` has them), and the kept library
//! takes UTF-8 only. We always write in network byte order, and read what the header says.

mod read;
mod write;

pub use read::{decode, header, payload_length};

use crate::oid::Oid;
use crate::tree::Value;

/// Octets of a header.
pub const HEADER: usize = 20;
/// The largest payload that we take from a master agent: a request of a few hundred objects.
pub const PAYLOAD_MAX: usize = 1 << 20;

/// What every PDU begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The type of the PDU.
    pub kind: u8,
    /// `h.flags`
    pub flags: u8,
    /// The session.
    pub session: u32,
    /// The transaction.
    pub transaction: u32,
    /// The packet, which an answer repeats.
    pub packet: u32,
}

/// A search range (RFC 2741, section 5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// Where the search begins.
    pub start: Oid,
    /// Whether `start` itself is meant too.
    pub include: bool,
    /// Where it ends, exclusive; empty: nowhere.
    pub end: Oid,
}

/// The value in a variable binding, which an answer may lack (RFC 2741, section 5.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// There is one.
    Value(Value),
    /// `noSuchObject`
    NoSuchObject,
    /// `noSuchInstance`
    NoSuchInstance,
    /// `endOfMibView`
    EndOfMibView,
}

/// A variable binding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The instance.
    pub name: Oid,
    /// Its value, or that it has none.
    pub value: Found,
}

/// Why a session is closed (RFC 2741, section 6.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The session's owner ends.
    Shutdown = 5,
}

/// A PDU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Opens a session.
    Open {
        /// Seconds that the master waits for an answer.
        timeout: u8,
        /// Who we are.
        id: Oid,
        /// The same for people.
        description: String,
    },
    /// Closes the session.
    Close {
        /// Why, as the number of RFC 2741.
        reason: u8,
    },
    /// Says that we answer for a subtree.
    Register {
        /// Seconds that the master waits for an answer; 0 is the session's.
        timeout: u8,
        /// Who answers where several registered the same subtree: the lowest.
        priority: u8,
        /// The subtree.
        subtree: Oid,
    },
    /// Asks for values.
    Get(Vec<Range>),
    /// Asks for the next instances.
    GetNext(Vec<Range>),
    /// Asks for many next instances.
    GetBulk {
        /// For so many of the ranges, one instance.
        non_repeaters: u16,
        /// For each of the others, so many.
        max_repetitions: u16,
        /// The ranges.
        ranges: Vec<Range>,
    },
    /// Asks whether values may be set.
    TestSet(Vec<Binding>),
    /// Sets them.
    CommitSet,
    /// Takes that back.
    UndoSet,
    /// Ends a set.
    CleanupSet,
    /// Sends a notification: its bindings begin with `snmpTrapOID.0`.
    Notify(Vec<Binding>),
    /// Asks whether the other side is there.
    Ping,
    /// Answers.
    Response {
        /// How long the master agent runs, in hundredths of a second; said by it only.
        uptime: u32,
        /// `res.error`
        error: Error,
        /// The binding in error, from 1.
        index: u16,
        /// What was asked for.
        bindings: Vec<Binding>,
    },
}

/// `res.error` (RFC 2741, section 6.2.16).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Error(pub u16);

impl Error {
    /// All is well.
    pub const NONE: Self = Self(0);
    /// The object cannot be set (SNMP's `notWritable`).
    pub const NOT_WRITABLE: Self = Self(17);
    /// The session is not open.
    pub const NOT_OPEN: Self = Self(257);
    /// Another subagent has the subtree.
    pub const DUPLICATE_REGISTRATION: Self = Self(263);
    /// The PDU cannot be read.
    pub const PARSE: Self = Self(266);
    /// The PDU cannot be processed.
    pub const PROCESSING: Self = Self(268);

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            0 => "noAgentXError",
            256 => "openFailed",
            257 => "notOpen",
            258 => "indexWrongType",
            259 => "indexAlreadyAllocated",
            260 => "indexNoneAvailable",
            261 => "indexNotAllocated",
            262 => "unsupportedContext",
            263 => "duplicateRegistration",
            264 => "unknownRegistration",
            265 => "unknownAgentCaps",
            266 => "parseError",
            267 => "requestDenied",
            268 => "processingError",
            _ => "an SNMP error",
        }
    }
}

/// Octets that are no PDU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Another version of AgentX.
    #[error("version {0} of AgentX is not known")]
    Version(u8),
    /// A type that does not exist, or that nobody sends to a subagent.
    #[error("a PDU of type {0} is not expected")]
    Kind(u8),
    /// It ends too early, or something is longer than the rest.
    #[error("the PDU ends too early")]
    Short,
    /// The payload is too long.
    #[error("a payload of {0} octets is too long")]
    Long(usize),
    /// A value of an unknown type.
    #[error("a value of type {0} is not known")]
    ValueKind(u16),
    /// An object identifier of more than 128 parts.
    #[error("an object identifier is too long")]
    OidLong,
}

mod kind {
    pub(super) const OPEN: u8 = 1;
    pub(super) const CLOSE: u8 = 2;
    pub(super) const REGISTER: u8 = 3;
    pub(super) const GET: u8 = 5;
    pub(super) const GET_NEXT: u8 = 6;
    pub(super) const GET_BULK: u8 = 7;
    pub(super) const TEST_SET: u8 = 8;
    pub(super) const COMMIT_SET: u8 = 9;
    pub(super) const UNDO_SET: u8 = 10;
    pub(super) const CLEANUP_SET: u8 = 11;
    pub(super) const NOTIFY: u8 = 12;
    pub(super) const PING: u8 = 13;
    pub(super) const RESPONSE: u8 = 18;
}

mod flag {
    pub(super) const NON_DEFAULT_CONTEXT: u8 = 0x08;
    pub(super) const NETWORK_BYTE_ORDER: u8 = 0x10;
}

mod tag {
    pub(super) const INTEGER: u16 = 2;
    pub(super) const OCTETS: u16 = 4;
    pub(super) const NULL: u16 = 5;
    pub(super) const OID: u16 = 6;
    pub(super) const IP_ADDRESS: u16 = 64;
    pub(super) const COUNTER32: u16 = 65;
    pub(super) const GAUGE32: u16 = 66;
    pub(super) const TIME_TICKS: u16 = 67;
    pub(super) const OPAQUE: u16 = 68;
    pub(super) const COUNTER64: u16 = 70;
    pub(super) const NO_SUCH_OBJECT: u16 = 128;
    pub(super) const NO_SUCH_INSTANCE: u16 = 129;
    pub(super) const END_OF_MIB_VIEW: u16 = 130;
}

#[cfg(test)]
mod tests;

//! PDU → octets.

use super::{Binding, Body, Found, Header, Range, flag, kind, tag};
use crate::oid::Oid;
use crate::tree::Value;

impl Body {
    /// The type of the PDU.
    #[must_use]
    pub const fn kind(&self) -> u8 {
        match self {
            Self::Open { .. } => kind::OPEN,
            Self::Close { .. } => kind::CLOSE,
            Self::Register { .. } => kind::REGISTER,
            Self::Get(_) => kind::GET,
            Self::GetNext(_) => kind::GET_NEXT,
            Self::GetBulk { .. } => kind::GET_BULK,
            Self::TestSet(_) => kind::TEST_SET,
            Self::CommitSet => kind::COMMIT_SET,
            Self::UndoSet => kind::UNDO_SET,
            Self::CleanupSet => kind::CLEANUP_SET,
            Self::Notify(_) => kind::NOTIFY,
            Self::Ping => kind::PING,
            Self::Response { .. } => kind::RESPONSE,
        }
    }

    /// The whole PDU in network byte order; session, transaction and packet as `like` has them.
    #[must_use]
    pub fn encode(&self, like: &Header) -> Vec<u8> {
        let mut payload = Writer(Vec::new());
        self.payload(&mut payload);
        let mut whole = Writer(vec![1, self.kind(), flag::NETWORK_BYTE_ORDER, 0]);
        whole.u32(like.session);
        whole.u32(like.transaction);
        whole.u32(like.packet);
        whole.length(payload.0.len());
        whole.0.extend(payload.0);
        whole.0
    }

    fn payload(&self, to: &mut Writer) {
        match self {
            Self::Open {
                timeout,
                id,
                description,
            } => {
                to.0.extend([*timeout, 0, 0, 0]);
                to.oid(id, false);
                to.octets(description.as_bytes());
            }
            Self::Close { reason } => to.0.extend([*reason, 0, 0, 0]),
            Self::Register {
                timeout,
                priority,
                subtree,
            } => {
                to.0.extend([*timeout, *priority, 0, 0]);
                to.oid(subtree, false);
            }
            Self::Get(ranges) | Self::GetNext(ranges) => to.ranges(ranges),
            Self::GetBulk {
                non_repeaters,
                max_repetitions,
                ranges,
            } => {
                to.u16(*non_repeaters);
                to.u16(*max_repetitions);
                to.ranges(ranges);
            }
            Self::TestSet(bindings) | Self::Notify(bindings) => to.bindings(bindings),
            Self::CommitSet | Self::UndoSet | Self::CleanupSet | Self::Ping => {}
            Self::Response {
                uptime,
                error,
                index,
                bindings,
            } => {
                to.u32(*uptime);
                to.u16(error.0);
                to.u16(*index);
                to.bindings(bindings);
            }
        }
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn u16(&mut self, value: u16) {
        self.0.extend(value.to_be_bytes());
    }

    fn u32(&mut self, value: u32) {
        self.0.extend(value.to_be_bytes());
    }

    fn length(&mut self, length: usize) {
        self.u32(u32::try_from(length).unwrap_or(u32::MAX));
    }

    fn oid(&mut self, oid: &Oid, include: bool) {
        // Identifiers under internet (1.3.6.1) are told by their next part, where that is one octet.
        let (prefix, parts) = match oid.parts() {
            [1, 3, 6, 1, next, rest @ ..] => match u8::try_from(*next) {
                Ok(next) if next != 0 => (next, rest),
                _ => (0, oid.parts()),
            },
            parts => (0, parts),
        };
        let count = u8::try_from(parts.len()).unwrap_or(u8::MAX);
        self.0.extend([count, prefix, u8::from(include), 0]);
        for part in parts.iter().take(usize::from(count)) {
            self.u32(*part);
        }
    }

    fn octets(&mut self, octets: &[u8]) {
        self.length(octets.len());
        self.0.extend(octets);
        let padding = octets.len().wrapping_neg() % 4;
        self.0.resize(self.0.len().saturating_add(padding), 0);
    }

    fn ranges(&mut self, ranges: &[Range]) {
        for range in ranges {
            self.oid(&range.start, range.include);
            self.oid(&range.end, false);
        }
    }

    fn bindings(&mut self, bindings: &[Binding]) {
        for binding in bindings {
            self.u16(tag_of(&binding.value));
            self.u16(0);
            self.oid(&binding.name, false);
            if let Found::Value(value) = &binding.value {
                self.value(value);
            }
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Integer(value) => self.u32(value.cast_unsigned()),
            Value::Octets(octets) | Value::Opaque(octets) => self.octets(octets),
            Value::Oid(oid) => self.oid(oid, false),
            Value::IpAddress(octets) => self.octets(octets),
            Value::Counter32(value) | Value::Gauge32(value) | Value::TimeTicks(value) => {
                self.u32(*value);
            }
            Value::Counter64(value) => self.0.extend(value.to_be_bytes()),
            Value::Null => {}
        }
    }
}

const fn tag_of(found: &Found) -> u16 {
    match found {
        Found::NoSuchObject => tag::NO_SUCH_OBJECT,
        Found::NoSuchInstance => tag::NO_SUCH_INSTANCE,
        Found::EndOfMibView => tag::END_OF_MIB_VIEW,
        Found::Value(value) => match value {
            Value::Integer(_) => tag::INTEGER,
            Value::Octets(_) => tag::OCTETS,
            Value::Null => tag::NULL,
            Value::Oid(_) => tag::OID,
            Value::IpAddress(_) => tag::IP_ADDRESS,
            Value::Counter32(_) => tag::COUNTER32,
            Value::Gauge32(_) => tag::GAUGE32,
            Value::TimeTicks(_) => tag::TIME_TICKS,
            Value::Opaque(_) => tag::OPAQUE,
            Value::Counter64(_) => tag::COUNTER64,
        },
    }
}

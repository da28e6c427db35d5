//! Octets → PDU.

use super::{
    Binding, Body, Error, Found, HEADER, Header, Malformed, PAYLOAD_MAX, Range, flag, kind, tag,
};
use crate::oid::{Oid, PARTS_MAX};
use crate::tree::Value;

/// The header of a PDU, and how long what follows it is.
pub fn header(octets: &[u8; HEADER]) -> Result<(Header, usize), Malformed> {
    let [version, kind, flags, ..] = *octets;
    if version != 1 {
        return Err(Malformed::Version(version));
    }
    let mut reader = Reader::new(octets.get(4..).unwrap_or_default(), flags);
    let header = Header {
        kind,
        flags,
        session: reader.u32()?,
        transaction: reader.u32()?,
        packet: reader.u32()?,
    };
    let length = payload_length(reader.u32()?)?;
    Ok((header, length))
}

/// The length of a payload, if it is one that we take.
pub fn payload_length(length: u32) -> Result<usize, Malformed> {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    match length <= PAYLOAD_MAX {
        true => Ok(length),
        false => Err(Malformed::Long(length)),
    }
}

/// What follows a header.
pub fn decode(header: &Header, payload: &[u8]) -> Result<Body, Malformed> {
    let mut reader = Reader::new(payload, header.flags);
    let has_context = header.flags & flag::NON_DEFAULT_CONTEXT != 0;
    if has_context && header.kind != kind::RESPONSE {
        reader.octets()?;
    }
    Ok(match header.kind {
        kind::OPEN => {
            let timeout = reader.small()?;
            let (id, _) = reader.oid()?;
            let description = String::from_utf8_lossy(&reader.octets()?).into_owned();
            Body::Open {
                timeout,
                id,
                description,
            }
        }
        kind::CLOSE => Body::Close {
            reason: reader.small()?,
        },
        kind::REGISTER => {
            let [timeout, priority, ..] = reader.array::<4>()?;
            let (subtree, _) = reader.oid()?;
            Body::Register {
                timeout,
                priority,
                subtree,
            }
        }
        kind::GET => Body::Get(reader.ranges()?),
        kind::GET_NEXT => Body::GetNext(reader.ranges()?),
        kind::GET_BULK => Body::GetBulk {
            non_repeaters: reader.u16()?,
            max_repetitions: reader.u16()?,
            ranges: reader.ranges()?,
        },
        kind::TEST_SET => Body::TestSet(reader.bindings()?),
        kind::COMMIT_SET => Body::CommitSet,
        kind::UNDO_SET => Body::UndoSet,
        kind::CLEANUP_SET => Body::CleanupSet,
        kind::NOTIFY => Body::Notify(reader.bindings()?),
        kind::PING => Body::Ping,
        kind::RESPONSE => Body::Response {
            uptime: reader.u32()?,
            error: Error(reader.u16()?),
            index: reader.u16()?,
            bindings: reader.bindings()?,
        },
        other => return Err(Malformed::Kind(other)),
    })
}

struct Reader<'a> {
    rest: &'a [u8],
    is_network_order: bool,
}

impl<'a> Reader<'a> {
    const fn new(rest: &'a [u8], flags: u8) -> Self {
        Self {
            rest,
            is_network_order: flags & flag::NETWORK_BYTE_ORDER != 0,
        }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Malformed::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Malformed::Short)?;
        self.rest = rest;
        Ok(*taken)
    }

    fn u16(&mut self) -> Result<u16, Malformed> {
        let octets = self.array()?;
        Ok(match self.is_network_order {
            true => u16::from_be_bytes(octets),
            false => u16::from_le_bytes(octets),
        })
    }

    fn u32(&mut self) -> Result<u32, Malformed> {
        let octets = self.array()?;
        Ok(match self.is_network_order {
            true => u32::from_be_bytes(octets),
            false => u32::from_le_bytes(octets),
        })
    }

    fn u64(&mut self) -> Result<u64, Malformed> {
        let octets = self.array()?;
        Ok(match self.is_network_order {
            true => u64::from_be_bytes(octets),
            false => u64::from_le_bytes(octets),
        })
    }

    /// One octet and three that are reserved.
    fn small(&mut self) -> Result<u8, Malformed> {
        let [value, ..] = self.array::<4>()?;
        Ok(value)
    }

    /// An object identifier, and its `include`.
    fn oid(&mut self) -> Result<(Oid, bool), Malformed> {
        let [count, prefix, include, _] = self.array::<4>()?;
        let mut parts = Vec::with_capacity(usize::from(count).saturating_add(5));
        if prefix != 0 {
            parts.extend([1, 3, 6, 1, u32::from(prefix)]);
        }
        for _ in 0..count {
            parts.push(self.u32()?);
        }
        if parts.len() > PARTS_MAX {
            return Err(Malformed::OidLong);
        }
        Ok((Oid::from(parts), include != 0))
    }

    fn octets(&mut self) -> Result<Vec<u8>, Malformed> {
        let length = usize::try_from(self.u32()?).map_err(|_| Malformed::Short)?;
        let octets = self.take(length)?.to_vec();
        let padding = length.wrapping_neg() % 4;
        self.take(padding)?;
        Ok(octets)
    }

    fn ranges(&mut self) -> Result<Vec<Range>, Malformed> {
        let mut ranges = Vec::new();
        while !self.rest.is_empty() {
            let (start, include) = self.oid()?;
            let (end, _) = self.oid()?;
            ranges.push(Range {
                start,
                include,
                end,
            });
        }
        Ok(ranges)
    }

    fn bindings(&mut self) -> Result<Vec<Binding>, Malformed> {
        let mut bindings = Vec::new();
        while !self.rest.is_empty() {
            let tag = self.u16()?;
            self.u16()?;
            let (name, _) = self.oid()?;
            let value = self.value(tag)?;
            bindings.push(Binding { name, value });
        }
        Ok(bindings)
    }

    fn value(&mut self, tag: u16) -> Result<Found, Malformed> {
        Ok(Found::Value(match tag {
            tag::INTEGER => Value::Integer(self.u32()?.cast_signed()),
            tag::OCTETS => Value::Octets(self.octets()?),
            tag::NULL => Value::Null,
            tag::OID => Value::Oid(self.oid()?.0),
            tag::IP_ADDRESS => {
                let octets = self.octets()?;
                Value::IpAddress(octets.try_into().map_err(|_| Malformed::Short)?)
            }
            tag::COUNTER32 => Value::Counter32(self.u32()?),
            tag::GAUGE32 => Value::Gauge32(self.u32()?),
            tag::TIME_TICKS => Value::TimeTicks(self.u32()?),
            tag::OPAQUE => Value::Opaque(self.octets()?),
            tag::COUNTER64 => Value::Counter64(self.u64()?),
            tag::NO_SUCH_OBJECT => return Ok(Found::NoSuchObject),
            tag::NO_SUCH_INSTANCE => return Ok(Found::NoSuchInstance),
            tag::END_OF_MIB_VIEW => return Ok(Found::EndOfMibView),
            other => return Err(Malformed::ValueKind(other)),
        }))
    }
}

//! Search filters as they travel (RFC 4511 §4.5.1.7).

use super::ber::{self, Malformed, Reader};
use crate::limits::{FILTER_DEPTH_MAX, FILTER_NODES_MAX};

/// A filter, not yet looked up in the schema.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Filter {
    /// All of them; none is true (RFC 4526).
    And(Vec<Filter>),
    /// One of them; none is false (RFC 4526).
    Or(Vec<Filter>),
    /// Not this.
    Not(Box<Filter>),
    /// `attribute=value`.
    Equality(Assertion),
    /// `attribute=initial*any*final`.
    Substrings(Substrings),
    /// `attribute>=value`.
    GreaterOrEqual(Assertion),
    /// `attribute<=value`.
    LessOrEqual(Assertion),
    /// `attribute=*`.
    Present(String),
    /// `attribute~=value`.
    Approximate(Assertion),
    /// `attribute:dn:rule:=value`.
    Extensible(Extensible),
}

/// An attribute and a value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Assertion {
    /// The attribute's name.
    pub attribute: String,
    /// The value to compare with.
    pub value: Vec<u8>,
}

/// Pieces that a value must have in this order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Substrings {
    /// The attribute's name.
    pub attribute: String,
    /// How it begins.
    pub initial: Option<Vec<u8>>,
    /// What it contains.
    pub any: Vec<Vec<u8>>,
    /// How it ends.
    pub last: Option<Vec<u8>>,
}

/// A named matching rule, or any attribute that it fits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Extensible {
    /// The rule's name or OID.
    pub rule: Option<String>,
    /// The attribute's name.
    pub attribute: Option<String>,
    /// The value to compare with.
    pub value: Vec<u8>,
    /// Whether the values in the entry's name count too.
    pub dn_attributes: bool,
}

impl Filter {
    /// Reads the filter that comes next, bounded in depth and size.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut nodes = 0;
        decode(reader, 1, &mut nodes)
    }
}

fn decode(reader: &mut Reader<'_>, depth: u32, nodes: &mut u32) -> Result<Filter, Malformed> {
    *nodes += 1;
    if depth > FILTER_DEPTH_MAX || *nodes > FILTER_NODES_MAX {
        return Err(Malformed::Expected(
            "a filter that is less deep or less large",
        ));
    }
    let (tag, content) = reader.element()?;
    let mut inner = Reader::new(content);
    match tag {
        0xa0 => list(inner, depth, nodes).map(Filter::And),
        0xa1 => list(inner, depth, nodes).map(Filter::Or),
        0xa2 => Ok(Filter::Not(Box::new(decode(&mut inner, depth + 1, nodes)?))),
        0xa3 => assertion(inner).map(Filter::Equality),
        0xa4 => substrings(inner).map(Filter::Substrings),
        0xa5 => assertion(inner).map(Filter::GreaterOrEqual),
        0xa6 => assertion(inner).map(Filter::LessOrEqual),
        0x87 => ber::text(content).map(Filter::Present),
        0xa8 => assertion(inner).map(Filter::Approximate),
        0xa9 => extensible(inner).map(Filter::Extensible),
        _ => Err(Malformed::Expected("a known kind of filter")),
    }
}

fn list(mut reader: Reader<'_>, depth: u32, nodes: &mut u32) -> Result<Vec<Filter>, Malformed> {
    let mut filters = Vec::new();
    while !reader.is_empty() {
        filters.push(decode(&mut reader, depth + 1, nodes)?);
    }
    Ok(filters)
}

fn assertion(mut reader: Reader<'_>) -> Result<Assertion, Malformed> {
    Ok(Assertion {
        attribute: reader.text("an attribute's name")?,
        value: reader.octets("a value")?.to_vec(),
    })
}

fn substrings(mut reader: Reader<'_>) -> Result<Substrings, Malformed> {
    let mut filter = Substrings {
        attribute: reader.text("an attribute's name")?,
        initial: None,
        any: Vec::new(),
        last: None,
    };
    let mut pieces = reader.enter(ber::SEQUENCE, "substrings")?;
    // RFC 4511 §4.5.1.7.2: at least one; `initial` only first, `final` only last, none empty.
    if pieces.is_empty() {
        return Err(Malformed::Expected("a substring"));
    }
    while !pieces.is_empty() {
        let (tag, piece) = pieces.element()?;
        let place = filter.last.is_none();
        match tag {
            0x80 if place && filter.initial.is_none() && filter.any.is_empty() => {
                filter.initial = Some(piece.to_vec());
            }
            0x81 if place => filter.any.push(piece.to_vec()),
            0x82 if place => filter.last = Some(piece.to_vec()),
            _ => return Err(Malformed::Expected("substrings in their order")),
        }
    }
    Ok(filter)
}

fn extensible(mut reader: Reader<'_>) -> Result<Extensible, Malformed> {
    Ok(Extensible {
        rule: reader
            .optional(ber::context(1))?
            .map(ber::text)
            .transpose()?,
        attribute: reader
            .optional(ber::context(2))?
            .map(ber::text)
            .transpose()?,
        value: reader.expect(ber::context(3), "a value")?.to_vec(),
        dn_attributes: reader
            .optional(ber::context(4))?
            .map(ber::boolean)
            .transpose()?
            .unwrap_or(false),
    })
}

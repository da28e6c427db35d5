//! What clients ask (RFC 4511 §4.2–4.12).

use std::fmt;

use super::ber::{self, Malformed, Reader, Tag};
use super::filter::Filter;
use super::message::{MessageId, message_id};

/// Identifiers of the operations.
pub mod tag {
    use super::Tag;
    /// BindRequest.
    pub const BIND: Tag = 0x60;
    /// UnbindRequest.
    pub const UNBIND: Tag = 0x42;
    /// SearchRequest.
    pub const SEARCH: Tag = 0x63;
    /// ModifyRequest.
    pub const MODIFY: Tag = 0x66;
    /// AddRequest.
    pub const ADD: Tag = 0x68;
    /// DelRequest.
    pub const DELETE: Tag = 0x4a;
    /// ModifyDNRequest.
    pub const MODIFY_DN: Tag = 0x6c;
    /// CompareRequest.
    pub const COMPARE: Tag = 0x6e;
    /// AbandonRequest.
    pub const ABANDON: Tag = 0x50;
    /// ExtendedRequest.
    pub const EXTENDED: Tag = 0x77;
}

/// An operation.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Who am I from now on.
    Bind(Bind),
    /// Goodbye.
    Unbind,
    /// Find entries.
    Search(Search),
    /// Change attributes of one entry.
    Modify(Modify),
    /// Make an entry.
    Add(Add),
    /// Remove an entry, named by its DN.
    Delete(String),
    /// Rename or move an entry.
    ModifyDn(ModifyDn),
    /// Does an entry have a value.
    Compare(Compare),
    /// Forget a request.
    Abandon(MessageId),
    /// Anything else.
    Extended(Extended),
}

/// A password on its way; its `Debug` prints nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials(pub Vec<u8>);

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

/// RFC 4511 §4.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    /// Only 3 is served.
    pub version: i64,
    /// Who wants in.
    pub name: String,
    /// How it is proven.
    pub authentication: Authentication,
}

/// The proof of a bind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authentication {
    /// A password.
    Simple(Credentials),
    /// A SASL mechanism.
    Sasl {
        /// Its name.
        mechanism: String,
        /// The client's part of the dialogue.
        credentials: Option<Credentials>,
    },
    /// A choice that is not known.
    Unknown,
}

/// How far below the base a search looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The base alone.
    Base,
    /// Its children.
    One,
    /// It and everything below.
    Subtree,
    /// Everything below it (draft-sermersheim-ldap-subordinate-scope; `ldapsearch -s children`).
    Children,
}

/// RFC 4511 §4.5. Aliases are never dereferenced since there are none; the field is checked only.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    /// Where to look.
    pub base: String,
    /// How far.
    pub scope: Scope,
    /// How many entries the client wants at most; 0 is no limit.
    pub size_limit: u32,
    /// How many seconds it waits at most; 0 is no limit.
    pub time_limit: u32,
    /// Names of attributes without their values.
    pub types_only: bool,
    /// Which entries.
    pub filter: Filter,
    /// Which attributes.
    pub attributes: Vec<String>,
}

/// An attribute with values.
#[derive(Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its name, with options.
    pub name: String,
    /// Its values.
    pub values: Vec<Vec<u8>>,
}

impl fmt::Debug for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({} values)", self.name, self.values.len())
    }
}

/// RFC 4511 §4.6.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Modify {
    /// Which entry.
    pub dn: String,
    /// What to do to it, in this order, all or nothing.
    pub changes: Vec<Change>,
}

/// One step of a modify.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What to do.
    pub kind: ChangeKind,
    /// With what.
    pub attribute: Attribute,
}

/// What a step of a modify does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// Adds values.
    Add,
    /// Deletes values, or all of them.
    Delete,
    /// Replaces all values.
    Replace,
    /// Adds to a number (RFC 4525).
    Increment,
}

/// RFC 4511 §4.7.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Add {
    /// The name of the new entry.
    pub dn: String,
    /// Its attributes.
    pub attributes: Vec<Attribute>,
}

/// RFC 4511 §4.9.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModifyDn {
    /// Which entry.
    pub dn: String,
    /// Its new first part.
    pub new_rdn: String,
    /// Whether the values of the old first part go.
    pub delete_old_rdn: bool,
    /// Where to move it.
    pub new_superior: Option<String>,
}

/// RFC 4511 §4.10.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compare {
    /// Which entry.
    pub dn: String,
    /// Which attribute.
    pub attribute: String,
    /// Which value.
    pub value: Vec<u8>,
}

/// RFC 4511 §4.12.
#[derive(Clone, PartialEq, Eq)]
pub struct Extended {
    /// Its object identifier.
    pub name: String,
    /// Its value: passwords travel in it.
    pub value: Option<Vec<u8>>,
}

impl fmt::Debug for Extended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Extended({})", self.name)
    }
}

impl Request {
    /// Whether `tag` is an operation that a client may send.
    #[must_use]
    pub fn is_request(tag: Tag) -> bool {
        matches!(
            tag,
            tag::BIND
                | tag::UNBIND
                | tag::SEARCH
                | tag::MODIFY
                | tag::ADD
                | tag::DELETE
                | tag::MODIFY_DN
                | tag::COMPARE
                | tag::ABANDON
                | tag::EXTENDED
        )
    }

    /// Reads the operation `tag`.
    pub fn decode(tag: Tag, content: &[u8]) -> Result<Self, Malformed> {
        let reader = Reader::new(content);
        match tag {
            tag::BIND => bind(reader).map(Self::Bind),
            tag::UNBIND => Ok(Self::Unbind),
            tag::SEARCH => search(reader).map(Self::Search),
            tag::MODIFY => modify(reader).map(Self::Modify),
            tag::ADD => add(reader).map(Self::Add),
            tag::DELETE => ber::name(content).map(Self::Delete),
            tag::MODIFY_DN => modify_dn(reader).map(Self::ModifyDn),
            tag::COMPARE => compare(reader).map(Self::Compare),
            tag::ABANDON => message_id(ber::integer(content)?)
                .map(Self::Abandon)
                .ok_or(Malformed::Number),
            tag::EXTENDED => extended(reader).map(Self::Extended),
            _ => Err(Malformed::Expected("a request")),
        }
    }
}

fn bind(mut reader: Reader<'_>) -> Result<Bind, Malformed> {
    let version = reader.integer("a version")?;
    let name = reader.name("a name")?;
    let authentication = match reader.element()? {
        (tag, password) if tag == ber::context(0) => {
            Authentication::Simple(Credentials(password.to_vec()))
        }
        (tag, content) if tag == ber::context_constructed(3) => {
            let mut sasl = Reader::new(content);
            let mechanism = sasl.text("a SASL mechanism")?;
            let credentials = sasl.optional(ber::OCTET_STRING)?;
            Authentication::Sasl {
                mechanism,
                credentials: credentials.map(|value| Credentials(value.to_vec())),
            }
        }
        _ => Authentication::Unknown,
    };
    Ok(Bind {
        version,
        name,
        authentication,
    })
}

fn search(mut reader: Reader<'_>) -> Result<Search, Malformed> {
    let base = reader.name("a base object")?;
    let scope = match reader.enumerated("a scope")? {
        0 => Scope::Base,
        1 => Scope::One,
        2 => Scope::Subtree,
        3 => Scope::Children,
        _ => return Err(Malformed::Expected("a known scope")),
    };
    if !(0..=3).contains(&reader.enumerated("derefAliases")?) {
        return Err(Malformed::Expected("a known way to dereference aliases"));
    }
    let size_limit = limit(reader.integer("a size limit")?)?;
    let time_limit = limit(reader.integer("a time limit")?)?;
    let types_only = reader.boolean("typesOnly")?;
    let filter = Filter::decode(&mut reader)?;
    let mut list = reader.enter(ber::SEQUENCE, "a list of attributes")?;
    let mut attributes = Vec::new();
    while !list.is_empty() {
        attributes.push(list.text("an attribute")?);
    }
    Ok(Search {
        base,
        scope,
        size_limit,
        time_limit,
        types_only,
        filter,
        attributes,
    })
}

fn limit(value: i64) -> Result<u32, Malformed> {
    i32::try_from(value)
        .ok()
        .and_then(|value| u32::try_from(value).ok())
        .ok_or(Malformed::Number)
}

fn modify(mut reader: Reader<'_>) -> Result<Modify, Malformed> {
    let dn = reader.name("an entry's name")?;
    let mut list = reader.enter(ber::SEQUENCE, "a list of changes")?;
    let mut changes = Vec::new();
    while !list.is_empty() {
        let mut change = list.enter(ber::SEQUENCE, "a change")?;
        let kind = match change.enumerated("the kind of a change")? {
            0 => ChangeKind::Add,
            1 => ChangeKind::Delete,
            2 => ChangeKind::Replace,
            3 => ChangeKind::Increment,
            _ => return Err(Malformed::Expected("a known kind of change")),
        };
        changes.push(Change {
            kind,
            attribute: attribute(&mut change)?,
        });
    }
    Ok(Modify { dn, changes })
}

fn add(mut reader: Reader<'_>) -> Result<Add, Malformed> {
    let dn = reader.name("an entry's name")?;
    let mut list = reader.enter(ber::SEQUENCE, "a list of attributes")?;
    let mut attributes = Vec::new();
    while !list.is_empty() {
        attributes.push(attribute(&mut list)?);
    }
    Ok(Add { dn, attributes })
}

fn attribute(reader: &mut Reader<'_>) -> Result<Attribute, Malformed> {
    let mut reader = reader.enter(ber::SEQUENCE, "an attribute")?;
    let name = reader.text("an attribute's name")?;
    let mut list = reader.enter(ber::SET, "a set of values")?;
    let mut values = Vec::new();
    while !list.is_empty() {
        values.push(list.octets("a value")?.to_vec());
    }
    Ok(Attribute { name, values })
}

fn modify_dn(mut reader: Reader<'_>) -> Result<ModifyDn, Malformed> {
    Ok(ModifyDn {
        dn: reader.name("an entry's name")?,
        new_rdn: reader.name("a new RDN")?,
        delete_old_rdn: reader.boolean("deleteoldrdn")?,
        new_superior: reader
            .optional(ber::context(0))?
            .map(ber::name)
            .transpose()?,
    })
}

fn compare(mut reader: Reader<'_>) -> Result<Compare, Malformed> {
    let dn = reader.name("an entry's name")?;
    let mut assertion = reader.enter(ber::SEQUENCE, "an assertion")?;
    Ok(Compare {
        dn,
        attribute: assertion.text("an attribute's name")?,
        value: assertion.octets("a value")?.to_vec(),
    })
}

fn extended(mut reader: Reader<'_>) -> Result<Extended, Malformed> {
    Ok(Extended {
        name: ber::text(reader.expect(ber::context(0), "a request name")?)?,
        value: reader.optional(ber::context(1))?.map(<[u8]>::to_vec),
    })
}

//! The controls that are understood, with their values.

use super::ber::{self, Malformed, Reader, Writer};
use super::filter::Filter;
use super::message::Control;

/// Object identifiers of controls.
pub mod oid {
    /// Simple paged results, RFC 2696.
    pub const PAGED_RESULTS: &str = "1.2.840.113556.1.4.319";
    /// Server-side sorting, RFC 2891: the request.
    pub const SORT: &str = "1.2.840.113556.1.4.473";
    /// Server-side sorting, RFC 2891: the answer.
    pub const SORT_RESULT: &str = "1.2.840.113556.1.4.474";
    /// ManageDsaIT, RFC 3296.
    pub const MANAGE_DSA_IT: &str = "2.16.840.1.113730.3.4.2";
    /// Assertion, RFC 4528.
    pub const ASSERTION: &str = "1.3.6.1.1.12";
    /// Pre-read, RFC 4527.
    pub const PRE_READ: &str = "1.3.6.1.1.13.1";
    /// Post-read, RFC 4527.
    pub const POST_READ: &str = "1.3.6.1.1.13.2";
    /// Tree delete, draft-armijo-ldap-treedelete.
    pub const TREE_DELETE: &str = "1.2.840.113556.1.4.805";
    /// Authorization identity of a bind, RFC 3829: the request.
    pub const AUTHORIZATION_IDENTITY: &str = "2.16.840.1.113730.3.4.16";
    /// Authorization identity of a bind, RFC 3829: the answer.
    pub const AUTHORIZATION_IDENTITY_RESULT: &str = "2.16.840.1.113730.3.4.15";
    /// Subentries, RFC 3672.
    pub const SUBENTRIES: &str = "1.3.6.1.4.1.4203.1.10.1";
    /// Don't use copy, RFC 6171.
    pub const DONT_USE_COPY: &str = "1.3.6.1.1.22";
}

/// One key of a sort (RFC 2891 §1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortKey {
    /// Which attribute.
    pub attribute: String,
    /// By which rule, if not by its own.
    pub rule: Option<String>,
    /// From the greatest down.
    pub reverse: bool,
}

/// The request of a page (RFC 2696 §2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// How many entries; 0 ends the sequence early.
    pub size: u32,
    /// Where to go on; empty at first.
    pub cookie: Vec<u8>,
}

/// A control that is understood, read.
#[derive(Debug, Clone, PartialEq)]
pub enum Known {
    /// RFC 2696.
    PagedResults(Page),
    /// RFC 2891.
    Sort(Vec<SortKey>),
    /// RFC 3296: there are no referrals here to be managed, so nothing differs.
    ManageDsaIt,
    /// RFC 4528.
    Assertion(Filter),
    /// RFC 4527: attributes of the entry before.
    PreRead(Vec<String>),
    /// RFC 4527: attributes of the entry after.
    PostRead(Vec<String>),
    /// Delete a whole tree.
    TreeDelete,
    /// RFC 3829.
    AuthorizationIdentity,
    /// RFC 3672: whether subentries alone are wanted.
    Subentries(bool),
    /// RFC 6171: there is but one copy.
    DontUseCopy,
}

/// Reads a control; `None` when it is not understood.
pub fn read(control: &Control) -> Result<Option<Known>, Malformed> {
    let value = control.value.as_deref();
    let known = match control.oid.as_str() {
        oid::PAGED_RESULTS => Known::PagedResults(page(value)?),
        oid::SORT => Known::Sort(sort(value)?),
        oid::MANAGE_DSA_IT => Known::ManageDsaIt,
        oid::ASSERTION => Known::Assertion(Filter::decode(&mut reader(value)?)?),
        oid::PRE_READ => Known::PreRead(attributes(value)?),
        oid::POST_READ => Known::PostRead(attributes(value)?),
        oid::TREE_DELETE => Known::TreeDelete,
        oid::AUTHORIZATION_IDENTITY => Known::AuthorizationIdentity,
        oid::SUBENTRIES => Known::Subentries(reader(value)?.boolean("visibility")?),
        oid::DONT_USE_COPY => Known::DontUseCopy,
        _ => return Ok(None),
    };
    Ok(Some(known))
}

fn reader(value: Option<&[u8]>) -> Result<Reader<'_>, Malformed> {
    value
        .map(Reader::new)
        .ok_or(Malformed::Expected("a value of the control"))
}

fn page(value: Option<&[u8]>) -> Result<Page, Malformed> {
    let mut inner = reader(value)?.enter(ber::SEQUENCE, "a page request")?;
    let size = inner.integer("a page size")?;
    Ok(Page {
        size: u32::try_from(size.clamp(-1, i64::from(i32::MAX))).map_err(|_| Malformed::Number)?,
        cookie: inner.octets("a cookie")?.to_vec(),
    })
}

fn sort(value: Option<&[u8]>) -> Result<Vec<SortKey>, Malformed> {
    let mut list = reader(value)?.enter(ber::SEQUENCE, "a list of sort keys")?;
    let mut keys = Vec::new();
    while !list.is_empty() {
        let mut key = list.enter(ber::SEQUENCE, "a sort key")?;
        keys.push(SortKey {
            attribute: key.text("an attribute's name")?,
            rule: key.optional(ber::context(0))?.map(ber::text).transpose()?,
            reverse: key
                .optional(ber::context(1))?
                .map(ber::boolean)
                .transpose()?
                .unwrap_or(false),
        });
    }
    Ok(keys)
}

fn attributes(value: Option<&[u8]>) -> Result<Vec<String>, Malformed> {
    let mut list = reader(value)?.enter(ber::SEQUENCE, "a list of attributes")?;
    let mut names = Vec::new();
    while !list.is_empty() {
        names.push(list.text("an attribute's name")?);
    }
    Ok(names)
}

/// The answer of a page: an estimate of the whole (0: unknown) and where to go on.
#[must_use]
pub fn page_answer(cookie: &[u8]) -> Control {
    let mut writer = Writer::default();
    writer.constructed(ber::SEQUENCE, |writer| {
        writer.integer(0);
        writer.octets(cookie);
    });
    Control::answer(oid::PAGED_RESULTS, writer.into_bytes())
}

/// The answer of a sort: its own result code (RFC 2891 §1.2).
#[must_use]
pub fn sort_answer(code: i64) -> Control {
    let mut writer = Writer::default();
    writer.constructed(ber::SEQUENCE, |writer| writer.enumerated(code));
    Control::answer(oid::SORT_RESULT, writer.into_bytes())
}

//! The arguments of FETCH.

use bytes::Bytes;
use smallvec::SmallVec;

use crate::types::{ModSeq, Sequence};

/// FETCH and UID FETCH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// Which messages.
    pub sequence: Sequence,
    /// What of them, macros resolved.
    pub items: Vec<FetchItem>,
    /// Only what has changed since (RFC 7162 §3.1.4.1).
    pub changed_since: Option<ModSeq>,
    /// And what has gone (RFC 7162 §3.2.6).
    pub vanished: bool,
}

/// What FETCH asks of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "each is the item of RFC 9051 §6.4.5 of that name, or cites its own"
)]
pub enum FetchItem {
    Envelope,
    Flags,
    InternalDate,
    Rfc822,
    Rfc822Header,
    Rfc822Size,
    Rfc822Text,
    Body,
    BodyStructure,
    Uid,
    /// BODY[…] and BODY.PEEK[…]
    Section {
        section: Section,
        partial: Option<Partial>,
        seen: Seen,
    },
    /// RFC 3516: BINARY[…] and BINARY.PEEK[…]
    Binary {
        path: Path,
        partial: Option<Partial>,
        seen: Seen,
    },
    /// RFC 3516
    BinarySize(Path),
    /// RFC 7162
    ModSeq,
    /// RFC 8474
    EmailId,
    /// RFC 8474
    ThreadId,
    /// RFC 8970
    Preview(Preview),
}

/// When a preview is wanted (RFC 8970 §3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preview {
    /// In any case.
    Always,
    /// If it is at hand.
    Lazy,
}

/// Whether fetching sets \Seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It does.
    Set,
    /// PEEK: it does not.
    Keep,
}

/// The numbers of a part: `1.2`. Empty for the message itself.
pub type Path = SmallVec<[u32; 4]>;

/// `<from.count>`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partial {
    /// The first octet.
    pub from: u64,
    /// How many octets at most.
    pub count: u32,
}

/// `section` of RFC 9051 §9
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// The part.
    pub path: Path,
    /// What of it.
    pub text: SectionText,
}

/// `section-text`
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SectionText {
    /// Nothing more: all of the part.
    Content,
    /// HEADER
    Header,
    /// HEADER.FIELDS and HEADER.FIELDS.NOT
    Fields(Fields),
    /// TEXT
    Text,
    /// MIME
    Mime,
}

/// Header fields by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields {
    /// Whether these are wanted or all others.
    pub matching: FieldsMatch,
    /// The names as the client wrote them.
    pub names: Vec<Bytes>,
}

/// Which fields a list of names selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldsMatch {
    /// Those named.
    Named,
    /// All others.
    Others,
}

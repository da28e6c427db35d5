//! The arguments of SEARCH.

use bytes::Bytes;
use jiff::civil::Date;

use crate::types::{Keyword, ModSeq, Sequence, SystemFlag};

/// SEARCH and UID SEARCH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// RFC 4731's result options; none when no RETURN was given.
    pub returns: Option<SearchReturn>,
    /// What is sought: all of these at once.
    pub keys: Vec<Key>,
}

/// RFC 4731, RFC 5182. When none is given after RETURN, ALL is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "options of the RFC, each independent"
)]
pub struct SearchReturn {
    /// MIN
    pub min: bool,
    /// MAX
    pub max: bool,
    /// ALL
    pub all: bool,
    /// COUNT
    pub count: bool,
    /// SAVE
    pub save: bool,
}

/// A search key. Texts have been decoded from the command's charset.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "each is the key of RFC 9051 §6.4.4 of that name, or cites its own"
)]
pub enum Key {
    All,
    Sequence(Sequence),
    Uid(Sequence),
    Flag(SystemFlag),
    Keyword(Keyword),
    /// RFC 3501
    Recent,
    /// RFC 3501
    New,
    Before(Date),
    On(Date),
    Since(Date),
    SentBefore(Date),
    SentOn(Date),
    SentSince(Date),
    Larger(u64),
    Smaller(u64),
    /// RFC 5032: older than so many seconds
    Older(u32),
    /// RFC 5032
    Younger(u32),
    /// Also SUBJECT, FROM, TO, CC and BCC.
    Header(Bytes, String),
    Body(String),
    Text(String),
    /// RFC 7162
    ModSeq(ModSeqCriterion),
    /// RFC 8474
    EmailId(Bytes),
    /// RFC 8474
    ThreadId(Bytes),
    /// `(…)`
    And(Vec<Key>),
    Or(Box<(Key, Key)>),
    /// Also UNSEEN, UNKEYWORD, OLD …
    Not(Box<Key>),
}

impl Key {
    /// Whether MODSEQ is among the keys, so that the result tells it, too (RFC 7162 §3.1.5).
    #[must_use]
    pub fn names_modseq(&self) -> bool {
        match self {
            Self::ModSeq(_) => true,
            Self::And(keys) => keys.iter().any(Self::names_modseq),
            Self::Or(both) => both.0.names_modseq() || both.1.names_modseq(),
            Self::Not(key) => key.names_modseq(),
            _ => false,
        }
    }
}

/// SEARCH MODSEQ (RFC 7162 §3.1.5). The entry name and type are accepted; every flag of a message
/// shares its one modification sequence here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModSeqCriterion {
    /// The entry and the type requested, if given.
    pub entry: Option<(Bytes, Filter)>,
    /// At least this.
    pub value: ModSeq,
}

/// `entry-type-req` of RFC 7162
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// `priv`
    Private,
    /// `shared`
    Shared,
    /// `all`
    All,
}

impl Filter {
    /// The filter on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Private => "priv",
            Self::Shared => "shared",
            Self::All => "all",
        }
    }
}

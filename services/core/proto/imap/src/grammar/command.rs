//! Commands as types.

mod fetch;
mod list;
mod search;

use std::fmt;

use bytes::Bytes;
use compact_str::CompactString;
use jiff::Timestamp;

pub use fetch::{
    Fetch, FetchItem, Fields, FieldsMatch, Partial, Path, Preview, Section, SectionText, Seen,
};
pub use list::{List, ListForm, ListReturn, ListSelection, StatusItem};
pub use search::{Filter, Key, ModSeqCriterion, Search, SearchReturn};

use crate::backend::FlagAction;
use crate::types::{
    Keyword, MailboxName, ModSeq, Sequence, SequenceSet, SpecialUse, SystemFlags, UidValidity,
};

/// What a client names a command by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag(pub(crate) CompactString);

impl Tag {
    /// The tag.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A command with its tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Its tag.
    pub tag: Tag,
    /// The rest.
    pub body: CommandBody,
}

/// A command without its tag.
#[derive(Clone, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "each is the command of RFC 9051 of that name, or cites its own"
)]
pub enum CommandBody {
    Capability,
    Noop,
    Logout,
    /// RFC 2971
    Id(Vec<IdField>),
    StartTls,
    /// `initial` is RFC 4959's, as it stood: base64, or `=`.
    Authenticate {
        mechanism: CompactString,
        initial: Option<Bytes>,
    },
    Login {
        name: Bytes,
        password: Bytes,
    },
    /// RFC 5161
    Enable(Vec<Extension>),
    Select(Select),
    /// With RFC 6154's USE.
    Create {
        mailbox: MailboxName,
        special_use: Vec<SpecialUse>,
    },
    Delete(MailboxName),
    Rename {
        from: MailboxName,
        to: MailboxName,
    },
    Subscribe(MailboxName),
    Unsubscribe(MailboxName),
    List(List),
    Lsub {
        reference: String,
        pattern: String,
    },
    Namespace,
    Status {
        mailbox: MailboxName,
        items: Vec<StatusItem>,
    },
    Append {
        mailbox: MailboxName,
        messages: Vec<AppendMessage>,
    },
    /// RFC 2177
    Idle,
    Check,
    Close,
    /// RFC 3691
    Unselect,
    /// UID EXPUNGE of RFC 4315, where a set is given.
    Expunge(Option<Sequence>),
    Search(By, Search),
    Fetch(By, Fetch),
    Store(By, Store),
    Copy(By, Sequence, MailboxName),
    /// RFC 6851
    Move(By, Sequence, MailboxName),
}

impl CommandBody {
    /// The command's name, with UID where that is its first word.
    #[must_use]
    pub fn name(&self) -> &'static str {
        let by = |by: &By, sequence, uid| match by {
            By::Sequence => sequence,
            By::Uid => uid,
        };
        match self {
            Self::Capability => "CAPABILITY",
            Self::Noop => "NOOP",
            Self::Logout => "LOGOUT",
            Self::Id(_) => "ID",
            Self::StartTls => "STARTTLS",
            Self::Authenticate { .. } => "AUTHENTICATE",
            Self::Login { .. } => "LOGIN",
            Self::Enable(_) => "ENABLE",
            Self::Select(select) => match select.access {
                Access::ReadWrite => "SELECT",
                Access::ReadOnly => "EXAMINE",
            },
            Self::Create { .. } => "CREATE",
            Self::Delete(_) => "DELETE",
            Self::Rename { .. } => "RENAME",
            Self::Subscribe(_) => "SUBSCRIBE",
            Self::Unsubscribe(_) => "UNSUBSCRIBE",
            Self::List(_) => "LIST",
            Self::Lsub { .. } => "LSUB",
            Self::Namespace => "NAMESPACE",
            Self::Status { .. } => "STATUS",
            Self::Append { .. } => "APPEND",
            Self::Idle => "IDLE",
            Self::Check => "CHECK",
            Self::Close => "CLOSE",
            Self::Unselect => "UNSELECT",
            Self::Expunge(None) => "EXPUNGE",
            Self::Expunge(Some(_)) => "UID EXPUNGE",
            Self::Search(which, _) => by(which, "SEARCH", "UID SEARCH"),
            Self::Fetch(which, _) => by(which, "FETCH", "UID FETCH"),
            Self::Store(which, _) => by(which, "STORE", "UID STORE"),
            Self::Copy(which, ..) => by(which, "COPY", "UID COPY"),
            Self::Move(which, ..) => by(which, "MOVE", "UID MOVE"),
        }
    }
}

impl fmt::Debug for CommandBody {
    /// Prints the name only: arguments may be passwords and mail.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether messages are named by sequence numbers or by UIDs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// By sequence numbers.
    Sequence,
    /// By UIDs.
    Uid,
}

/// A field of ID: its name and, if it has one, its value.
pub type IdField = (Bytes, Option<Bytes>);

/// What ENABLE may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extension {
    /// RFC 9051
    Imap4Rev2,
    /// RFC 6855
    Utf8Accept,
    /// RFC 7162
    CondStore,
    /// RFC 7162
    QResync,
    /// One that is not known here; ignored.
    Other,
}

/// SELECT or EXAMINE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Select {
    /// Which of the two.
    pub access: Access,
    /// The mailbox.
    pub mailbox: MailboxName,
    /// Whether `(CONDSTORE)` was given (RFC 7162 §3.1.8).
    pub condstore: bool,
    /// `(QRESYNC (…))` (RFC 7162 §3.2.5).
    pub qresync: Option<QresyncParameter>,
}

/// What a client remembers of a mailbox (RFC 7162 §3.2.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QresyncParameter {
    /// The UIDVALIDITY.
    pub uid_validity: UidValidity,
    /// The highest MODSEQ that it has seen.
    pub modseq: ModSeq,
    /// The UIDs that it knows.
    pub known_uids: Option<SequenceSet>,
    /// Some sequence numbers and the UIDs that they had.
    pub matches: Option<(SequenceSet, SequenceSet)>,
}

/// Whether a mailbox is selected to be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// SELECT
    ReadWrite,
    /// EXAMINE
    ReadOnly,
}

/// A message of APPEND.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppendMessage {
    /// Its system flags.
    pub system: SystemFlags,
    /// Its keywords.
    pub keywords: Vec<Keyword>,
    /// Its date.
    pub internal_date: Option<Timestamp>,
    /// Its octets.
    pub body: Bytes,
}

/// STORE and UID STORE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// Which messages.
    pub sequence: Sequence,
    /// Only those not changed since (RFC 7162 §3.1.3).
    pub unchanged_since: Option<ModSeq>,
    /// What happens with the flags.
    pub action: FlagAction,
    /// Whether the client wants to hear the result.
    pub reply: Reply,
    /// The system flags.
    pub system: SystemFlags,
    /// The keywords.
    pub keywords: Vec<Keyword>,
}

/// Whether a STORE answers with the flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It does.
    Flags,
    /// `.SILENT`
    Silent,
}

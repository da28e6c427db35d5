//! Commands as types.

use std::fmt;

use bytes::Bytes;
use compact_str::CompactString;
use jiff::Timestamp;
use jiff::civil::Date;
use smallvec::SmallVec;

use crate::backend::FlagAction;
use crate::types::{
    Keyword, MailboxName, ModSeq, Sequence, SequenceSet, SpecialUse, SystemFlag, SystemFlags,
    UidValidity,
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

/// LIST, in its basic or its extended form (RFC 5258).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    /// Selection options; none in the basic form.
    pub selection: ListSelection,
    /// The reference.
    pub reference: String,
    /// The patterns; one in the basic form.
    pub patterns: Vec<String>,
    /// Return options; none when no RETURN was given.
    pub returns: Option<ListReturn>,
    /// Which of the two forms it is.
    pub form: ListForm,
}

/// The two forms of LIST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListForm {
    /// RFC 3501's: `LIST "" ""` asks for the delimiter.
    Basic,
    /// RFC 5258's.
    Extended,
}

/// RFC 5258 §3.1
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "options of the RFC, each independent"
)]
pub struct ListSelection {
    /// SUBSCRIBED
    pub subscribed: bool,
    /// REMOTE: nothing is remote here.
    pub remote: bool,
    /// RECURSIVEMATCH
    pub recursive_match: bool,
    /// SPECIAL-USE (RFC 6154)
    pub special_use: bool,
}

/// RFC 5258 §3.2, RFC 5819, RFC 6154
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListReturn {
    /// SUBSCRIBED
    pub subscribed: bool,
    /// CHILDREN
    pub children: bool,
    /// SPECIAL-USE
    pub special_use: bool,
    /// STATUS
    pub status: Vec<StatusItem>,
}

/// What STATUS asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "each is the item of RFC 9051 §6.3.11 of that name, or cites its own"
)]
pub enum StatusItem {
    Messages,
    /// RFC 3501
    Recent,
    UidNext,
    UidValidity,
    Unseen,
    Deleted,
    Size,
    /// RFC 7162
    HighestModSeq,
    /// RFC 8474
    MailboxId,
    /// RFC 7889
    AppendLimit,
}

impl StatusItem {
    /// Every item.
    pub const EACH: [Self; 10] = [
        Self::Messages,
        Self::Recent,
        Self::UidNext,
        Self::UidValidity,
        Self::Unseen,
        Self::Deleted,
        Self::Size,
        Self::HighestModSeq,
        Self::MailboxId,
        Self::AppendLimit,
    ];

    /// The item on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Messages => "MESSAGES",
            Self::Recent => "RECENT",
            Self::UidNext => "UIDNEXT",
            Self::UidValidity => "UIDVALIDITY",
            Self::Unseen => "UNSEEN",
            Self::Deleted => "DELETED",
            Self::Size => "SIZE",
            Self::HighestModSeq => "HIGHESTMODSEQ",
            Self::MailboxId => "MAILBOXID",
            Self::AppendLimit => "APPENDLIMIT",
        }
    }
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

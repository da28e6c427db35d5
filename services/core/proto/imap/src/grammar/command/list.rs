//! The arguments of LIST, LSUB and STATUS.

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

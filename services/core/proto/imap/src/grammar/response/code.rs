//! Response codes (RFC 9051 §7.1, RFC 5530 and the extensions').

use compact_str::CompactString;

use super::{FlagName, flag_list};
use crate::grammar::print::{Wire, spaced};
use crate::types::{MailboxId, ModSeq, Runs, Uid, UidSet, UidValidity};

/// A response code.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "each is the code of RFC 9051 §7.1 of that name, or cites its own"
)]
pub enum Code {
    /// One without arguments.
    Word(Word),
    Capability(Vec<CompactString>),
    PermanentFlags(Vec<FlagName>),
    UidNext(Uid),
    UidValidity(UidValidity),
    /// RFC 3501
    Unseen(u32),
    AppendUid(UidValidity, Vec<Uid>),
    /// UIDs before, and in the target.
    CopyUid(UidValidity, Vec<Uid>, Vec<Uid>),
    /// RFC 7162
    HighestModSeq(ModSeq),
    /// RFC 7162: what STORE left alone, by numbers or UIDs.
    Modified(Vec<u32>),
    /// RFC 8474
    MailboxId(MailboxId),
}

/// A code without arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "each is the code of RFC 9051 §7.1 of that name, or cites its own"
)]
pub enum Word {
    Alert,
    AlreadyExists,
    AuthenticationFailed,
    AuthorizationFailed,
    BadCharset,
    Cannot,
    ClientBug,
    Closed,
    Corruption,
    ExpungeIssued,
    HasChildren,
    InUse,
    Limit,
    /// RFC 7162
    NoModSeq,
    NonExistent,
    NoPerm,
    OverQuota,
    Parse,
    PrivacyRequired,
    ReadOnly,
    ReadWrite,
    ServerBug,
    /// RFC 4469, RFC 7889
    TooBig,
    TryCreate,
    Unavailable,
    UnknownCte,
    /// RFC 6154
    UseAttr,
}

impl Word {
    /// Every word with its name.
    pub const EACH: [(Self, &'static str); 27] = [
        (Self::Alert, "ALERT"),
        (Self::AlreadyExists, "ALREADYEXISTS"),
        (Self::AuthenticationFailed, "AUTHENTICATIONFAILED"),
        (Self::AuthorizationFailed, "AUTHORIZATIONFAILED"),
        (Self::BadCharset, "BADCHARSET"),
        (Self::Cannot, "CANNOT"),
        (Self::ClientBug, "CLIENTBUG"),
        (Self::Closed, "CLOSED"),
        (Self::Corruption, "CORRUPTION"),
        (Self::ExpungeIssued, "EXPUNGEISSUED"),
        (Self::HasChildren, "HASCHILDREN"),
        (Self::InUse, "INUSE"),
        (Self::Limit, "LIMIT"),
        (Self::NoModSeq, "NOMODSEQ"),
        (Self::NonExistent, "NONEXISTENT"),
        (Self::NoPerm, "NOPERM"),
        (Self::OverQuota, "OVERQUOTA"),
        (Self::Parse, "PARSE"),
        (Self::PrivacyRequired, "PRIVACYREQUIRED"),
        (Self::ReadOnly, "READ-ONLY"),
        (Self::ReadWrite, "READ-WRITE"),
        (Self::ServerBug, "SERVERBUG"),
        (Self::TooBig, "TOOBIG"),
        (Self::TryCreate, "TRYCREATE"),
        (Self::Unavailable, "UNAVAILABLE"),
        (Self::UnknownCte, "UNKNOWN-CTE"),
        (Self::UseAttr, "USEATTR"),
    ];

    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::EACH
            .iter()
            .find(|(word, _)| *word == self)
            .map_or("", |(_, name)| name)
    }
}

impl From<Word> for Code {
    fn from(word: Word) -> Self {
        Self::Word(word)
    }
}

impl Code {
    pub(super) fn print(&self, wire: &mut impl Wire) {
        wire.put(b"[");
        match self {
            Self::Word(word) => wire.put(word.as_str().as_bytes()),
            Self::Capability(words) => {
                wire.put(b"CAPABILITY ");
                spaced(wire, words, |wire, word| wire.put(word.as_bytes()));
            }
            Self::PermanentFlags(flags) => {
                wire.put(b"PERMANENTFLAGS ");
                flag_list(wire, flags);
            }
            Self::UidNext(uid) => wire.show(format_args!("UIDNEXT {uid}")),
            Self::UidValidity(validity) => wire.show(format_args!("UIDVALIDITY {validity}")),
            Self::Unseen(number) => wire.show(format_args!("UNSEEN {number}")),
            Self::AppendUid(validity, uids) => {
                wire.show(format_args!("APPENDUID {validity} {}", UidSet(uids)));
            }
            Self::CopyUid(validity, from, to) => {
                wire.show(format_args!(
                    "COPYUID {validity} {} {}",
                    UidSet(from),
                    UidSet(to)
                ));
            }
            Self::HighestModSeq(modseq) => wire.show(format_args!("HIGHESTMODSEQ {modseq}")),
            Self::Modified(numbers) => wire.show(format_args!("MODIFIED {}", Runs(numbers))),
            Self::MailboxId(id) => wire.show(format_args!("MAILBOXID ({id})")),
        }
        wire.put(b"]");
    }
}

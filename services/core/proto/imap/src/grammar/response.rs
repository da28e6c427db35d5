//! Responses as types, and their printing. Bodies of messages are not among them: a session streams
//! those itself, behind [`FetchAttribute`]s.

mod code;
mod fetch;
mod parse;
mod structure;

use std::borrow::Cow;
use std::ops::RangeInclusive;

use bytes::Bytes;
use compact_str::CompactString;

pub use code::{Code, Word};
pub use fetch::{FetchAttribute, FetchData};
pub use parse::response;
pub use structure::{Form, body, envelope};

use super::command::{By, StatusItem, Tag};
use super::cursor::Names;
use super::print::{Wire, mailbox, nstring, quoted, spaced, string};
use crate::types::{DELIMITER, Keyword, MailboxId, MailboxName, ModSeq, Ranges, SystemFlag};

/// What a server sends.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "each is the response of RFC 9051 §7 of that name, or cites its own"
)]
pub enum Response {
    /// OK, NO, BAD, PREAUTH, BYE; with a tag it ends a command.
    Status {
        tag: Option<Tag>,
        condition: Condition,
        code: Option<Code>,
        text: Cow<'static, str>,
    },
    /// `+`
    Continue(CompactString),
    Capability(Vec<CompactString>),
    /// RFC 5161
    Enabled(Vec<CompactString>),
    /// RFC 2971
    Id(Vec<(Bytes, Option<Bytes>)>),
    Namespace,
    List(ListReply),
    Lsub(ListReply),
    /// STATUS
    Figures(StatusData),
    Flags(Vec<FlagName>),
    /// RFC 3501; with RFC 7162's MODSEQ.
    Search {
        numbers: Vec<u32>,
        modseq: Option<ModSeq>,
    },
    ESearch(ESearch),
    Exists(u32),
    /// RFC 3501
    Recent(u32),
    Expunge(u32),
    /// RFC 7162
    Vanished {
        earlier: bool,
        uids: Vec<RangeInclusive<u32>>,
    },
    Fetch(FetchData),
}

/// How a status response judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words of RFC 9051 §7.1")]
pub enum Condition {
    Ok,
    No,
    Bad,
    PreAuth,
    Bye,
}

impl Condition {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::No => "NO",
            Self::Bad => "BAD",
            Self::PreAuth => "PREAUTH",
            Self::Bye => "BYE",
        }
    }
}

/// A flag in a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlagName {
    /// One of the five.
    System(SystemFlag),
    /// `\Recent` (RFC 3501)
    Recent,
    /// `\*`: keywords can be made.
    Any,
    /// A keyword.
    Keyword(Keyword),
}

impl FlagName {
    /// The flag on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::System(flag) => flag.as_str(),
            Self::Recent => "\\Recent",
            Self::Any => "\\*",
            Self::Keyword(keyword) => keyword.as_str(),
        }
    }
}

/// A mailbox in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListReply {
    /// Its attributes, with their backslashes.
    pub attributes: Vec<CompactString>,
    /// Its name; none for the root, whose name is empty.
    pub mailbox: Option<MailboxName>,
    /// Whether it is listed for the sake of subscribed children: CHILDINFO (RFC 5258 §3.5).
    pub child_info: Vec<CompactString>,
}

/// Figures of a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusData {
    /// The mailbox.
    pub mailbox: MailboxName,
    /// The figures.
    pub items: Vec<(StatusItem, StatusValue)>,
}

/// A figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusValue {
    /// A number.
    Number(u64),
    /// RFC 8474
    Id(MailboxId),
}

/// RFC 4731
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ESearch {
    /// Which command it belongs to.
    pub tag: Tag,
    /// What the numbers are.
    pub by: By,
    /// The smallest.
    pub min: Option<u32>,
    /// The largest.
    pub max: Option<u32>,
    /// How many.
    pub count: Option<u32>,
    /// All of them, ascending; not printed when there is none.
    pub all: Option<Vec<RangeInclusive<u32>>>,
    /// The highest MODSEQ of those reported.
    pub modseq: Option<ModSeq>,
}

impl Response {
    /// An untagged status without a code.
    #[must_use]
    pub fn untagged(condition: Condition, code: Option<Code>, text: &'static str) -> Self {
        Self::Status {
            tag: None,
            condition,
            code,
            text: Cow::Borrowed(text),
        }
    }

    /// Prints the response, CRLF and all.
    pub fn print(&self, wire: &mut impl Wire, names: Names) {
        match self {
            Self::Status {
                tag,
                condition,
                code,
                text,
            } => {
                match tag {
                    Some(tag) => wire.show(tag),
                    None => wire.put(b"*"),
                }
                wire.show(format_args!(" {} ", condition.as_str()));
                if let Some(code) = code {
                    code.print(wire);
                    wire.put(b" ");
                }
                wire.put(text.as_bytes());
            }
            Self::Continue(text) => wire.show(format_args!("+ {text}")),
            Self::Capability(words) => {
                wire.put(b"* CAPABILITY ");
                spaced(wire, words, |wire, word| wire.put(word.as_bytes()));
            }
            Self::Enabled(words) => {
                wire.put(b"* ENABLED");
                words
                    .iter()
                    .for_each(|word| wire.show(format_args!(" {word}")));
            }
            Self::Id(fields) => id(wire, fields),
            // RFC 9051 §6.3.10: one personal namespace; no other users', no shared one yet.
            Self::Namespace => {
                wire.show(format_args!("* NAMESPACE ((\"\" \"{DELIMITER}\")) NIL NIL"));
            }
            Self::List(reply) => reply.print(wire, "LIST", names),
            Self::Lsub(reply) => reply.print(wire, "LSUB", names),
            Self::Figures(data) => data.print(wire, names),
            Self::Flags(flags) => {
                wire.put(b"* FLAGS ");
                flag_list(wire, flags);
            }
            Self::Search { numbers, modseq } => {
                wire.put(b"* SEARCH");
                numbers
                    .iter()
                    .for_each(|number| wire.show(format_args!(" {number}")));
                if let Some(modseq) = modseq {
                    wire.show(format_args!(" (MODSEQ {modseq})"));
                }
            }
            Self::ESearch(result) => result.print(wire),
            Self::Exists(count) => wire.show(format_args!("* {count} EXISTS")),
            Self::Recent(count) => wire.show(format_args!("* {count} RECENT")),
            Self::Expunge(number) => wire.show(format_args!("* {number} EXPUNGE")),
            Self::Vanished { earlier, uids } => {
                let earlier = if *earlier { " (EARLIER)" } else { "" };
                wire.show(format_args!("* VANISHED{earlier} {}", Ranges(uids)));
            }
            Self::Fetch(data) => data.print(wire),
        }
        wire.put(b"\r\n");
    }
}

fn id(wire: &mut impl Wire, fields: &[(Bytes, Option<Bytes>)]) {
    wire.put(b"* ID ");
    if fields.is_empty() {
        return wire.put(b"NIL");
    }
    wire.put(b"(");
    spaced(wire, fields, |wire, (name, value)| {
        string(wire, name);
        wire.put(b" ");
        nstring(wire, value.as_deref());
    });
    wire.put(b")");
}

pub(crate) fn flag_list(wire: &mut impl Wire, flags: &[FlagName]) {
    wire.put(b"(");
    spaced(wire, flags, |wire, flag| wire.put(flag.as_str().as_bytes()));
    wire.put(b")");
}

impl ListReply {
    fn print(&self, wire: &mut impl Wire, word: &str, names: Names) {
        wire.show(format_args!("* {word} ("));
        spaced(wire, &self.attributes, |wire, attribute| {
            wire.put(attribute.as_bytes())
        });
        wire.show(format_args!(") \"{DELIMITER}\" "));
        match &self.mailbox {
            Some(name) => mailbox(wire, name, names),
            None => wire.put(b"\"\""),
        }
        if !self.child_info.is_empty() {
            wire.put(b" (\"CHILDINFO\" (");
            spaced(wire, &self.child_info, |wire, word| {
                quoted(wire, word.as_bytes())
            });
            wire.put(b"))");
        }
    }
}

impl StatusData {
    fn print(&self, wire: &mut impl Wire, names: Names) {
        wire.put(b"* STATUS ");
        mailbox(wire, &self.mailbox, names);
        wire.put(b" (");
        spaced(wire, &self.items, |wire, (item, value)| match value {
            StatusValue::Number(number) => wire.show(format_args!("{} {number}", item.as_str())),
            StatusValue::Id(id) => wire.show(format_args!("{} ({id})", item.as_str())),
        });
        wire.put(b")");
    }
}

impl ESearch {
    fn print(&self, wire: &mut impl Wire) {
        wire.show(format_args!("* ESEARCH (TAG \"{}\")", self.tag));
        if self.by == By::Uid {
            wire.put(b" UID");
        }
        if let Some(min) = self.min {
            wire.show(format_args!(" MIN {min}"));
        }
        if let Some(max) = self.max {
            wire.show(format_args!(" MAX {max}"));
        }
        if let Some(count) = self.count {
            wire.show(format_args!(" COUNT {count}"));
        }
        if let Some(all) = self.all.as_ref().filter(|all| !all.is_empty()) {
            wire.show(format_args!(" ALL {}", Ranges(all)));
        }
        if let Some(modseq) = self.modseq {
            wire.show(format_args!(" MODSEQ {modseq}"));
        }
    }
}

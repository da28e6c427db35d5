//! The data of FETCH that fit in a line.

use jiff::Timestamp;

use super::{FlagName, flag_list};
use crate::grammar::date::print_date_time;
use crate::grammar::print::{Wire, spaced};
use crate::types::{EmailId, ModSeq, Uid};

/// Data of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchData {
    /// Its sequence number.
    pub number: u32,
    /// The data.
    pub attributes: Vec<FetchAttribute>,
}

/// A datum of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "each is the item of RFC 9051 §7.5.2 of that name, or cites its own"
)]
pub enum FetchAttribute {
    Uid(Uid),
    Flags(Vec<FlagName>),
    /// RFC 7162
    ModSeq(ModSeq),
    InternalDate(Timestamp),
    Rfc822Size(u64),
    /// RFC 8474
    EmailId(EmailId),
    /// RFC 8474: not known.
    NoThreadId,
}

impl FetchData {
    pub(super) fn print(&self, wire: &mut impl Wire) {
        wire.show(format_args!("* {} FETCH (", self.number));
        spaced(wire, &self.attributes, |wire, attribute| {
            attribute.print(wire)
        });
        wire.put(b")");
    }
}

impl FetchAttribute {
    /// Prints the item's name and value.
    pub(crate) fn print(&self, wire: &mut impl Wire) {
        match self {
            Self::Uid(uid) => wire.show(format_args!("UID {uid}")),
            Self::Flags(flags) => {
                wire.put(b"FLAGS ");
                flag_list(wire, flags);
            }
            Self::ModSeq(modseq) => wire.show(format_args!("MODSEQ ({modseq})")),
            Self::InternalDate(moment) => {
                wire.put(b"INTERNALDATE ");
                print_date_time(wire, *moment);
            }
            Self::Rfc822Size(size) => wire.show(format_args!("RFC822.SIZE {size}")),
            Self::EmailId(id) => wire.show(format_args!("EMAILID ({id})")),
            Self::NoThreadId => wire.put(b"THREADID NIL"),
        }
    }
}

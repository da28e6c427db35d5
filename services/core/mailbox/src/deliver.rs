//! One message for many mailboxes.

use compact_str::CompactString;
use jiff::Timestamp;

use crate::flags::Flags;
use crate::id::{AccountId, FolderId, UidValidity};
use crate::item::Placed;

/// One of those who get a message.
#[derive(Debug, Clone)]
pub struct Recipient {
    /// Whose mailbox.
    pub account: AccountId,
    /// Which folder of it.
    pub folder: FolderId,
    /// The flags that the message gets there.
    pub flags: Flags,
    /// The keywords that it gets there.
    pub keywords: Vec<CompactString>,
    /// When it came.
    pub internal_date: Timestamp,
    /// The most that the mailbox may hold.
    pub quota: Option<u64>,
}

/// Where a delivered message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivered {
    /// The generation of the UIDs.
    pub uid_validity: UidValidity,
    /// Its numbers.
    pub placed: Placed,
}

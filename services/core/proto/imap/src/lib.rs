//! IMAP4rev1 (RFC 3501) and IMAP4rev2 (RFC 9051) without I/O.

mod backend;
pub mod limits;
mod out;
pub mod types;

pub use backend::{
    Appended, Backend, Claim, Copied, Counts, Difference, Entry, Failure, FlagAction, FlagChange,
    Kind, Mailbox, Mailboxes, MessageId, NewMessage, Snapshot, Subscription,
};
pub use out::Out;

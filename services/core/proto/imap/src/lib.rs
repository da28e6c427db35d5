//! IMAP4rev1 (RFC 3501) and IMAP4rev2 (RFC 9051) without I/O.

mod backend;
mod connection;
pub mod frame;
pub mod grammar;
pub mod limits;
mod out;
pub mod session;
pub mod types;

pub use backend::{
    Appended, Backend, Claim, Copied, Counts, Difference, Entry, Failure, FlagAction, FlagChange,
    Kind, Mailbox, Mailboxes, MessageId, NewMessage, Snapshot, Subscription,
};
pub use connection::Connection;
pub use out::Out;
pub use session::{Next, Security, Session, Settings, StartTls};

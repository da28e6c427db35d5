//! IMAP4rev1 and IMAP4rev2 without I/O.
//!
//! Four layers: [`frame`] cuts octets into complete commands; [`grammar`] turns commands and responses
//! into types and back; [`session`] is the state machine over a [`Backend`]; the server around them,
//! which owns sockets and timers, drives a [`Connection`] (its documentation shows the loop).
//!
//! | RFC | what | modules | transcripts |
//! |---|---|---|---|
//! | 9051 | IMAP4rev2 | `session`, `grammar` | greeting, login, select, list, mailboxes, append, fetch, store, search, view |
//! | 3501 | IMAP4rev1 | `session`, `grammar::utf7` | select, list, expunge, copy, mistakes |
//! | 2177 | IDLE | `session::idle` | idle |
//! | 2180 | a mailbox that several sessions use | `session::view` | view |
//! | 2342 | NAMESPACE | `grammar::response` | list |
//! | 2971 | ID | `session::capability` | greeting |
//! | 3348 | CHILDREN | `session::list` | list |
//! | 3502 | MULTIAPPEND | `grammar::parse::append` | append |
//! | 3516 | BINARY | `session::fetch::part` | fetch, append |
//! | 3691 | UNSELECT | `session::select` | select |
//! | 4315 | UIDPLUS | `session::copy`, `session::append` | append, copy, expunge |
//! | 4731 | ESEARCH | `session::search` | search |
//! | 4959 | SASL-IR | `session::auth` | login |
//! | 5032 | WITHIN | `session::search::matching` | search |
//! | 5161 | ENABLE | `session::mailbox` | list, select |
//! | 5182 | SEARCHRES | `session::search` | search |
//! | 5258 | LIST-EXTENDED | `session::list` | list |
//! | 5530 | response codes | `session::refuse`, `grammar::response::code` | login, mailboxes |
//! | 5819 | LIST-STATUS | `session::list` | list |
//! | 6154 | SPECIAL-USE, CREATE-SPECIAL-USE | `session::list`, `session::mailbox` | list, mailboxes |
//! | 6851 | MOVE | `session::copy` | copy |
//! | 6855 | UTF8=ACCEPT | `grammar::cursor` | list, append |
//! | 7162 | CONDSTORE, QRESYNC | `session::store`, `session::select`, `session::tell` | condstore, qresync |
//! | 7677 | AUTHENTICATE SCRAM-SHA-256 | `session::auth` | login |
//! | 7888 | LITERAL+ | `frame` | login, append, mistakes |
//! | 7889 | APPENDLIMIT | `session::append` | append, status |
//! | 8438 | STATUS=SIZE | `session::status` | status |
//! | 8474 | OBJECTID | `types` | select, status, fetch |
//! | 8970 | PREVIEW | `session::fetch::part` | fetch |
//!
//! Invariants: nothing here knows a socket, a file, a clock or a task. What a client sends is bounded
//! by [`limits`] before it is held, and answered where it is refused. What a client has been told of a
//! mailbox is one [`session`] view, the only thing that sequence numbers mean, and it changes only
//! together with what is said. What a client is sent is made as it takes it: an [`Out`] above its mark
//! stops the session.

mod backend;
mod connection;
pub mod frame;
pub mod grammar;
pub mod limits;
mod nowhere;
mod out;
pub mod session;
pub mod types;

pub use backend::{
    Appended, Backend, Claim, Copied, Counts, Difference, Entry, Failure, FlagAction, FlagChange,
    Kind, Mailbox, Mailboxes, MessageId, NewMessage, Snapshot, Subscription, Whereabouts,
};
pub use connection::Connection;
pub use nowhere::Nowhere;
pub use out::Out;
pub use session::{Next, Security, Session, Settings, StartTls};

//! POP3 (RFC 1939) without I/O: grammar and the server's session.
//!
//! | RFC | what | modules | transcripts |
//! |---|---|---|---|
//! | 1939 §3 | multi-line responses, byte-stuffed | `multiline`, `session::sending` | transaction |
//! | 1939 §4 | AUTHORIZATION: USER, PASS, QUIT | `session::authorization` | authorization |
//! | 1939 §5 | TRANSACTION: STAT, LIST, RETR, DELE, NOOP, RSET, TOP, UIDL | `session::transaction` | transaction |
//! | 1939 §6 | UPDATE: deletions at QUIT, and only there | `session::transaction` | transaction |
//! | 2449 | CAPA, RESP-CODES, PIPELINING, EXPIRE, IMPLEMENTATION | `session::authorization` | authorization, transaction |
//! | 2595 | STLS | `session::authorization` | authorization |
//! | 3206 | AUTH-RESP-CODE, SYS/TEMP, SYS/PERM | `reply` | authorization, transaction |
//! | 5034 | AUTH | `session::authorization` | authorization |
//! | 6856 | UTF8 | `session` | authorization |
//!
//! Not offered: APOP, which needs clear passwords on the server, and LAST, which RFC 1725 removed.
//!
//! Invariants: a message disappears only when QUIT asked for it and the backend said that it is
//! durably done. The maildrop is not locked: sessions see the messages that were there when they
//! began, and several may look at once, as other large servers have it (departs: RFC 1939 §4 wants a
//! lock, which leaves people with two devices waiting for each other).
//!
//! Read [`session`] next; the dialogues that it is held to are in `transcripts/`.

mod frame;
pub mod grammar;
pub mod limits;
pub mod multiline;
pub mod reply;
pub mod session;

pub use reply::Refusal;
pub use session::{Backend, Config, Maildrop, Next, Session};

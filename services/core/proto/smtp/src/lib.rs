//! SMTP (RFC 5321) and LMTP (RFC 2033) without I/O: grammar, the server's session for MX, submission
//! and LMTP, and the client's.
//!
//! | RFC | what | module |
//! |---|---|---|
//! | 5321 §4.1 | commands, paths, address literals, source routes | [`grammar`] |
//! | 5321 §4.2 | replies | [`grammar::reply`], texts in [`mod@reply`] |
//! | 5321 §4.4 | Received, Return-Path, hop count | [`trace`] |
//! | 5321 §4.5.2 | transparency; what ends a message | [`frame::dots`], [`frame::newlines`] |
//! | 5321 §4.5.3 | limits and time-outs | [`limits`] |
//! | 1870 | SIZE | `session/transaction.rs` |
//! | 2033 | LMTP: LHLO, a reply for each recipient | `session/hello.rs`, `session/transfer.rs` |
//! | 2034, 3463 | enhanced status codes | [`grammar::reply`] |
//! | 2920 | PIPELINING | [`session`], [`client`] |
//! | 3030 | CHUNKING, BINARYMIME | `session/transfer.rs` |
//! | 3207 | STARTTLS | [`session`], [`client`] |
//! | 3461 | DSN parameters, xtext | [`grammar::mail`], [`grammar::rcpt`] |
//! | 3848, 6531 §4.3 | `with ESMTPSA` and its kin | [`trace::With`] |
//! | 4954 | AUTH | `session/login.rs` |
//! | 6152 | 8BITMIME | [`grammar::mail`] |
//! | 6409 | submission: authentication first | `session/transaction.rs` |
//! | 6531 | SMTPUTF8 | `session/transaction.rs` |
//! | 8689 | REQUIRETLS (off unless configured) | `session/transaction.rs` |
//! | 9422 | LIMITS RCPTMAX | `session/hello.rs` |
//!
//! Invariants: only CRLF.CRLF ends a message. Nothing that a peer sends is held but one line, one
//! chunk and the envelope. A message is accepted only by what [`Backend::finish`] says, after it is
//! durable. Names in here are the RFC's.
//!
//! Read [`session`] for the server, [`client`] for the client; the dialogues that both are held to are
//! in `transcripts/`.

pub mod client;
pub mod envelope;
pub mod frame;
pub mod grammar;
pub mod limits;
pub mod reply;
pub mod session;
pub mod trace;

pub use envelope::{Envelope, Recipient};
pub use grammar::address::{Address, ForwardPath, Host, LocalPart, ReversePath};
pub use grammar::domain::Domain;
pub use reply::{Accepted, Enhanced, Outcome, Refusal, Reply};
pub use session::{Backend, Client, Config, Context, Finish, Next, Role, Session};

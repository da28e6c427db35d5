//! SMTP (RFC 5321) and LMTP (RFC 2033) without I/O: grammar, the server's session for MX, submission
//! and LMTP, and the client's.
//!
//! | RFC | what | modules | transcripts |
//! |---|---|---|---|
//! | 5321 §3, §4.1 | commands and their order, paths, address literals, source routes | `grammar::command`, `grammar::address`, `session` | server/hello, server/mail |
//! | 5321 §4.2 | replies | `grammar::reply`, `reply` | client/smtp |
//! | 5321 §4.4 | Received, Return-Path, hop count | `trace` | |
//! | 5321 §4.5.2 | transparency; what ends a message | `frame::dots`, `frame::newlines` | server/smuggling |
//! | 5321 §4.5.3 | limits and time-outs | `limits`, `session::patience` | server/limits |
//! | 1870 | SIZE | `session::transaction` | server/mail |
//! | 2033 | LMTP: LHLO, a reply for each recipient | `session::hello`, `session::transfer`, `client::transaction` | server/lmtp, client/lmtp |
//! | 2034, 3463 | enhanced status codes | `grammar::reply` | server/hello |
//! | 2920 | PIPELINING | `session`, `client::transaction` | server/mail, server/limits, client/smtp |
//! | 3030 | CHUNKING, BINARYMIME (off unless configured) | `session::transfer` | server/bdat |
//! | 3207 | STARTTLS | `session`, `client` | server/submission, client/tls |
//! | 3461 | DSN: RET, ENVID, NOTIFY, ORCPT, xtext | `grammar::mail`, `grammar::rcpt`, `grammar::xtext` | server/mail, client/smtp |
//! | 3848, 6531 §4.3 | `with ESMTPSA` and its kin | `trace` | server/submission |
//! | 4954 | AUTH | `session::login`, `client` | server/submission, client/tls |
//! | 6152 | 8BITMIME | `grammar::mail` | server/mail, client/smtp |
//! | 6409 | submission: authentication first | `session::transaction` | server/submission |
//! | 6531 | SMTPUTF8 | `session::transaction` | server/mail |
//! | 8689 | REQUIRETLS (off unless configured) | `session::transaction` | server/mail |
//! | 9422 | LIMITS RCPTMAX | `session::hello`, `client::capabilities` | server/hello |
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

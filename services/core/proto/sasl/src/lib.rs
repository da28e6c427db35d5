//! SASL (RFC 4422) without I/O: the exchanges that IMAP, POP3 and SMTP sessions share.
//!
//! | RFC | rule | module |
//! |---|---|---|
//! | 4422 | initial response, cancel with `*`, empty response `=` | [`exchange`] |
//! | 4616 | PLAIN with an authorization identity | `plain`, [`client`] |
//! | draft-murchison-sasl-login | LOGIN, for old submission clients | `login` |
//! | 5802, 7677 | SCRAM-SHA-256: messages, keys, proofs | [`scram`], [`client`] |
//! | 5803 | the text form in which a directory stores SCRAM keys | [`scram::Keys`] |
//! | 4013 | SASLprep of names and passwords | [`prep`] |
//!
//! Invariants: nothing here holds a key or compares a password. An [`Exchange`] only turns lines into
//! questions ([`Ask`]) and answers into lines; whoever can see the directory answers them, usually
//! through [`Authenticate`] and the [`Dialogue`] that drives an exchange with it. Everything that a
//! peer sends is bounded by [`limits`]. A failed exchange never says why in a way that tells whether
//! an account exists.
//!
//! Read [`dialogue`] to embed SASL in a protocol, [`exchange`] to see the states.

pub mod client;
pub mod dialogue;
pub mod exchange;
pub mod limits;
mod login;
mod mechanism;
mod password;
mod plain;
pub mod prep;
pub mod scram;

pub use dialogue::{Authenticate, Dialogue, Refused, Turn};
pub use exchange::{Ask, Exchange, Failure, Step};
pub use mechanism::{Mechanism, Mechanisms};
pub use password::Password;
pub use plain::Login;
pub use scram::{Nonce, Parameters, Proof};

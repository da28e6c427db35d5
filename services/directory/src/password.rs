//! Passwords: how they are kept, checked, and what a good one is.
//!
//! | module | what |
//! |---|---|
//! | [`hash`] | new hashes: Argon2id |
//! | [`argon`] | the memory that they take |
//! | [`verify`] | every scheme that other servers' hashes come in |
//! | [`checker`] | checks a few at a time, each for the same cost |
//! | [`policy`] | what a user's new password must be like, and how long an account is locked |
//!
//! A clear password never reaches the disk, a log or an answer; the one exception is a password that
//! the server made up, which is told to whoever asked for it (RFC 3062).

pub mod argon;
pub mod checker;
pub mod hash;
mod md5_crypt;
pub mod policy;
pub mod verify;

//! The daemon's services on real sockets, over a real store in a scratch folder, with a table for a
//! directory.

mod imap;
mod lmtp;
mod pop3;
mod stage;
mod wire;

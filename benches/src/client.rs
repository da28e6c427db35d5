//! The load: the same for all systems.
//!
//! A connection is a closed loop: it sends the next message when the last one was acknowledged. What
//! can be pipelined is pipelined (RFC 2920), so that a message costs two turns: the envelope, then
//! the content.

mod idle;
mod imap;
mod line;
mod load;
mod mail;
mod secure;
mod web;

pub(crate) use idle::{Idle, Sessions};
pub(crate) use imap::{Appending, Login};
pub(crate) use load::{Job, Load, Tally};
pub(crate) use mail::{Dialect, Mailing, Recipients};
pub(crate) use secure::{Done, Handshake, fetch_large, log_in_and_out, put_large};
pub(crate) use web::{Requests, request};

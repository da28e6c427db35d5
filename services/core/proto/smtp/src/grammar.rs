//! Commands and replies as they look on the wire, both directions, pure.
//!
//! Each parser stands under the ABNF it follows; what prints is `Display`. Where we accept more than
//! the grammar (`MAIL FROM: <…>` with a space, an underscore in a domain, local parts over 64 octets)
//! the place says so.

pub mod address;
pub mod command;
pub mod domain;
pub mod mail;
pub mod parameter;
pub mod rcpt;
pub mod reply;
pub mod xtext;

//! The LDAP wire: bytes ⇄ messages (RFC 4511 §4, §5.1). Pure; no socket, no schema, no decision
//! about what a request means.
//!
//! | module | what |
//! |---|---|
//! | [`ber`] | the subset of BER that LDAP allows |
//! | [`frame`] | bytes → one whole message, or "more", or a refusal; the only code that buffers |
//! | [`message`] | the envelope: id, operation, controls |
//! | [`request`], [`filter`] | what clients ask |
//! | [`response`] | what is answered |
//! | [`control`] | values of the controls that are understood |
//!
//! `ldap3_proto` is not used for this: it takes assertion values for UTF-8 text, forgets the
//! criticality of the controls it knows, and gives up the whole message, id included, where
//! RFC 4511 §4.1.1 wants an answer to the operation.

pub mod ber;
pub mod control;
pub mod filter;
pub mod frame;
pub mod message;
pub mod request;
pub mod response;

#[cfg(test)]
mod properties;

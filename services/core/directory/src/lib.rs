//! The directory as Roost's programs see it: schema, typed model, inherited settings, LDAP client.
//!
//! | module | what it decides |
//! |---|---|
//! | [`schema`] | which attributes and object classes exist; the one table |
//! | [`entry`] | how entries are held |
//! | [`name`] | what a domain, an address, an identifier is |

pub mod entry;
pub mod name;
mod near;
pub mod schema;

//! The directory as Roost's programs see it: schema, typed model, inherited settings, LDAP client.
//!
//! | module | what it decides |
//! |---|---|
//! | [`schema`] | which attributes and object classes exist; the one table |
//! | [`name`] | what a domain, an address, an identifier is |
//! | [`entry`], [`dn`] | how entries are held and where they lie |
//! | [`resolve`] | whose value of a setting holds |
//! | [`model`] | what accounts, domains, lists, classes of service and servers are |
//! | [`access`] | who may send as whom and to which list |
//! | [`client`] | looking up, routing, signing in: what daemons do |
//! | [`admin`] | creating and changing: what `roostctl` does |
//! | [`seed`] | what a new directory begins with |
//! | [`ticket`] | how a proxy logs in at a store for somebody who has proved themselves to it |

pub mod access;
pub mod admin;
pub mod client;
pub mod dn;
pub mod entry;
pub mod model;
pub mod name;
mod near;
pub mod resolve;
pub mod schema;
pub mod seed;
pub mod ticket;

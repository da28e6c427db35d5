//! The embedded LDAP directory: an LDAPv3 server over SQLite.
//!
//! A request's way: `wire` (octets → a request) → `session` (for whom, in which order) →
//! `operations` (what it does) → `filter`, `schema`, `access` (what it means and who may) → `store`
//! (what there is). Read [`session`], then the operation you are after.
//!
//! | RFC | what | module |
//! |---|---|---|
//! | 4511 | the protocol: messages, operations, unsolicited notices, StartTLS | [`wire`], [`session`], [`operations`], [`server`] |
//! | 4512 | schema, root DSE, subschema | [`schema`], [`root`] |
//! | 4513 | authentication: simple, anonymous, unauthenticated; PLAIN (4616), EXTERNAL | [`operations::bind`] |
//! | 4514 | names as text | [`dn`] |
//! | 4517, 4518 | syntaxes, matching rules, string preparation | [`matching`] |
//! | 2696 | paged results | [`operations::search`] |
//! | 2891 | server-side sorting | [`operations::search`] |
//! | 3062 | password modify | [`operations::password`] |
//! | 3829, 4532 | authorization identity, Who am I | [`session`] |
//! | 3909 | cancel | [`server`] |
//! | 4525, 4526, 4527, 4528, 4529, 4530 | increment, true and false, read entry, assertion, attributes by class, entryUUID | [`operations`], [`filter`] |
//! | 5803, 7677 | SCRAM keys and their verification | [`operations::scram`] |
//!
//! Invariants: a positive answer to a change needs a [`store::write::Durable`]; a clear password is
//! never stored or logged; whatever a client cannot read, it cannot search for either.

pub mod access;
pub mod config;
pub mod controls;
pub mod directory;
pub mod dn;
pub mod entry;
pub mod filter;
pub mod limits;
pub mod matching;
pub mod metrics;
pub mod operations;
pub mod outbox;
pub mod password;
pub mod refuse;
pub mod root;
pub mod schema;
pub mod seed;
pub mod server;
pub mod session;
mod start;
pub mod store;
mod upkeep;
pub mod wire;

pub use start::start;

//! Message structure, headers and text.
//!
//! A message is kept as the octets it came as. This crate reads them once, at delivery, into a
//! [`Structure`]: what IMAP's ENVELOPE, BODY and BODYSTRUCTURE, JMAP's bodyStructure and every
//! section fetch need, with offsets instead of copies. Later readers decode the structure and
//! fetch ranges; they do not parse again.
//!
//! | module | what it decides | RFC |
//! |---|---|---|
//! | [`limits`] | how much of a hostile message is read | |
//! | [`header`] | where a field begins and ends; unfolding | 5322 §2.2, §3.6.8 |
//! | [`structure`] | what a part is, and where section 1.2.TEXT lies | 9051 §6.4.5, 2046 |
//! | `scan`, `part_fields`, `budget` | where parts begin and end, and what describes them | 2046 §5.1 |
//! | `content` | Content-Type, Content-Disposition and their parameters | 2045, 2183, 2231, 3282 |
//! | [`envelope`] | addresses, groups, dates as IMAP sends them | 9051 §7.5.2, 5322 §3.4 |
//! | `encode` | the stored form of a structure | |
//! | [`word`] | encoded words to text | 2047 |
//! | [`charset`] | octets in a charset to text | 2978 |
//! | [`transfer`] | transfer encodings to octets | 2045 §6 |
//! | [`text`] | the searchable text of a part, the preview of a message | 8970 |
//! | [`date`] | the sent date | 5322 §3.3 |
//!
//! Invariants: nothing here fails or panics on any octets; every span lies within the message and
//! within its parent's body; work and memory are bounded by [`limits`]; the same octets always give
//! the same structure.

mod budget;
pub mod charset;
mod content;
pub mod date;
mod encode;
pub mod envelope;
pub mod header;
mod lexer;
pub mod limits;
mod octets;
mod part_fields;
mod scan;
pub mod structure;
pub mod text;
pub mod transfer;
pub mod word;

pub use date::SentDate;
pub use encode::DecodeError;
pub use envelope::{Address, Envelope};
pub use header::{Field, Fields};
pub use octets::Octets;
pub use structure::{Disposition, Kind, Parameter, Part, PartRef, Section, Span, Structure};
pub use transfer::Transfer;
